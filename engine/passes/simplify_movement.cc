#include <algorithm>
#include <iterator>

#include "engine/ops/build.h"
#include "engine/passes/simplify_rules.h"

namespace tensord::passes {
namespace {

using ir::Any;
using ir::AnyMovement;
using ir::Graph;
using ir::Ints;
using ir::Match;
using ir::Op;
using ir::Ref;
using types::Dims;
using types::Sym;

Ref Outer(const Match& m) { return m.root; }
Ref Inner(const Match& m) { return m.root->input(0); }

Dims Sum(const Dims& a, const Dims& b) {
  Dims sum = a;
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}

// ---- rewrites ----

Ref OfSameDims(Graph&, const Match& m) { return m.root->dims() == m[0]->dims() ? m[0] : nullptr; }

Ref IdentityPermute(Graph&, const Match& m) {
  const Ints& order = m.root->attr<Ints>("order");
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int64_t>(i)) return nullptr;
  }
  return m[0];
}

Ref ReshapeOnce(Graph& graph, const Match& m) { return ops::Reshape(graph, m[0], m.root->dims()); }

Ref PermuteOnce(Graph& graph, const Match& m) {
  const Ints& inner = Inner(m)->attr<Ints>("order");
  Ints order;
  for (int64_t axis : Outer(m)->attr<Ints>("order")) order.push_back(inner[axis]);
  return ops::Permute(graph, m[0], order);
}

// Only axes of 1 change places: the elements stay where they are.
Ref PermuteOfOnes(Graph& graph, const Match& m) {
  int64_t last = -1;
  for (int64_t axis : m.root->attr<Ints>("order")) {
    if (m[0]->dims()[axis] == Sym(1)) continue;
    if (axis < last) return nullptr;
    last = axis;
  }
  return ops::Reshape(graph, m[0], m.root->dims());
}

Ref ExpandOnce(Graph& graph, const Match& m) { return ops::Expand(graph, m[0], m.root->dims()); }

Ref FlipOnce(Graph& graph, const Match& m) {
  const Ints &outer = Outer(m)->attr<Ints>("axes"), &inner = Inner(m)->attr<Ints>("axes");
  Ints axes;
  std::set_symmetric_difference(outer.begin(), outer.end(), inner.begin(), inner.end(),
                                std::back_inserter(axes));
  return axes.empty() ? m[0] : ops::Flip(graph, m[0], axes);
}

Ref FlipOfOnes(Graph& graph, const Match& m) {
  const Ints& axes = m.root->attr<Ints>("axes");
  Ints kept;
  for (int64_t axis : axes) {
    if (m[0]->dims()[axis] != Sym(1)) kept.push_back(axis);
  }
  if (kept.size() == axes.size()) return nullptr;
  return kept.empty() ? m[0] : ops::Flip(graph, m[0], kept);
}

Ref PadOnce(Graph& graph, const Match& m) {
  return ops::Pad(graph, m[0], Sum(Outer(m)->attr<Dims>("low"), Inner(m)->attr<Dims>("low")),
                  Sum(Outer(m)->attr<Dims>("high"), Inner(m)->attr<Dims>("high")));
}

Ref ShrinkOnce(Graph& graph, const Match& m) {
  return ops::Shrink(graph, m[0], Sum(Outer(m)->attr<Dims>("low"), Inner(m)->attr<Dims>("low")),
                     m.root->dims());
}

// A part that has nothing of the padding.
Ref ShrinkOfPad(Graph& graph, const Match& m) {
  Dims low = Outer(m)->attr<Dims>("low");
  const Dims &pad = Inner(m)->attr<Dims>("low"), &dims = m.root->dims(), &x = m[0]->dims();
  for (size_t i = 0; i < low.size(); ++i) {
    low[i] = low[i] - pad[i];
    if (!low[i].IsNonNegative() || !(x[i] - low[i] - dims[i]).IsNonNegative()) return nullptr;
  }
  return ops::Shrink(graph, m[0], low, dims);
}

