#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/einsum.h"
#include "engine/ops/type_rules.h"
#include "engine/ops/type_rules_nn.h"
#include "engine/ops/window.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using ir::RuleInput;
using types::Dims;
using types::DimsToString;
using types::Sym;

// Largest size, stride, dilation and padding: products of two fit in an index.
constexpr int64_t kMaxWindow = int64_t{1} << 30;

std::string Text(const Ints& ints) { return ir::ToString(ints); }

absl::Span<const Sym> Leading(const Dims& dims, int trailing) {
  return absl::MakeConstSpan(dims).first(dims.size() - trailing);
}

// Expansions need room for `more` axes beyond those of input 0.
absl::Status CheckRoom(const RuleInput& in, int rank, int more) {
  if (rank + more <= types::kMaxRank) return absl::OkStatus();
  return InvalidArgument(in.row.name, ": rank ", rank, " of ", in.inputs[0].ToString(),
                         " is too high; at most ", types::kMaxRank - more,
                         ", so merge axes with reshape");
}

// A fold's iterations are counted in 62 bits.
absl::Status CheckWork(const RuleInput& in, const Sym& products) {
  if (products.max() < int64_t{1} << 62) return absl::OkStatus();
  return InvalidArgument(in.row.name, ": needs 2^62 products or more for ", in.inputs[0].ToString(),
                         "; split the operands");
}

absl::Status CheckRank(const RuleInput& in, int input, int rank, std::string_view layout) {
  if (in.inputs[input].rank() == rank) return absl::OkStatus();
  return InvalidArgument(in.row.name, ": ", in.row.inputs[input].name, " is ",
                         in.inputs[input].ToString(), "; expected ", layout, " of rank ", rank);
}

absl::Status CheckIndex(const RuleInput& in, int input) {
  if (types::IsInteger(in.inputs[input].dtype)) return absl::OkStatus();
  return InvalidArgument(in.row.name, ": ", in.row.inputs[input].name, " is ",
                         in.inputs[input].ToString(), "; cast it to an integer dtype");
}

// Attribute `name` with one entry per axis, each in [least, kMaxWindow].
absl::StatusOr<Ints> PerAxis(const RuleInput& in, std::string_view name, int axes, int64_t least,
                             int64_t otherwise) {
  Ints values = IntsOr(in, name, axes, otherwise);
  if (values.size() != 1 && static_cast<int>(values.size()) != axes) {
    return InvalidArgument(in.row.name, ": ", name, " ", Text(values), " has ", values.size(),
                           " values; expected 1 or one for each of ", axes, " spatial axes");
  }
  for (int64_t v : values) {
    if (v >= least && v <= kMaxWindow) continue;
    return InvalidArgument(in.row.name, ": ", name, " ", Text(values), " must hold numbers from ",
                           least, " to ", kMaxWindow);
  }
  if (values.size() == 1) values.resize(axes, values[0]);
  return values;
}

// Symmetric padding or pairs, split into low and high.
absl::Status ReadPadding(const RuleInput& in, WindowSpec& window) {
  const int axes = window.axes();
  const Ints* padding = in.get<Ints>("padding");
  if (padding == nullptr || static_cast<int>(padding->size()) != 2 * axes || padding->size() == 1) {
    ASSIGN_OR_RETURN(window.low, PerAxis(in, "padding", axes, 0, 0));
    window.high = window.low;
    return absl::OkStatus();
  }
  for (int64_t v : *padding) {
    if (v >= 0 && v <= kMaxWindow) continue;
    return InvalidArgument(in.row.name, ": padding ", Text(*padding),
                           " must hold numbers from 0 to ", kMaxWindow,
                           "; shrink the input instead of padding it negatively");
  }
  for (int i = 0; i < axes; ++i) {
    window.low.push_back((*padding)[2 * i]);
    window.high.push_back((*padding)[2 * i + 1]);
  }
  return absl::OkStatus();
}

// The checks that conv and conv_transpose share; `inner` is the weight dim that meets x's channels.
absl::StatusOr<WindowSpec> CheckConv(const RuleInput& in, const Sym& inner, const Sym& channels) {
  const types::Type &x = in.inputs[0], &w = in.inputs[1];
  if (x.dims[1] != inner) {
    return InvalidArgument(
        in.row.name, ": ", x.ToString(), " has ", x.dims[1].ToString(), " channels, but weight ",
        w.ToString(), " with groups = ", *in.get<int64_t>("groups"), " takes ", inner.ToString());
  }
  for (int i = 2; i < w.rank(); ++i) {
    if (w.dims[i].is_constant() && w.dims[i].constant() >= 1) continue;
    return InvalidArgument(in.row.name, ": kernel dims of weight ", w.ToString(),
                           " must be constants >= 1");
  }
  if (in.inputs.size() > 2 && in.inputs[2].dims != Dims{channels}) {
    return InvalidArgument(in.row.name, ": bias is ", in.inputs[2].ToString(), "; expected [",
                           channels.ToString(), "], one number per output channel");
  }
  return ReadWindow(in, KernelSizes(w.dims));
}

