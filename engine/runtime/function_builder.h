// A function from a description by ids: the body of a Program, or of a stateless run.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "engine/runtime/make_node.h"

namespace tensord::runtime {

// Bounds of declared variables, by name: what types::ParseSym takes.
using VariableBounds = std::map<std::string, std::pair<int64_t, int64_t>>;

// Ids mean nothing outside. The first error is the caller's end: nothing is poisoned here.
class FunctionBuilder : public NodeSink {
 public:
  struct Limits {
    int64_t max_nodes = 1'000'000;
  };
  FunctionBuilder(int devices, Limits limits);

  absl::Status DeclareVariable(const ir::BoundVariable& variable);
  const VariableBounds& variables() const { return bounds_; }

  absl::Status AddParameter(Id id, const types::Type& type);
  absl::Status AddNode(const NodeSpec& node, const Origin& origin) override;
  absl::Status AddGradient(const GradientSpec& gradient, const Origin& origin) override;
  // `type`, when given, is compared.
  absl::Status AddResult(Id id, const std::optional<types::Type>& type);

  absl::StatusOr<types::Type> TypeOf(Id id) const;

  // `donated`: positions of parameters. The builder is empty afterwards.
  absl::StatusOr<std::shared_ptr<const ir::Function>> Finish(absl::Span<const uint32_t> donated);

 private:
  absl::Status Define(Id first_id, absl::Span<const ir::Ref> nodes);
  absl::StatusOr<ir::Ref> Find(std::string_view what, Id id) const;

  const int devices_;
  const Limits limits_;
  std::shared_ptr<ir::Function> function_ = std::make_shared<ir::Function>();
  absl::flat_hash_map<Id, ir::Ref> nodes_;
  VariableBounds bounds_;
};

// The function that IR text describes, every node of it checked anew: the text may come from
// anybody.
absl::StatusOr<std::shared_ptr<const ir::Function>> ParseFunctionText(std::string_view text,
                                                                      int devices);

}  // namespace tensord::runtime
