// Generated from clients/ops.json by clients/generate.py. Do not edit.
// A function for every op, in the order of the reference (ListOps).
//
//   Tensor y = ops::Softmax(x, {.axis = 0});
//   Tensor z = ops::Linear(y, weight, bias);
//
// An input is a Tensor or a number (weak: it takes the dtype of what it meets); attributes that the
// daemon has a default for are fields of the options. A call costs no round trip: what is wrong
// with it comes out where the result is used, with the file and line of the call.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "clients/cpp/tensord/graph.h"
#include "clients/cpp/tensord/operators.h"
#include "clients/cpp/tensord/scalar.h"
#include "clients/cpp/tensord/tensor.h"
#include "clients/cpp/tensord/type.h"

// clang-format off
namespace tensord::client::ops {

// The op set that these were made from, in hexadecimal: what Welcome.op_set_digest of a daemon of the
// same version is.
inline constexpr char kOpSetDigest[] =
    "d9ccae9bc3caebc9258ab05cb6c513795857ceef5c11d1d0139a540d944e4c78";

using Place = std::source_location;

// -x. Integers wrap; bool is refused.
Tensor Neg(const Operand& x, Place where = Place::current());

// |x|; the gradient at 0 is 0. |MIN| of integers wraps to MIN.
Tensor Abs(const Operand& x, Place where = Place::current());

// The square root, correctly rounded; NaN below 0.
Tensor Sqrt(const Operand& x, Place where = Place::current());

// The largest integer that is not above x. Integers stay.
Tensor Floor(const Operand& x, Place where = Place::current());

// The smallest integer that is not below x. Integers stay.
Tensor Ceil(const Operand& x, Place where = Place::current());

// x without its fraction. Integers stay.
Tensor Trunc(const Operand& x, Place where = Place::current());

// The nearest integer, halves to the even one. Integers stay.
Tensor Round(const Operand& x, Place where = Place::current());

// e to the x.
Tensor Exp(const Operand& x, Place where = Place::current());

// 2 to the x.
Tensor Exp2(const Operand& x, Place where = Place::current());

// exp(x) - 1, precise near 0.
Tensor Expm1(const Operand& x, Place where = Place::current());

// The natural logarithm; -inf at 0, NaN below.
Tensor Log(const Operand& x, Place where = Place::current());

// The logarithm to the base 2.
Tensor Log2(const Operand& x, Place where = Place::current());

// The logarithm to the base 10.
Tensor Log10(const Operand& x, Place where = Place::current());

// log(1 + x), precise near 0.
Tensor Log1p(const Operand& x, Place where = Place::current());

// The error function.
Tensor Erf(const Operand& x, Place where = Place::current());

// 1 - erf(x), precise for large x.
Tensor Erfc(const Operand& x, Place where = Place::current());

// The sine of an angle in radians.
Tensor Sin(const Operand& x, Place where = Place::current());

// The cosine of an angle in radians.
Tensor Cos(const Operand& x, Place where = Place::current());

// The tangent of an angle in radians.
Tensor Tan(const Operand& x, Place where = Place::current());

// The angle in -pi/2..pi/2 whose sine is x; NaN beyond -1..1.
Tensor Asin(const Operand& x, Place where = Place::current());

// The angle in 0..pi whose cosine is x; NaN beyond -1..1.
Tensor Acos(const Operand& x, Place where = Place::current());

// The angle in -pi/2..pi/2 whose tangent is x.
Tensor Atan(const Operand& x, Place where = Place::current());

// The hyperbolic sine.
Tensor Sinh(const Operand& x, Place where = Place::current());

// The hyperbolic cosine.
Tensor Cosh(const Operand& x, Place where = Place::current());

// The hyperbolic tangent.
Tensor Tanh(const Operand& x, Place where = Place::current());

// The inverse of sinh.
Tensor Asinh(const Operand& x, Place where = Place::current());

// The inverse of cosh; NaN below 1.
Tensor Acosh(const Operand& x, Place where = Place::current());

// The inverse of tanh; infinite at -1 and 1.
Tensor Atanh(const Operand& x, Place where = Place::current());

// x * x.
Tensor Square(const Operand& x, Place where = Place::current());

// 1 / x.
Tensor Reciprocal(const Operand& x, Place where = Place::current());

// 1 / sqrt(x).
Tensor Rsqrt(const Operand& x, Place where = Place::current());

// The cube root, of negative numbers too.
Tensor Cbrt(const Operand& x, Place where = Place::current());

// -1, 0 or 1; NaN stays NaN.
Tensor Sign(const Operand& x, Place where = Place::current());

// 10 to the x.
Tensor Exp10(const Operand& x, Place where = Place::current());

// An angle of radians in degrees.
Tensor Degrees(const Operand& x, Place where = Place::current());

// An angle of degrees in radians.
Tensor Radians(const Operand& x, Place where = Place::current());

// What trunc drops, with the sign of x.
Tensor Frac(const Operand& x, Place where = Place::current());

// sin(pi x) / (pi x), 1 at 0.
Tensor Sinc(const Operand& x, Place where = Place::current());

// Whether x is NaN.
Tensor Isnan(const Operand& x, Place where = Place::current());

// Whether x is infinite.
Tensor Isinf(const Operand& x, Place where = Place::current());

// Whether x is positive infinity.
Tensor Isposinf(const Operand& x, Place where = Place::current());

// Whether x is negative infinity.
Tensor Isneginf(const Operand& x, Place where = Place::current());

// Whether x is neither infinite nor NaN.
Tensor Isfinite(const Operand& x, Place where = Place::current());

// Whether the sign bit is set: negative numbers and -0.
Tensor Signbit(const Operand& x, Place where = Place::current());

// x as mantissa * 2^exponent: a mantissa of 0.5 <= |mantissa| < 1, and the exponent as i32. 0,
// infinities and NaN are their own mantissas, with the exponent 0.
std::array<Tensor, 2> Frexp(const Operand& x, Place where = Place::current());

// x * 2^exponent, rounded once.
//   exponent: integers
Tensor Ldexp(const Operand& x, const Operand& exponent, Place where = Place::current());

// The fraction of x and its whole part, both with the sign of x.
std::array<Tensor, 2> Modf(const Operand& x, Place where = Place::current());

// The distance from x to the next float away from 0, with the sign of x; NaN where x is not finite.
Tensor Spacing(const Operand& x, Place where = Place::current());

// The float after x in the direction of `to`; `to` itself where they are equal. Its gradient is
// x's.
Tensor Nextafter(const Operand& x, const Operand& to, Place where = Place::current());

// x with numbers in the place of NaN and infinities, through which no gradient flows.
struct NanToNumOptions {
  double nan = 0.0;  // what stands for NaN
  std::optional<double> posinf = {};  // for inf; the largest number when absent
  std::optional<double> neginf = {};  // for -inf; the least number when absent
};
Tensor NanToNum(const Operand& x, const NanToNumOptions& options = {},
    Place where = Place::current());

// a + b. Integers wrap; on bool it is `bitor`.
Tensor Add(const Operand& a, const Operand& b, Place where = Place::current());

// a - b. Integers wrap; bool is refused.
Tensor Sub(const Operand& a, const Operand& b, Place where = Place::current());

// a * b. Integers wrap; on bool it is `bitand`.
Tensor Mul(const Operand& a, const Operand& b, Place where = Place::current());

// a / b as IEEE floats; integers give f32.
Tensor Div(const Operand& a, const Operand& b, Place where = Place::current());

// floor(a / b). On integers x // 0 is 0 and MIN // -1 wraps.
Tensor Floordiv(const Operand& a, const Operand& b, Place where = Place::current());

// a - floor(a / b) * b, with the sign of b (Python's %). On integers x % 0 is 0.
Tensor Floormod(const Operand& a, const Operand& b, Place where = Place::current());

// a / b rounded toward 0 (C's integer division). On integers x / 0 is 0.
Tensor Truncdiv(const Operand& a, const Operand& b, Place where = Place::current());

// The remainder of truncdiv, with the sign of a (C's %, numpy's fmod).
Tensor Truncrem(const Operand& a, const Operand& b, Place where = Place::current());

// The smaller of a and b; NaN if either is; -0 is below +0.
Tensor Minimum(const Operand& a, const Operand& b, Place where = Place::current());

// The larger of a and b; NaN if either is; +0 is above -0.
Tensor Maximum(const Operand& a, const Operand& b, Place where = Place::current());

// base to the power of exponent. Integers become `int_pow`.
Tensor Pow(const Operand& base, const Operand& exponent, Place where = Place::current());

// The magnitude of one with the sign bit of the other.
Tensor Copysign(const Operand& magnitude, const Operand& sign, Place where = Place::current());

// The angle of the point (x, y), in -pi..pi.
Tensor Atan2(const Operand& y, const Operand& x, Place where = Place::current());

// Integer powers; they wrap. A negative exponent gives 1 / base^n rounded toward 0, and 0 for a
// base of 0. What `pow` becomes on integers.
Tensor IntPow(const Operand& base, const Operand& exponent, Place where = Place::current());

// log(exp(a) + exp(b)) without overflow.
Tensor Logaddexp(const Operand& a, const Operand& b, Place where = Place::current());

// log2(2^a + 2^b) without overflow.
Tensor Logaddexp2(const Operand& a, const Operand& b, Place where = Place::current());

// The larger; where one is NaN, the other.
Tensor Fmax(const Operand& a, const Operand& b, Place where = Place::current());

// The smaller; where one is NaN, the other.
Tensor Fmin(const Operand& a, const Operand& b, Place where = Place::current());

// 0 below 0, 1 above, at_zero there; NaN stays.
Tensor Heaviside(const Operand& x, const Operand& at_zero, Place where = Place::current());

// sqrt(a * a + b * b) without overflow; infinite if either is.
Tensor Hypot(const Operand& a, const Operand& b, Place where = Place::current());

// start + (end - start) * weight.
Tensor Lerp(const Operand& start, const Operand& end, const Operand& weight,
    Place where = Place::current());

// Whether a equals b.
Tensor Eq(const Operand& a, const Operand& b, Place where = Place::current());

// Whether a differs from b; true for NaN.
Tensor Ne(const Operand& a, const Operand& b, Place where = Place::current());

// Whether a is below b.
Tensor Lt(const Operand& a, const Operand& b, Place where = Place::current());

// Whether a is at most b.
Tensor Le(const Operand& a, const Operand& b, Place where = Place::current());

// Whether a is above b.
Tensor Gt(const Operand& a, const Operand& b, Place where = Place::current());

// Whether a is at least b.
Tensor Ge(const Operand& a, const Operand& b, Place where = Place::current());

// Whether |a - b| <= atol + rtol * |b|. An infinity is close to itself alone.
struct IscloseOptions {
  double rtol = 1e-05;  // relative to |b|
  double atol = 1e-08;  // absolute
  bool equal_nan = false;  // whether two NaN are close
};
Tensor Isclose(const Operand& a, const Operand& b, const IscloseOptions& options = {},
    Place where = Place::current());

// The bits that are set in both. Integers and bool.
Tensor Bitand(const Operand& a, const Operand& b, Place where = Place::current());

// The bits that are set in either. Integers and bool.
Tensor Bitor(const Operand& a, const Operand& b, Place where = Place::current());

// The bits that are set in one alone. Integers and bool.
Tensor Bitxor(const Operand& a, const Operand& b, Place where = Place::current());

// Every bit of an integer turned; the contrary of a bool.
Tensor Not(const Operand& x, Place where = Place::current());

// x * 2^amount by shifting bits; 0 when the amount is the width or more, or negative.
Tensor Shl(const Operand& x, const Operand& amount, Place where = Place::current());

// x shifted right: signed integers keep their sign, which alone is left when the amount is the
// width or more.
Tensor Shr(const Operand& x, const Operand& amount, Place where = Place::current());

// How many bits of |x| are set, in the dtype of x. Integers.
Tensor BitwiseCount(const Operand& x, Place where = Place::current());

// Whether both differ from 0.
Tensor LogicalAnd(const Operand& a, const Operand& b, Place where = Place::current());

// Whether either differs from 0.
Tensor LogicalOr(const Operand& a, const Operand& b, Place where = Place::current());

// Whether exactly one differs from 0.
Tensor LogicalXor(const Operand& a, const Operand& b, Place where = Place::current());

// Whether x is 0.
Tensor LogicalNot(const Operand& x, Place where = Place::current());

// a where condition is true, else b.
Tensor Where(const Operand& condition, const Operand& a, const Operand& b,
    Place where = Place::current());

// a * b + c, rounded once.
Tensor Fma(const Operand& a, const Operand& b, const Operand& c, Place where = Place::current());

// x kept within low..high: minimum(maximum(x, low), high). NaN stays.
Tensor Clamp(const Operand& x, const Operand& low, const Operand& high,
    Place where = Place::current());

// x with value where mask is true. Keeps the dtype of x.
//   mask: bool
//   value: cast to the dtype of x
Tensor MaskedFill(const Operand& x, const Operand& mask, const Operand& value,
    Place where = Place::current());

// x in another dtype. Float to integer truncates, saturates and takes NaN to 0; integers wrap; to
// bool is != 0.
//   dtype: of the result
Tensor Cast(const Operand& x, DType dtype, Place where = Place::current());

// The bits of x read as another dtype of the same width.
//   dtype: of the same width
Tensor Bitcast(const Operand& x, DType dtype, Place where = Place::current());

// x folded over axes in its own dtype. max and min propagate NaN, and their gradient is shared by
// ties. Nothing folded is 0, 1, the lowest, the highest, all bits, no bit.
//   monoid: sum, prod, max, min, and, or
//   axes: they vanish
Tensor Reduce(const Operand& x, const std::string& monoid, const std::vector<int64_t>& axes,
    Place where = Place::current());

// The sum over axes. bool and small integers add up in i32 or u32, halves in f32.
struct SumOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
  std::optional<DType> dtype = {};  // of the result
};
Tensor Sum(const Operand& x, const SumOptions& options = {}, Place where = Place::current());

