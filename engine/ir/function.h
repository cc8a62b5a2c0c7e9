// A function: a closed graph with parameters and results, named by the hash of its content.
// Programs, checkpointed regions, custom gradients and plans' sources are functions.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/ir/node.h"

namespace tensord::ir {

struct BoundVariable {
  std::string name;
  int64_t min = 0, max = 0;
  friend bool operator==(const BoundVariable&, const BoundVariable&) = default;
};

class Function {
 public:
  Function() : graph(std::make_unique<Graph>()) {}

  std::unique_ptr<Graph> graph;
  std::vector<Ref> parameters;  // `param` nodes (ops::AddParameter), index == position
  std::vector<Ref> results;
  std::vector<BoundVariable> variables;  // every variable in dims, in declaration order
  std::vector<int> donated;              // positions of parameters whose memory may be reused

  // Canonical text: nodes in first-visit order from the results, renumbered. Equal iff the
  // functions are the same computation with the same signature.
  std::string Print() const;
  // SHA-256 of Print().
  std::array<uint8_t, 32> Digest() const;
};

// Copies the ancestors of `roots` into `into`, mapping nodes of `mapped` to given nodes there.
std::vector<Ref> CopyInto(Graph& into, absl::Span<const Ref> roots,
                          const absl::flat_hash_map<Ref, Ref>& mapped);

// A function's text, and back. Parse names the line of a syntax error; ops must exist in `find_op`.
absl::StatusOr<Function> ParseFunction(std::string_view text,
                                       const OpRow* (*find_op)(std::string_view));

}  // namespace tensord::ir