absl::StatusOr<int64_t> CheckConvRanks(const RuleInput& in) {
  const int rank = in.inputs[0].rank();
  if (rank < 3) {
    return InvalidArgument(in.row.name, ": input is ", in.inputs[0].ToString(),
                           "; expected [batch, channels, spatial axes...]; reshape it");
  }
  RETURN_IF_ERROR(CheckRank(in, 1, rank, "a weight with the input's spatial axes,"));
  RETURN_IF_ERROR(CheckRoom(in, rank, rank));
  const int64_t groups = *in.get<int64_t>("groups");
  const Sym& first = in.inputs[1].dims[0];
  if (groups < 1 || types::Mod(first, groups) != Sym(0)) {
    return InvalidArgument(in.row.name, ": groups = ", groups, " must be >= 1 and divide ",
                           first.ToString(), ", the first dim of weight ", in.inputs[1].ToString());
  }
  return groups;
}

}  // namespace

Sym WindowSpec::Count(int i, const Sym& d) const {
  const Sym room = d + low[i] + high[i] - reach(i) - 1;
  if (!ceil_mode) return types::Max(types::FloorDiv(room, strides[i]) + 1, 0);
  return types::Max(
      types::Min(types::CeilDiv(room, strides[i]) + 1, types::CeilDiv(d + low[i], strides[i])), 0);
}

absl::StatusOr<WindowSpec> ReadWindow(const RuleInput& in, Ints sizes) {
  WindowSpec window;
  window.sizes = std::move(sizes);
  const int axes = window.axes();
  for (int64_t size : window.sizes) {
    if (size >= 1 && size <= kMaxWindow) continue;
    return InvalidArgument(in.row.name, ": kernel ", Text(window.sizes),
                           " must hold numbers from 1 to ", kMaxWindow);
  }
  const Ints* stride = in.get<Ints>("stride");
  const bool follow = stride != nullptr && stride->empty() && in.get<Ints>("kernel") != nullptr;
  window.strides = window.sizes;
  if (!follow) {
    ASSIGN_OR_RETURN(window.strides, PerAxis(in, "stride", axes, 1, 1));
  }
  ASSIGN_OR_RETURN(window.dilations, PerAxis(in, "dilation", axes, 1, 1));
  RETURN_IF_ERROR(ReadPadding(in, window));
  const bool* ceil_mode = in.get<bool>("ceil_mode");
  window.ceil_mode = ceil_mode != nullptr && *ceil_mode;
  return window;
}

WindowSpec WindowOf(ir::Ref node, Ints sizes) {
  return *ReadWindow(RuleInput{node->op(), {}, node->attrs()}, std::move(sizes));
}

Ints KernelSizes(absl::Span<const Sym> weight_dims) {
  Ints sizes;
  for (const Sym& dim : weight_dims.subspan(2)) sizes.push_back(dim.constant());
  return sizes;
}

absl::StatusOr<Dims> InferMatmul(const RuleInput& in) {
  const Dims &a = in.inputs[0].dims, &b = in.inputs[1].dims;
  if (a.empty() || b.empty()) {
    return InvalidArgument(in.row.name, ": ", in.inputs[0].ToString(), " and ",
                           in.inputs[1].ToString(), " must have an axis each; scale with mul");
  }
  RETURN_IF_ERROR(CheckRoom(in, static_cast<int>(std::max(a.size(), b.size())), 1));
  const Sym &left = a.back(), &right = b[b.size() == 1 ? 0 : b.size() - 2];
  if (left != right) {
    return InvalidArgument(in.row.name, ": inner extents of ", in.inputs[0].ToString(), " and ",
                           in.inputs[1].ToString(), " differ: ", left.ToString(), " and ",
                           right.ToString(), "; transpose or reshape one operand");
  }
  const int ra = a.size() > 1 ? 2 : 1, rb = b.size() > 1 ? 2 : 1;
  ASSIGN_OR_RETURN(Dims out, BroadcastDims(in.row.name, Leading(a, ra), Leading(b, rb)));
  if (ra == 2) out.push_back(a[a.size() - 2]);
  if (rb == 2) out.push_back(b.back());
  RETURN_IF_ERROR(CheckWork(in, types::NumElements(out) * left));
  return out;
}