// The product over axes, in the dtype of x; on bool, whether all are true.
struct ProdOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
  std::optional<DType> dtype = {};  // of the result
};
Tensor Prod(const Operand& x, const ProdOptions& options = {}, Place where = Place::current());

// The largest over axes; NaN if one is there.
struct MaxOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Max(const Operand& x, const MaxOptions& options = {}, Place where = Place::current());

// The smallest over axes; NaN if one is there.
struct MinOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Min(const Operand& x, const MinOptions& options = {}, Place where = Place::current());

// Whether one along axes differs from 0.
struct AnyOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Any(const Operand& x, const AnyOptions& options = {}, Place where = Place::current());

// Whether all along axes differ from 0.
struct AllOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor All(const Operand& x, const AllOptions& options = {}, Place where = Place::current());

// The arithmetic mean over axes; NaN of nothing.
struct MeanOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Mean(const Operand& x, const MeanOptions& options = {}, Place where = Place::current());

// The variance over axes: squared deviations from the mean, by the count less correction.
struct VarOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
  double correction = 1.0;  // taken off the count: 1 for a sample, 0 for all there is
};
Tensor Var(const Operand& x, const VarOptions& options = {}, Place where = Place::current());

// The square root of var; its gradient where it is 0 is 0.
struct StdOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
  double correction = 1.0;  // taken off the count: 1 for a sample, 0 for all there is
};
Tensor Std(const Operand& x, const StdOptions& options = {}, Place where = Place::current());