Ref StrideOnce(Graph& graph, const Match& m) {
  Ints steps = Outer(m)->attr<Ints>("steps");
  const Ints& inner = Inner(m)->attr<Ints>("steps");
  for (size_t i = 0; i < steps.size(); ++i) {
    if (__builtin_mul_overflow(steps[i], inner[i], &steps[i])) return nullptr;
  }
  return ops::Build(graph, "stride", {m[0]}, {{"steps", steps}});
}

Ref DilateOnce(Graph& graph, const Match& m) {
  Ints factors = Outer(m)->attr<Ints>("factors");
  const Ints& inner = Inner(m)->attr<Ints>("factors");
  for (size_t i = 0; i < factors.size(); ++i) {
    if (__builtin_mul_overflow(factors[i], inner[i], &factors[i])) return nullptr;
  }
  return ops::Build(graph, "dilate", {m[0]}, {{"factors", factors}});
}

Ref StrideOfDilate(Graph&, const Match& m) {
  const bool undone = Outer(m)->attr<Ints>("steps") == Inner(m)->attr<Ints>("factors") &&
                      m.root->dims() == m[0]->dims();
  return undone ? m[0] : nullptr;
}

Ref MoveConstant(Graph& graph, const Match& m) {
  Ref node = m.root;
  if (node->is("expand") || node->input(0)->rank() == 0) return nullptr;
  const std::optional<types::Scalar> value = ir::UniformValue(node);
  if (!value.has_value()) return nullptr;
  Ref scalar = ops::Constant(graph, *value, node->type().placement);
  return node->rank() == 0 ? scalar : ops::Expand(graph, scalar, node->dims());
}

constexpr ir::Rule kRules[] = {
    {"reshape(x) to its dims -> x", Op("reshape", Any(0)), OfSameDims},
    {"expand(x) to its dims -> x", Op("expand", Any(0)), OfSameDims},
    {"shrink(x) to its dims -> x", Op("shrink", Any(0)), OfSameDims},
    {"pad(x) by nothing -> x", Op("pad", Any(0)), OfSameDims},
    {"permute(x) in order -> x", Op("permute", Any(0)), IdentityPermute},
    {"permute(x) of axes of 1 -> reshape(x)", Op("permute", Any(0)), PermuteOfOnes},
    {"flip(x) of axes of 1 -> x", Op("flip", Any(0)), FlipOfOnes},
    {"reshape(reshape(x)) -> reshape(x)", Op("reshape", Op("reshape", Any(0))), ReshapeOnce},
    {"permute(permute(x)) -> permute(x)", Op("permute", Op("permute", Any(0))), PermuteOnce},
    {"expand(expand(x)) -> expand(x)", Op("expand", Op("expand", Any(0))), ExpandOnce},
    {"flip(flip(x)) -> flip(x)", Op("flip", Op("flip", Any(0))), FlipOnce},
    {"pad(pad(x)) -> pad(x)", Op("pad", Op("pad", Any(0))), PadOnce},
    {"shrink(shrink(x)) -> shrink(x)", Op("shrink", Op("shrink", Any(0))), ShrinkOnce},
    {"shrink(pad(x)) -> shrink(x)", Op("shrink", Op("pad", Any(0))), ShrinkOfPad},
    {"stride(stride(x)) -> stride(x)", Op("stride", Op("stride", Any(0))), StrideOnce},
    {"dilate(dilate(x)) -> dilate(x)", Op("dilate", Op("dilate", Any(0))), DilateOnce},
    {"stride(dilate(x)) -> x", Op("stride", Op("dilate", Any(0))), StrideOfDilate},
    {"move(constant) -> constant", AnyMovement(), MoveConstant},
};

}  // namespace

absl::Span<const ir::Rule> MovementRules() { return kRules; }

}  // namespace tensord::passes