absl::StatusOr<Dims> InferEinsum(const RuleInput& in) {
  std::vector<int> ranks;
  std::vector<Dims> dims;
  for (const types::Type& type : in.inputs) {
    ranks.push_back(type.rank());
    dims.push_back(type.dims);
  }
  ASSIGN_OR_RETURN(const EinsumTerms terms, ParseEinsum(*in.get<std::string>("equation"), ranks));
  ASSIGN_OR_RETURN(const EinsumExtents extents, FindEinsumExtents(terms, dims));
  Sym products = 1;
  for (const auto& [label, extent] : extents) products *= extent;
  RETURN_IF_ERROR(CheckWork(in, products));
  Dims out;
  for (char label : terms.output) out.push_back(extents.at(label));
  return out;
}

absl::StatusOr<Dims> InferConv(const RuleInput& in) {
  ASSIGN_OR_RETURN(const int64_t groups, CheckConvRanks(in));
  const Dims &x = in.inputs[0].dims, &w = in.inputs[1].dims;
  ASSIGN_OR_RETURN(const WindowSpec window, CheckConv(in, w[1] * groups, w[0]));
  Dims out = {x[0], w[0]};
  for (int i = 0; i < window.axes(); ++i) out.push_back(window.Count(i, x[i + 2]));
  RETURN_IF_ERROR(CheckWork(in, types::NumElements(x) * types::NumElements(w)));
  RETURN_IF_ERROR(CheckWork(in, types::NumElements(out) * types::NumElements(w)));
  return out;
}

absl::StatusOr<Dims> InferConvTranspose(const RuleInput& in) {
  ASSIGN_OR_RETURN(const int64_t groups, CheckConvRanks(in));
  const Dims &x = in.inputs[0].dims, &w = in.inputs[1].dims;
  ASSIGN_OR_RETURN(const WindowSpec window, CheckConv(in, w[0], w[1] * groups));
  ASSIGN_OR_RETURN(const Ints more, PerAxis(in, "output_padding", window.axes(), 0, 0));
  Dims out = {x[0], w[1] * groups};
  for (int i = 0; i < window.axes(); ++i) {
    if (more[i] >= std::max(window.strides[i], window.dilations[i])) {
      return InvalidArgument(in.row.name, ": output_padding ", Text(more),
                             " must be less than stride ", Text(window.strides), " or dilation ",
                             Text(window.dilations));
    }
    out.push_back(types::Max((x[i + 2] - 1) * window.strides[i] - window.low[i] - window.high[i] +
                                 window.reach(i) + more[i] + 1,
                             0));
  }
  RETURN_IF_ERROR(CheckWork(in, types::NumElements(out) * types::NumElements(w)));
  return out;
}

absl::StatusOr<Dims> InferPool(const RuleInput& in) {
  ASSIGN_OR_RETURN(const WindowSpec window, ReadWindow(in, *in.get<Ints>("kernel")));
  const int rank = in.inputs[0].rank(), axes = window.axes();
  if (axes < 1 || axes > rank) {
    return InvalidArgument(in.row.name, ": kernel ", Text(window.sizes), " needs 1 to ", rank,
                           " values for ", in.inputs[0].ToString());
  }
  RETURN_IF_ERROR(CheckRoom(in, rank, axes));
  Sym products = 1;
  Dims out = in.inputs[0].dims;
  for (int i = 0; i < axes; ++i) {
    if (std::max(window.low[i], window.high[i]) > window.reach(i)) {
      return InvalidArgument(in.row.name, ": padding low ", Text(window.low), ", high ",
                             Text(window.high), " must be less than a window of kernel ",
                             Text(window.sizes), ", which could hold nothing else");
    }
    Sym& d = out[rank - axes + i];
    d = window.Count(i, d);
    products *= window.sizes[i];
  }
  RETURN_IF_ERROR(CheckWork(in, products * types::NumElements(out)));
  return out;
}

absl::StatusOr<Dims> InferGather(const RuleInput& in) {
  RETURN_IF_ERROR(CheckIndex(in, 1));
  RETURN_IF_ERROR(CheckRank(in, 1, in.inputs[0].rank(), "an index"));
  const Dims &x = in.inputs[0].dims, &index = in.inputs[1].dims;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), in.inputs[0].rank()));
  for (int i = 0; i < in.inputs[0].rank(); ++i) {
    if (i == axis || (x[i] - index[i]).IsNonNegative()) continue;
    return InvalidArgument(in.row.name, ": index ", in.inputs[1].ToString(), " is longer than ",
                           in.inputs[0].ToString(), " on axis ", i, "; only axis ", axis,
                           " may be");
  }
  return index;
}

