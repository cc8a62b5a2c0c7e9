// Bits of integers, and truth values.
#include "engine/ops/binary_rows.h"

namespace tensord::ops {
namespace {

// Counts in ever wider fields of the bits, each half of a field added to the other: "Hacker's
// Delight", 2nd edition, 5-1.
Refs ExpandBitCount(Graph& g, Ref node) {
  const Expr x = In(g, node);
  Expr count = types::IsSigned(x.dtype()) ? Apply(ScalarOp::kAbs, x) : x;
  for (int width = 1; width < types::Row(x.dtype()).bits; width *= 2) {
    const uint64_t ones = ~uint64_t{0} / ((uint64_t{1} << width) + 1);
    const Expr mask(g, Constant(g, types::Scalar::Int(x.dtype(), static_cast<int64_t>(ones)),
                                node->type().placement));
    // The mask takes the copies of the sign that a shift brings in, too.
    count = (count & mask) + (Apply(ScalarOp::kShr, count, count.Number(width)) & mask);
  }
  return {count};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "bitand",
     .family = Family::kBitwise,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kAnd,
     .inputs = {{"a"}, {"b"}},
     .doc = "The bits that are set in both. Integers and bool.",
     .examples = {{{"i32[2] {12, -1}", "i32[2] {10, 5}"}, "", {"i32[2] {8, 5}"}}}},
    {.name = "bitor",
     .family = Family::kBitwise,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kOr,
     .inputs = {{"a"}, {"b"}},
     .doc = "The bits that are set in either. Integers and bool.",
     .examples = {{{"i32[] {12}", "i32[] {10}"}, "", {"i32[] {14}"}}}},
    {.name = "bitxor",
     .family = Family::kBitwise,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kXor,
     .inputs = {{"a"}, {"b"}},
     .doc = "The bits that are set in one alone. Integers and bool.",
     .examples = {{{"i32[] {12}", "i32[] {10}"}, "", {"i32[] {6}"}}}},
    {.name = "not",
     .family = Family::kBitwise,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kNot,
     .inputs = {{"x"}},
     .doc = "Every bit of an integer turned; the contrary of a bool.",
     .examples = {{{"i32[2] {0, 5}"}, "", {"i32[2] {-1, -6}"}},
                  {{"bool[2] {true, false}"}, "", {"bool[2] {false, true}"}}}},
    {.name = "shl",
     .family = Family::kBitwise,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kShl,
     .inputs = {{"x"}, {"amount"}},
     .doc = "x * 2^amount by shifting bits; 0 when the amount is the width or more, or negative.",
     .examples = {{{"i32[3] {1, 3, 1}", "i32[3] {4, 1, 32}"}, "", {"i32[3] {16, 6, 0}"}}}},
    {.name = "shr",
     .family = Family::kBitwise,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kShr,
     .inputs = {{"x"}, {"amount"}},
     .doc =
         "x shifted right: signed integers keep their sign, which alone is left when the amount is "
         "the width or more.",
     .examples = {{{"i32[3] {16, -5, -1}", "i32[3] {2, 1, 40}"}, "", {"i32[3] {4, -3, -1}"}},
                  {{"u8[] {255}", "u8[] {8}"}, "", {"u8[] {0}"}}}},
    {.name = "bitwise_count",
     .family = Family::kBitwise,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .infer = InferIntegers,
     .expand = ExpandBitCount,
     .doc = "How many bits of |x| are set, in the dtype of x. Integers.",
     .examples = {{{"i32[4] {0, 7, -8, 255}"}, "", {"i32[4] {0, 3, 1, 8}"}},
                  {{"i8[2] {-128, 127}"}, "", {"i8[2] {1, 7}"}}}},
    {.name = "logical_and",
     .family = Family::kBitwise,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kLogical,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node, 0) & In(g, node, 1)}; },
     .doc = "Whether both differ from 0.",
     .examples = {{{"i32[3] {0, 2, 3}", "f32[3] {1, 0, 0.5}"},
                   "",
                   {"bool[3] {false, false, true}"}}}},
    {.name = "logical_or",
     .family = Family::kBitwise,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kLogical,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node, 0) | In(g, node, 1)}; },
     .doc = "Whether either differs from 0.",
     .examples = {{{"i32[3] {0, 2, 0}", "f32[3] {1, 0, 0}"}, "", {"bool[3] {true, true, false}"}}}},
    {.name = "logical_xor",
     .family = Family::kBitwise,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kLogical,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node, 0) ^ In(g, node, 1)}; },
     .doc = "Whether exactly one differs from 0.",
     .examples = {{{"i32[3] {0, 2, 3}", "f32[3] {1, 0, 1}"}, "", {"bool[3] {true, true, false}"}}}},
    {.name = "logical_not",
     .family = Family::kBitwise,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kLogical,
     .expand = [](Graph& g, Ref node) -> Refs { return {!In(g, node)}; },
     .doc = "Whether x is 0.",
     .examples = {{{"f32[3] {0, 2, nan}"}, "", {"bool[3] {true, false, false}"}}}},
};

}  // namespace

const std::vector<OpRow>& BitwiseRows() { return kRows; }

}  // namespace tensord::ops
