// A session's lazy graph: names (ids) of values that are described, stored, or poison. Types are
// checked as nodes come; nothing is computed. No locks: one caller at a time.
//
//   graph.AddNode({.first_id = 3, .op = FindOp("add"), .inputs = {{1, 2}}}, origin);
//   Slice slice = graph.Extract({{3}});   // 3 is stored from now on, in a pending cell
//   … run slice.function on slice.inputs, Submit slice.results …
//
// An evaluated value is a leaf for what is defined later. Gradients still follow its definition,
// which lives as long as its id. The graph is compacted when its dead nodes outnumber the live
// ones, so ten million nodes streamed and freed leave memory flat.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/runtime/cell.h"
#include "engine/runtime/id_set.h"
#include "engine/runtime/make_node.h"

namespace tensord::runtime {

// What evaluating some ids takes: a function of stored values, and where its results go.
struct Slice {
  std::shared_ptr<const ir::Function> function;  // nullptr: nothing is left to compute
  std::vector<CellRef> inputs;                   // one per parameter
  std::vector<CellRef> results;                  // one per result, pending
};

class SessionGraph : public NodeSink {
 public:
  struct Limits {
    int64_t max_nodes = 4'000'000;  // living; large attributes count as several
    int64_t max_ids = 16'000'000;   // living
  };
  SessionGraph(int devices, Limits limits);
  explicit SessionGraph(int devices) : SessionGraph(devices, Limits()) {}
  ~SessionGraph() override;

  // Defines ids as the results of an op. On an error the ids are defined all the same, as poison
  // with this status, unless they are in use (ALREADY_EXISTS), out of range or over the limit.
  // Poisoned inputs poison the results and are no error. NOT_FOUND names an unknown or freed input.
  absl::Status AddNode(const NodeSpec& node, const Origin& origin) override;
  absl::Status AddGradient(const GradientSpec& gradient, const Origin& origin) override;

  // Defines `id` as what is, or will be, in a cell.
  absl::Status Define(Id id, CellRef cell, uint32_t source = 0);
  // Defines those of the ids that are new as poison.
  void DefinePoison(Id first_id, uint64_t count, const PoisonRef& poison);
  // What defining these ids would fail with.
  absl::Status CheckNew(Id first_id, uint64_t count) const;

  // Drops a name; NOT_FOUND when it is not defined. Memory follows when nothing needs it.
  absl::Status Free(Id id);
  // Ends a stored value's name by donation; using it later says so.
  void Donate(Id id);

  enum class State : uint8_t { kUnknown, kFreed, kDonated, kLazy, kStored, kPoisoned };
  State StateOf(Id id) const;
  // NOT_FOUND or FAILED_PRECONDITION (donated), or the poison's status.
  absl::StatusOr<types::Type> TypeOf(Id id) const;
  // The cell of a stored or poisoned value; nothing for others.
  CellRef CellOf(Id id) const;
  // Why `id` names no value. REQUIRES: it is unknown, freed or donated.
  absl::Status Missing(Id id, std::string_view what) const;

  // The computation of those of `targets` that are described only, which are stored from now on.
  // Poisoned, stored and unknown targets are left out.
  Slice Extract(absl::Span<const Id> targets);

  size_t ids() const { return entries_.size(); }
  int64_t nodes() const { return live_nodes_; }
  size_t arena_nodes() const { return graph_->size(); }  // dead ones included

 private:
  struct Entry {
    ir::Ref node = nullptr;  // what new nodes use; nullptr: a cell without node yet, or poison
    ir::Ref definition = nullptr;  // of a value that was evaluated
    CellRef cell;                  // stored or poisoned
    uint32_t source = 0;
    bool holds_definition = false;  // gradients may follow it
  };
  struct Kept {  // a node whose value is kept
    CellRef cell;
    int owners = 0;     // entries whose definition it is
    bool leaf = false;  // it stands for the cell alone
  };
  using Entries = absl::flat_hash_map<Id, Entry>;

  absl::Status TryNode(const NodeSpec& node, uint32_t source, PoisonRef& inherited);
  absl::Status TryGradient(const GradientSpec& gradient, uint32_t source, PoisonRef& inherited);
  absl::Status Conclude(Id first_id, uint64_t count, std::string_view op, const Origin& origin,
                        absl::Status status, PoisonRef inherited);
  // The entry of `id`; nullptr when it is poison, which is then in `poison`.
  absl::StatusOr<Entry*> Use(Id id, std::string_view what, PoisonRef& poison);
  absl::StatusOr<Aliases> UseAliases(Id id, std::string_view what, PoisonRef& poison);
  ir::Ref NodeOf(Entry& entry);
  absl::Status DefineNode(Id id, ir::Ref node, uint32_t source);
  void ForgetFailure(ir::Ref node);
  void Keep(Entry& entry, const CellRef& cell);
  void Drop(Entry& entry);
  const Kept* FindKept(ir::Ref node) const;
  ir::Ref CopyNode(ir::Function& function, ir::Ref node, Slice& slice);
  ir::Ref CopyTree(ir::Function& function, ir::Ref root, Slice& slice);

  void Acquire(ir::Ref node);
  void Release(ir::Ref node);
  void CompactIfDue();
  void Compact();
  std::vector<ir::Ref> LiveNodes() const;

  const int devices_;
  const Limits limits_;
  std::unique_ptr<ir::Graph> graph_;
  Entries entries_;
  absl::flat_hash_map<ir::Ref, Kept> kept_;
  std::vector<uint32_t> uses_;   // by node id: living nodes and entries that hold it
  std::vector<ir::Ref> stack_;   // of Acquire and Release
  std::vector<ir::Ref> inputs_;  // of AddNode
  std::vector<ir::Ref> copies_;  // of Extract, by node id; empty between calls
  std::vector<ir::Ref> copied_;  // the nodes that have one
  size_t live_count_ = 0;
  int64_t live_nodes_ = 0;  // the same, weighted
  int64_t next_leaf_ = 0;
  IdSet used_, donated_;
};

}  // namespace tensord::runtime