absl::StatusOr<Dims> InferTake(const RuleInput& in) {
  RETURN_IF_ERROR(CheckIndex(in, 1));
  const Dims &x = in.inputs[0].dims, &index = in.inputs[1].dims;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), in.inputs[0].rank()));
  Dims out(x.begin(), x.begin() + axis);
  out.insert(out.end(), index.begin(), index.end());
  out.insert(out.end(), x.begin() + axis + 1, x.end());
  return out;
}

absl::StatusOr<Dims> InferOneHot(const RuleInput& in) {
  RETURN_IF_ERROR(CheckIndex(in, 0));
  const int64_t classes = *in.get<int64_t>("classes");
  if (classes < 0) return InvalidArgument(in.row.name, ": classes = ", classes, " must be >= 0");
  Dims out = in.inputs[0].dims;
  out.push_back(classes);
  return out;
}

namespace {

// Leading dims of query, key and value with axis -3 of key and value as if repeated for each query
// head.
absl::StatusOr<Dims> AttentionLeading(const RuleInput& in) {
  const Dims &q = in.inputs[0].dims, &k = in.inputs[1].dims, &v = in.inputs[2].dims;
  const bool gqa = *in.get<bool>("enable_gqa");
  ASSIGN_OR_RETURN(Dims key, BroadcastDims(in.row.name, Leading(k, 2), Leading(v, 2)));
  if (!gqa) return BroadcastDims(in.row.name, Leading(q, 2), key);
  if (key.empty() || q.size() != k.size() || q.size() != v.size() ||
      k[k.size() - 3] != key.back() || v[v.size() - 3] != key.back() ||
      types::Mod(q[q.size() - 3], key.back()) != Sym(0)) {
    return InvalidArgument(in.row.name, ": with enable_gqa, axis -3 of query ",
                           in.inputs[0].ToString(), " must be a multiple of that of key ",
                           in.inputs[1].ToString(), " and value ", in.inputs[2].ToString());
  }
  key.back() = q[q.size() - 3];
  return BroadcastDims(in.row.name, Leading(q, 2), key);
}

}  // namespace

absl::StatusOr<Dims> InferAttention(const RuleInput& in) {
  for (int i = 0; i < 3; ++i) {
    if (in.inputs[i].rank() < 2) RETURN_IF_ERROR(CheckRank(in, i, 2, "[..., length, features]"));
  }
  const Dims &q = in.inputs[0].dims, &k = in.inputs[1].dims, &v = in.inputs[2].dims;
  if (q.back() != k.back() || k[k.size() - 2] != v[v.size() - 2]) {
    return InvalidArgument(in.row.name, ": query ", in.inputs[0].ToString(), ", key ",
                           in.inputs[1].ToString(), " and value ", in.inputs[2].ToString(),
                           " must be [...,L,E], [...,S,E] and [...,S,V]");
  }
  ASSIGN_OR_RETURN(Dims out, AttentionLeading(in));
  RETURN_IF_ERROR(CheckRoom(in, static_cast<int>(out.size()) + 2, 2));
  out.push_back(q[q.size() - 2]);
  if (in.inputs.size() > 3) {
    const types::Type& mask = in.inputs[3];
    out.push_back(k[k.size() - 2]);
    const auto full = BroadcastDims(in.row.name, out, mask.dims);
    if (!full.ok() || *full != out || types::IsInteger(mask.dtype)) {
      return InvalidArgument(in.row.name, ": mask is ", mask.ToString(),
                             "; expected bool (true: attend) or a float to add, broadcasting to ",
                             DimsToString(out));
    }
    out.pop_back();
  }
  RETURN_IF_ERROR(CheckWork(in, types::NumElements(out) * k[k.size() - 2] * (q.back() + v.back())));
  out.push_back(v.back());
  return out;
}

absl::StatusOr<Dims> InferEmbedding(const RuleInput& in) {
  RETURN_IF_ERROR(CheckRank(in, 0, 2, "[rows, features]"));
  RETURN_IF_ERROR(CheckIndex(in, 1));
  Dims out = in.inputs[1].dims;
  out.push_back(in.inputs[0].dims[1]);
  return out;
}

}  // namespace tensord::ops
