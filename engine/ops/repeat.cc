// Elements that occur again.
#include "engine/base/status.h"
#include "engine/ops/movement_rows.h"

namespace tensord::ops {
namespace {

absl::Status CheckRepeats(const RuleInput& in, absl::Span<const int64_t> repeats) {
  for (int64_t r : repeats) {
    if (r < 0) return InvalidArgument(in.row.name, ": repeats ", r, " must not be negative");
  }
  return absl::OkStatus();
}

// x's dims and the repeats, both with 1s in front up to one rank.
std::pair<Dims, Ints> Aligned(absl::Span<const Sym> x, absl::Span<const int64_t> repeats) {
  const size_t rank = std::max(x.size(), repeats.size());
  Dims dims(rank - x.size(), Sym(1));
  dims.insert(dims.end(), x.begin(), x.end());
  Ints times(rank - repeats.size(), 1);
  times.insert(times.end(), repeats.begin(), repeats.end());
  return {std::move(dims), std::move(times)};
}

absl::StatusOr<ir::TypeList> InferTile(const RuleInput& in) {
  const Ints& repeats = *in.get<Ints>("repeats");
  RETURN_IF_ERROR(CheckRepeats(in, repeats));
  auto [dims, times] = Aligned(in.inputs[0].dims, repeats);
  for (size_t i = 0; i < dims.size(); ++i) dims[i] *= times[i];
  return ir::TypeList{types::Type{in.inputs[0].dtype, {}, dims}};
}

Refs ExpandTile(Graph& g, Ref node) {
  const auto [dims, times] = Aligned(node->input(0)->dims(), node->attr<Ints>("repeats"));
  Dims ones, grown;
  for (size_t i = 0; i < dims.size(); ++i) {
    ones.push_back(1);
    ones.push_back(dims[i]);
    grown.push_back(times[i]);
    grown.push_back(dims[i]);
  }
  return {Reshape(g, Expand(g, Reshape(g, node->input(0), ones), grown), node->dims())};
}

absl::StatusOr<ir::TypeList> InferRepeatInterleave(const RuleInput& in) {
  const int64_t repeats = *in.get<int64_t>("repeats");
  RETURN_IF_ERROR(CheckRepeats(in, {repeats}));
  if (repeats > types::kMaxElements) {
    return InvalidArgument(in.row.name, ": repeats ", repeats, " is beyond ", types::kMaxElements);
  }
  Dims dims = in.inputs[0].dims;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), in.inputs[0].rank()));
  dims[axis] *= repeats;
  return ir::TypeList{types::Type{in.inputs[0].dtype, {}, dims}};
}

Refs ExpandRepeatInterleave(Graph& g, Ref node) {
  const Ref x = node->input(0);
  const int axis = *NormalizeAxis("repeat_interleave", node->attr<int64_t>("axis"), x->rank());
  const Ref apart = Unsqueeze(g, x, axis + 1);
  Dims grown = apart->dims();
  grown[axis + 1] = node->attr<int64_t>("repeats");
  return {Reshape(g, Expand(g, apart, grown), node->dims())};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "tile",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"repeats", AttrKind::kInts, "", "per axis, aligned at the last"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferTile,
     .expand = ExpandTile,
     .doc = "x as a whole, several times along each axis.",
     .examples = {{{"i32[2] {1, 2}"}, "repeats=[2,2]", {"i32[2,4] {1, 2, 1, 2, 1, 2, 1, 2}"}}}},
    {.name = "repeat_interleave",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"repeats", AttrKind::kInt, "", "of every element"},
               {"axis", AttrKind::kInt, "0", "along which they repeat"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferRepeatInterleave,
     .expand = ExpandRepeatInterleave,
     .doc = "Every element of an axis several times in a row.",
     .examples = {{{"i32[2] {1, 2}"}, "repeats=3", {"i32[6] {1, 1, 1, 2, 2, 2}"}}}},
};

}  // namespace

const std::vector<OpRow>& RepeatRows() { return kRows; }

}  // namespace tensord::ops
