// Scaled dot product attention: two contractions around a softmax, written as a max-fold, an
// exp-fold and a division after the second contraction, so that the scheduler may merge them into
// one pass.
#include <cmath>

#include "engine/ops/compose.h"
#include "engine/ops/nn_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

// Finite, so that differences of masked scores are no NaN.
double LowestFinite(DType dtype) {
  return dtype == DType::kF64 ? -1.7976931348623157e308 : -3.4028234663852886e38;
}

// x [..., a, k], y [..., b, k] -> [..., a, b], summed over k.
Expr RowsTimesRows(const Expr& x, const Expr& y) {
  Graph& graph = x.graph();
  Ref left = Unsqueeze(graph, x, x.node()->rank() - 1),
      right = Unsqueeze(graph, y, y.node()->rank() - 2);
  return {graph, Contract(graph, left, right, {-1})};
}

Expr Transposed(const Expr& x) {
  Ints order = Range(0, x.node()->rank());
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return {x.graph(), Permute(x.graph(), x, order)};
}

// Everything in the dtype of computation, query heads split into [key heads, heads per key head].
struct Attention {
  Graph& graph;
  Ref node;
  Expr q, k, v;
  Expr scale, scores, max, weights,
      sum;  // weights: exp(scores - max), not yet divided by their sum
  bool masked;

  Attention(Graph& g, Ref attention)
      : graph(g),
        node(attention),
        q(Split(attention->input(0))),
        k(Shared(attention->input(1))),
        v(Shared(attention->input(2))),
        scale(Scale()),
        scores(Masked(RowsTimesRows(q, k) * scale)),
        max(MaxKept(scores, {scores.node()->rank() - 1})),
        weights(Exp(scores - max)),
        sum(SumKept(weights, {scores.node()->rank() - 1})),
        masked(attention->inputs().size() > 3) {}

  bool gqa() const { return node->attr<bool>("enable_gqa"); }
  Expr Wide(Ref x) const { return {graph, Cast(graph, x, ComputeDType(node->dtype()))}; }

  // A value with the query's heads.
  Expr Split(Ref x) const {
    if (!gqa()) return Wide(x);
    Dims dims = x->dims();
    const Sym& shared = node->input(1)->dims()[node->input(1)->rank() - 3];
    const auto heads = dims.end() - 3;
    const Sym each = types::FloorDiv(*heads, shared);
    *heads = shared;
    dims.insert(heads + 1, each);
    return {graph, Reshape(graph, Wide(x), dims)};
  }
  // A value with the key's heads.
  Expr Shared(Ref x) const {
    if (!gqa()) return Wide(x);
    return {graph, Unsqueeze(graph, Wide(x), x->rank() - 2)};
  }
  Expr Scale() const {
    if (node->has_attr("scale")) return q.Number(node->attr<double>("scale"));
    const Sym& features = q.dims().back();
    if (features.is_constant())
      return q.Number(1 / std::sqrt(static_cast<double>(features.constant())));
    return 1.0 / Sqrt({graph, SymValue(graph, features, q.dtype(), node->type().placement)});
  }

  // The mask, broadcasting against the scores.
  Ref MaskLike() const {
    Ref mask = node->input(3);
    if (!gqa() || mask->rank() < 3) return mask;
    Dims dims = mask->dims();
    const auto heads = dims.end() - 3;
    const bool one = *heads == Sym(1);
    const Sym shared = one ? Sym(1) : k.dims()[k.dims().size() - 4];
    const Sym each = one ? Sym(1) : types::FloorDiv(*heads, shared);
    *heads = shared;
    dims.insert(heads + 1, each);
    return Reshape(graph, mask, dims);
  }
  Expr Masked(Expr s) const {
    const Expr lowest = s.Number(LowestFinite(s.dtype()));
    if (node->inputs().size() > 3) {
      const Expr mask(graph, MaskLike());
      s = types::IsBool(mask.dtype()) ? Select(mask, s, lowest)
                                      : Max(s + mask.To(s.dtype()), lowest);
    }
    if (!node->attr<bool>("is_causal")) return s;
    const Dims square = {s.dims()[s.dims().size() - 2], s.dims().back()};
    const auto place = node->type().placement;
    const Expr row(graph, Iota(graph, square, 0, DType::kI32, place));
    const Expr column(graph, Iota(graph, square, 1, DType::kI32, place));
    return Select(column <= row, s, lowest);
  }

