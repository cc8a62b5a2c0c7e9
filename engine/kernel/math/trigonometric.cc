// sin, cos, tan over all of f32.
//
// x is reduced in quadrants, x 2/pi, by one formula for every size: 2/pi without the bits that
// contribute multiples of 4 quadrants, as three doubles picked by the size of x (Payne and Hanek's
// method with 29-bit pieces in f64 arithmetic). The first two pieces have 29 bits, so that their
// products with the 24 bits of x are exact and taking their nearest integers away is too; the third
// has 53. The reduced argument is off by less than 2^-60 quadrants; no float is nearer to a
// multiple of a quadrant than 2^-30.
#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;
using types::DType;

// For |x| < limit; of x at least the limit before, a multiple of 2^-23 times that limit.
struct TwoOverPi {
  double limit;
  double pieces[3];
};
constexpr TwoOverPi kTwoOverPi[] = {
    {0x1p50, {0x1.45f306dp-1, 0x1.9391054p-30, 0x1.4fe13abe8fa9ap-59}},
    {0x1p76, {0x1.b939105p-26, 0x1.29fc274p-56, 0x1.7d1f534ddc0dbp-84}},
    {0x1p102, {0x1.529fc27p-52, 0x1.5f47d4cp-82, 0x1.377036d8a5665p-110}},
    {0x1p128, {0x1.d5f47d4p-78, 0x1.a6ee06dp-107, 0x1.6295993c43904p-136}},
};

E PieceFor(E size, int piece) {
  E chosen = Double(Number(size, 0));
  bool first = true;
  for (size_t i = std::size(kTwoOverPi); i-- > 0;) {
    const double value = kTwoOverPi[i].pieces[piece];
    chosen = first ? Number(chosen, value)
                   : Where(size < kTwoOverPi[i].limit, Number(chosen, value), chosen);
    first = false;
  }
  return chosen;
}

// x in quadrants: the nearest integer's low bits, and the rest in [-0.51, 0.51]. NaN for inf.
struct Quadrants {
  E count;  // i64
  E rest;   // f64; keeps the sign of a zero
};

Quadrants Reduce(E x) {
  E size = Abs(x), wide = Double(x);
  E high = wide * PieceFor(size, 0), middle = wide * PieceFor(size, 1);
  const Nearest a = NearestInteger(high), b = NearestInteger(middle);
  E high_rest = high - a.value, middle_rest = middle - b.value;
  const Nearest c = NearestInteger(high_rest + middle_rest);
  E rest = (high_rest - c.value) + middle_rest;
  return {a.bits + b.bits + c.bits, Fma(wide, PieceFor(size, 2), rest)};
}

// Of t quadrants, |t| <= 0.51; relative errors 2^-37 and 2^-34.
E Sine(E t, E square) {
  return t * Polynomial(square, {1.5707963267880998, -0.645964096146347723, 0.0796925827079976622,
                                 -0.00468126608835642786, 0.000158205855839265234});
}
E Cosine(E square) {
  return Polynomial(square, {0.999999999952505894, -1.23370054063223445, 0.253669203575888044,
                             -0.0208600686052241422, 0.000903625500771009763});
}

// sin of `quadrants.count` + shift quadrants more than the rest.
E SineOf(const Quadrants& quadrants, int shift) {
  E count = quadrants.count + Int(quadrants.count, shift);
  E square = quadrants.rest * quadrants.rest;
  E odd = Ne(count & Int(count, 1), Int(count, 0));
  E value = Where(odd, Cosine(square), Sine(quadrants.rest, square));
  E sign = Shl(count & Int(count, 2), 62);
  return Single(Bits(Bits(value, DType::kI64) ^ sign, DType::kF64));
}

Ref Sin(Graph& graph, absl::Span<const Ref> operands) {
  return SineOf(Reduce({&graph, operands[0]}), 0).node;
}

Ref Cos(Graph& graph, absl::Span<const Ref> operands) {
  return SineOf(Reduce({&graph, operands[0]}), 1).node;
}

Ref Tan(Graph& graph, absl::Span<const Ref> operands) {
  const Quadrants quadrants = Reduce({&graph, operands[0]});
  E square = quadrants.rest * quadrants.rest;
  E sine = Sine(quadrants.rest, square), cosine = Cosine(square);
  E odd = Ne(quadrants.count & Int(quadrants.count, 1), Int(quadrants.count, 0));
  return Single(Where(odd, -cosine, sine) / Where(odd, sine, cosine)).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kSin, 0.51, "f64: Payne-Hanek with 29-bit pieces, own minimax of degree 9", Sin},
    {ScalarOp::kCos, 0.51, "f64: Payne-Hanek with 29-bit pieces, own minimax of degree 8", Cos},
    {ScalarOp::kTan, 0.51, "f64: sin / cos of the reduced argument", Tan},
};

}  // namespace

absl::Span<const F32Expansion> TrigonometricRows() { return kRows; }

}  // namespace tensord::kernel::math
