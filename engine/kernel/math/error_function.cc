// erf, erfc.
#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"
#include "engine/kernel/math/single_exp.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;

// N. Juffa's form: x + x p(x^2) near 0, above it 1 - exp(-x - x q(x)); erf is 1 from 3.92 on.
Ref Erf(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E size = Min(Abs(x), Number(x, 3.93));
  E p = Polynomial(size * size, {0.128379166126251221, -0.376126289367675781, 0.112836241722106934,
                                 -0.0268555823713541031, 0.00519191240891814232,
                                 -0.000804313691332936287, 0.0000796527019701898098});
  E inner = Fma(size, p, size);
  E q = Polynomial(size, {0.128648489713668823, 0.635151326656341553, 0.106236845254898071,
                          -0.0237620193511247635, 0.00364242959767580032, -0.000322794017847627401,
                          0.0000112300122054875828});
  E outer = 1 - SingleExp(-Fma(size, q, size));
  return CopySign(Where(size < 0.921875, inner, outer), x).node;
}

// For a = |x|: exp(-a^2) / (1 + 2 a) g((a - 3) / (a + 3)), and 2 less that for x < 0. a^2 is exact.
Ref Erfc(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E a = Double(Min(Abs(x), Number(x, 10.25)));
  E t = (a - 3) / (a + 3);
  E g = Polynomial(
      t, {1.2530080582652798, -0.135621106865016173, -0.0475622937213908994, 0.129645199671710032,
          -0.119273658482543075, 0.0683073820490051349, -0.0237709958707617956,
          0.00253350710250092627, 0.00189402892127688997, -0.000790122908538146994,
          -0.000126394016515756426, 0.000127128775459853565, 0.0000332426971658033409});
  E value = ExpOf(-(a * a)) * g / Fma(a, 2, 1);
  return Single(Where(x < 0, 2 - value, value)).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kErf, 2, "f32: N. Juffa's form, own minimax of degrees 15 and 7", Erf},
    {ScalarOp::kErfc, 0.51, "f64: scaled as in Shepherd and Laframboise, own minimax", Erfc},
};

}  // namespace

absl::Span<const F32Expansion> ErrorFunctionRows() { return kRows; }

}  // namespace tensord::kernel::math
