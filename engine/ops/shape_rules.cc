// The shape rules of movement, reduction, broadcasting and joining, and the table of them all.
#include <algorithm>
#include <string>

#include "engine/base/status.h"
#include "engine/ops/type_rules.h"
#include "engine/ops/type_rules_nn.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using ir::RuleInput;
using types::Dims;
using types::DimsToString;
using types::Sym;

std::string Text(absl::Span<const int64_t> ints) {
  return ir::ToString(Ints(ints.begin(), ints.end()));
}

const Dims& FirstDims(const RuleInput& in) { return in.inputs[0].dims; }

// The ints attribute `name` with one entry per axis of input 0, each at least `least`.
absl::StatusOr<Ints> PerAxis(const RuleInput& in, std::string_view name, int64_t least) {
  const Ints* values = in.get<Ints>(name);
  const Dims& x = FirstDims(in);
  if (values == nullptr || values->size() != x.size()) {
    return InvalidArgument(in.row.name, ": ", name, " ", values == nullptr ? "[]" : Text(*values),
                           " needs one entry per axis of ", DimsToString(x));
  }
  for (int64_t v : *values) {
    if (v < least) {
      return InvalidArgument(in.row.name, ": ", name, " ", Text(*values), " must be >= ", least);
    }
  }
  return *values;
}

absl::StatusOr<Dims> DimsPerAxis(const RuleInput& in, std::string_view name) {
  const Dims* dims = in.get<Dims>(name);
  const Dims& x = FirstDims(in);
  if (dims == nullptr || dims->size() != x.size()) {
    return InvalidArgument(in.row.name, ": ", name, " ",
                           dims == nullptr ? "[]" : DimsToString(*dims),
                           " needs one entry per axis of ", DimsToString(x));
  }
  return *dims;
}

absl::StatusOr<Dims> Same(const RuleInput& in) { return FirstDims(in); }

absl::StatusOr<Dims> SameForAll(const RuleInput& in) {
  for (const types::Type& type : in.inputs) {
    if (type.dims != FirstDims(in)) {
      return InvalidArgument(in.row.name, ": shapes ", DimsToString(FirstDims(in)), " and ",
                             DimsToString(type.dims), " must be equal; expand or reshape one");
    }
  }
  return FirstDims(in);
}

absl::StatusOr<Dims> Broadcast(const RuleInput& in) {
  if (in.inputs.empty()) return Dims{};
  Dims all = in.inputs[0].dims;
  for (size_t i = 1; i < in.inputs.size(); ++i) {
    if (in.inputs[i].dims == all) continue;
    ASSIGN_OR_RETURN(all, BroadcastDims(in.row.name, all, in.inputs[i].dims));
  }
  return all;
}

absl::StatusOr<Dims> Reduce(const RuleInput& in) {
  const Dims& x = FirstDims(in);
  std::vector<bool> reduced(x.size(), true);
  if (const Ints* axes = in.get<Ints>("axes")) {
    ASSIGN_OR_RETURN(const Ints sorted, NormalizeAxes(in.row.name, *axes, in.inputs[0].rank()));
    reduced.assign(x.size(), false);
    for (int64_t axis : sorted) reduced[axis] = true;
  }
  const bool* keep = in.get<bool>("keepdims");
  Dims out;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!reduced[i])
      out.push_back(x[i]);
    else if (keep != nullptr && *keep)
      out.push_back(1);
  }
  return out;
}

absl::StatusOr<Dims> Reshape(const RuleInput& in) {
  const Dims* dims = in.get<Dims>("dims");
  const Sym from = types::NumElements(FirstDims(in)), to = types::NumElements(*dims);
  if (from != to) {
    return InvalidArgument(in.row.name, ": ", DimsToString(FirstDims(in)), " has ", from.ToString(),
                           " elements, ", DimsToString(*dims), " has ", to.ToString(),
                           "; the counts must be equal");
  }
  return *dims;
}

absl::StatusOr<Dims> Permute(const RuleInput& in) {
  const Ints& order = *in.get<Ints>("order");
  const int rank = in.inputs[0].rank();
  Ints sorted = order;
  std::sort(sorted.begin(), sorted.end());
  bool ok = static_cast<int>(order.size()) == rank;
  for (int i = 0; ok && i < rank; ++i) ok = sorted[i] == i;
  if (!ok) {
    return InvalidArgument(in.row.name, ": order ", Text(order), " must hold each of 0..", rank - 1,
                           " once for ", DimsToString(FirstDims(in)));
  }
  Dims out;
  for (int64_t axis : order) out.push_back(FirstDims(in)[axis]);
  return out;
}

