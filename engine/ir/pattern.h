// Patterns over nodes: small constant values, so that rules are rows of a table.
//
//   constexpr Pattern kDoubleNegation = Op(S::kNeg, Op(S::kNeg, Any(0)));
//   constexpr Pattern kByOne = Op(S::kMul, Any(0), Number(1));   // 1 * x too: mul is commutative
//
// The operands of a commutative operation match in either order. A slot used twice must be the same
// node, which in one graph means the same structure.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "engine/ir/node.h"

namespace tensord::ir {

// A node of a pattern.
struct PatternNode {
  enum Kind : uint8_t {
    kAny,          // any node
    kConstant,     // a constant, perhaps seen through movement
    kNumber,       // a constant of this value
    kScalar,       // this scalar operation
    kNamed,        // the op of this name
    kAnyScalar,    // any scalar operation over any operands
    kAnyMovement,  // any movement over any operand
  };
  Kind kind = kAny;
  uint8_t slot = 0;   // kAny, kConstant: where the node is bound
  uint8_t arity = 0;  // operands that follow, each a whole pattern
  ScalarOp scalar = ScalarOp::kCount;
  std::string_view name = {};
  double number = 0;
};

// A tree in prefix order.
struct Pattern {
  static constexpr int kMostNodes = 8, kSlots = 4;
  std::array<PatternNode, kMostNodes> nodes = {};
  int size = 0;

  const PatternNode& root() const { return nodes[0]; }
  // Whether a node of this row can match: what rules are looked up by.
  bool Admits(const OpRow& row) const;
};

// What the slots of a matched pattern stand for.
struct Match {
  Ref root = nullptr;
  std::array<Ref, Pattern::kSlots> slots = {};
  Ref operator[](int slot) const { return slots[slot]; }
};

std::optional<Match> MatchPattern(const Pattern& pattern, Ref node);

// The scalar that every element of `node` equals, if it is a constant seen through movement.
std::optional<types::Scalar> UniformValue(Ref node);

// ---- building ----

template <typename... Operands>
constexpr Pattern MakePattern(PatternNode root, const Operands&... operands) {
  Pattern pattern;
  root.arity = sizeof...(operands);
  pattern.nodes[pattern.size++] = root;
  [[maybe_unused]] const auto append = [&pattern](const Pattern& operand) {
    for (int i = 0; i < operand.size; ++i) pattern.nodes[pattern.size++] = operand.nodes[i];
  };
  (append(operands), ...);
  return pattern;
}

constexpr Pattern Any(uint8_t slot) { return MakePattern({.slot = slot}); }
constexpr Pattern Constant(uint8_t slot) {
  return MakePattern({.kind = PatternNode::kConstant, .slot = slot});
}
// Of any dtype; -0.0 is not 0.
constexpr Pattern Number(double value) {
  return MakePattern({.kind = PatternNode::kNumber, .number = value});
}
template <typename... Operands>
constexpr Pattern Op(ScalarOp op, const Operands&... operands) {
  return MakePattern({.kind = PatternNode::kScalar, .scalar = op}, operands...);
}
template <typename... Operands>
constexpr Pattern Op(std::string_view name, const Operands&... operands) {
  return MakePattern({.kind = PatternNode::kNamed, .name = name}, operands...);
}
constexpr Pattern AnyScalarOp() { return MakePattern({.kind = PatternNode::kAnyScalar}); }
constexpr Pattern AnyMovement() { return MakePattern({.kind = PatternNode::kAnyMovement}); }

}  // namespace tensord::ir
