// Movement, an element at a time: where does each element of the result come from?
#include <cstring>

#include "engine/ops/evaluate_rows.h"
#include "engine/ops/type_rules.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using types::HostTensor;
using Coordinates = std::vector<int64_t>;

Coordinates Constants(absl::Span<const types::Sym> dims) {
  Coordinates out;
  for (const types::Sym& d : dims) out.push_back(d.constant());
  return out;
}

Coordinates Strides(absl::Span<const int64_t> shape) {
  Coordinates strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

// The next coordinates in row-major order.
void Advance(Coordinates& at, absl::Span<const int64_t> shape) {
  for (size_t i = shape.size(); i-- > 0;) {
    if (++at[i] < shape[i]) return;
    at[i] = 0;
  }
}

// source(coordinates of the result, coordinates in x to fill in) says whether the element comes
// from x; if not it is 0.
template <typename Source>
HostTensors Rearrange(ir::Ref node, const HostTensor& x, Source source) {
  HostTensor out(x.dtype(), Constants(node->dims()));
  const size_t size = types::Bytes(x.dtype());
  const Coordinates strides = Strides(x.shape());
  Coordinates at(out.shape().size(), 0), from(x.shape().size(), 0);
  const int64_t n = out.elements();
  for (int64_t i = 0; i < n; ++i, Advance(at, out.shape())) {
    if (!source(at, from)) continue;
    int64_t element = 0;
    for (size_t d = 0; d < from.size(); ++d) element += from[d] * strides[d];
    std::memcpy(&out.bytes()[i * size], &x.bytes()[element * size], size);
  }
  return {out};
}

}  // namespace

HostTensors EvaluateReshape(ir::Ref node, HostInputs inputs) {
  HostTensor out(inputs[0].dtype(), Constants(node->dims()));
  if (!out.bytes().empty())
    std::memcpy(out.bytes().data(), inputs[0].bytes().data(), out.bytes().size());
  return {out};
}

HostTensors EvaluatePermute(ir::Ref node, HostInputs inputs) {
  const Ints& order = node->attr<Ints>("order");
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    for (size_t i = 0; i < order.size(); ++i) from[order[i]] = at[i];
    return true;
  });
}

HostTensors EvaluateExpand(ir::Ref node, HostInputs inputs) {
  const Coordinates& shape = inputs[0].shape();
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    for (size_t i = 0; i < at.size(); ++i) from[i] = shape[i] == 1 ? 0 : at[i];
    return true;
  });
}

HostTensors EvaluatePad(ir::Ref node, HostInputs inputs) {
  const Coordinates low = Constants(node->attr<types::Dims>("low")), shape = inputs[0].shape();
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    for (size_t i = 0; i < at.size(); ++i) {
      from[i] = at[i] - low[i];
      if (from[i] < 0 || from[i] >= shape[i]) return false;
    }
    return true;
  });
}

HostTensors EvaluateShrink(ir::Ref node, HostInputs inputs) {
  const Coordinates low = Constants(node->attr<types::Dims>("low"));
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    for (size_t i = 0; i < at.size(); ++i) from[i] = at[i] + low[i];
    return true;
  });
}

HostTensors EvaluateFlip(ir::Ref node, HostInputs inputs) {
  const Ints& axes = node->attr<Ints>("axes");
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    from = at;
    for (int64_t axis : axes) from[axis] = inputs[0].shape()[axis] - 1 - at[axis];
    return true;
  });
}

HostTensors EvaluateStride(ir::Ref node, HostInputs inputs) {
  const Ints& steps = node->attr<Ints>("steps");
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    for (size_t i = 0; i < at.size(); ++i) from[i] = at[i] * steps[i];
    return true;
  });
}

HostTensors EvaluateWindow(ir::Ref node, HostInputs inputs) {
  const Ints& axes = node->attr<Ints>("axes");
  const int n = static_cast<int>(axes.size());
  const Ints strides = IntsOr(node, "strides", n, 1), dilations = IntsOr(node, "dilations", n, 1);
  const size_t rank = inputs[0].shape().size();
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    std::copy(at.begin(), at.begin() + rank, from.begin());
    for (int i = 0; i < n; ++i) {
      from[axes[i]] = at[axes[i]] * strides[i] + at[rank + i] * dilations[i];
    }
    return true;
  });
}

HostTensors EvaluateDilate(ir::Ref node, HostInputs inputs) {
  const Ints& factors = node->attr<Ints>("factors");
  return Rearrange(node, inputs[0], [&](const Coordinates& at, Coordinates& from) {
    for (size_t i = 0; i < at.size(); ++i) {
      if (at[i] % factors[i] != 0) return false;
      from[i] = at[i] / factors[i];
    }
    return true;
  });
}

}  // namespace tensord::ops
