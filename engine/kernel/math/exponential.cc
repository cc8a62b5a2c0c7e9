// exp, exp2, expm1.
#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"
#include "engine/kernel/math/single_exp.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;

Ref Exp(Graph& graph, absl::Span<const Ref> operands) {
  E x = Clamp({&graph, operands[0]}, -150, 150);
  const SingleSplit split = SplitForExp(x);
  return ScaleByPower(ExpOfRest(split.rest), split.exponent).node;
}

Ref Exp2(Graph& graph, absl::Span<const Ref> operands) {
  E x = Clamp({&graph, operands[0]}, -200, 200);
  const SingleNearest n = SingleNearestInteger(x);
  E r = x - n.value;
  E p = Polynomial(r, {0.693147182464599609, 0.240226507186889648, 0.0555035956203937531,
                       0.00961806252598762512, 0.00133909843862056732, 0.000154628796735778451});
  return ScaleByPower(Fma(r, p, 1), n.integer).node;
}

Ref Expm1(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  return CopySign(Single(Expm1Of(Double(Clamp(x, -150, 150)))), x).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kExp, 1, "f32: Cody-Waite as in Cephes' expf, own minimax of degree 7", Exp},
    {ScalarOp::kExp2, 1, "f32: x - round(x) is exact, own minimax of degree 6", Exp2},
    {ScalarOp::kExpm1, 0.51, "f64: 2^n tail + (2^n - 1), own minimax of degree 8", Expm1},
};

}  // namespace

absl::Span<const F32Expansion> ExponentialRows() { return kRows; }

}  // namespace tensord::kernel::math
