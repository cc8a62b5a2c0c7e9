// pow.
#include <limits>

#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;
using types::DType;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// log2 of x >= 0 in f64: -inf at 0, inf at inf, NaN at NaN.
E Log2OfSize(E size) {
  const LogSplit split = SplitForLog(Double(size));
  E log = Fma(LogOfFraction(split.fraction), 1.4426950408889634, split.exponent);
  log = Where(Eq(size, 0), -kInfinity, log);
  return Where(size < kInfinity, log, Double(size));
}

// exp2(y log2 |x|), with C's sign and exceptions: 1 where x is 1 or y is 0, NaN or not.
Ref Pow(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]}, y{&graph, operands[1]};
  E size = Abs(x), half = y * 0.5;
  E integer = Eq(y, Trunc(y)), odd = integer & Ne(half, Trunc(half));
  E power = Single(Exp2Of(Clamp(Double(y) * Log2OfSize(size), -200, 200)));
  power = Where(Eq(size, 1) & Eq(y, y), 1, power);  // -1 to the inf too
  E bits = Bits(x, DType::kI32);
  power = Where((bits < Int(bits, 0)) & odd, -power, power);
  E none = (x < 0) & (size < kInfinity) & Ne(y, Trunc(y));
  power = Where(none, kNan, power);
  return Where(Eq(x, 1) | Eq(y, 0), 1, power).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kPow, 0.52, "f64: exp2(y log2 |x|) with logarithms of 38 bits", Pow},
};

}  // namespace

absl::Span<const F32Expansion> PowerRows() { return kRows; }

}  // namespace tensord::kernel::math
