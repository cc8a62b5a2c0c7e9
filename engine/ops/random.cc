// Random tensors, as pure functions: element i of a result is Threefry-2x32(key, counter + i), the
// same bits on every device. A client threads the counter: after a draw it adds the number of
// elements. With counter 0, random_bits and uniform give the numbers of jax.random (partitionable
// threefry).
#include <cmath>

#include "engine/base/status.h"
#include "engine/ops/random_rows.h"

namespace tensord::ops {
namespace {

constexpr ir::AttrSpec kDims = {"dims", AttrKind::kDims, "", "of the result"};
constexpr ir::AttrSpec kF32 = {"dtype", AttrKind::kDType, "f32", "of the result"};

absl::Status CheckKey(const RuleInput& in) {
  const types::Type &key = in.inputs[0], &counter = in.inputs[1];
  if (key.dtype == DType::kU32 && key.dims == Dims{2} && types::IsInteger(counter.dtype) &&
      counter.dims.empty()) {
    return absl::OkStatus();
  }
  return InvalidArgument(in.row.name, ": key ", key.ToString(), " and counter ", counter.ToString(),
                         " must be u32[2] and a u64 number");
}

absl::StatusOr<ir::TypeList> InferBits(const RuleInput& in) {
  RETURN_IF_ERROR(CheckKey(in));
  const DType dtype = *in.get<DType>("dtype");
  if (types::IsUnsigned(dtype)) return InferByRules(in);
  return InvalidArgument(in.row.name, ": dtype ", types::Name(dtype), " must be unsigned");
}

absl::StatusOr<ir::TypeList> InferFloats(const RuleInput& in) {
  RETURN_IF_ERROR(CheckKey(in));
  const DType dtype = *in.get<DType>("dtype");
  if (types::IsFloat(dtype)) return InferByRules(in);
  return InvalidArgument(in.row.name, ": dtype ", types::Name(dtype),
                         " must be a float; see integers");
}

absl::StatusOr<ir::TypeList> InferRange(const RuleInput& in) {
  RETURN_IF_ERROR(CheckKey(in));
  const DType dtype = *in.get<DType>("dtype");
  const int64_t low = *in.get<int64_t>("low"), high = *in.get<int64_t>("high");
  if (!types::IsInteger(dtype)) {
    return InvalidArgument(in.row.name, ": dtype ", types::Name(dtype),
                           " must be an integer; see uniform");
  }
  if (low < high) return InferByRules(in);
  return InvalidArgument(in.row.name, ": low ", low, " must be below high ", high);
}

absl::StatusOr<ir::TypeList> InferPermutation(const RuleInput& in) {
  RETURN_IF_ERROR(CheckKey(in));
  const Dims& dims = *in.get<Dims>("dims");
  if (dims.size() == 1 && types::IsInteger(*in.get<DType>("dtype"))) return InferByRules(in);
  return InvalidArgument(in.row.name, ": dims ", types::DimsToString(dims),
                         " must hold one extent, and dtype be an integer");
}

Expr Rotate(const Expr& x, int bits) {
  return Apply(ScalarOp::kShl, x, x.Number(bits)) | Apply(ScalarOp::kShr, x, x.Number(32 - bits));
}

// Twenty rounds in five groups; a word of the key comes in after each group.
Words Threefry(const Expr& key0, const Expr& key1, Words x) {
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const Expr keys[3] = {key0, key1, key0 ^ key1 ^ double{0x1BD11BDA}};
  x = {x.high + keys[0], x.low + keys[1]};
  for (int group = 0; group < 5; ++group) {
    for (int bits : kRotations[group % 2]) {
      const Expr high = x.high + x.low;
      x = {high, Rotate(x.low, bits) ^ high};
    }
    x = {x.high + keys[(group + 1) % 3],
         x.low + keys[(group + 2) % 3] + static_cast<double>(group + 1)};
  }
  return x;
}

// A whole dims' worth of counters, in row-major order.
Expr Counters(Graph& g, Ref node) {
  const types::Placement placement = node->type().placement;
  const Sym count = types::NumElements(node->dims());
  const Expr at(g, Reshape(g, Iota(g, {count}, 0, DType::kU64, placement), node->dims()));
  return at + In(g, node, 1).To(DType::kU64);
}

Expr KeyWord(Graph& g, Ref node, int i) {
  return {g, Reshape(g, Slice(g, node->input(0), 0, i, 1), {})};
}

// Bits of an unsigned dtype, as jax.random.bits.
Expr Bits(Graph& g, Ref node, DType dtype) {
  const Words words = RandomWords(g, node);
  if (dtype != DType::kU64) return (words.high ^ words.low).To(dtype);
  const Expr high = words.high.To(DType::kU64);
  return Apply(ScalarOp::kShl, high, high.Number(32)) | words.low.To(DType::kU64);
}

Refs ExpandBits(Graph& g, Ref node) { return {Bits(g, node, node->dtype())}; }

// How a float of `dtype` in [0, 1) is made: the top `kept` bits of an unsigned number.
struct Mantissa {
  DType dtype, bits;
  int kept;
};
constexpr Mantissa kMantissas[] = {{DType::kF16, DType::kU16, 10},
                                   {DType::kBF16, DType::kU8, 7},
                                   {DType::kF32, DType::kU32, 23},
                                   {DType::kF64, DType::kU64, 52}};

const Mantissa& MantissaOf(DType dtype) {
  for (const Mantissa& m : kMantissas) {
    if (m.dtype == dtype) return m;
  }
  return kMantissas[2];
}

Refs ExpandUniform(Graph& g, Ref node) {
  const Mantissa& m = MantissaOf(node->dtype());
  const Expr bits = Bits(g, node, m.bits);
  const Expr top = Apply(ScalarOp::kShr, bits, bits.Number(types::Row(m.bits).bits - m.kept));
  const Expr unit = top.To(node->dtype()) * std::ldexp(1.0, -m.kept);
  const double low = node->attr<double>("low"), high = node->attr<double>("high");
  if (low == 0 && high == 1) return {unit};
  const Expr from = unit.Number(low);
  return {Max(unit * (unit.Number(high) - from) + from, from)};
}

Refs ExpandNormal(Graph& g, Ref node) {
  const DType dtype = node->dtype() == DType::kF64 ? DType::kF64 : DType::kF32;
  const Words words = RandomWords(g, node);
  // In (0, 1], so that the logarithm is finite.
  const Expr u = (words.high.To(dtype) + 0.5) * 0x1p-32, turn = words.low.To(dtype) * 0x1p-32;
  const Expr unit = Sqrt(Log(u) * -2.0) * Cos(turn * (2 * M_PI));
  return {(unit * node->attr<double>("std") + node->attr<double>("mean")).To(node->dtype())};
}

Refs ExpandIntegers(Graph& g, Ref node) {
  const auto low = static_cast<uint64_t>(node->attr<int64_t>("low"));
  const auto span = static_cast<int64_t>(static_cast<uint64_t>(node->attr<int64_t>("high")) - low);
  const types::Placement placement = node->type().placement;
  const auto number = [&](int64_t v) {
    return Expr(g, Constant(g, types::Scalar::Int(DType::kU64, v), placement));
  };
  const Expr drawn = Apply(ScalarOp::kTruncRem, Bits(g, node, DType::kU64), number(span));
  return {(drawn + number(static_cast<int64_t>(low))).To(node->dtype())};
}

// Element j goes where its key ranks: the number of smaller keys, the first among equals.
Refs ExpandPermutation(Graph& g, Ref node) {
  const types::Placement placement = node->type().placement;
  const Sym& n = node->dims()[0];
  const DType index = n.max() > 0x7fffffff ? DType::kI64 : DType::kI32;
  const Expr keys = Bits(g, node, DType::kU64), at(g, Iota(g, {n}, 0, index, placement));
  const auto row = [&](const Expr& x) { return Expr(g, Unsqueeze(g, x, 0)); };
  const auto column = [&](const Expr& x) { return Expr(g, Unsqueeze(g, x, 1)); };
  const Expr before =
      (row(keys) < column(keys)) | ((row(keys) == column(keys)) & (row(at) < column(at)));
  const int64_t last = 1;
  const Expr rank(g, Reduce(g, before.To(index), "sum", absl::MakeConstSpan(&last, 1)));
  const Expr order(g, Build(g, "scatter", {ZerosLike(g, at), rank, at},
                            {{"axis", int64_t{0}}, {"mode", std::string("set")}}));
  return {order.To(node->dtype())};
}

const std::vector<ir::InputSpec>& kInputs =
    *new std::vector<ir::InputSpec>{{"key", "u32[2]"}, {"counter", "u64, of the first element"}};

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "random_bits",
     .family = Family::kRandom,
     .traits = kNoGradient,
     .inputs = kInputs,
     .attrs = {kDims, {"dtype", AttrKind::kDType, "u32", "unsigned"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferBits,
     .expand = ExpandBits,
     .doc = "Random bits: the two words of Threefry-2x32(key, counter + i) one after the other for "
            "u64, "
            "their exclusive or for narrower dtypes.",
     .examples = {{{"u32[2] {0, 0}", "u64[] {0}"},
                   "dims=[1], dtype=u64",
                   {"u64[1] {7719171245655871230}"}},
                  {{"u32[2] {320440878, 57701188}", "u64[] {2611923443488327891}"},
                   "dims=[1], dtype=u64",
                   {"u64[1] {14164448220934961056}"}}}},
    {.name = "uniform",
     .family = Family::kRandom,
     .traits = kNoGradient,
     .inputs = kInputs,
     .attrs = {kDims,
               {"low", AttrKind::kFloat, "0", "the least"},
               {"high", AttrKind::kFloat, "1", "the bound (reached by rounding at most)"},
               kF32},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferFloats,
     .expand = ExpandUniform,
     .doc = "Floats from low to high, evenly spread: as many random bits as the mantissa has.",
     .examples = {{{"u32[2] {0, 0}", "u64[] {0}"}, "dims=[1]", {"f32[1] {0.94766665}"}}}},
    {.name = "normal",
     .family = Family::kRandom,
     .traits = kNoGradient,
     .inputs = kInputs,
     .attrs = {kDims,
               {"mean", AttrKind::kFloat, "0", ""},
               {"std", AttrKind::kFloat, "1", "standard deviation"},
               kF32},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferFloats,
     .expand = ExpandNormal,
     .doc =
         "Normally distributed floats by Box-Muller: one word of an element's block is the radius, "
         "the other the angle.",
     .examples = {{{"u32[2] {0, 0}", "u64[] {0}"}, "dims=[1]", {"f32[1] {-1.0654525}"}}}},
    {.name = "integers",
     .family = Family::kRandom,
     .traits = kNoGradient,
     .inputs = kInputs,
     .attrs = {kDims,
               {"low", AttrKind::kInt, "0", "the least"},
               {"high", AttrKind::kInt, "", "one above the greatest"},
               {"dtype", AttrKind::kDType, "i32", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferRange,
     .expand = ExpandIntegers,
     .doc = "Integers from low up to high, high excluded: 64 random bits modulo their count.",
     .examples = {{{"u32[2] {0, 0}", "u64[] {0}"}, "dims=[1], high=10", {"i32[1] {0}"}}}},
    {.name = "permutation",
     .family = Family::kRandom,
     .traits = kNoGradient,
     .inputs = kInputs,
     .attrs = {kDims, {"dtype", AttrKind::kDType, "i32", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferPermutation,
     .expand = ExpandPermutation,
     .doc = "0 .. n - 1 in random order: the stable argsort of n random numbers. Ranks are "
            "counted, n * n "
            "comparisons.",
     .examples = {{{"u32[2] {0, 0}", "u64[] {0}"}, "dims=[1]", {"i32[1] {0}"}}}},
};

}  // namespace

Words RandomWords(Graph& graph, Ref node) {
  const Expr counters = Counters(graph, node);
  const Expr high = Apply(ScalarOp::kShr, counters, counters.Number(32)).To(DType::kU32);
  return Threefry(KeyWord(graph, node, 0), KeyWord(graph, node, 1),
                  {high, counters.To(DType::kU32)});
}

const std::vector<OpRow>& RandomRows() { return kRows; }

}  // namespace tensord::ops
