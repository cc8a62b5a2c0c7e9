// An op is one row: name, attributes, type rule, meaning in smaller ops, gradient, evaluation,
// documentation and an executed example. Tests, the reference page, the wire vocabulary and every
// client's builders are made from the rows (engine/ops/registry.h lists them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/ir/attr.h"
#include "engine/ir/scalar_op.h"
#include "engine/types/tensor.h"
#include "engine/types/type.h"

namespace tensord::ir {

class Node;
class Graph;
using Ref = const Node*;

enum class Level : uint8_t {
  kComposite,  // means its `expand`; gone before scheduling
  kCore,       // the scheduler and the plain evaluator know it
  kLoop,       // inside a kernel's body, made by the scheduler
};

enum class Family : uint8_t {
  kUnary,
  kBinary,
  kComparison,
  kBitwise,
  kSelect,
  kReduce,
  kMovement,
  kCreate,
  kRandom,
  kIndex,
  kLinalg,
  kNn,
  kLoss,
  kOptim,
  kStructure,
  kLoop,
};
std::string_view Name(Family family);

// How the result's dtype follows from the inputs'. Each client implements this closed list.
enum class DTypeRule : uint8_t {
  kSame,        // all inputs are cast to their promotion; the result has it
  kFloat,       // the same, then FloatOf (integers give f32)
  kBool,        // inputs are cast to their promotion; the result is bool
  kFirst,       // the dtype of input 0; the others have their own
  kFloatFirst,  // FloatOf(input 0); other float inputs are cast to it, integer inputs stay
  kSelect,      // input 0 is bool; the rest promote
  kAttr,        // the attribute `dtype`
  kSum,    // attribute `dtype` if given, else the sum dtype for bool and integers, same for floats
  kIndex,  // i32 (argmax, argmin)
  kLogical,  // inputs are cast to bool; the result is bool
  kCustom,   // the row's own function decides (listed in ops.json as custom)
};

// How the result's dims follow. Each client implements this closed list; see
// engine/ops/type_rules.h.
enum class ShapeRule : uint8_t {
  kSame,
  kBroadcast,
  kReduce,
  kReshape,
  kPermute,
  kExpand,
  kPad,
  kShrink,
  kFlip,
  kStride,
  kWindow,
  kDilate,
  kDimsAttr,
  kScalar,
  kMatmul,
  kEinsum,
  kConv,
  kConvTranspose,
  kPool,
  kGather,
  kTake,
  kOneHot,
  kConcat,
  kStack,
  kAttention,
  kEmbedding,
  kTriangle,
  kCustom,
};
std::string_view Name(DTypeRule rule);
std::string_view Name(ShapeRule rule);

// What a type rule sees: the row, input types and attributes (defaults filled in).
struct RuleInput {
  const struct OpRow& row;
  absl::Span<const types::Type> inputs;
  absl::Span<const AttrValue> attrs;
  template <typename T>
  const T* get(std::string_view name) const;  // nullptr when absent
};
using TypeList = absl::InlinedVector<types::Type, 1>;

struct InputSpec {
  std::string_view name;
  std::string_view doc = "";
  bool optional = false;  // only trailing inputs
};

// Input and result literals in numpy-like text: "f32[2,2] {1, 2, 3, 4}". Run by tests, shown in
// docs.
struct Example {
  std::vector<std::string_view> inputs;
  std::string_view attrs;  // "axes=[1], keepdims=true"
  std::vector<std::string_view> results;
  double tolerance = 0;  // relative; 0: exact (floats: 1e-6)
};

// A gradient rule's view: makes the input gradients of one node. See engine/ops/gradient.h.
struct GradientArgs {
  Graph& graph;
  Ref node;
  absl::Span<const Ref> output_gradients;  // one per result; nullptr: that result is not used
};

enum OpTraits : uint32_t {
  kElementwise = 1,     // all inputs and the result have the same dims (after Make's expands)
  kVariadicInputs = 2,  // the last InputSpec repeats
  kNoGradient = 4,      // gradient is zero by nature (comparison, floor, integer ops)
  kPure = 0,
};

struct OpRow {
  std::string_view name;  // also its wire name
  Family family = Family::kStructure;
  Level level = Level::kComposite;
  uint32_t traits = 0;
  std::optional<ScalarOp> scalar;  // set: this row is that scalar operation, element by element
  std::vector<InputSpec> inputs;
  std::vector<AttrSpec> attrs;
  int results = 1;
  DTypeRule dtype_rule = DTypeRule::kSame;
  ShapeRule shape_rule = ShapeRule::kBroadcast;
  // Overrides the rules when set (rule names are then kCustom). Input types are already promoted.
  absl::StatusOr<TypeList> (*infer)(const RuleInput&) = nullptr;
  // Meaning in smaller ops; results in order. Total on checked nodes.
  std::vector<Ref> (*expand)(Graph&, Ref node) = nullptr;
  // Gradients of the inputs, in order (nullptr: none). Absent with expand set: of the expansion.
  std::vector<Ref> (*gradient)(const GradientArgs&) = nullptr;
  // Plain meaning on host tensors, floats in float64. Absent with expand set: of the expansion.
  std::vector<types::HostTensor> (*evaluate)(Ref node,
                                             absl::Span<const types::HostTensor>) = nullptr;
  std::string_view doc;  // first sentence: what it computes; then shapes, source, limits
  std::vector<Example> examples;
};

}  // namespace tensord::ir