// var and mean over the same axes.
struct VarMeanOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
  double correction = 1.0;  // taken off the count: 1 for a sample, 0 for all there is
};
std::array<Tensor, 2> VarMean(const Operand& x, const VarMeanOptions& options = {},
    Place where = Place::current());

// std and mean over the same axes.
struct StdMeanOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
  double correction = 1.0;  // taken off the count: 1 for a sample, 0 for all there is
};
std::array<Tensor, 2> StdMean(const Operand& x, const StdMeanOptions& options = {},
    Place where = Place::current());

// The position of the first NaN, else of the first maximum, in row-major order over axes.
struct ArgmaxOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Argmax(const Operand& x, const ArgmaxOptions& options = {}, Place where = Place::current());

// The position of the first NaN, else of the first minimum, in row-major order over axes.
struct ArgminOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Argmin(const Operand& x, const ArgminOptions& options = {}, Place where = Place::current());

// log(sum(exp(x))) over axes, without overflow; -inf of nothing.
struct LogsumexpOptions {
  std::optional<std::vector<int64_t>> axes = {};  // which; all when absent
  bool keepdims = false;  // keep the axes with a dim of 1
};
Tensor Logsumexp(const Operand& x, const LogsumexpOptions& options = {},
    Place where = Place::current());

// The elements of x in row-major order under other dims.
//   dims: as many elements as x
Tensor Reshape(const Operand& x, const Dims& dims, Place where = Place::current());

// x with its axes in another order.
//   order: axis i of the result is axis order[i] of x
Tensor Permute(const Operand& x, const std::vector<int64_t>& order, Place where = Place::current());

// x repeated along axes of 1. See broadcast_to for a higher rank.
//   dims: of the rank of x; dims of 1 grow
Tensor Expand(const Operand& x, const Dims& dims, Place where = Place::current());

// x between zeros (false for bool). See pad_value and pad_mode for other fillings.
//   low: zeros before, per axis
//   high: zeros after, per axis
Tensor Pad(const Operand& x, const Dims& low, const Dims& high, Place where = Place::current());

// A contiguous part of x.
//   low: where the part starts, per axis
//   dims: of the part
Tensor Shrink(const Operand& x, const Dims& low, const Dims& dims, Place where = Place::current());

// x with axes in reverse order.
//   axes: turned around
Tensor Flip(const Operand& x, const std::vector<int64_t>& axes, Place where = Place::current());

// Every steps[i]-th element of axis i, the first included.
//   steps: >= 1, per axis
Tensor Stride(const Operand& x, const std::vector<int64_t>& steps, Place where = Place::current());

// Sliding windows of x: a windowed axis becomes the count of windows, and the elements of a window
// are axes at the end, in order.
//   axes: windowed
//   sizes: elements of a window, per windowed axis
struct WindowOptions {
  std::vector<int64_t> strides = {};  // from window to window; 1 when empty
  std::vector<int64_t> dilations = {};  // from element to element; 1 when empty
};
Tensor Window(const Operand& x, const std::vector<int64_t>& axes, const std::vector<int64_t>& sizes,
    const WindowOptions& options = {}, Place where = Place::current());

// x with factor - 1 zeros between neighbours.
//   factors: >= 1, per axis
Tensor Dilate(const Operand& x, const std::vector<int64_t>& factors,
    Place where = Place::current());

// x repeated to dims, by numpy's rules.
//   dims: of the result
Tensor BroadcastTo(const Operand& x, const Dims& dims, Place where = Place::current());

// Two axes swapped, the last two by default.
struct TransposeOptions {
  int64_t axis0 = -2;  // swapped with axis1
  int64_t axis1 = -1;
};
Tensor Transpose(const Operand& x, const TransposeOptions& options = {},
    Place where = Place::current());

// Axes of 1 taken away.
struct SqueezeOptions {
  std::optional<std::vector<int64_t>> axes = {};  // of dim 1; all such when absent
};
Tensor Squeeze(const Operand& x, const SqueezeOptions& options = {},
    Place where = Place::current());

// Axes of 1 inserted.
//   axes: of dim 1, counted in the result
Tensor Unsqueeze(const Operand& x, const std::vector<int64_t>& axes,
    Place where = Place::current());

// Neighbouring axes merged into one; a number becomes one element.
struct FlattenOptions {
  int64_t start = 0;  // first axis merged
  int64_t end = -1;  // last axis merged
};
Tensor Flatten(const Operand& x, const FlattenOptions& options = {},
    Place where = Place::current());

// Tensors one after the other along an axis.
struct CatOptions {
  int64_t axis = 0;  // along which they follow each other
};
Tensor Cat(const std::vector<Tensor>& tensors, const CatOptions& options = {},
    Place where = Place::current());

// Tensors side by side along a new axis.
//   tensors: of equal dims
struct StackOptions {
  int64_t axis = 0;  // new, counted in the result
};
Tensor Stack(const std::vector<Tensor>& tensors, const StackOptions& options = {},
    Place where = Place::current());

// x between copies of a value.
//   low: elements before, per axis
//   high: elements after, per axis
//   value: cast to the dtype of x
Tensor PadValue(const Operand& x, const Dims& low, const Dims& high, const Scalar& value,
    Place where = Place::current());

// x continued beyond its edges by its own elements.
//   low: elements before, per axis
//   high: elements after, per axis
//   mode: reflect (the edge once), replicate, circular
Tensor PadMode(const Operand& x, const Dims& low, const Dims& high, const std::string& mode,
    Place where = Place::current());

// x shifted around: what leaves at one end enters at the other.
//   shifts: per axis named, toward higher positions
//   axes: rolled
Tensor Roll(const Operand& x, const std::vector<int64_t>& shifts, const std::vector<int64_t>& axes,
    Place where = Place::current());

// x as a whole, several times along each axis.
//   repeats: per axis, aligned at the last
Tensor Tile(const Operand& x, const std::vector<int64_t>& repeats, Place where = Place::current());

// Every element of an axis several times in a row.
//   repeats: of every element
struct RepeatInterleaveOptions {
  int64_t axis = 0;  // along which they repeat
};
Tensor RepeatInterleave(const Operand& x, int64_t repeats,
    const RepeatInterleaveOptions& options = {}, Place where = Place::current());

