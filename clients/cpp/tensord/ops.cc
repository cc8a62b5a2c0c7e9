// Generated from clients/ops.json by clients/generate.py. Do not edit.
#include "clients/cpp/tensord/ops.h"

#include "clients/cpp/tensord/call.h"

// clang-format off
namespace tensord::client::ops {

Tensor Neg(const Operand& x, Place where) {
  return Call("neg", where).In(x).One();
}

Tensor Abs(const Operand& x, Place where) {
  return Call("abs", where).In(x).One();
}

Tensor Sqrt(const Operand& x, Place where) {
  return Call("sqrt", where).In(x).One();
}

Tensor Floor(const Operand& x, Place where) {
  return Call("floor", where).In(x).One();
}

Tensor Ceil(const Operand& x, Place where) {
  return Call("ceil", where).In(x).One();
}

Tensor Trunc(const Operand& x, Place where) {
  return Call("trunc", where).In(x).One();
}

Tensor Round(const Operand& x, Place where) {
  return Call("round", where).In(x).One();
}

Tensor Exp(const Operand& x, Place where) {
  return Call("exp", where).In(x).One();
}

Tensor Exp2(const Operand& x, Place where) {
  return Call("exp2", where).In(x).One();
}

Tensor Expm1(const Operand& x, Place where) {
  return Call("expm1", where).In(x).One();
}

Tensor Log(const Operand& x, Place where) {
  return Call("log", where).In(x).One();
}

Tensor Log2(const Operand& x, Place where) {
  return Call("log2", where).In(x).One();
}

Tensor Log10(const Operand& x, Place where) {
  return Call("log10", where).In(x).One();
}

Tensor Log1p(const Operand& x, Place where) {
  return Call("log1p", where).In(x).One();
}

Tensor Erf(const Operand& x, Place where) {
  return Call("erf", where).In(x).One();
}

Tensor Erfc(const Operand& x, Place where) {
  return Call("erfc", where).In(x).One();
}

Tensor Sin(const Operand& x, Place where) {
  return Call("sin", where).In(x).One();
}

Tensor Cos(const Operand& x, Place where) {
  return Call("cos", where).In(x).One();
}

Tensor Tan(const Operand& x, Place where) {
  return Call("tan", where).In(x).One();
}

Tensor Asin(const Operand& x, Place where) {
  return Call("asin", where).In(x).One();
}

Tensor Acos(const Operand& x, Place where) {
  return Call("acos", where).In(x).One();
}

Tensor Atan(const Operand& x, Place where) {
  return Call("atan", where).In(x).One();
}

Tensor Sinh(const Operand& x, Place where) {
  return Call("sinh", where).In(x).One();
}

Tensor Cosh(const Operand& x, Place where) {
  return Call("cosh", where).In(x).One();
}

Tensor Tanh(const Operand& x, Place where) {
  return Call("tanh", where).In(x).One();
}

Tensor Asinh(const Operand& x, Place where) {
  return Call("asinh", where).In(x).One();
}

Tensor Acosh(const Operand& x, Place where) {
  return Call("acosh", where).In(x).One();
}

Tensor Atanh(const Operand& x, Place where) {
  return Call("atanh", where).In(x).One();
}

Tensor Square(const Operand& x, Place where) {
  return Call("square", where).In(x).One();
}

Tensor Reciprocal(const Operand& x, Place where) {
  return Call("reciprocal", where).In(x).One();
}

Tensor Rsqrt(const Operand& x, Place where) {
  return Call("rsqrt", where).In(x).One();
}

Tensor Cbrt(const Operand& x, Place where) {
  return Call("cbrt", where).In(x).One();
}

Tensor Sign(const Operand& x, Place where) {
  return Call("sign", where).In(x).One();
}

Tensor Exp10(const Operand& x, Place where) {
  return Call("exp10", where).In(x).One();
}

Tensor Degrees(const Operand& x, Place where) {
  return Call("degrees", where).In(x).One();
}

Tensor Radians(const Operand& x, Place where) {
  return Call("radians", where).In(x).One();
}

Tensor Frac(const Operand& x, Place where) {
  return Call("frac", where).In(x).One();
}

Tensor Sinc(const Operand& x, Place where) {
  return Call("sinc", where).In(x).One();
}

Tensor Isnan(const Operand& x, Place where) {
  return Call("isnan", where).In(x).One();
}

Tensor Isinf(const Operand& x, Place where) {
  return Call("isinf", where).In(x).One();
}

Tensor Isposinf(const Operand& x, Place where) {
  return Call("isposinf", where).In(x).One();
}

Tensor Isneginf(const Operand& x, Place where) {
  return Call("isneginf", where).In(x).One();
}

Tensor Isfinite(const Operand& x, Place where) {
  return Call("isfinite", where).In(x).One();
}

Tensor Signbit(const Operand& x, Place where) {
  return Call("signbit", where).In(x).One();
}

std::array<Tensor, 2> Frexp(const Operand& x, Place where) {
  return Call("frexp", where).In(x).Many<2>();
}

Tensor Ldexp(const Operand& x, const Operand& exponent, Place where) {
  return Call("ldexp", where).In(x).In(exponent).One();
}

std::array<Tensor, 2> Modf(const Operand& x, Place where) {
  return Call("modf", where).In(x).Many<2>();
}

Tensor Spacing(const Operand& x, Place where) {
  return Call("spacing", where).In(x).One();
}

Tensor Nextafter(const Operand& x, const Operand& to, Place where) {
  return Call("nextafter", where).In(x).In(to).One();
}

Tensor NanToNum(const Operand& x, const NanToNumOptions& options, Place where) {
  return Call("nan_to_num", where)
      .In(x)
      .Attr("nan", options.nan)
      .Attr("posinf", options.posinf)
      .Attr("neginf", options.neginf)
      .One();
}

Tensor Add(const Operand& a, const Operand& b, Place where) {
  return Call("add", where).In(a).In(b).One();
}

Tensor Sub(const Operand& a, const Operand& b, Place where) {
  return Call("sub", where).In(a).In(b).One();
}

Tensor Mul(const Operand& a, const Operand& b, Place where) {
  return Call("mul", where).In(a).In(b).One();
}

Tensor Div(const Operand& a, const Operand& b, Place where) {
  return Call("div", where).In(a).In(b).One();
}

Tensor Floordiv(const Operand& a, const Operand& b, Place where) {
  return Call("floordiv", where).In(a).In(b).One();
}

Tensor Floormod(const Operand& a, const Operand& b, Place where) {
  return Call("floormod", where).In(a).In(b).One();
}

Tensor Truncdiv(const Operand& a, const Operand& b, Place where) {
  return Call("truncdiv", where).In(a).In(b).One();
}

Tensor Truncrem(const Operand& a, const Operand& b, Place where) {
  return Call("truncrem", where).In(a).In(b).One();
}

Tensor Minimum(const Operand& a, const Operand& b, Place where) {
  return Call("minimum", where).In(a).In(b).One();
}

Tensor Maximum(const Operand& a, const Operand& b, Place where) {
  return Call("maximum", where).In(a).In(b).One();
}

Tensor Pow(const Operand& base, const Operand& exponent, Place where) {
  return Call("pow", where).In(base).In(exponent).One();
}

Tensor Copysign(const Operand& magnitude, const Operand& sign, Place where) {
  return Call("copysign", where).In(magnitude).In(sign).One();
}

Tensor Atan2(const Operand& y, const Operand& x, Place where) {
  return Call("atan2", where).In(y).In(x).One();
}

Tensor IntPow(const Operand& base, const Operand& exponent, Place where) {
  return Call("int_pow", where).In(base).In(exponent).One();
}

Tensor Logaddexp(const Operand& a, const Operand& b, Place where) {
  return Call("logaddexp", where).In(a).In(b).One();
}

Tensor Logaddexp2(const Operand& a, const Operand& b, Place where) {
  return Call("logaddexp2", where).In(a).In(b).One();
}

Tensor Fmax(const Operand& a, const Operand& b, Place where) {
  return Call("fmax", where).In(a).In(b).One();
}

Tensor Fmin(const Operand& a, const Operand& b, Place where) {
  return Call("fmin", where).In(a).In(b).One();
}

Tensor Heaviside(const Operand& x, const Operand& at_zero, Place where) {
  return Call("heaviside", where).In(x).In(at_zero).One();
}

Tensor Hypot(const Operand& a, const Operand& b, Place where) {
  return Call("hypot", where).In(a).In(b).One();
}

Tensor Lerp(const Operand& start, const Operand& end, const Operand& weight, Place where) {
  return Call("lerp", where).In(start).In(end).In(weight).One();
}

Tensor Eq(const Operand& a, const Operand& b, Place where) {
  return Call("eq", where).In(a).In(b).One();
}

Tensor Ne(const Operand& a, const Operand& b, Place where) {
  return Call("ne", where).In(a).In(b).One();
}

Tensor Lt(const Operand& a, const Operand& b, Place where) {
  return Call("lt", where).In(a).In(b).One();
}

Tensor Le(const Operand& a, const Operand& b, Place where) {
  return Call("le", where).In(a).In(b).One();
}

Tensor Gt(const Operand& a, const Operand& b, Place where) {
  return Call("gt", where).In(a).In(b).One();
}

Tensor Ge(const Operand& a, const Operand& b, Place where) {
  return Call("ge", where).In(a).In(b).One();
}

Tensor Isclose(const Operand& a, const Operand& b, const IscloseOptions& options, Place where) {
  return Call("isclose", where)
      .In(a)
      .In(b)
      .Attr("rtol", options.rtol)
      .Attr("atol", options.atol)
      .Attr("equal_nan", options.equal_nan)
      .One();
}

Tensor Bitand(const Operand& a, const Operand& b, Place where) {
  return Call("bitand", where).In(a).In(b).One();
}

Tensor Bitor(const Operand& a, const Operand& b, Place where) {
  return Call("bitor", where).In(a).In(b).One();
}

Tensor Bitxor(const Operand& a, const Operand& b, Place where) {
  return Call("bitxor", where).In(a).In(b).One();
}

Tensor Not(const Operand& x, Place where) {
  return Call("not", where).In(x).One();
}

Tensor Shl(const Operand& x, const Operand& amount, Place where) {
  return Call("shl", where).In(x).In(amount).One();
}

Tensor Shr(const Operand& x, const Operand& amount, Place where) {
  return Call("shr", where).In(x).In(amount).One();
}

Tensor BitwiseCount(const Operand& x, Place where) {
  return Call("bitwise_count", where).In(x).One();
}

Tensor LogicalAnd(const Operand& a, const Operand& b, Place where) {
  return Call("logical_and", where).In(a).In(b).One();
}

Tensor LogicalOr(const Operand& a, const Operand& b, Place where) {
  return Call("logical_or", where).In(a).In(b).One();
}

Tensor LogicalXor(const Operand& a, const Operand& b, Place where) {
  return Call("logical_xor", where).In(a).In(b).One();
}

Tensor LogicalNot(const Operand& x, Place where) {
  return Call("logical_not", where).In(x).One();
}

Tensor Where(const Operand& condition, const Operand& a, const Operand& b, Place where) {
  return Call("where", where).In(condition).In(a).In(b).One();
}

Tensor Fma(const Operand& a, const Operand& b, const Operand& c, Place where) {
  return Call("fma", where).In(a).In(b).In(c).One();
}

Tensor Clamp(const Operand& x, const Operand& low, const Operand& high, Place where) {
  return Call("clamp", where).In(x).In(low).In(high).One();
}

Tensor MaskedFill(const Operand& x, const Operand& mask, const Operand& value, Place where) {
  return Call("masked_fill", where).In(x).In(mask).In(value).One();
}

Tensor Cast(const Operand& x, DType dtype, Place where) {
  return Call("cast", where).In(x).Attr("dtype", dtype).One();
}

Tensor Bitcast(const Operand& x, DType dtype, Place where) {
  return Call("bitcast", where).In(x).Attr("dtype", dtype).One();
}

Tensor Reduce(const Operand& x, const std::string& monoid, const std::vector<int64_t>& axes,
    Place where) {
  return Call("reduce", where).In(x).Attr("monoid", monoid).Attr("axes", axes).One();
}

Tensor Sum(const Operand& x, const SumOptions& options, Place where) {
  return Call("sum", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Prod(const Operand& x, const ProdOptions& options, Place where) {
  return Call("prod", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Max(const Operand& x, const MaxOptions& options, Place where) {
  return Call("max", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Min(const Operand& x, const MinOptions& options, Place where) {
  return Call("min", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Any(const Operand& x, const AnyOptions& options, Place where) {
  return Call("any", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor All(const Operand& x, const AllOptions& options, Place where) {
  return Call("all", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Mean(const Operand& x, const MeanOptions& options, Place where) {
  return Call("mean", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Var(const Operand& x, const VarOptions& options, Place where) {
  return Call("var", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .Attr("correction", options.correction)
      .One();
}

Tensor Std(const Operand& x, const StdOptions& options, Place where) {
  return Call("std", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .Attr("correction", options.correction)
      .One();
}

std::array<Tensor, 2> VarMean(const Operand& x, const VarMeanOptions& options, Place where) {
  return Call("var_mean", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .Attr("correction", options.correction)
      .Many<2>();
}

std::array<Tensor, 2> StdMean(const Operand& x, const StdMeanOptions& options, Place where) {
  return Call("std_mean", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .Attr("correction", options.correction)
      .Many<2>();
}

Tensor Argmax(const Operand& x, const ArgmaxOptions& options, Place where) {
  return Call("argmax", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Argmin(const Operand& x, const ArgminOptions& options, Place where) {
  return Call("argmin", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Logsumexp(const Operand& x, const LogsumexpOptions& options, Place where) {
  return Call("logsumexp", where)
      .In(x)
      .Attr("axes", options.axes)
      .Attr("keepdims", options.keepdims)
      .One();
}

Tensor Reshape(const Operand& x, const Dims& dims, Place where) {
  return Call("reshape", where).In(x).Attr("dims", dims).One();
}

Tensor Permute(const Operand& x, const std::vector<int64_t>& order, Place where) {
  return Call("permute", where).In(x).Attr("order", order).One();
}

Tensor Expand(const Operand& x, const Dims& dims, Place where) {
  return Call("expand", where).In(x).Attr("dims", dims).One();
}

Tensor Pad(const Operand& x, const Dims& low, const Dims& high, Place where) {
  return Call("pad", where).In(x).Attr("low", low).Attr("high", high).One();
}

Tensor Shrink(const Operand& x, const Dims& low, const Dims& dims, Place where) {
  return Call("shrink", where).In(x).Attr("low", low).Attr("dims", dims).One();
}

Tensor Flip(const Operand& x, const std::vector<int64_t>& axes, Place where) {
  return Call("flip", where).In(x).Attr("axes", axes).One();
}

Tensor Stride(const Operand& x, const std::vector<int64_t>& steps, Place where) {
  return Call("stride", where).In(x).Attr("steps", steps).One();
}

Tensor Window(const Operand& x, const std::vector<int64_t>& axes, const std::vector<int64_t>& sizes,
    const WindowOptions& options, Place where) {
  return Call("window", where)
      .In(x)
      .Attr("axes", axes)
      .Attr("sizes", sizes)
      .Attr("strides", options.strides)
      .Attr("dilations", options.dilations)
      .One();
}

Tensor Dilate(const Operand& x, const std::vector<int64_t>& factors, Place where) {
  return Call("dilate", where).In(x).Attr("factors", factors).One();
}

Tensor BroadcastTo(const Operand& x, const Dims& dims, Place where) {
  return Call("broadcast_to", where).In(x).Attr("dims", dims).One();
}

Tensor Transpose(const Operand& x, const TransposeOptions& options, Place where) {
  return Call("transpose", where)
      .In(x)
      .Attr("axis0", options.axis0)
      .Attr("axis1", options.axis1)
      .One();
}

Tensor Squeeze(const Operand& x, const SqueezeOptions& options, Place where) {
  return Call("squeeze", where).In(x).Attr("axes", options.axes).One();
}

Tensor Unsqueeze(const Operand& x, const std::vector<int64_t>& axes, Place where) {
  return Call("unsqueeze", where).In(x).Attr("axes", axes).One();
}

Tensor Flatten(const Operand& x, const FlattenOptions& options, Place where) {
  return Call("flatten", where).In(x).Attr("start", options.start).Attr("end", options.end).One();
}

Tensor Cat(const std::vector<Tensor>& tensors, const CatOptions& options, Place where) {
  return Call("cat", where).InAll(tensors).Attr("axis", options.axis).One();
}

Tensor Stack(const std::vector<Tensor>& tensors, const StackOptions& options, Place where) {
  return Call("stack", where).InAll(tensors).Attr("axis", options.axis).One();
}

Tensor PadValue(const Operand& x, const Dims& low, const Dims& high, const Scalar& value,
    Place where) {
  return Call("pad_value", where)
      .In(x)
      .Attr("low", low)
      .Attr("high", high)
      .Attr("value", value)
      .One();
}

Tensor PadMode(const Operand& x, const Dims& low, const Dims& high, const std::string& mode,
    Place where) {
  return Call("pad_mode", where).In(x).Attr("low", low).Attr("high", high).Attr("mode", mode).One();
}

Tensor Roll(const Operand& x, const std::vector<int64_t>& shifts, const std::vector<int64_t>& axes,
    Place where) {
  return Call("roll", where).In(x).Attr("shifts", shifts).Attr("axes", axes).One();
}

Tensor Tile(const Operand& x, const std::vector<int64_t>& repeats, Place where) {
  return Call("tile", where).In(x).Attr("repeats", repeats).One();
}

Tensor RepeatInterleave(const Operand& x, int64_t repeats, const RepeatInterleaveOptions& options,
    Place where) {
  return Call("repeat_interleave", where)
      .In(x)
      .Attr("repeats", repeats)
      .Attr("axis", options.axis)
      .One();
}

Tensor Triu(const Operand& x, const TriuOptions& options, Place where) {
  return Call("triu", where).In(x).Attr("diagonal", options.diagonal).One();
}

Tensor Tril(const Operand& x, const TrilOptions& options, Place where) {
  return Call("tril", where).In(x).Attr("diagonal", options.diagonal).One();
}

Tensor Diag(const Operand& x, Place where) {
  return Call("diag", where).In(x).One();
}

Tensor Diagonal(const Operand& x, const DiagonalOptions& options, Place where) {
  return Call("diagonal", where)
      .In(x)
      .Attr("offset", options.offset)
      .Attr("axis0", options.axis0)
      .Attr("axis1", options.axis1)
      .One();
}

Tensor Iota(Graph& graph, const Dims& dims, const IotaOptions& options, Place where) {
  return Call("iota", where)
      .On(graph, options.device)
      .Attr("dims", dims)
      .Attr("axis", options.axis)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Full(Graph& graph, const Scalar& value, const Dims& dims, DType dtype,
    const FullOptions& options, Place where) {
  return Call("full", where)
      .On(graph, options.device)
      .Attr("value", value)
      .Attr("dims", dims)
      .Attr("dtype", dtype)
      .One();
}

Tensor Zeros(Graph& graph, const Dims& dims, const ZerosOptions& options, Place where) {
  return Call("zeros", where)
      .On(graph, options.device)
      .Attr("dims", dims)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Ones(Graph& graph, const Dims& dims, const OnesOptions& options, Place where) {
  return Call("ones", where)
      .On(graph, options.device)
      .Attr("dims", dims)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor FullLike(const Operand& x, const Scalar& value, const FullLikeOptions& options,
    Place where) {
  return Call("full_like", where).In(x).Attr("value", value).Attr("dtype", options.dtype).One();
}

Tensor Arange(Graph& graph, const Dims& dims, const ArangeOptions& options, Place where) {
  return Call("arange", where)
      .On(graph, options.device)
      .Attr("dims", dims)
      .Attr("start", options.start)
      .Attr("step", options.step)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Linspace(Graph& graph, const Dims& dims, const Scalar& start, const Scalar& stop,
    const LinspaceOptions& options, Place where) {
  return Call("linspace", where)
      .On(graph, options.device)
      .Attr("dims", dims)
      .Attr("start", start)
      .Attr("stop", stop)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Eye(Graph& graph, const Dims& dims, const EyeOptions& options, Place where) {
  return Call("eye", where)
      .On(graph, options.device)
      .Attr("dims", dims)
      .Attr("diagonal", options.diagonal)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor RandomBits(const Operand& key, const Operand& counter, const Dims& dims,
    const RandomBitsOptions& options, Place where) {
  return Call("random_bits", where)
      .In(key)
      .In(counter)
      .Attr("dims", dims)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Uniform(const Operand& key, const Operand& counter, const Dims& dims,
    const UniformOptions& options, Place where) {
  return Call("uniform", where)
      .In(key)
      .In(counter)
      .Attr("dims", dims)
      .Attr("low", options.low)
      .Attr("high", options.high)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Normal(const Operand& key, const Operand& counter, const Dims& dims,
    const NormalOptions& options, Place where) {
  return Call("normal", where)
      .In(key)
      .In(counter)
      .Attr("dims", dims)
      .Attr("mean", options.mean)
      .Attr("std", options.std)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Integers(const Operand& key, const Operand& counter, const Dims& dims, int64_t high,
    const IntegersOptions& options, Place where) {
  return Call("integers", where)
      .In(key)
      .In(counter)
      .Attr("dims", dims)
      .Attr("low", options.low)
      .Attr("high", high)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Permutation(const Operand& key, const Operand& counter, const Dims& dims,
    const PermutationOptions& options, Place where) {
  return Call("permutation", where)
      .In(key)
      .In(counter)
      .Attr("dims", dims)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Gather(const Operand& x, const Operand& index, int64_t axis, Place where) {
  return Call("gather", where).In(x).In(index).Attr("axis", axis).One();
}

Tensor Scatter(const Operand& base, const Operand& index, const Operand& updates, int64_t axis,
    const ScatterOptions& options, Place where) {
  return Call("scatter", where)
      .In(base)
      .In(index)
      .In(updates)
      .Attr("axis", axis)
      .Attr("mode", options.mode)
      .One();
}

Tensor Take(const Operand& x, const Operand& index, const TakeOptions& options, Place where) {
  return Call("take", where).In(x).In(index).Attr("axis", options.axis).One();
}

Tensor OneHot(const Operand& index, int64_t classes, const OneHotOptions& options, Place where) {
  return Call("one_hot", where)
      .In(index)
      .Attr("classes", classes)
      .Attr("dtype", options.dtype)
      .One();
}

Tensor Index(const Operand& x, const std::vector<Tensor>& indices, const IndexOptions& options,
    Place where) {
  return Call("index", where).In(x).InAll(indices).Attr("axis", options.axis).One();
}

Tensor IndexPut(const Operand& x, const Operand& values, const std::vector<Tensor>& indices,
    const IndexPutOptions& options, Place where) {
  return Call("index_put", where)
      .In(x)
      .In(values)
      .InAll(indices)
      .Attr("axis", options.axis)
      .Attr("mode", options.mode)
      .One();
}

Tensor SliceUpdate(const Operand& x, const Operand& y, const std::vector<Tensor>& starts,
    const SliceUpdateOptions& options, Place where) {
  return Call("slice_update", where)
      .In(x)
      .In(y)
      .InAll(starts)
      .Attr("start", options.start)
      .Attr("axes", options.axes)
      .One();
}

Tensor Matmul(const Operand& a, const Operand& b, Place where) {
  return Call("matmul", where).In(a).In(b).One();
}

Tensor Dot(const Operand& a, const Operand& b, Place where) {
  return Call("dot", where).In(a).In(b).One();
}

Tensor Einsum(const std::vector<Tensor>& operands, const std::string& equation, Place where) {
  return Call("einsum", where).InAll(operands).Attr("equation", equation).One();
}

Tensor Outer(const Operand& a, const Operand& b, Place where) {
  return Call("outer", where).In(a).In(b).One();
}

Tensor Relu(const Operand& x, Place where) {
  return Call("relu", where).In(x).One();
}

Tensor Relu6(const Operand& x, Place where) {
  return Call("relu6", where).In(x).One();
}

Tensor LeakyRelu(const Operand& x, const LeakyReluOptions& options, Place where) {
  return Call("leaky_relu", where).In(x).Attr("negative_slope", options.negative_slope).One();
}

Tensor Hardtanh(const Operand& x, const HardtanhOptions& options, Place where) {
  return Call("hardtanh", where).In(x).Attr("min", options.min).Attr("max", options.max).One();
}

Tensor Hardsigmoid(const Operand& x, const HardsigmoidOptions& options, Place where) {
  return Call("hardsigmoid", where)
      .In(x)
      .Attr("alpha", options.alpha)
      .Attr("beta", options.beta)
      .One();
}

Tensor Hardswish(const Operand& x, Place where) {
  return Call("hardswish", where).In(x).One();
}

Tensor Threshold(const Operand& x, double threshold, double value, Place where) {
  return Call("threshold", where).In(x).Attr("threshold", threshold).Attr("value", value).One();
}

Tensor Softshrink(const Operand& x, const SoftshrinkOptions& options, Place where) {
  return Call("softshrink", where).In(x).Attr("lambda", options.lambda).One();
}

Tensor Hardshrink(const Operand& x, const HardshrinkOptions& options, Place where) {
  return Call("hardshrink", where).In(x).Attr("lambda", options.lambda).One();
}

Tensor Elu(const Operand& x, const EluOptions& options, Place where) {
  return Call("elu", where).In(x).Attr("alpha", options.alpha).One();
}

Tensor Celu(const Operand& x, const CeluOptions& options, Place where) {
  return Call("celu", where).In(x).Attr("alpha", options.alpha).One();
}

Tensor Selu(const Operand& x, const SeluOptions& options, Place where) {
  return Call("selu", where).In(x).Attr("alpha", options.alpha).Attr("gamma", options.gamma).One();
}

Tensor Sigmoid(const Operand& x, Place where) {
  return Call("sigmoid", where).In(x).One();
}

Tensor Logsigmoid(const Operand& x, Place where) {
  return Call("logsigmoid", where).In(x).One();
}

Tensor Softplus(const Operand& x, const SoftplusOptions& options, Place where) {
  return Call("softplus", where).In(x).Attr("beta", options.beta).One();
}

Tensor Softsign(const Operand& x, Place where) {
  return Call("softsign", where).In(x).One();
}

Tensor Silu(const Operand& x, Place where) {
  return Call("silu", where).In(x).One();
}

Tensor Mish(const Operand& x, Place where) {
  return Call("mish", where).In(x).One();
}

Tensor Gelu(const Operand& x, const GeluOptions& options, Place where) {
  return Call("gelu", where).In(x).Attr("approximate", options.approximate).One();
}

Tensor QuickGelu(const Operand& x, Place where) {
  return Call("quick_gelu", where).In(x).One();
}

Tensor Tanhshrink(const Operand& x, Place where) {
  return Call("tanhshrink", where).In(x).One();
}

Tensor Linear(const Operand& x, const Operand& weight, const Operand& bias, Place where) {
  return Call("linear", where).In(x).In(weight).In(bias).One();
}

Tensor Prelu(const Operand& x, const Operand& weight, Place where) {
  return Call("prelu", where).In(x).In(weight).One();
}

Tensor Glu(const Operand& x, const GluOptions& options, Place where) {
  return Call("glu", where).In(x).Attr("axis", options.axis).One();
}

Tensor Embedding(const Operand& weight, const Operand& index, Place where) {
  return Call("embedding", where).In(weight).In(index).One();
}

Tensor Dropout(const Operand& x, const Operand& key, const Operand& counter,
    const DropoutOptions& options, Place where) {
  return Call("dropout", where).In(x).In(key).In(counter).Attr("p", options.p).One();
}

Tensor Conv(const Operand& x, const Operand& weight, const Operand& bias,
    const ConvOptions& options, Place where) {
  return Call("conv", where)
      .In(x)
      .In(weight)
      .In(bias)
      .Attr("stride", options.stride)
      .Attr("padding", options.padding)
      .Attr("dilation", options.dilation)
      .Attr("groups", options.groups)
      .One();
}

Tensor ConvTranspose(const Operand& x, const Operand& weight, const Operand& bias,
    const ConvTransposeOptions& options, Place where) {
  return Call("conv_transpose", where)
      .In(x)
      .In(weight)
      .In(bias)
      .Attr("stride", options.stride)
      .Attr("padding", options.padding)
      .Attr("output_padding", options.output_padding)
      .Attr("dilation", options.dilation)
      .Attr("groups", options.groups)
      .One();
}

Tensor MaxPool(const Operand& x, const std::vector<int64_t>& kernel, const MaxPoolOptions& options,
    Place where) {
  return Call("max_pool", where)
      .In(x)
      .Attr("kernel", kernel)
      .Attr("stride", options.stride)
      .Attr("padding", options.padding)
      .Attr("dilation", options.dilation)
      .Attr("ceil_mode", options.ceil_mode)
      .One();
}

Tensor AvgPool(const Operand& x, const std::vector<int64_t>& kernel, const AvgPoolOptions& options,
    Place where) {
  return Call("avg_pool", where)
      .In(x)
      .Attr("kernel", kernel)
      .Attr("stride", options.stride)
      .Attr("padding", options.padding)
      .Attr("dilation", options.dilation)
      .Attr("ceil_mode", options.ceil_mode)
      .Attr("count_include_pad", options.count_include_pad)
      .One();
}

Tensor ScaledDotProductAttention(const Operand& query, const Operand& key, const Operand& value,
    const Operand& mask, const ScaledDotProductAttentionOptions& options, Place where) {
  return Call("scaled_dot_product_attention", where)
      .In(query)
      .In(key)
      .In(value)
      .In(mask)
      .Attr("is_causal", options.is_causal)
      .Attr("scale", options.scale)
      .Attr("enable_gqa", options.enable_gqa)
      .One();
}

Tensor Softmax(const Operand& x, const SoftmaxOptions& options, Place where) {
  return Call("softmax", where).In(x).Attr("axis", options.axis).One();
}

Tensor LogSoftmax(const Operand& x, const LogSoftmaxOptions& options, Place where) {
  return Call("log_softmax", where).In(x).Attr("axis", options.axis).One();
}

Tensor Softmin(const Operand& x, const SoftminOptions& options, Place where) {
  return Call("softmin", where).In(x).Attr("axis", options.axis).One();
}

Tensor LayerNorm(const Operand& x, const Operand& weight, const Operand& bias,
    const LayerNormOptions& options, Place where) {
  return Call("layer_norm", where)
      .In(x)
      .In(weight)
      .In(bias)
      .Attr("axes", options.axes)
      .Attr("eps", options.eps)
      .One();
}

Tensor RmsNorm(const Operand& x, const Operand& weight, const RmsNormOptions& options,
    Place where) {
  return Call("rms_norm", where)
      .In(x)
      .In(weight)
      .Attr("axes", options.axes)
      .Attr("eps", options.eps)
      .One();
}

Tensor GroupNorm(const Operand& x, int64_t groups, const Operand& weight, const Operand& bias,
    const GroupNormOptions& options, Place where) {
  return Call("group_norm", where)
      .In(x)
      .In(weight)
      .In(bias)
      .Attr("groups", groups)
      .Attr("eps", options.eps)
      .One();
}

Tensor InstanceNorm(const Operand& x, const Operand& weight, const Operand& bias,
    const InstanceNormOptions& options, Place where) {
  return Call("instance_norm", where).In(x).In(weight).In(bias).Attr("eps", options.eps).One();
}

std::array<Tensor, 3> BatchNormTraining(const Operand& x, const Operand& weight,
    const Operand& bias, const BatchNormTrainingOptions& options, Place where) {
  return Call("batch_norm_training", where)
      .In(x)
      .In(weight)
      .In(bias)
      .Attr("axis", options.axis)
      .Attr("eps", options.eps)
      .Many<3>();
}

Tensor BatchNorm(const Operand& x, const Operand& mean, const Operand& variance,
    const Operand& weight, const Operand& bias, const BatchNormOptions& options, Place where) {
  return Call("batch_norm", where)
      .In(x)
      .In(mean)
      .In(variance)
      .In(weight)
      .In(bias)
      .Attr("axis", options.axis)
      .Attr("eps", options.eps)
      .One();
}

Tensor Normalize(const Operand& x, const NormalizeOptions& options, Place where) {
  return Call("normalize", where)
      .In(x)
      .Attr("p", options.p)
      .Attr("axis", options.axis)
      .Attr("eps", options.eps)
      .One();
}

Tensor MseLoss(const Operand& x, const Operand& target, const MseLossOptions& options,
    Place where) {
  return Call("mse_loss", where).In(x).In(target).Attr("reduction", options.reduction).One();
}

Tensor L1Loss(const Operand& x, const Operand& target, const L1LossOptions& options, Place where) {
  return Call("l1_loss", where).In(x).In(target).Attr("reduction", options.reduction).One();
}

Tensor HuberLoss(const Operand& x, const Operand& target, const HuberLossOptions& options,
    Place where) {
  return Call("huber_loss", where)
      .In(x)
      .In(target)
      .Attr("delta", options.delta)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor SmoothL1Loss(const Operand& x, const Operand& target, const SmoothL1LossOptions& options,
    Place where) {
  return Call("smooth_l1_loss", where)
      .In(x)
      .In(target)
      .Attr("beta", options.beta)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor BinaryCrossEntropy(const Operand& x, const Operand& target, const Operand& weight,
    const BinaryCrossEntropyOptions& options, Place where) {
  return Call("binary_cross_entropy", where)
      .In(x)
      .In(target)
      .In(weight)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor BinaryCrossEntropyWithLogits(const Operand& x, const Operand& target, const Operand& weight,
    const Operand& pos_weight, const BinaryCrossEntropyWithLogitsOptions& options, Place where) {
  return Call("binary_cross_entropy_with_logits", where)
      .In(x)
      .In(target)
      .In(weight)
      .In(pos_weight)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor KlDiv(const Operand& x, const Operand& target, const KlDivOptions& options, Place where) {
  return Call("kl_div", where)
      .In(x)
      .In(target)
      .Attr("log_target", options.log_target)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor PoissonNllLoss(const Operand& x, const Operand& target, const PoissonNllLossOptions& options,
    Place where) {
  return Call("poisson_nll_loss", where)
      .In(x)
      .In(target)
      .Attr("log_input", options.log_input)
      .Attr("eps", options.eps)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor HingeLoss(const Operand& x, const Operand& target, const HingeLossOptions& options,
    Place where) {
  return Call("hinge_loss", where).In(x).In(target).Attr("reduction", options.reduction).One();
}

Tensor HingeEmbeddingLoss(const Operand& x, const Operand& target,
    const HingeEmbeddingLossOptions& options, Place where) {
  return Call("hinge_embedding_loss", where)
      .In(x)
      .In(target)
      .Attr("margin", options.margin)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor SoftMarginLoss(const Operand& x, const Operand& target, const SoftMarginLossOptions& options,
    Place where) {
  return Call("soft_margin_loss", where)
      .In(x)
      .In(target)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor MarginRankingLoss(const Operand& x1, const Operand& x2, const Operand& target,
    const MarginRankingLossOptions& options, Place where) {
  return Call("margin_ranking_loss", where)
      .In(x1)
      .In(x2)
      .In(target)
      .Attr("margin", options.margin)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor NllLoss(const Operand& x, const Operand& target, const Operand& weight,
    const NllLossOptions& options, Place where) {
  return Call("nll_loss", where)
      .In(x)
      .In(target)
      .In(weight)
      .Attr("ignore_index", options.ignore_index)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor CrossEntropy(const Operand& x, const Operand& target, const Operand& weight,
    const CrossEntropyOptions& options, Place where) {
  return Call("cross_entropy", where)
      .In(x)
      .In(target)
      .In(weight)
      .Attr("ignore_index", options.ignore_index)
      .Attr("label_smoothing", options.label_smoothing)
      .Attr("reduction", options.reduction)
      .One();
}

Tensor Sgd(const Operand& parameter, const Operand& gradient, const Operand& rate,
    const SgdOptions& options, Place where) {
  return Call("sgd", where)
      .In(parameter)
      .In(gradient)
      .In(rate)
      .Attr("weight_decay", options.weight_decay)
      .One();
}

std::array<Tensor, 2> SgdMomentum(const Operand& parameter, const Operand& gradient,
    const Operand& velocity, const Operand& rate, const Operand& step,
    const SgdMomentumOptions& options, Place where) {
  return Call("sgd_momentum", where)
      .In(parameter)
      .In(gradient)
      .In(velocity)
      .In(rate)
      .In(step)
      .Attr("momentum", options.momentum)
      .Attr("dampening", options.dampening)
      .Attr("weight_decay", options.weight_decay)
      .Attr("nesterov", options.nesterov)
      .Many<2>();
}

std::array<Tensor, 3> Adam(const Operand& parameter, const Operand& gradient, const Operand& mean,
    const Operand& square, const Operand& rate, const Operand& step, const AdamOptions& options,
    Place where) {
  return Call("adam", where)
      .In(parameter)
      .In(gradient)
      .In(mean)
      .In(square)
      .In(rate)
      .In(step)
      .Attr("beta1", options.beta1)
      .Attr("beta2", options.beta2)
      .Attr("eps", options.eps)
      .Attr("weight_decay", options.weight_decay)
      .Many<3>();
}

std::array<Tensor, 3> Adamw(const Operand& parameter, const Operand& gradient, const Operand& mean,
    const Operand& square, const Operand& rate, const Operand& step, const AdamwOptions& options,
    Place where) {
  return Call("adamw", where)
      .In(parameter)
      .In(gradient)
      .In(mean)
      .In(square)
      .In(rate)
      .In(step)
      .Attr("beta1", options.beta1)
      .Attr("beta2", options.beta2)
      .Attr("eps", options.eps)
      .Attr("weight_decay", options.weight_decay)
      .Many<3>();
}

Tensor DimValue(Graph& graph, const Dims& value, const DimValueOptions& options, Place where) {
  return Call("dim_value", where).On(graph, options.device).Attr("value", value).One();
}

Tensor Detach(const Operand& x, Place where) {
  return Call("detach", where).In(x).One();
}

Tensor Contiguous(const Operand& x, Place where) {
  return Call("contiguous", where).In(x).One();
}

Tensor Copy(const Operand& x, uint32_t device, Place where) {
  return Call("copy", where).To(device).In(x).One();
}

}  // namespace tensord::client::ops
