#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ints;
using ir::Ref;
using types::Dims;
using types::Sym;

std::vector<Sym> Unflatten(Sym flat, const Dims& dims) {
  std::vector<Sym> coords(dims.size());
  for (int axis = static_cast<int>(dims.size()) - 1; axis >= 0; --axis) {
    coords[axis] = axis == 0 ? flat : types::Mod(flat, dims[axis]);
    flat = types::FloorDiv(flat, dims[axis]);
  }
  return coords;
}

Access Reshape(Ref node, const Access& out) {
  return {Unflatten(Flatten(out.coords, node->dims()), node->input(0)->dims()), out.mask};
}

Access Permute(Ref node, const Access& out) {
  const Ints& order = node->attr<Ints>("order");
  Access in{std::vector<Sym>(order.size()), out.mask};
  for (size_t i = 0; i < order.size(); ++i) in.coords[order[i]] = out.coords[i];
  return in;
}

Access Expand(Ref node, const Access& out) {
  Access in = out;
  const Dims& dims = node->input(0)->dims();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == Sym(1)) in.coords[i] = Sym(0);
  }
  return in;
}

Access Pad(Ref node, const Access& out) {
  const Dims& low = node->attr<Dims>("low");
  const Dims& dims = node->input(0)->dims();
  Access in = out;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (low[i] == Sym(0) && dims[i] == node->dims()[i]) continue;
    in.coords[i] = out.coords[i] - low[i];
    if (dims[i].is_constant()) {
      in.mask.Require(in.coords[i], 0, dims[i].constant() - 1);
    } else {
      in.mask.Require(in.coords[i], 0, in.coords[i].max());
      in.mask.Require(dims[i] - 1 - in.coords[i], 0, dims[i].max());
    }
  }
  return in;
}

Access Shrink(Ref node, const Access& out) {
  const Dims& low = node->attr<Dims>("low");
  Access in = out;
  for (size_t i = 0; i < low.size(); ++i) in.coords[i] = out.coords[i] + low[i];
  return in;
}

Access Flip(Ref node, const Access& out) {
  Access in = out;
  for (int64_t axis : node->attr<Ints>("axes")) {
    in.coords[axis] = node->dims()[axis] - 1 - out.coords[axis];
  }
  return in;
}

Access Stride(Ref node, const Access& out) {
  const Ints& steps = node->attr<Ints>("steps");
  Access in = out;
  for (size_t i = 0; i < steps.size(); ++i) in.coords[i] = out.coords[i] * Sym(steps[i]);
  return in;
}

Access Window(Ref node, const Access& out) {
  const Ints& axes = node->attr<Ints>("axes");
  const Ints& strides = node->attr<Ints>("strides");
  const Ints& dilations = node->attr<Ints>("dilations");
  const int rank = node->input(0)->rank();
  Access in{{out.coords.begin(), out.coords.begin() + rank}, out.mask};
  for (size_t i = 0; i < axes.size(); ++i) {
    const Sym& position = out.coords[rank + i];
    in.coords[axes[i]] = out.coords[axes[i]] * Sym(strides[i]) + position * Sym(dilations[i]);
  }
  return in;
}

Access Dilate(Ref node, const Access& out) {
  const Ints& factors = node->attr<Ints>("factors");
  Access in = out;
  for (size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] == 1) continue;
    in.mask.Require(types::Mod(out.coords[i], factors[i]), 0, 0);
    in.coords[i] = types::FloorDiv(out.coords[i], factors[i]);
  }
  return in;
}

struct Row {
  std::string_view op;
  Access (*through)(Ref, const Access&);
};

constexpr Row kRows[] = {
    {"reshape", Reshape}, {"permute", Permute}, {"expand", Expand}, {"pad", Pad},
    {"shrink", Shrink},   {"flip", Flip},       {"stride", Stride}, {"window", Window},
    {"dilate", Dilate},
};

const Row* FindRow(Ref node) {
  for (const Row& row : kRows) {
    if (node->is(row.op)) return &row;
  }
  return nullptr;
}

}  // namespace

bool IsMovement(Ref node) {
  return node->op().family == ir::Family::kMovement && FindRow(node) != nullptr;
}

Access Through(Ref movement, const Access& out) {
  const Row* row = FindRow(movement);
  TENSORD_CHECK(row != nullptr, movement->op().name);
  return row->through(movement, out);
}

Sym Flatten(absl::Span<const Sym> coords, absl::Span<const Sym> dims) {
  Sym flat = 0;
  for (size_t i = 0; i < coords.size(); ++i) flat = flat * dims[i] + coords[i];
  return flat;
}

}  // namespace tensord::schedule
