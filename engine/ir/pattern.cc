#include "engine/ir/pattern.h"

#include <cmath>

namespace tensord::ir {
namespace {

bool IsNumber(Ref node, double number) {
  const std::optional<types::Scalar> value = UniformValue(node);
  if (!value.has_value() || value->AsDouble() != number) return false;
  return !types::IsFloat(value->dtype) || std::signbit(value->f) == std::signbit(number);
}

// Matches one pattern, which bounds the recursion.
class Matcher {
 public:
  explicit Matcher(const Pattern& pattern) : pattern_(pattern) {}

  // Whether `node` matches the pattern that starts at `at`.
  bool Matches(int at, Ref node) {
    const PatternNode& p = pattern_.nodes[at];
    switch (p.kind) {
      case PatternNode::kAny:
        return Bind(p.slot, node);
      case PatternNode::kConstant:
        return UniformValue(node).has_value() && Bind(p.slot, node);
      case PatternNode::kNumber:
        return IsNumber(node, p.number);
      case PatternNode::kScalar:
        return node->is(p.scalar) && Operands(at, node, Row(p.scalar).traits & kCommutative);
      case PatternNode::kNamed:
        return node->is(p.name) && Operands(at, node, false);
      case PatternNode::kAnyScalar:
        return node->op().scalar.has_value();
      case PatternNode::kAnyMovement:
        return node->op().family == Family::kMovement;
    }
    return false;
  }

  const std::array<Ref, Pattern::kSlots>& slots() const { return slots_; }

 private:
  bool Bind(uint8_t slot, Ref node) {
    if (slots_[slot] == nullptr) slots_[slot] = node;
    return slots_[slot] == node;
  }

  int After(int at) const {
    int end = at + 1;
    for (int i = 0; i < pattern_.nodes[at].arity; ++i) end = After(end);
    return end;
  }

  bool Operands(int at, Ref node, bool commutative) {
    const int arity = pattern_.nodes[at].arity;
    if (static_cast<int>(node->inputs().size()) != arity) return false;
    const auto before = slots_;
    int operand = at + 1;
    bool all = true;
    for (int i = 0; i < arity && all; ++i, operand = After(operand)) {
      all = Matches(operand, node->input(i));
    }
    if (all || !commutative || arity != 2) return all;
    slots_ = before;
    return Matches(at + 1, node->input(1)) && Matches(After(at + 1), node->input(0));
  }

  const Pattern& pattern_;
  std::array<Ref, Pattern::kSlots> slots_ = {};
};

}  // namespace

bool Pattern::Admits(const OpRow& row) const {
  switch (root().kind) {
    case PatternNode::kScalar:
      return row.scalar == root().scalar;
    case PatternNode::kNamed:
      return row.name == root().name;
    case PatternNode::kAnyScalar:
      return row.scalar.has_value();
    case PatternNode::kAnyMovement:
      return row.family == Family::kMovement;
    default:
      return true;
  }
}

std::optional<Match> MatchPattern(const Pattern& pattern, Ref node) {
  Matcher matcher(pattern);
  if (!matcher.Matches(0, node)) return std::nullopt;
  return Match{node, matcher.slots()};
}

std::optional<types::Scalar> UniformValue(Ref node) {
  const auto keeps_elements = [](Ref n) {
    return n->op().family == Family::kMovement && !n->is("pad") && !n->is("dilate");
  };
  while (keeps_elements(node)) node = node->input(0);
  if (!node->is("const")) return std::nullopt;
  return std::get<types::Scalar>(node->attr(0));
}

}  // namespace tensord::ir
