// asinh, acosh, atanh: log1p, in f64, of arguments that lose nothing near 0.
#include <limits>

#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// log1p(|x| + x^2 / (1 + sqrt(1 + x^2))).
Ref Asinh(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E size = Double(Abs(x)), square = size * size;
  E value = Single(Log1pOf(size + square / (Sqrt(square + 1) + 1)));
  return CopySign(Where(Abs(x) < kInfinity, value, x), x).node;
}

// With t = x - 1: log1p(t + sqrt(t (x + 1))).
Ref Acosh(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E wide = Double(x), t = wide - 1;
  E value = Single(Log1pOf(t + Sqrt(t * (wide + 1))));
  return Where(x < kInfinity, Where(x < 1, kNan, value), x).node;
}

// log1p(2 |x| / (1 - |x|)) / 2.
Ref Atanh(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E size = Abs(x), wide = Double(size);
  E value = Single(Log1pOf((wide + wide) / (1 - wide)) * 0.5);
  E limit = Where(Eq(size, 1), Number(x, kInfinity), kNan);
  return CopySign(Where(size < 1, value, limit), x).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kAsinh, 0.51, "f64: msun's formula over log1p", Asinh},
    {ScalarOp::kAcosh, 0.51, "f64: msun's formula over log1p", Acosh},
    {ScalarOp::kAtanh, 0.51, "f64: msun's formula over log1p", Atanh},
};

}  // namespace

absl::Span<const F32Expansion> InverseHyperbolicRows() { return kRows; }

}  // namespace tensord::kernel::math
