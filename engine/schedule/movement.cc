#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ints;
using ir::Ref;
using types::Dims;

const Dims& InDims(Ref node) { return node->input(0)->dims(); }

// Absent strides and dilations are ones.
Ints OnesUnless(Ref node, std::string_view name, size_t count) {
  Ints values = node->has_attr(name) ? node->attr<Ints>(name) : Ints();
  if (values.empty()) values.assign(count, 1);
  return values;
}

Access Window(Ref node, const Access& out) {
  const Ints& axes = node->attr<Ints>("axes");
  return ir::WindowIndex(out,
                         {axes, node->attr<Ints>("sizes"), OnesUnless(node, "strides", axes.size()),
                          OnesUnless(node, "dilations", axes.size())});
}

struct Row {
  std::string_view op;
  Access (*through)(Ref, const Access&);
};

constexpr Row kRows[] = {
    {"reshape",
     [](Ref n, const Access& out) { return ir::ReshapeIndex(out, n->dims(), InDims(n)); }},
    {"permute",
     [](Ref n, const Access& out) { return ir::PermuteIndex(out, n->attr<Ints>("order")); }},
    {"expand", [](Ref n, const Access& out) { return ir::ExpandIndex(out, InDims(n)); }},
    {"pad",
     [](Ref n, const Access& out) { return ir::PadIndex(out, n->attr<Dims>("low"), InDims(n)); }},
    {"shrink", [](Ref n, const Access& out) { return ir::ShrinkIndex(out, n->attr<Dims>("low")); }},
    {"flip",
     [](Ref n, const Access& out) { return ir::FlipIndex(out, InDims(n), n->attr<Ints>("axes")); }},
    {"stride",
     [](Ref n, const Access& out) { return ir::StrideIndex(out, n->attr<Ints>("steps")); }},
    {"window", Window},
    {"dilate",
     [](Ref n, const Access& out) { return ir::DilateIndex(out, n->attr<Ints>("factors")); }},
};

const Row* FindRow(Ref node) {
  if (node->op().family != ir::Family::kMovement) return nullptr;
  for (const Row& row : kRows) {
    if (node->is(row.op)) return &row;
  }
  return nullptr;
}

}  // namespace

bool IsMovement(Ref node) { return FindRow(node) != nullptr; }

Access Through(Ref movement, const Access& out) {
  const Row* row = FindRow(movement);
  TENSORD_CHECK(row != nullptr, movement->op().name);
  return row->through(movement, out);
}

}  // namespace tensord::schedule
