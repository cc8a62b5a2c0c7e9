// Triangles and diagonals of matrices.
#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/join.h"
#include "engine/ops/movement_rows.h"

namespace tensord::ops {
namespace {

// Column minus row of the last two axes.
Expr Offset(Graph& g, Ref like) {
  const Dims& dims = like->dims();
  const int rank = like->rank();
  const Expr row(g, Coordinates(g, dims, rank - 2, like->type().placement));
  const Expr column(g, Coordinates(g, dims, rank - 1, like->type().placement));
  return column - row;
}

Refs ExpandTriangle(Graph& g, Ref node, bool upper) {
  const Expr x = In(g, node), offset = Offset(g, x);
  const int64_t most = offset.dtype() == DType::kI64 ? types::kMaxElements : 0x7fffffff;
  const int64_t diagonal = std::clamp(node->attr<int64_t>("diagonal"), -most, most);
  const Expr k = {g, Coordinate(g, offset, diagonal)};
  return {Select(upper ? k <= offset : offset <= k, x, x.Number(0))};
}

absl::StatusOr<ir::TypeList> InferDiag(const RuleInput& in) {
  if (in.inputs[0].rank() != 1) {
    return InvalidArgument(in.row.name, ": ", types::DimsToString(in.inputs[0].dims),
                           " is no vector; see diagonal for matrices");
  }
  const Sym& n = in.inputs[0].dims[0];
  return ir::TypeList{types::Type{in.inputs[0].dtype, {}, {n, n}}};
}

Refs ExpandDiag(Graph& g, Ref node) {
  const Expr x = In(g, node), offset = Offset(g, node);
  return {Select(offset == 0.0, {g, Expand(g, x, node->dims())}, x.Number(0))};
}

// The part of axes 0 and 1 that a diagonal passes: where it starts, and its length.
struct Part {
  int axis0, axis1;
  Sym row, column, length;
};

absl::StatusOr<Part> FindPart(std::string_view op, absl::Span<const Sym> x, int64_t axis0,
                              int64_t axis1, int64_t offset) {
  const int rank = static_cast<int>(x.size());
  ASSIGN_OR_RETURN(const int a, NormalizeAxis(op, axis0, rank));
  ASSIGN_OR_RETURN(const int b, NormalizeAxis(op, axis1, rank));
  if (a == b) return InvalidArgument(op, ": axis0 and axis1 are both ", a);
  if (offset < -types::kMaxElements || offset > types::kMaxElements) {
    return InvalidArgument(op, ": offset ", offset, " is beyond ", types::kMaxElements);
  }
  // A diagonal outside the matrix is empty; its start must not be outside too.
  const Sym row = types::Min(std::max<int64_t>(-offset, 0), x[a]);
  const Sym column = types::Min(std::max<int64_t>(offset, 0), x[b]);
  return Part{a, b, row, column, types::Min(x[a] - row, x[b] - column)};
}

Dims WithoutAxes(absl::Span<const Sym> x, const Part& part) {
  Dims out;
  for (int i = 0; i < static_cast<int>(x.size()); ++i) {
    if (i != part.axis0 && i != part.axis1) out.push_back(x[i]);
  }
  return out;
}

absl::StatusOr<ir::TypeList> InferDiagonal(const RuleInput& in) {
  const Dims& x = in.inputs[0].dims;
  ASSIGN_OR_RETURN(const Part part,
                   FindPart(in.row.name, x, *in.get<int64_t>("axis0"), *in.get<int64_t>("axis1"),
                            *in.get<int64_t>("offset")));
  Dims out = WithoutAxes(x, part);
  out.push_back(part.length);
  return ir::TypeList{types::Type{in.inputs[0].dtype, {}, out}};
}

// Row i of a square of n read at pitch n + 1 starts with its diagonal element.
Refs ExpandDiagonal(Graph& g, Ref node) {
  const Ref x = node->input(0);
  const Part part = *FindPart("diagonal", x->dims(), node->attr<int64_t>("axis0"),
                              node->attr<int64_t>("axis1"), node->attr<int64_t>("offset"));
  Ref square = Slice(g, x, part.axis0, part.row, part.length);
  square = Slice(g, square, part.axis1, part.column, part.length);
  Ints order;
  for (int i = 0; i < x->rank(); ++i) {
    if (i != part.axis0 && i != part.axis1) order.push_back(i);
  }
  order.push_back(part.axis0);
  order.push_back(part.axis1);
  const Dims rest = WithoutAxes(x->dims(), part);
  const int last = static_cast<int>(rest.size());
  Dims flat = rest, rows = rest, none(last + 1, Sym(0)), after = none;
  flat.push_back(part.length * part.length);
  rows.push_back(part.length);
  rows.push_back(part.length + 1);
  after[last] = part.length;
  const Ref line = Pad(g, Reshape(g, Permute(g, square, order), flat), none, after);
  return {Squeeze(g, Slice(g, Reshape(g, line, rows), last + 1, 0, 1), last + 1)};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "triu",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"diagonal", AttrKind::kInt, "0", "the lowest kept; 1 is above the main one"}},
     .shape_rule = ShapeRule::kTriangle,
     .expand = [](Graph& g, Ref node) -> Refs { return ExpandTriangle(g, node, true); },
     .doc = "The upper triangle of the last two axes, zeros below.",
     .examples = {{{"i32[2,3] {1, 2, 3, 4, 5, 6}"}, "", {"i32[2,3] {1, 2, 3, 0, 5, 6}"}}}},
    {.name = "tril",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"diagonal", AttrKind::kInt, "0", "the highest kept; -1 is below the main one"}},
     .shape_rule = ShapeRule::kTriangle,
     .expand = [](Graph& g, Ref node) -> Refs { return ExpandTriangle(g, node, false); },
     .doc = "The lower triangle of the last two axes, zeros above.",
     .examples = {{{"i32[2,3] {1, 2, 3, 4, 5, 6}"},
                   "diagonal=1",
                   {"i32[2,3] {1, 2, 0, 4, 5, 6}"}}}},
    {.name = "diag",
     .family = Family::kMovement,
     .inputs = {{"x", "a vector"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferDiag,
     .expand = ExpandDiag,
     .doc = "The square matrix with x on its diagonal and zeros elsewhere.",
     .examples = {{{"f32[2] {1, 2}"}, "", {"f32[2,2] {1, 0, 0, 2}"}}}},
    {.name = "diagonal",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"offset", AttrKind::kInt, "0", "above (positive) or below the main diagonal"},
               {"axis0", AttrKind::kInt, "0", "rows"},
               {"axis1", AttrKind::kInt, "1", "columns"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferDiagonal,
     .expand = ExpandDiagonal,
     .doc = "The diagonal of two axes, as the last axis of the result.",
     .examples = {{{"i32[2,3] {1, 2, 3, 4, 5, 6}"}, "", {"i32[2] {1, 5}"}},
                  {{"i32[2,3] {1, 2, 3, 4, 5, 6}"}, "offset=1", {"i32[2] {2, 6}"}}}},
};

}  // namespace

const std::vector<OpRow>& DiagonalRows() { return kRows; }

}  // namespace tensord::ops
