// Products of matrices and tensors. All are contractions: movement views of the operands,
// multiplied and folded by a sum.
#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/einsum.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

// x as [..., n, k] from [..., k, n], or [1, k] from [k].
Ref Columns(Graph& graph, Ref x) {
  if (x->rank() == 1) return Unsqueeze(graph, x, 0);
  Ints order = Range(0, x->rank());
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return Permute(graph, x, order);
}

Refs ExpandMatmul(Graph& graph, Ref node) {
  Ref a = node->input(0), b = node->input(1);
  Ref rows = a->rank() == 1 ? Unsqueeze(graph, a, 0) : a;
  Ref left = Unsqueeze(graph, rows, rows->rank() - 1);  // [..., m, 1, k]
  Ref columns = Columns(graph, b);
  Ref right = Unsqueeze(graph, columns, columns->rank() - 2);  // [..., 1, n, k]
  Ref sum = Contract(graph, left, right, {-1});
  return {Reshape(graph, Cast(graph, sum, node->dtype()), node->dims())};
}

absl::StatusOr<TypeList> InferDot(const RuleInput& in) {
  const Dims &a = in.inputs[0].dims, &b = in.inputs[1].dims;
  types::Type out = in.inputs[0];
  if (a.empty() || b.empty()) {
    if (a.empty()) out.dims = b;
    return TypeList{out};
  }
  const Sym &left = a.back(), &right = b[b.size() == 1 ? 0 : b.size() - 2];
  if (left != right) {
    return InvalidArgument("dot: inner extents of ", in.inputs[0].ToString(), " and ",
                           in.inputs[1].ToString(), " differ: ", left.ToString(), " and ",
                           right.ToString(), "; transpose or reshape one operand");
  }
  out.dims.pop_back();
  for (size_t i = 0; i < b.size(); ++i) {
    if (i != (b.size() == 1 ? 0 : b.size() - 2)) out.dims.push_back(b[i]);
  }
  if (out.rank() >= types::kMaxRank) {
    return InvalidArgument("dot: ", in.inputs[0].ToString(), " and ", in.inputs[1].ToString(),
                           " have too many axes; merge some with reshape");
  }
  return TypeList{out};
}

Refs ExpandDot(Graph& graph, Ref node) {
  Ref a = node->input(0), b = node->input(1);
  if (a->rank() == 0 || b->rank() == 0) return {Mul(graph, a, b)};
  Ref columns = b->rank() == 1 ? b : Columns(graph, b);
  const int rows = a->rank() - 1, rank = rows + columns->rank();
  Ints axes = Range(0, rows);
  axes.push_back(rank - 1);
  Ref left = PlaceAxes(graph, a, axes, rank);
  return {Cast(graph, Contract(graph, left, columns, {-1}), node->dtype())};
}

Refs ExpandEinsumNode(Graph& graph, Ref node) {
  std::vector<int> ranks;
  for (Ref input : node->inputs()) ranks.push_back(input->rank());
  const EinsumTerms terms = *ParseEinsum(node->attr<std::string>("equation"), ranks);
  return {Cast(graph, ExpandEinsum(graph, terms, node->inputs()), node->dtype())};
}

absl::StatusOr<TypeList> InferOuter(const RuleInput& in) {
  types::Type out = in.inputs[0];
  out.dims = {in.inputs[0].elements(), in.inputs[1].elements()};
  return TypeList{out};
}

Refs ExpandOuter(Graph& graph, Ref node) {
  Ref column = Reshape(graph, node->input(0), {node->dims()[0], Sym(1)});
  Ref row = Reshape(graph, node->input(1), {Sym(1), node->dims()[1]});
  return {Mul(graph, column, row)};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "matmul",
     .family = Family::kLinalg,
     .inputs = {{"a", "[..., m, k], or [k]"}, {"b", "[..., k, n], or [k]"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kMatmul,
     .expand = ExpandMatmul,
     .doc =
         "Matrix product. a [..., m, k] and b [..., k, n] give [..., m, n]; leading axes "
         "broadcast, and an operand of rank 1 is a row on the left, a column on the right, whose "
         "axis of 1 vanishes. Halves accumulate in f32, integers in i32 or wider (and wrap). "
         "As numpy.matmul.",
     .examples = {{.inputs = {"f32[2,2] {1, 2, 3, 4}", "f32[2,2] {5, 6, 7, 8}"},
                   .results = {"f32[2,2] {19, 22, 43, 50}"}},
                  {.inputs = {"i32[3] {1, 2, 3}", "i32[3] {4, 5, 6}"}, .results = {"i32[] {32}"}},
                  {.inputs = {"f16[2,1,2] {1, 2, 3, 4}", "f16[2] {1, 0.5}"},
                   .results = {"f16[2,1] {2, 5}"}}}},
    {.name = "dot",
     .family = Family::kLinalg,
     .inputs = {{"a", "[..., k], or a scalar"}, {"b", "[..., k, n], [k], or a scalar"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferDot,
     .expand = ExpandDot,
     .doc =
         "Sum over the last axis of a times the last axis but one of b (its only one for rank 1). "
         "The result has a's other axes, then b's, without broadcasting between them; a scalar "
         "multiplies. Accumulates as matmul does. As numpy.dot.",
     .examples = {{.inputs = {"f32[3] {1, 2, 3}", "f32[3] {1, 0, -1}"}, .results = {"f32[] {-2}"}},
                  {.inputs = {"f32[1,2] {1, 2}", "f32[2,2,1] {1, 2, 3, 4}"},
                   .results = {"f32[1,2,1] {5, 11}"}}}},
    {.name = "einsum",
     .family = Family::kLinalg,
     .traits = kVariadicInputs,
     .inputs = {{"operands"}},
     .attrs = {{"equation", AttrKind::kString, "", "as numpy's: \"bij,bjk->bik\""}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kEinsum,
     .expand = ExpandEinsumNode,
     .doc =
         "Sum of products over named axes. Letters name the axes of each operand; those that the "
         "result does not name are summed. A letter twice in one operand takes its diagonal, "
         "\"...\" stands for leading axes that broadcast, and without \"->\" the result has the "
         "ellipsis and then the letters that occur once, in ASCII order. Three and more operands "
         "are "
         "contracted pairwise, in the order with the fewest multiplications. As numpy.einsum.",
     .examples = {{.inputs = {"f32[2,2] {1, 2, 3, 4}", "f32[2] {1, -1}"},
                   .attrs = "equation=\"ij,j->i\"",
                   .results = {"f32[2] {-1, -1}"}},
                  {.inputs = {"f32[2,2] {1, 2, 3, 4}"},
                   .attrs = "equation=\"ii\"",
                   .results = {"f32[] {5}"}}}},
    {.name = "outer",
     .family = Family::kLinalg,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferOuter,
     .expand = ExpandOuter,
     .doc =
         "Outer product of the flattened inputs: [elements of a, elements of b]. As numpy.outer.",
     .examples = {{.inputs = {"f32[2] {1, 2}", "f32[3] {1, 10, 100}"},
                   .results = {"f32[2,3] {1, 10, 100, 2, 20, 200}"}}}},
};

}  // namespace

const std::vector<OpRow>& LinalgRows() { return kRows; }

}  // namespace tensord::ops
