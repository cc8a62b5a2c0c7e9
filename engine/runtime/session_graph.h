// A session's lazy graph: names (ids) of values that exist, are poisoned, or are only described. Types
// are checked as nodes come; nothing is computed. No locks: one caller at a time.
//
// An evaluated value is a leaf from then on. The graph is compacted when its dead nodes outnumber the
// live ones, so ten million nodes streamed and freed leave memory flat.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/runtime/value.h"

namespace tensord::runtime {

using Id = uint64_t;
inline constexpr Id kMaxId = (uint64_t{1} << 53) - 1;

// Why a value will never exist: the first cause, kept by everything that depends on it.
struct Poison {
  absl::Status status;
  Id cause = 0;            // the id that failed first
  std::string op;          // its op
  uint32_t source = 0;     // the client's source reference
};
using PoisonRef = std::shared_ptr<const Poison>;

// What evaluating some ids takes: a function of the leaves, and the leaves' values.
struct Slice {
  std::shared_ptr<const ir::Function> function;
  std::vector<Value> inputs;
  std::vector<Id> targets;          // result i of the function is target i
};

class SessionGraph {
 public:
  struct Limits {
    int64_t max_nodes = 4'000'000;
    int64_t max_ids = 16'000'000;
  };
  SessionGraph() : SessionGraph(Limits()) {}
  explicit SessionGraph(Limits limits);
  ~SessionGraph();

  // Defines ids first_id ... first_id + results - 1 as the results of an op over `inputs`. On an error
  // the ids are defined all the same, as poison with this status. Poisoned inputs poison the result
  // and are no error: OK is returned. ALREADY_EXISTS, INVALID_ARGUMENT, NOT_FOUND (unknown or freed
  // input), RESOURCE_EXHAUSTED.
  absl::Status AddNode(Id first_id, int results, const ir::OpRow* op, absl::Span<const Id> inputs,
                       absl::Span<const ir::AttrValue> attrs, types::Placement placement,
                       uint32_t source);

  // A variable that dims may use; once per name, same bounds if again.
  absl::Status DeclareVariable(const ir::BoundVariable& variable);

  // Defines `id` as a value that exists (or will, in queue order).
  absl::Status Define(Id id, Value value);
  absl::Status DefinePoison(Id id, PoisonRef poison);

  // Defines first_id + i as d target / d wrt[i].
  absl::Status AddGradient(Id first_id, Id target, absl::Span<const Id> wrt, Id seed, uint32_t source);

  // Drops a name; unknown ids are NOT_FOUND, freeing twice too. Memory follows when nothing needs it.
  absl::Status Free(Id first, uint32_t count);

  bool Contains(Id id) const { return entries_.contains(id); }
  // NOT_FOUND for an unknown or freed id.
  absl::StatusOr<types::Type> TypeOf(Id id) const;
  PoisonRef PoisonOf(Id id) const;              // nullptr: not poisoned
  absl::StatusOr<Value> ValueOf(Id id) const;   // FAILED_PRECONDITION when it is only described

  // The computation of those of `targets` that are neither values nor poison; an empty `targets` in
  // the slice means nothing is to do. NOT_FOUND names an unknown id.
  absl::StatusOr<Slice> Extract(absl::Span<const Id> targets);
  // Records what an Extract's run gave (or will give): targets become leaves.
  void Materialize(const Slice& slice, absl::Span<const Value> results);
  // The run failed: targets are poisoned.
  void PoisonTargets(const Slice& slice, PoisonRef poison);
  // Ends an id's life by donation: it is defined as poison "donated".
  void Donate(Id id, const std::string& by);

  size_t ids() const { return entries_.size(); }
  size_t nodes() const;
  int64_t resident_bytes() const;               // of values that ids or leaves keep

 private:
  struct Entry {
    ir::Ref node = nullptr;    // described or leaf; nullptr when poisoned
    PoisonRef poison;
    uint32_t source = 0;
  };
  absl::Status CheckNewIds(Id first_id, int results) const;
  ir::Ref Leaf(const Value& value);
  void DefineNode(Id id, ir::Ref node, uint32_t source);
  void MaybeCompact();

  Limits limits_;
  std::unique_ptr<ir::Graph> graph_;
  absl::flat_hash_map<Id, Entry> entries_;
  absl::flat_hash_map<ir::Ref, Value> values_;  // leaves and evaluated nodes
  std::vector<ir::BoundVariable> variables_;
  int64_t next_leaf_ = 0;
  size_t compact_at_ = 4096;
};

}  // namespace tensord::runtime
