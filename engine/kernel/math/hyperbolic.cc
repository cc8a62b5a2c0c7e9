// sinh, cosh, tanh.
#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"
#include "engine/kernel/math/single_exp.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;

// |x|, limited to where sinh and cosh have long overflowed.
E LimitedSize(E x) { return Double(Min(Abs(x), Number(x, 100))); }

// With t = e^|x| - 1: (t + t / (t + 1)) / 2, which loses nothing near 0.
Ref Sinh(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E t = Expm1Of(LimitedSize(x));
  return CopySign(Single((t + t / (t + 1)) * 0.5), x).node;
}

Ref Cosh(Graph& graph, absl::Span<const Ref> operands) {
  E e = ExpOf(LimitedSize({&graph, operands[0]}));
  return Single((e + 1 / e) * 0.5).node;
}

// Up to 0.6 a polynomial, above it 1 - 2 / (e^2|x| + 1).
Ref Tanh(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E size = Min(Abs(x), Number(x, 10));
  E square = size * size;
  E p = Polynomial(square, {-0.333332985639572144, 0.133319362998008728, -0.0537846237421035767,
                            0.02079787477850914, -0.00589652638882398605});
  E inner = Fma(size * square, p, size);
  E outer = 1 - 2 / (SingleExp(size + size) + 1);
  return CopySign(Where(size < 0.6, inner, outer), x).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kSinh, 0.51, "f64: of expm1(|x|), own minimax of degree 8", Sinh},
    {ScalarOp::kCosh, 0.51, "f64: of e^|x|, own minimax of degree 8", Cosh},
    {ScalarOp::kTanh, 2, "f32: own minimax of degree 11 up to 0.6, then of e^2|x|", Tanh},
};

}  // namespace

absl::Span<const F32Expansion> HyperbolicRows() { return kRows; }

}  // namespace tensord::kernel::math