// The upper triangle of the last two axes, zeros below.
struct TriuOptions {
  int64_t diagonal = 0;  // the lowest kept; 1 is above the main one
};
Tensor Triu(const Operand& x, const TriuOptions& options = {}, Place where = Place::current());

// The lower triangle of the last two axes, zeros above.
struct TrilOptions {
  int64_t diagonal = 0;  // the highest kept; -1 is below the main one
};
Tensor Tril(const Operand& x, const TrilOptions& options = {}, Place where = Place::current());

// The square matrix with x on its diagonal and zeros elsewhere.
//   x: a vector
Tensor Diag(const Operand& x, Place where = Place::current());

// The diagonal of two axes, as the last axis of the result.
struct DiagonalOptions {
  int64_t offset = 0;  // above (positive) or below the main diagonal
  int64_t axis0 = 0;  // rows
  int64_t axis1 = 1;  // columns
};
Tensor Diagonal(const Operand& x, const DiagonalOptions& options = {},
    Place where = Place::current());

// Every element's coordinate on an axis.
//   dims: of the result
struct IotaOptions {
  int64_t axis = 0;  // counted along
  DType dtype = DType::kI32;  // of the result
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Iota(Graph& graph, const Dims& dims, const IotaOptions& options = {},
    Place where = Place::current());

// One value everywhere.
//   value: cast to dtype
//   dims: of the result
//   dtype: of the result
struct FullOptions {
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Full(Graph& graph, const Scalar& value, const Dims& dims, DType dtype,
    const FullOptions& options = {}, Place where = Place::current());

// 0 everywhere.
//   dims: of the result
struct ZerosOptions {
  DType dtype = DType::kF32;  // of the result
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Zeros(Graph& graph, const Dims& dims, const ZerosOptions& options = {},
    Place where = Place::current());

// 1 everywhere.
//   dims: of the result
struct OnesOptions {
  DType dtype = DType::kF32;  // of the result
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Ones(Graph& graph, const Dims& dims, const OnesOptions& options = {},
    Place where = Place::current());

// One value in the shape of x.
//   x: gives dims, and dtype unless that is given
//   value: cast to the dtype
struct FullLikeOptions {
  std::optional<DType> dtype = {};  // of the result; of x when absent
};
Tensor FullLike(const Operand& x, const Scalar& value, const FullLikeOptions& options = {},
    Place where = Place::current());

// start, start + step, ..: element i is start + i * step, rounded after each. A client that has a
// stop sends dims = [ceil((stop - start) / step)].
//   dims: of the result
struct ArangeOptions {
  Scalar start = 0;  // the first element
  Scalar step = 1;  // from element to element
  DType dtype = DType::kI32;  // of the result
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Arange(Graph& graph, const Dims& dims, const ArangeOptions& options = {},
    Place where = Place::current());

// Evenly spaced from start to stop, both included.
//   dims: of the result
//   start: the first element
//   stop: the last element
struct LinspaceOptions {
  DType dtype = DType::kF32;  // of the result
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Linspace(Graph& graph, const Dims& dims, const Scalar& start, const Scalar& stop,
    const LinspaceOptions& options = {}, Place where = Place::current());

// 1 on a diagonal, 0 elsewhere.
//   dims: [rows, columns]
struct EyeOptions {
  int64_t diagonal = 0;  // above (positive) or below the main one
  DType dtype = DType::kF32;  // of the result
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor Eye(Graph& graph, const Dims& dims, const EyeOptions& options = {},
    Place where = Place::current());

// Random bits: the two words of Threefry-2x32(key, counter + i) one after the other for u64, their
// exclusive or for narrower dtypes.
//   key: u32[2]
//   counter: u64, of the first element
//   dims: of the result
struct RandomBitsOptions {
  DType dtype = DType::kU32;  // unsigned
};
Tensor RandomBits(const Operand& key, const Operand& counter, const Dims& dims,
    const RandomBitsOptions& options = {}, Place where = Place::current());

// Floats from low to high, evenly spread: as many random bits as the mantissa has.
//   key: u32[2]
//   counter: u64, of the first element
//   dims: of the result
struct UniformOptions {
  double low = 0.0;  // the least
  double high = 1.0;  // the bound (reached by rounding at most)
  DType dtype = DType::kF32;  // of the result
};
Tensor Uniform(const Operand& key, const Operand& counter, const Dims& dims,
    const UniformOptions& options = {}, Place where = Place::current());

// Normally distributed floats by Box-Muller: one word of an element's block is the radius, the
// other the angle.
//   key: u32[2]
//   counter: u64, of the first element
//   dims: of the result
struct NormalOptions {
  double mean = 0.0;
  double std = 1.0;  // standard deviation
  DType dtype = DType::kF32;  // of the result
};
Tensor Normal(const Operand& key, const Operand& counter, const Dims& dims,
    const NormalOptions& options = {}, Place where = Place::current());

// Integers from low up to high, high excluded: 64 random bits modulo their count.
//   key: u32[2]
//   counter: u64, of the first element
//   dims: of the result
//   high: one above the greatest
struct IntegersOptions {
  int64_t low = 0;  // the least
  DType dtype = DType::kI32;  // of the result
};
Tensor Integers(const Operand& key, const Operand& counter, const Dims& dims, int64_t high,
    const IntegersOptions& options = {}, Place where = Place::current());

// 0 .. n - 1 in random order: the stable argsort of n random numbers. Ranks are counted, n * n
// comparisons.
//   key: u32[2]
//   counter: u64, of the first element
//   dims: of the result
struct PermutationOptions {
  DType dtype = DType::kI32;  // of the result
};
Tensor Permutation(const Operand& key, const Operand& counter, const Dims& dims,
    const PermutationOptions& options = {}, Place where = Place::current());

// Elements of x at an index along one axis: out[i][j] = x[index[i][j]][j] for axis 0. The result
// has index's dims. Positions outside x, negative ones included, read zero. As torch.gather, which
// refuses those.
//   index: integers; except along axis no longer than x
//   axis: where the index applies
Tensor Gather(const Operand& x, const Operand& index, int64_t axis, Place where = Place::current());

// base with updates put in at an index along one axis: out[index[i][j]][j] = updates[i][j] for axis
// 0, or added, or the larger or smaller of both. The result has base's dims. Positions outside base
// are left out; of several updates at one place, set keeps the last and add adds in order. As
// torch.scatter and scatter_reduce.
//   index: integers; except along axis no longer than base
//   updates: base's dtype, index's dims
//   axis: where the index applies
struct ScatterOptions {
  std::string mode = "set";  // set, add, max or min
};
Tensor Scatter(const Operand& base, const Operand& index, const Operand& updates, int64_t axis,
    const ScatterOptions& options = {}, Place where = Place::current());

// Slices of x at the positions of an index, which replace one axis: x [A, n, B] and index [*i] give
// [A, *i, B]. Negative positions count from the end; those outside x read zero. As numpy.take.
//   index: integers
struct TakeOptions {
  int64_t axis = 0;  // the axis that index's dims replace
};
Tensor Take(const Operand& x, const Operand& index, const TakeOptions& options = {},
    Place where = Place::current());

// A row of zeros with a one at each index: [*i] gives [*i, classes]. An index outside 0 .. classes
// - 1 gives zeros only.
//   index: integers
//   classes: length of the new last axis
struct OneHotOptions {
  DType dtype = DType::kI32;  // of the result
};
Tensor OneHot(const Operand& index, int64_t classes, const OneHotOptions& options = {},
    Place where = Place::current());

// Elements of x at several indices together, as x[:, i, j] does for axis 1: adjacent axes are
// replaced by the dims that the indices broadcast to. Negative positions count from the end; an
// element with any position outside x reads zero.
//   indices: integers, one per axis from `axis` on; they broadcast
struct IndexOptions {
  int64_t axis = 0;  // the first axis that is indexed
};
Tensor Index(const Operand& x, const std::vector<Tensor>& indices, const IndexOptions& options = {},
    Place where = Place::current());

// x with values put in at several indices together: x[:, i, j] = values for axis 1, or added, or
// the larger or smaller of both. Elements are addressed as by index; those outside x are left out,
// and of several values at one place set keeps the last.
//   values: x's dtype; broadcast to the elements that the indices select
//   indices: integers, one per axis from `axis` on; they broadcast
struct IndexPutOptions {
  int64_t axis = 0;  // the first axis that is indexed
  std::string mode = "set";  // set, add, max or min
};
Tensor IndexPut(const Operand& x, const Operand& values, const std::vector<Tensor>& indices,
    const IndexPutOptions& options = {}, Place where = Place::current());

// x with the block that begins at start replaced by y. A start may hold variables, or be computed:
// scalar inputs are added to it on `axes`, and elements of y that then fall outside x are left out.
// Donate x to write the block alone.
//   y: x's dtype and rank
//   starts: integer scalars, one for each of axes
struct SliceUpdateOptions {
  std::optional<Dims> start = {};  // where y begins, one per axis; none: 0
  // axes to whose start the inputs add; none: the first
  std::optional<std::vector<int64_t>> axes = {};
};
Tensor SliceUpdate(const Operand& x, const Operand& y, const std::vector<Tensor>& starts = {},
    const SliceUpdateOptions& options = {}, Place where = Place::current());

// Matrix product. a [..., m, k] and b [..., k, n] give [..., m, n]; leading axes broadcast, and an
// operand of rank 1 is a row on the left, a column on the right, whose axis of 1 vanishes. Halves
// accumulate in f32, integers in i32 or wider (and wrap). As numpy.matmul.
//   a: [..., m, k], or [k]
//   b: [..., k, n], or [k]
Tensor Matmul(const Operand& a, const Operand& b, Place where = Place::current());

// Sum over the last axis of a times the last axis but one of b (its only one for rank 1). The
// result has a's other axes, then b's, without broadcasting between them; a scalar multiplies.
// Accumulates as matmul does. As numpy.dot.
//   a: [..., k], or a scalar
//   b: [..., k, n], [k], or a scalar
Tensor Dot(const Operand& a, const Operand& b, Place where = Place::current());

// Sum of products over named axes. Letters name the axes of each operand; those that the result
// does not name are summed. A letter twice in one operand takes its diagonal, "..." stands for
// leading axes that broadcast, and without "->" the result has the ellipsis and then the letters
// that occur once, in ASCII order. Three and more operands are contracted pairwise, in the order
// with the fewest multiplications. As numpy.einsum.
//   equation: as numpy's: "bij,bjk->bik"
Tensor Einsum(const std::vector<Tensor>& operands, const std::string& equation,
    Place where = Place::current());

// Outer product of the flattened inputs: [elements of a, elements of b]. As numpy.outer.
Tensor Outer(const Operand& a, const Operand& b, Place where = Place::current());

// max(x, 0). Its gradient at 0 is 0.
Tensor Relu(const Operand& x, Place where = Place::current());

// min(max(x, 0), 6). Its gradient at 0 and 6 is 0.
Tensor Relu6(const Operand& x, Place where = Place::current());

// x where positive, else x * negative_slope.
struct LeakyReluOptions {
  double negative_slope = 0.01;  // slope below 0
};
Tensor LeakyRelu(const Operand& x, const LeakyReluOptions& options = {},
    Place where = Place::current());

// x held between min and max. Its gradient at both ends is 0.
struct HardtanhOptions {
  double min = -1.0;  // lower end
  double max = 1.0;  // upper end
};
Tensor Hardtanh(const Operand& x, const HardtanhOptions& options = {},
    Place where = Place::current());

// alpha * x + beta held between 0 and 1.
struct HardsigmoidOptions {
  double alpha = 0.16666666666666666;  // slope
  double beta = 0.5;  // value at 0
};
Tensor Hardsigmoid(const Operand& x, const HardsigmoidOptions& options = {},
    Place where = Place::current());

// x * relu6(x + 3) / 6.
Tensor Hardswish(const Operand& x, Place where = Place::current());

// x where above threshold, else value.
//   threshold: up to which x is replaced
//   value: the replacement
Tensor Threshold(const Operand& x, double threshold, double value, Place where = Place::current());

// x moved towards 0 by lambda, 0 where it would pass it.
struct SoftshrinkOptions {
  double lambda = 0.5;  // how far x moves towards 0
};
Tensor Softshrink(const Operand& x, const SoftshrinkOptions& options = {},
    Place where = Place::current());

// x where its magnitude is above lambda, else 0.
struct HardshrinkOptions {
  double lambda = 0.5;  // up to which x becomes 0
};
Tensor Hardshrink(const Operand& x, const HardshrinkOptions& options = {},
    Place where = Place::current());

// x where positive, else alpha * (exp(x) - 1).
struct EluOptions {
  double alpha = 1.0;  // the negative limit
};
Tensor Elu(const Operand& x, const EluOptions& options = {}, Place where = Place::current());

// x where positive, else alpha * (exp(x / alpha) - 1).
struct CeluOptions {
  double alpha = 1.0;  // the negative limit, not 0
};
Tensor Celu(const Operand& x, const CeluOptions& options = {}, Place where = Place::current());

// gamma * (x where positive, else alpha * (exp(x) - 1)): the self-normalising elu.
struct SeluOptions {
  double alpha = 1.6732632423543772;  // the negative limit before scaling
  double gamma = 1.0507009873554805;  // the scale
};
Tensor Selu(const Operand& x, const SeluOptions& options = {}, Place where = Place::current());

// 1 / (1 + exp(-x)).
Tensor Sigmoid(const Operand& x, Place where = Place::current());

// log(sigmoid(x)), exact far from 0 too.
Tensor Logsigmoid(const Operand& x, Place where = Place::current());

// log(1 + exp(beta * x)) / beta, without overflow.
struct SoftplusOptions {
  double beta = 1.0;  // sharpness, not 0
};
Tensor Softplus(const Operand& x, const SoftplusOptions& options = {},
    Place where = Place::current());

// x / (1 + |x|).
Tensor Softsign(const Operand& x, Place where = Place::current());

// x * sigmoid(x), also called swish.
Tensor Silu(const Operand& x, Place where = Place::current());

// x * tanh(softplus(x)).
Tensor Mish(const Operand& x, Place where = Place::current());

// x * (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh.
struct GeluOptions {
  std::optional<std::string> approximate = {};  // none: by erf; tanh: by tanh
};
Tensor Gelu(const Operand& x, const GeluOptions& options = {}, Place where = Place::current());

// x * sigmoid(1.702 * x).
Tensor QuickGelu(const Operand& x, Place where = Place::current());

// x - tanh(x).
Tensor Tanhshrink(const Operand& x, Place where = Place::current());

// x @ weight.T + bias: [..., in] gives [..., out]. Halves accumulate in f32, the bias included. As
// torch.nn.functional.linear.
//   x: [..., in]
//   weight: [out, in]
//   bias: [out]
Tensor Linear(const Operand& x, const Operand& weight, const Operand& bias = {},
    Place where = Place::current());

// x where positive, else x * weight, one slope for all or one per channel. As
// torch.nn.functional.prelu.
//   x: [N, C, *]
//   weight: one number, or [C]
Tensor Prelu(const Operand& x, const Operand& weight, Place where = Place::current());

// The first half of an axis times the sigmoid of the second. As torch.nn.functional.glu.
struct GluOptions {
  int64_t axis = -1;  // which is halved: values, then gates
};
Tensor Glu(const Operand& x, const GluOptions& options = {}, Place where = Place::current());

// Rows of a table: weight [V, D] and index [*i] give [*i, D]. An index outside 0 .. V-1 reads
// zeros. As torch.nn.functional.embedding.
//   weight: [V, D]
//   index: integers, [*i]
Tensor Embedding(const Operand& weight, const Operand& index, Place where = Place::current());

// x / (1 - p) where uniform(key, counter) of x's dims is at least p, else 0. Draws as many numbers
// as x has elements. As torch.nn.functional.dropout while training.
//   key: u32[2]
//   counter: u64, of the first element
struct DropoutOptions {
  double p = 0.5;  // probability that an element becomes 0
};
Tensor Dropout(const Operand& x, const Operand& key, const Operand& counter,
    const DropoutOptions& options = {}, Place where = Place::current());

// Convolution (cross-correlation) over any number of spatial axes. x [N, C, *d] and weight [O,
// C/groups, *k] give [N, O, *r] with r = (d + low + high - dilation*(k-1) - 1) // stride + 1.
// Halves accumulate in f32. As torch.nn.functional.conv1d, 2d, 3d.
//   x: [N, C, *d]
//   weight: [O, C/groups, *k]
//   bias: [O]
struct ConvOptions {
  std::vector<int64_t> stride = {1};  // one for all spatial axes, or one each
  // zeros around: one for all, one each, or low and high of each axis in turn
  std::vector<int64_t> padding = {0};
  std::vector<int64_t> dilation = {1};  // one for all spatial axes, or one each
  int64_t groups = 1;  // channels are split into that many independent parts
};
Tensor Conv(const Operand& x, const Operand& weight, const Operand& bias = {},
    const ConvOptions& options = {}, Place where = Place::current());

// Transposed convolution: the gradient of conv in its input. x [N, C, *d] and weight [C, O/groups,
// *k] give [N, O, *r] with r = (d-1)*stride - low - high + dilation*(k-1) + output_padding + 1. As
// torch.nn.functional.conv_transpose1d, 2d, 3d.
//   x: [N, C, *d]
//   weight: [C, O/groups, *k]
//   bias: [O]
struct ConvTransposeOptions {
  std::vector<int64_t> stride = {1};  // one for all spatial axes, or one each
  std::vector<int64_t> padding = {0};  // taken off: as of the convolution that this inverts
  std::vector<int64_t> output_padding = {0};  // more elements at the high end
  std::vector<int64_t> dilation = {1};  // one for all spatial axes, or one each
  int64_t groups = 1;  // channels are split into that many independent parts
};
Tensor ConvTranspose(const Operand& x, const Operand& weight, const Operand& bias = {},
    const ConvTransposeOptions& options = {}, Place where = Place::current());

// The largest element of each window over the last axes: [..., *d] gives [..., *r] with r as of
// conv. Padding is never the largest. The gradient goes to the largest, shared equally among
// equals. As torch.nn.functional.max_pool1d, 2d, 3d.
//   x: [..., *d]
//   kernel: sizes of the windows, one for each of the last axes
struct MaxPoolOptions {
  std::vector<int64_t> stride = {};  // one for all, or one each; []: the kernel
  // one for all, one each, or low and high of each axis in turn
  std::vector<int64_t> padding = {0};
  std::vector<int64_t> dilation = {1};  // one for all, or one each
  bool ceil_mode = false;  // windows that hang over the high end count too
};
Tensor MaxPool(const Operand& x, const std::vector<int64_t>& kernel,
    const MaxPoolOptions& options = {}, Place where = Place::current());

// The mean of each window over the last axes: [..., *d] gives [..., *r] with r as of conv. Padding
// counts as zeros, or with count_include_pad = false not at all; what ceil_mode adds never counts.
// As torch.nn.functional.avg_pool1d, 2d, 3d.
//   x: [..., *d]
//   kernel: sizes of the windows, one for each of the last axes
struct AvgPoolOptions {
  std::vector<int64_t> stride = {};  // one for all, or one each; []: the kernel
  // one for all, one each, or low and high of each axis in turn
  std::vector<int64_t> padding = {0};
  std::vector<int64_t> dilation = {1};  // one for all, or one each
  bool ceil_mode = false;  // windows that hang over the high end count too
  bool count_include_pad = true;  // whether padding counts in the mean
};
Tensor AvgPool(const Operand& x, const std::vector<int64_t>& kernel,
    const AvgPoolOptions& options = {}, Place where = Place::current());

// softmax(query @ key.T * scale + mask) @ value, in f32 for halves. Leading axes broadcast; the
// result is [..., L, V]. A row that may attend to nothing gives zeros. As
// torch.nn.functional.scaled_dot_product_attention.
//   query: [..., L, E]
//   key: [..., S, E]
//   value: [..., S, V]
//   mask: broadcasts to [..., L, S]; bool: true where to attend; float: added to the scores
struct ScaledDotProductAttentionOptions {
  bool is_causal = false;  // row i attends to columns 0 .. i only
  std::optional<double> scale = {};  // of the scores; none: 1/sqrt(E)
  // axis -3 of query is a multiple of that of key and value, whose heads are shared
  bool enable_gqa = false;
};
Tensor ScaledDotProductAttention(const Operand& query, const Operand& key, const Operand& value,
    const Operand& mask = {}, const ScaledDotProductAttentionOptions& options = {},
    Place where = Place::current());

// exp(x) / sum(exp(x)) along one axis, without overflow.
struct SoftmaxOptions {
  int64_t axis = -1;  // along which the results add up to 1
};
Tensor Softmax(const Operand& x, const SoftmaxOptions& options = {},
    Place where = Place::current());

// x - log(sum(exp(x))) along one axis, exact where softmax would be 0.
struct LogSoftmaxOptions {
  int64_t axis = -1;  // along which the exponentials add up to 1
};
Tensor LogSoftmax(const Operand& x, const LogSoftmaxOptions& options = {},
    Place where = Place::current());

// softmax(-x) along one axis.
struct SoftminOptions {
  int64_t axis = -1;  // along which the results add up to 1
};
Tensor Softmin(const Operand& x, const SoftminOptions& options = {},
    Place where = Place::current());

// (x - mean) / sqrt(variance + eps) over some axes, times weight plus bias along the same axes.
// Computes in f32 for halves; the result has x's dtype. As torch.nn.functional.layer_norm.
//   weight: the dims of axes
//   bias: the dims of axes
struct LayerNormOptions {
  std::vector<int64_t> axes = {-1};  // normalised together
  double eps = 1e-05;  // added to the variance
};
Tensor LayerNorm(const Operand& x, const Operand& weight = {}, const Operand& bias = {},
    const LayerNormOptions& options = {}, Place where = Place::current());

// x / sqrt(mean(x * x) + eps) over some axes, times weight along the same axes. Computes in f32 for
// halves. As torch.nn.functional.rms_norm.
//   weight: the dims of axes
struct RmsNormOptions {
  std::vector<int64_t> axes = {-1};  // normalised together
  double eps = 1e-06;  // added to the mean square
};
Tensor RmsNorm(const Operand& x, const Operand& weight = {}, const RmsNormOptions& options = {},
    Place where = Place::current());

// (x - mean) / sqrt(variance + eps) over each group of channels of each item, times weight plus
// bias along the channels. As torch.nn.functional.group_norm.
//   x: [N, C, ...]
//   weight: [C]
//   bias: [C]
//   groups: of adjacent channels, normalised together
struct GroupNormOptions {
  double eps = 1e-05;  // added to the variance
};
Tensor GroupNorm(const Operand& x, int64_t groups, const Operand& weight = {},
    const Operand& bias = {}, const GroupNormOptions& options = {}, Place where = Place::current());

// (x - mean) / sqrt(variance + eps) over each channel of each item, times weight plus bias along
// the channels. As torch.nn.functional.instance_norm.
//   x: [N, C, ...]
//   weight: [C]
//   bias: [C]
struct InstanceNormOptions {
  double eps = 1e-05;  // added to the variance
};
Tensor InstanceNorm(const Operand& x, const Operand& weight = {}, const Operand& bias = {},
    const InstanceNormOptions& options = {}, Place where = Place::current());

// Batch normalisation by the batch's own moments: (x - mean) / sqrt(variance + eps) over all axes
// but the channels, times weight plus bias; then the mean and the variance (divided by the count),
// [C], in f32 for halves, for running averages.
//   x: [N, C, ...]
//   weight: [C]
//   bias: [C]
struct BatchNormTrainingOptions {
  int64_t axis = 1;  // the channels, C
  double eps = 1e-05;  // added to the variance
};
std::array<Tensor, 3> BatchNormTraining(const Operand& x, const Operand& weight = {},
    const Operand& bias = {}, const BatchNormTrainingOptions& options = {},
    Place where = Place::current());

// Batch normalisation by given moments: (x - mean) / sqrt(variance + eps), times weight plus bias
// along the channels. As torch.nn.functional.batch_norm with training = False.
//   x: [N, C, ...]
//   mean: [C]
//   variance: [C]
//   weight: [C]
//   bias: [C]
struct BatchNormOptions {
  int64_t axis = 1;  // the channels, C
  double eps = 1e-05;  // added to the variance
};
Tensor BatchNorm(const Operand& x, const Operand& mean, const Operand& variance,
    const Operand& weight = {}, const Operand& bias = {}, const BatchNormOptions& options = {},
    Place where = Place::current());

// x / max(norm(x), eps), with the p-norm along one axis. As torch.nn.functional.normalize.
struct NormalizeOptions {
  double p = 2.0;  // exponent of the norm, above 0; inf: the largest magnitude
  int64_t axis = 1;  // along which a vector lies
  double eps = 1e-12;  // the least divisor
};
Tensor Normalize(const Operand& x, const NormalizeOptions& options = {},
    Place where = Place::current());

// (x - target)^2. As torch.nn.functional.mse_loss.
//   target: broadcasts with x
struct MseLossOptions {
  std::string reduction = "mean";  // none, mean or sum
};
Tensor MseLoss(const Operand& x, const Operand& target, const MseLossOptions& options = {},
    Place where = Place::current());

// |x - target|. As torch.nn.functional.l1_loss.
//   target: broadcasts with x
struct L1LossOptions {
  std::string reduction = "mean";  // none, mean or sum
};
Tensor L1Loss(const Operand& x, const Operand& target, const L1LossOptions& options = {},
    Place where = Place::current());

// d*d/2 up to delta, delta*(d - delta/2) beyond, of d = |x - target|. As
// torch.nn.functional.huber_loss.
//   target: broadcasts with x
struct HuberLossOptions {
  double delta = 1.0;  // where the square ends
  std::string reduction = "mean";  // none, mean or sum
};
Tensor HuberLoss(const Operand& x, const Operand& target, const HuberLossOptions& options = {},
    Place where = Place::current());

// d*d/(2*beta) below beta, d - beta/2 from there on, of d = |x - target|. As
// torch.nn.functional.smooth_l1_loss.
//   target: broadcasts with x
struct SmoothL1LossOptions {
  double beta = 1.0;  // where the square ends; 0: l1_loss
  std::string reduction = "mean";  // none, mean or sum
};
Tensor SmoothL1Loss(const Operand& x, const Operand& target,
    const SmoothL1LossOptions& options = {}, Place where = Place::current());

// -(target*log(x) + (1-target)*log(1-x)), logarithms held at -100. As
// torch.nn.functional.binary_cross_entropy.
//   x: probabilities
//   target: broadcasts with x
//   weight: of each element; broadcasts
struct BinaryCrossEntropyOptions {
  std::string reduction = "mean";  // none, mean or sum
};
Tensor BinaryCrossEntropy(const Operand& x, const Operand& target, const Operand& weight = {},
    const BinaryCrossEntropyOptions& options = {}, Place where = Place::current());

// binary_cross_entropy of sigmoid(x), exact for any x. As
// torch.nn.functional.binary_cross_entropy_with_logits.
//   x: log-odds
//   target: broadcasts with x
//   weight: of each element; broadcasts
//   pos_weight: of the part with target; broadcasts
struct BinaryCrossEntropyWithLogitsOptions {
  std::string reduction = "mean";  // none, mean or sum
};
Tensor BinaryCrossEntropyWithLogits(const Operand& x, const Operand& target,
    const Operand& weight = {}, const Operand& pos_weight = {},
    const BinaryCrossEntropyWithLogitsOptions& options = {}, Place where = Place::current());

// target * (log(target) - x), 0 where target is 0. Its reduction may also be batchmean: the sum
// divided by the first dim. As torch.nn.functional.kl_div.
//   x: logarithms of probabilities
//   target: broadcasts with x
struct KlDivOptions {
  bool log_target = false;  // whether target holds logarithms too
  std::string reduction = "mean";  // none, mean or sum
};
Tensor KlDiv(const Operand& x, const Operand& target, const KlDivOptions& options = {},
    Place where = Place::current());

// exp(x) - target*x, or x - target*log(x + eps) without log_input. As
// torch.nn.functional.poisson_nll_loss with full = False.
//   target: broadcasts with x
struct PoissonNllLossOptions {
  bool log_input = true;  // whether x is the rate's logarithm
  double eps = 1e-08;  // added to the rate before its logarithm
  std::string reduction = "mean";  // none, mean or sum
};
Tensor PoissonNllLoss(const Operand& x, const Operand& target,
    const PoissonNllLossOptions& options = {}, Place where = Place::current());

// max(0, 1 - x*target).
//   target: 1 or -1; broadcasts with x
struct HingeLossOptions {
  std::string reduction = "mean";  // none, mean or sum
};
Tensor HingeLoss(const Operand& x, const Operand& target, const HingeLossOptions& options = {},
    Place where = Place::current());

// x where target is 1, else max(0, margin - x). As torch.nn.functional.hinge_embedding_loss.
//   x: distances
//   target: 1 or -1; broadcasts with x
struct HingeEmbeddingLossOptions {
  double margin = 1.0;  // distance wanted where target is -1
  std::string reduction = "mean";  // none, mean or sum
};
Tensor HingeEmbeddingLoss(const Operand& x, const Operand& target,
    const HingeEmbeddingLossOptions& options = {}, Place where = Place::current());

// log(1 + exp(-target*x)). As torch.nn.functional.soft_margin_loss.
//   target: 1 or -1; broadcasts with x
struct SoftMarginLossOptions {
  std::string reduction = "mean";  // none, mean or sum
};
Tensor SoftMarginLoss(const Operand& x, const Operand& target,
    const SoftMarginLossOptions& options = {}, Place where = Place::current());

// max(0, margin - target*(x1 - x2)). As torch.nn.functional.margin_ranking_loss.
//   x2: broadcasts with x1
//   target: 1: x1 should rank higher; -1: lower
struct MarginRankingLossOptions {
  double margin = 0.0;  // by how much
  std::string reduction = "mean";  // none, mean or sum
};
Tensor MarginRankingLoss(const Operand& x1, const Operand& x2, const Operand& target,
    const MarginRankingLossOptions& options = {}, Place where = Place::current());

// -weight[target] * x[target] for each item, 0 for items that are ignored or whose class does not
// exist; the mean divides by the weights of the others. As torch.nn.functional.nll_loss.
//   x: [N, C, *d] or [C], logarithms of probabilities
//   target: integers, [N, *d] or []
//   weight: [C], of each class; gets no gradient
struct NllLossOptions {
  int64_t ignore_index = -100;  // a class whose items don't count
  std::string reduction = "mean";  // none, mean or sum
};
Tensor NllLoss(const Operand& x, const Operand& target, const Operand& weight = {},
    const NllLossOptions& options = {}, Place where = Place::current());

// -sum(weight * target * log_softmax(x)) over the classes, for each item. Integer targets name a
// class each; items that are ignored or whose class does not exist give 0, and the mean divides by
// the weights of the others. As torch.nn.functional.cross_entropy.
//   x: [N, C, *d] or [C], unnormalised logarithms
//   target: integers, [N, *d] or []; or probabilities, as x
//   weight: [C], of each class; gets no gradient
struct CrossEntropyOptions {
  int64_t ignore_index = -100;  // a class whose items don't count
  double label_smoothing = 0.0;  // how much of the target is spread evenly
  std::string reduction = "mean";  // none, mean or sum
};
Tensor CrossEntropy(const Operand& x, const Operand& target, const Operand& weight = {},
    const CrossEntropyOptions& options = {}, Place where = Place::current());

// A step of gradient descent: parameter - rate * gradient. As torch.optim.SGD without momentum.
//   gradient: the parameter's dims
//   rate: the learning rate, a scalar
struct SgdOptions {
  double weight_decay = 0.0;  // adds that times the parameter to the gradient
};
Tensor Sgd(const Operand& parameter, const Operand& gradient, const Operand& rate,
    const SgdOptions& options = {}, Place where = Place::current());

// A step of gradient descent with momentum: the new parameter and velocity. velocity' = momentum *
// velocity + (1 - dampening) * gradient; the parameter moves by -rate * velocity', or with nesterov
// by -rate * (gradient + momentum * velocity'). As torch.optim.SGD.
//   gradient: the parameter's dims
//   velocity: zeros at first
//   rate: the learning rate, a scalar
//   step: if given and 1, the velocity is the gradient
struct SgdMomentumOptions {
  double momentum = 0.9;  // how much of the velocity is kept
  double dampening = 0.0;  // how much of the gradient is left out
  double weight_decay = 0.0;  // adds that times the parameter to the gradient
  bool nesterov = false;  // whether to look one step ahead
};
std::array<Tensor, 2> SgdMomentum(const Operand& parameter, const Operand& gradient,
    const Operand& velocity, const Operand& rate, const Operand& step = {},
    const SgdMomentumOptions& options = {}, Place where = Place::current());

// A step of Adam: the new parameter, mean and square. mean' = beta1 * mean + (1 - beta1) *
// gradient, square' = beta2 * square + (1 - beta2) * gradient^2, both divided by 1 - beta^step; the
// parameter moves by -rate * mean / (sqrt(square) + eps). As torch.optim.Adam.
//   gradient: the parameter's dims
//   mean: running mean of gradients, zeros at first
//   square: running mean of their squares, zeros at first
//   rate: the learning rate, a scalar
//   step: 1 for the first step, 2 for the second, ...
struct AdamOptions {
  double beta1 = 0.9;  // how much of mean is kept
  double beta2 = 0.999;  // how much of square is kept
  double eps = 1e-08;  // added to the divisor
  double weight_decay = 0.0;  // adds that times the parameter to the gradient
};
std::array<Tensor, 3> Adam(const Operand& parameter, const Operand& gradient, const Operand& mean,
    const Operand& square, const Operand& rate, const Operand& step,
    const AdamOptions& options = {}, Place where = Place::current());

// A step of Adam on a parameter that was first multiplied by 1 - rate * weight_decay: the new
// parameter, mean and square. As torch.optim.AdamW.
//   gradient: the parameter's dims
//   mean: running mean of gradients, zeros at first
//   square: running mean of their squares, zeros at first
//   rate: the learning rate, a scalar
//   step: 1 for the first step, 2 for the second, ...
struct AdamwOptions {
  double beta1 = 0.9;  // how much of mean is kept
  double beta2 = 0.999;  // how much of square is kept
  double eps = 1e-08;  // added to the divisor
  double weight_decay = 0.01;  // shrinks the parameter by rate times that
};
std::array<Tensor, 3> Adamw(const Operand& parameter, const Operand& gradient, const Operand& mean,
    const Operand& square, const Operand& rate, const Operand& step,
    const AdamwOptions& options = {}, Place where = Place::current());

// The value of a symbolic dim as an i64 of rank 0.
//   value: one expression over variables
struct DimValueOptions {
  uint32_t device = 0;  // where it is made; 0: the daemon's default
};
Tensor DimValue(Graph& graph, const Dims& value, const DimValueOptions& options = {},
    Place where = Place::current());

// x, through which no gradient flows.
Tensor Detach(const Operand& x, Place where = Place::current());

// x, stored: what is computed from it reads memory instead of computing it again.
Tensor Contiguous(const Operand& x, Place where = Place::current());

// x on another device; the only op that changes where a value lives.
Tensor Copy(const Operand& x, uint32_t device, Place where = Place::current());

}  // namespace tensord::client::ops