absl::StatusOr<Dims> Expand(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Dims dims, DimsPerAxis(in, "dims"));
  const Dims& x = FirstDims(in);
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] != dims[i] && x[i] != Sym(1)) {
      return InvalidArgument(in.row.name, ": axis ", i, " of ", DimsToString(x), " can't grow to ",
                             DimsToString(dims), "; only dims of 1 grow");
    }
  }
  return dims;
}

absl::StatusOr<Dims> Pad(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Dims low, DimsPerAxis(in, "low"));
  ASSIGN_OR_RETURN(const Dims high, DimsPerAxis(in, "high"));
  Dims out = FirstDims(in);
  for (size_t i = 0; i < out.size(); ++i) {
    if (!low[i].IsNonNegative() || !high[i].IsNonNegative()) {
      return InvalidArgument(in.row.name, ": padding low ", DimsToString(low), ", high ",
                             DimsToString(high), " must not be negative; shrink instead");
    }
    out[i] = out[i] + low[i] + high[i];
  }
  return out;
}

absl::StatusOr<Dims> Shrink(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Dims low, DimsPerAxis(in, "low"));
  ASSIGN_OR_RETURN(const Dims dims, DimsPerAxis(in, "dims"));
  const Dims& x = FirstDims(in);
  for (size_t i = 0; i < x.size(); ++i) {
    if (!low[i].IsNonNegative() || !dims[i].IsNonNegative() ||
        !(x[i] - low[i] - dims[i]).IsNonNegative()) {
      return InvalidArgument(in.row.name, ": low ", DimsToString(low), " with dims ",
                             DimsToString(dims), " is not inside ", DimsToString(x), " on axis ",
                             i);
    }
  }
  return dims;
}

absl::StatusOr<Dims> Flip(const RuleInput& in) {
  RETURN_IF_ERROR(NormalizeAxes(in.row.name, *in.get<Ints>("axes"), in.inputs[0].rank()).status());
  return FirstDims(in);
}

absl::StatusOr<Dims> Stride(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Ints steps, PerAxis(in, "steps", 1));
  Dims out = FirstDims(in);
  for (size_t i = 0; i < out.size(); ++i) out[i] = types::CeilDiv(out[i], steps[i]);
  return out;
}

// Sizes, strides and dilations: one number >= 1 per windowed axis.
absl::Status CheckWindow(std::string_view op, int axes, absl::Span<const int64_t> sizes,
                         absl::Span<const int64_t> strides, absl::Span<const int64_t> dilations) {
  for (const auto& [name, list] : {std::pair("sizes", sizes), std::pair("strides", strides),
                                   std::pair("dilations", dilations)}) {
    bool ok = static_cast<int>(list.size()) == axes;
    for (int64_t v : list) ok = ok && v >= 1;
    if (!ok) {
      return InvalidArgument(op, ": ", name, " ", Text(list), " must hold ", axes,
                             " numbers >= 1, one per windowed axis");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Dims> Window(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Ints sorted,
                   NormalizeAxes(in.row.name, *in.get<Ints>("axes"), in.inputs[0].rank()));
  const Ints &axes = *in.get<Ints>("axes"), &sizes = *in.get<Ints>("sizes");
  const int n = static_cast<int>(axes.size());
  const Ints strides = IntsOr(in, "strides", n, 1), dilations = IntsOr(in, "dilations", n, 1);
  RETURN_IF_ERROR(CheckWindow(in.row.name, n, sizes, strides, dilations));
  Dims out = FirstDims(in);
  for (int i = 0; i < n; ++i) {
    Sym& extent = out[axes[i] < 0 ? axes[i] + in.inputs[0].rank() : axes[i]];
    extent = WindowCount(extent, sizes[i], strides[i], dilations[i]);
    out.push_back(sizes[i]);
  }
  return out;
}

absl::StatusOr<Dims> Dilate(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Ints factors, PerAxis(in, "factors", 1));
  Dims out = FirstDims(in);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = types::Max((out[i] - 1) * factors[i] + 1, 0);
  }
  return out;
}

absl::StatusOr<Dims> DimsAttr(const RuleInput& in) {
  const Dims* dims = in.get<Dims>("dims");
  return dims == nullptr ? Dims{} : *dims;
}

absl::StatusOr<Dims> RankZero(const RuleInput&) { return Dims{}; }

