// Replacing a block of a tensor, at a start known when the graph is made or computed by it.
#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/index.h"
#include "engine/ops/index_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

// The axes that have a computed start, in the order of the inputs.
absl::StatusOr<Ints> ComputedAxes(const RuleInput& in) {
  const int count = static_cast<int>(in.inputs.size()) - 2, rank = in.inputs[0].rank();
  const Ints* given = in.get<Ints>("axes");
  const Ints axes = given != nullptr ? *given : Range(0, count);
  if (static_cast<int>(axes.size()) != count) {
    return InvalidArgument("slice_update: ", count, " start inputs for axes ", ir::ToString(axes),
                           "; give one for each");
  }
  RETURN_IF_ERROR(NormalizeAxes("slice_update", axes, rank).status());
  Ints normal;
  for (int64_t axis : axes) normal.push_back(axis < 0 ? axis + rank : axis);
  for (const types::Type& start : in.inputs.subspan(2)) {
    if (start.rank() == 0 && types::IsInteger(start.dtype) && start.dtype != DType::kU64) continue;
    return InvalidArgument("slice_update: start ", start.ToString(),
                           " must be an integer scalar; reshape it, or cast it to i64");
  }
  return normal;
}

Dims StartOf(const Dims* start, int rank) {
  return start != nullptr && !start->empty() ? *start : Dims(rank, Sym(0));
}

absl::StatusOr<TypeList> InferSliceUpdate(const RuleInput& in) {
  const types::Type &x = in.inputs[0], &y = in.inputs[1];
  if (x.rank() != y.rank() || x.dtype != y.dtype) {
    return InvalidArgument("slice_update: ", y.ToString(), " can't replace a block of ",
                           x.ToString(), "; rank and dtype must be equal");
  }
  const Dims start = StartOf(in.get<Dims>("start"), x.rank());
  if (static_cast<int>(start.size()) != x.rank()) {
    return InvalidArgument("slice_update: start ", types::DimsToString(start),
                           " needs one entry per axis of ", x.ToString());
  }
  ASSIGN_OR_RETURN(const Ints computed, ComputedAxes(in));
  for (int i = 0; i < x.rank(); ++i) {
    const bool known = std::find(computed.begin(), computed.end(), i) == computed.end();
    const Sym room = x.dims[i] - y.dims[i] - (known ? start[i] : Sym(0));
    if (room.IsNonNegative() && (!known || start[i].IsNonNegative())) continue;
    return InvalidArgument("slice_update: ", y.ToString(), " at ", types::DimsToString(start),
                           " is not inside ", x.ToString(), " on axis ", i);
  }
  return TypeList{x};
}

struct Block {
  Ref x, y;
  Dims start;
  Ints computed;  // axes
};

Block BlockOf(Ref node) {
  Block block{node->input(0), node->input(1), {}, {}};
  const int rank = node->rank();
  block.start = StartOf(node->has_attr("start") ? &node->attr<Dims>("start") : nullptr, rank);
  std::vector<types::Type> types;
  for (Ref input : node->inputs()) types.push_back(input->type());
  block.computed = *ComputedAxes(RuleInput{node->op(), types, node->attrs()});
  return block;
}

Dims HighOf(const Block& block) {
  Dims high;
  for (int i = 0; i < block.x->rank(); ++i) {
    high.push_back(block.x->dims()[i] - block.y->dims()[i] - block.start[i]);
  }
  return high;
}

// Row-major positions in x of the elements of y, -1 for those outside: [elements of y].
Expr Positions(Graph& graph, Ref node, const Block& block) {
  const Sym n = types::NumElements(block.x->dims());
  const DType dtype = n.max() > INT32_MAX ? DType::kI64 : DType::kI32;
  const auto place = node->type().placement;
  const Dims strides = types::RowMajorStrides(block.x->dims());
  const auto value = [&](const Sym& sym, DType as) {
    return Expr(graph, SymValue(graph, sym, as, place));
  };
  Expr sum = value(0, dtype),
       inside(graph, Constant(graph, types::Scalar::Int(DType::kBool, 1), place));
  for (int i = 0; i < block.x->rank(); ++i) {
    Expr at(graph, Iota(graph, block.y->dims(), i, DType::kI64, place));
    at = at + value(block.start[i], DType::kI64);
    const auto computed = std::find(block.computed.begin(), block.computed.end(), i);
    if (computed != block.computed.end()) {
      const int input = static_cast<int>(computed - block.computed.begin()) + 2;
      at = at + In(graph, node, input).To(DType::kI64);
      inside = inside & (at >= 0.0) & (at < value(block.x->dims()[i], DType::kI64));
    }
    sum = sum + at.To(dtype) * value(strides[i], dtype);
  }
  const Expr positions = Select(inside, sum, sum.Number(-1));
  return {graph, Reshape(graph, positions, {types::NumElements(block.y->dims())})};
}