  // `value`, or 0 in rows that may attend to nothing.
  Expr UnlessEmpty(const Expr& value) const {
    if (!masked) return value;
    return Select(max <= LowestFinite(max.dtype()), value.Number(0), value);
  }
  Expr Output() const { return UnlessEmpty(RowsTimesRows(weights, Transposed(v)) / sum); }
  Expr Probabilities() const { return UnlessEmpty(weights / sum); }

  // `gradient` as that of input i: summed where the input was broadcast.
  Ref For(int i, const Expr& gradient, Ref like) const {
    Ref summed = SumTo(graph, gradient, like->dims());
    Ref input = node->input(i);
    return Cast(graph, Reshape(graph, summed, input->dims()), input->dtype());
  }
};

Refs ExpandAttention(Graph& graph, Ref node) {
  const Expr output = Attention(graph, node).Output();
  return {Cast(graph, Reshape(graph, output, node->dims()), node->dtype())};
}

// The softmax's gradient needs the sum of dp * p over a row, which is the sum of dy * y.
Refs AttentionGradient(const GradientArgs& args) {
  const Attention a(args.graph, args.node);
  const Expr dy = a.Split(args.output_gradients[0]), y = a.Split(args.node);
  const Expr p = a.Probabilities();
  const Expr dp = RowsTimesRows(dy, a.v);
  const Expr ds = p * (dp - SumKept(dy * y, {dy.node()->rank() - 1}));
  Refs gradients = {
      a.For(0, RowsTimesRows(ds, Transposed(a.k)) * a.scale, a.q),
      a.For(1, RowsTimesRows(Transposed(ds), Transposed(a.q)) * a.scale, a.k),
      a.For(2, RowsTimesRows(Transposed(p), Transposed(dy)), a.v),
  };
  if (a.masked) {
    const bool additive = types::IsFloat(args.node->input(3)->dtype());
    gradients.push_back(additive ? a.For(3, ds, a.MaskLike()) : nullptr);
  }
  return gradients;
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "scaled_dot_product_attention",
     .family = Family::kNn,
     .inputs =
         {{"query", "[..., L, E]"},
          {"key", "[..., S, E]"},
          {"value", "[..., S, V]"},
          {.name = "mask",
           .doc =
               "broadcasts to [..., L, S]; bool: true where to attend; float: added to the scores",
           .optional = true}},
     .attrs = {{"is_causal", AttrKind::kBool, "false", "row i attends to columns 0 .. i only"},
               {"scale", AttrKind::kFloat, "none", "of the scores; none: 1/sqrt(E)"},
               {"enable_gqa", AttrKind::kBool, "false",
                "axis -3 of query is a multiple of that of key and value, whose heads are shared"}},
     .dtype_rule = DTypeRule::kFloatFirst,
     .shape_rule = ShapeRule::kAttention,
     .expand = ExpandAttention,
     .gradient = AttentionGradient,
     .doc = "softmax(query @ key.T * scale + mask) @ value, in f32 for halves. Leading axes "
            "broadcast; "
            "the result is [..., L, V]. A row that may attend to nothing gives zeros. As "
            "torch.nn.functional.scaled_dot_product_attention.",
     .examples = {{.inputs = {"f32[1,2] {0, 0}", "f32[2,2] {1, 2, 3, 4}", "f32[2,1] {1, 3}"},
                   .results = {"f32[1,1] {2}"}},
                  {.inputs = {"f32[2,1] {1, 1}", "f32[2,1] {5, 5}", "f32[2,1] {1, 3}"},
                   .attrs = "is_causal=true",
                   .results = {"f32[2,1] {1, 2}"}}}},
};

}  // namespace

const std::vector<OpRow>& AttentionRows() { return kRows; }

}  // namespace tensord::ops