absl::StatusOr<Dims> Concat(const RuleInput& in) {
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), in.inputs[0].rank()));
  Dims out = FirstDims(in);
  for (size_t i = 1; i < in.inputs.size(); ++i) {
    const Dims& other = in.inputs[i].dims;
    bool fits = other.size() == out.size();
    for (size_t d = 0; fits && d < out.size(); ++d) {
      fits = static_cast<int>(d) == axis || other[d] == out[d];
    }
    if (!fits) {
      return InvalidArgument(in.row.name, ": shapes ", DimsToString(FirstDims(in)), " and ",
                             DimsToString(other), " may differ on axis ", axis, " alone");
    }
    out[axis] += other[axis];
  }
  return out;
}

absl::StatusOr<Dims> Stack(const RuleInput& in) {
  ASSIGN_OR_RETURN(Dims out, SameForAll(in));
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), in.inputs[0].rank() + 1));
  out.insert(out.begin() + axis, Sym(static_cast<int64_t>(in.inputs.size())));
  return out;
}

absl::StatusOr<Dims> Triangle(const RuleInput& in) {
  if (in.inputs[0].rank() >= 2) return FirstDims(in);
  return InvalidArgument(in.row.name, ": shape ", DimsToString(FirstDims(in)),
                         " needs rank >= 2; reshape first");
}

// One row per rule, in the order of ir::ShapeRule.
using Rule = absl::StatusOr<Dims> (*)(const RuleInput&);
constexpr Rule kRules[] = {SameForAll,
                           Broadcast,
                           Reduce,
                           Reshape,
                           Permute,
                           Expand,
                           Pad,
                           Shrink,
                           Flip,
                           Stride,
                           Window,
                           Dilate,
                           DimsAttr,
                           RankZero,
                           InferMatmul,
                           InferEinsum,
                           InferConv,
                           InferConvTranspose,
                           InferPool,
                           InferGather,
                           InferTake,
                           InferOneHot,
                           Concat,
                           Stack,
                           InferAttention,
                           InferEmbedding,
                           Triangle,
                           Same};
static_assert(std::size(kRules) == static_cast<size_t>(ir::ShapeRule::kCustom) + 1);

}  // namespace

absl::StatusOr<Dims> ApplyShapeRule(const RuleInput& input) {
  return kRules[static_cast<int>(input.row.shape_rule)](input);
}

absl::StatusOr<Dims> BroadcastDims(std::string_view op, absl::Span<const Sym> a,
                                   absl::Span<const Sym> b) {
  if (a.size() < b.size()) std::swap(a, b);
  Dims out(a.begin(), a.end());
  const size_t extra = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    Sym& d = out[extra + i];
    if (d == Sym(1)) {
      d = b[i];
    } else if (b[i] != d && b[i] != Sym(1)) {
      return InvalidArgument(op, ": shapes ", DimsToString(a), " and ", DimsToString(b),
                             " do not broadcast: axis ", extra + i, " has ", d.ToString(), " and ",
                             b[i].ToString(), "; they must be equal or 1");
    }
  }
  return out;
}

absl::StatusOr<int> NormalizeAxis(std::string_view op, int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return InvalidArgument(op, ": axis ", axis, " is out of range for rank ", rank, "; expected ",
                           -rank, "..", rank - 1);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

absl::StatusOr<Ints> NormalizeAxes(std::string_view op, absl::Span<const int64_t> axes, int rank) {
  Ints out;
  for (int64_t axis : axes) {
    ASSIGN_OR_RETURN(const int normal, NormalizeAxis(op, axis, rank));
    out.push_back(normal);
  }
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) {
    return InvalidArgument(op, ": axes ", Text(axes), " name an axis twice");
  }
  return out;
}

Ints ReducedAxes(ir::Ref node) {
  const int rank = node->input(0)->rank();
  if (node->has_attr("axes")) {
    return *NormalizeAxes(node->op().name, node->attr<Ints>("axes"), rank);
  }
  Ints all(rank);
  for (int i = 0; i < rank; ++i) all[i] = i;
  return all;
}

Sym WindowCount(const Sym& extent, int64_t size, int64_t stride, int64_t dilation) {
  return types::Max(types::FloorDiv(extent - (size - 1) * dilation - 1, stride) + 1, 0);
}

Ints IntsOr(const RuleInput& input, std::string_view name, int count, int64_t otherwise) {
  const Ints* given = input.get<Ints>(name);
  return given == nullptr || given->empty() ? Ints(count, otherwise) : *given;
}

Ints IntsOr(ir::Ref node, std::string_view name, int count, int64_t otherwise) {
  if (!node->has_attr(name) || node->attr<Ints>(name).empty()) return Ints(count, otherwise);
  return node->attr<Ints>(name);
}

}  // namespace tensord::ops