// The one axis with a computed start, when the block spans x from 0 along all others: whole rows
// have one position, and rows are independent.
std::optional<int> RowAxis(const Block& block) {
  if (block.computed.size() != 1) return std::nullopt;
  for (int i = 0; i < block.x->rank(); ++i) {
    if (i != block.computed[0] && block.start[i] != Sym(0)) return std::nullopt;
  }
  return static_cast<int>(block.computed[0]);
}

Ref PutRows(Graph& graph, Ref node, const Block& block, int axis) {
  const auto place = node->type().placement;
  const Expr position = Expr(graph, Iota(graph, block.y->dims(), axis, DType::kI64, place)) +
                        Expr(graph, SymValue(graph, block.start[axis], DType::kI64, place)) +
                        In(graph, node, 2).To(DType::kI64);
  return Build(graph, "scatter", {block.x, position, block.y}, {{"axis", int64_t{axis}}});
}

Ref Flatten(Graph& graph, Ref x) { return Reshape(graph, x, {types::NumElements(x->dims())}); }

Refs ExpandSliceUpdate(Graph& graph, Ref node) {
  const Block block = BlockOf(node);
  if (const std::optional<int> axis = RowAxis(block)) {
    return {PutRows(graph, node, block, *axis)};
  }
  if (!block.computed.empty()) {
    Ref put =
        Build(graph, "scatter",
              {Flatten(graph, block.x), Positions(graph, node, block), Flatten(graph, block.y)},
              {{"axis", int64_t{0}}});
    return {Reshape(graph, put, node->dims())};
  }
  const Dims high = HighOf(block);
  Ref one = Constant(graph, types::Scalar::Int(DType::kBool, 1), node->type().placement);
  Ref inside = Pad(graph, Expand(graph, one, block.y->dims()), block.start, high);
  return {Where(graph, inside, Pad(graph, block.y, block.start, high), block.x)};
}

Refs SliceUpdateGradient(const GradientArgs& a) {
  const Block block = BlockOf(a.node);
  Ref dy = Dy(a);
  Refs inputs(a.node->inputs().begin(), a.node->inputs().end());
  inputs[0] = dy;
  inputs[1] = ZerosLike(a.graph, block.y);
  const NamedAttr attrs[] = {{"start", a.node->attr(0)}, {"axes", a.node->attr(1)}};
  Refs gradients(a.node->inputs().size(), nullptr);
  gradients[0] = Build(a.graph, "slice_update", inputs, attrs);
  if (block.computed.empty()) {
    gradients[1] = Shrink(a.graph, dy, block.start, block.y->dims());
  } else {
    Ref flat = Build(a.graph, "gather", {Flatten(a.graph, dy), Positions(a.graph, a.node, block)},
                     {{"axis", int64_t{0}}});
    gradients[1] = Reshape(a.graph, flat, block.y->dims());
  }
  return gradients;
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "slice_update",
     .family = Family::kIndex,
     .traits = kVariadicInputs,
     .inputs = {{"x"},
                {"y", "x's dtype and rank"},
                {.name = "starts",
                 .doc = "integer scalars, one for each of axes",
                 .optional = true}},
     .attrs = {{"start", AttrKind::kDims, "none", "where y begins, one per axis; none: 0"},
               {"axes", AttrKind::kInts, "none",
                "axes to whose start the inputs add; none: the first"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferSliceUpdate,
     .expand = ExpandSliceUpdate,
     .gradient = SliceUpdateGradient,
     .doc =
         "x with the block that begins at start replaced by y. A start may hold variables, or be "
         "computed: scalar inputs are added to it on `axes`, and elements of y that then fall "
         "outside "
         "x are left out. Donate x to write the block alone.",
     .examples = {{.inputs = {"f32[2,3] {1, 2, 3, 4, 5, 6}", "f32[1,2] {10, 20}"},
                   .attrs = "start=[1,1]",
                   .results = {"f32[2,3] {1, 2, 3, 4, 10, 20}"}},
                  {.inputs = {"f32[4] {1, 2, 3, 4}", "f32[2] {10, 20}", "i32[] {3}"},
                   .results = {"f32[4] {1, 2, 3, 10}"}}}},
};

}  // namespace

const std::vector<OpRow>& SliceUpdateRows() { return kRows; }

}  // namespace tensord::ops
