// Convolutions of any rank. Forward, both gradients and the transpose are three contractions over
// movement views, so that the compiler sees products of indices and masks only:
//
//   Forward         windows of the padded input            x  weight             summed over C/G, k
//   InputGradient   windows of the dilated, padded output  x  flipped weight     summed over O/G, k
//   WeightGradient  windows of the padded input            x  output gradient    summed over N, r
//
// A transposed convolution is InputGradient; its gradients are Forward and WeightGradient.
#include "engine/ops/compose.h"
#include "engine/ops/nn_rows.h"
#include "engine/ops/rows.h"
#include "engine/ops/window.h"

namespace tensord::ops {
namespace {

struct Conv {
  WindowSpec window;
  int64_t groups;
  int axes() const { return window.axes(); }
};

Conv ConvOf(Ref node) {
  return {WindowOf(node, KernelSizes(node->input(1)->dims())), node->attr<int64_t>("groups")};
}

absl::Span<const Sym> Spatial(Ref x) { return absl::MakeConstSpan(x->dims()).subspan(2); }

Dims Join(std::initializer_list<Sym> first, absl::Span<const Sym> middle,
          absl::Span<const Sym> last = {}) {
  Dims dims(first);
  dims.insert(dims.end(), middle.begin(), middle.end());
  dims.insert(dims.end(), last.begin(), last.end());
  return dims;
}

Ints Concat(std::initializer_list<Ints> parts) {
  Ints all;
  for (const Ints& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// [N,C,*d] -> [N,C,*r,*k].
Ref Windows(Graph& graph, Ref x, const WindowSpec& window, const Ints& strides) {
  return Build(graph, "window", {x},
               {{"axes", Range(2, 2 + window.axes())},
                {"sizes", window.sizes},
                {"strides", strides},
                {"dilations", window.dilations}});
}

// The windows of the padded input, exactly `counts` along each axis.
Ref InputWindows(Graph& graph, Ref x, const WindowSpec& window, absl::Span<const Sym> counts) {
  Dims low(2, Sym(0)), high(2, Sym(0));
  for (int i = 0; i < window.axes(); ++i) {
    low.push_back(window.low[i]);
    high.push_back(window.high[i]);
  }
  Ref all = Windows(graph, Pad(graph, x, low, high), window, window.strides);
  for (int i = 0; i < window.axes(); ++i) all = FitAxis(graph, all, i + 2, 0, counts[i]);
  return all;
}

// [N,G*A,*r,*k] x [G,B,A,*k] -> [N,G*B,*r], summed over A and k.
Ref GroupedProduct(Graph& graph, Ref windows, Ref weight, const Conv& conv) {
  const int s = conv.axes();
  const Sym &batch = windows->dims()[0], &groups = weight->dims()[0], &b = weight->dims()[1],
            &a = weight->dims()[2];
  const auto counts = Spatial(windows).first(s), kernel = Spatial(windows).subspan(s);
  Ref split = Reshape(graph, windows, Join({batch, groups, a}, Spatial(windows)));
  Ref moved =
      Permute(graph, split, Concat({{0, 1}, Range(3, 3 + s), {2}, Range(3 + s, 3 + 2 * s)}));
  Ref left = Unsqueeze(graph, moved, 2);  // [N,G,1,*r,A,*k]
  Dims dims = Join({Sym(1), groups, b}, Dims(s, Sym(1)));
  dims.push_back(a);
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  Ref right = Reshape(graph, weight, dims);
  Ref sum = Contract(graph, left, right, Range(3 + s, 4 + 2 * s));
  return Reshape(graph, sum, Join({batch, groups * b}, counts));
}

// Convolution of x with w [O,C/G,*k], with `counts` results along each spatial axis.
Ref Forward(Graph& graph, Ref x, Ref w, const Conv& conv, absl::Span<const Sym> counts) {
  const Dims& d = w->dims();
  Ref grouped =
      Reshape(graph, w, Join({conv.groups, types::FloorDiv(d[0], conv.groups), d[1]}, Spatial(w)));
  return GroupedProduct(graph, InputWindows(graph, x, conv.window, counts), grouped, conv);
}

// The adjoint of Forward in x: y [N,O,*r], w [O,C/G,*k] -> [N,C,*extents].
Ref InputGradient(Graph& graph, Ref y, Ref w, const Conv& conv, absl::Span<const Sym> extents) {
  const int s = conv.axes();
  const WindowSpec& window = conv.window;
  Ref wide = Build(graph, "dilate", {y}, {{"factors", Concat({{1, 1}, window.strides})}});
  for (int i = 0; i < s; ++i) {
    wide =
        FitAxis(graph, wide, i + 2, window.reach(i) - window.low[i], extents[i] + window.reach(i));
  }
  Ref windows = Windows(graph, wide, window, Ints(s, 1));
  const Dims& d = w->dims();
  const Sym per_group = types::FloorDiv(d[0], conv.groups);
  Ref flipped = Reshape(graph, Flip(graph, w, Range(2, 2 + s)),
                        Join({conv.groups, per_group, d[1]}, Spatial(w)));
  Ref swapped = Permute(graph, flipped, Concat({{0, 2, 1}, Range(3, 3 + s)}));
  return GroupedProduct(graph, windows, swapped, conv);
}

// The adjoint of Forward in w: x [N,C,*d], y [N,O,*r] -> [O,C/G,*k].
Ref WeightGradient(Graph& graph, Ref x, Ref y, const Conv& conv) {
  const int s = conv.axes();
  const Sym &batch = x->dims()[0], &g = Sym(conv.groups);
  const Sym a = types::FloorDiv(x->dims()[1], g), b = types::FloorDiv(y->dims()[1], g);
  Ref windows = InputWindows(graph, x, conv.window, Spatial(y));
  Ref split = Reshape(graph, windows, Join({batch, g, a}, Spatial(windows)));
  Ref moved =
      Permute(graph, split, Concat({{1, 2}, Range(3 + s, 3 + 2 * s), {0}, Range(3, 3 + s)}));
  Ref left = Unsqueeze(graph, moved, 1);  // [G,1,A,*k,N,*r]
  Ref outputs = Permute(graph, Reshape(graph, y, Join({batch, g, b}, Spatial(y))),
                        Concat({{1, 2, 0}, Range(3, 3 + s)}));
  Dims dims = Join({g, b, Sym(1)}, Dims(s, Sym(1)));
  dims.push_back(batch);
  dims.insert(dims.end(), y->dims().begin() + 2, y->dims().end());
  Ref right = Reshape(graph, outputs, dims);
  Ref sum = Contract(graph, left, right, Range(3 + s, 4 + 2 * s));
  return Reshape(graph, sum, Join({b * g, a}, Spatial(windows).subspan(s)));
}

Ref AddBias(Graph& graph, Ref sum, Ref node) {
  if (node->inputs().size() < 3) return Cast(graph, sum, node->dtype());
  Ref bias = PlaceAxes(graph, Cast(graph, node->input(2), sum->dtype()), {1}, sum->rank());
  return Cast(graph, Add(graph, sum, bias), node->dtype());
}

// The gradients of x, w and, if given, bias.
Refs WithBiasGradient(const GradientArgs& args, Ref x, Ref w) {
  Graph& graph = args.graph;
  const DType dtype = args.node->dtype();
  Refs gradients = {Cast(graph, x, dtype), Cast(graph, w, dtype)};
  if (args.node->inputs().size() > 2) {
    Ref g = Widen(graph, args.output_gradients[0]);
    gradients.push_back(Cast(graph, Reduce(graph, g, "sum", OtherAxes(g, {1})), dtype));
  }
  return gradients;
}

Refs ExpandConv(Graph& graph, Ref node) {
  Ref sum = Forward(graph, node->input(0), node->input(1), ConvOf(node), Spatial(node));
  return {AddBias(graph, sum, node)};
}

Refs ConvGradient(const GradientArgs& args) {
  Ref x = args.node->input(0), w = args.node->input(1), g = args.output_gradients[0];
  const Conv conv = ConvOf(args.node);
  return WithBiasGradient(args, InputGradient(args.graph, g, w, conv, Spatial(x)),
                          WeightGradient(args.graph, x, g, conv));
}

Refs ExpandConvTranspose(Graph& graph, Ref node) {
  Ref sum = InputGradient(graph, node->input(0), node->input(1), ConvOf(node), Spatial(node));
  return {AddBias(graph, sum, node)};
}

Refs ConvTransposeGradient(const GradientArgs& args) {
  Ref x = args.node->input(0), w = args.node->input(1), g = args.output_gradients[0];
  const Conv conv = ConvOf(args.node);
  return WithBiasGradient(args, Forward(args.graph, g, w, conv, Spatial(x)),
                          WeightGradient(args.graph, g, x, conv));
}

constexpr std::string_view kStrideDoc = "one for all spatial axes, or one each";
constexpr std::string_view kPaddingDoc =
    "zeros around: one for all, one each, or low and high of each axis in turn";

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "conv",
     .family = Family::kNn,
     .inputs = {{"x", "[N, C, *d]"},
                {"weight", "[O, C/groups, *k]"},
                {.name = "bias", .doc = "[O]", .optional = true}},
     .attrs = {{"stride", AttrKind::kInts, "[1]", kStrideDoc},
               {"padding", AttrKind::kInts, "[0]", kPaddingDoc},
               {"dilation", AttrKind::kInts, "[1]", kStrideDoc},
               {"groups", AttrKind::kInt, "1",
                "channels are split into that many independent parts"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kConv,
     .expand = ExpandConv,
     .gradient = ConvGradient,
     .doc =
         "Convolution (cross-correlation) over any number of spatial axes. x [N, C, *d] and weight "
         "[O, C/groups, *k] give [N, O, *r] with r = (d + low + high - dilation*(k-1) - 1) // "
         "stride + 1. Halves accumulate in f32. As torch.nn.functional.conv1d, 2d, 3d.",
     .examples = {{.inputs = {"f32[1,1,4] {1, 2, 3, 4}", "f32[1,1,2] {1, -1}"},
                   .results = {"f32[1,1,3] {-1, -1, -1}"}},
                  {.inputs = {"f32[1,1,4] {1, 2, 3, 4}", "f32[2,1,2] {1, 0, 1, 1}",
                              "f32[2] {0, 10}"},
                   .attrs = "stride=[2], padding=[1,0]",
                   .results = {"f32[1,2,2] {0, 2, 11, 15}"}}}},
    {.name = "conv_transpose",
     .family = Family::kNn,
     .inputs = {{"x", "[N, C, *d]"},
                {"weight", "[C, O/groups, *k]"},
                {.name = "bias", .doc = "[O]", .optional = true}},
     .attrs = {{"stride", AttrKind::kInts, "[1]", kStrideDoc},
               {"padding", AttrKind::kInts, "[0]",
                "taken off: as of the convolution that this inverts"},
               {"output_padding", AttrKind::kInts, "[0]", "more elements at the high end"},
               {"dilation", AttrKind::kInts, "[1]", kStrideDoc},
               {"groups", AttrKind::kInt, "1",
                "channels are split into that many independent parts"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kConvTranspose,
     .expand = ExpandConvTranspose,
     .gradient = ConvTransposeGradient,
     .doc =
         "Transposed convolution: the gradient of conv in its input. x [N, C, *d] and weight [C, "
         "O/groups, *k] give [N, O, *r] with r = (d-1)*stride - low - high + dilation*(k-1) + "
         "output_padding + 1. As torch.nn.functional.conv_transpose1d, 2d, 3d.",
     .examples = {{.inputs = {"f32[1,1,2] {1, 2}", "f32[1,1,3] {1, 10, 100}"},
                   .attrs = "stride=[2]",
                   .results = {"f32[1,1,5] {1, 10, 102, 20, 200}"}}}},
};

}  // namespace

const std::vector<OpRow>& ConvRows() { return kRows; }

}  // namespace tensord::ops
