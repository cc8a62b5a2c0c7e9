#include "engine/runtime/session_graph.h"

#include <algorithm>

#include "engine/ops/build.h"
#include "engine/runtime/fault.h"

namespace tensord::runtime {
namespace {

using absl::StatusCode;

// Set in uses_ for nodes that kept_ has.
constexpr uint32_t kKeptBit = uint32_t{1} << 31;
constexpr uint32_t kUses = kKeptBit - 1;
// Nodes below which compacting is not worth it.
constexpr size_t kSmall = 4096;

size_t BytesOf(const ir::AttrValue& attr) {
  if (const auto* text = std::get_if<std::string>(&attr)) return text->size();
  if (const auto* ints = std::get_if<ir::Ints>(&attr)) return ints->size() * sizeof(int64_t);
  if (const auto* dims = std::get_if<types::Dims>(&attr)) return dims->size() * sizeof(types::Sym);
  return 0;
}

// What a node counts as: ordinary ones 1, those with long lists more.
int64_t WeightOf(ir::Ref node) {
  size_t bytes = node->inputs().size() * sizeof(ir::Ref);
  for (const ir::AttrValue& attr : node->attrs()) bytes += BytesOf(attr);
  return static_cast<int64_t>(1 + bytes / 256);
}

// Whether a gradient could flow through the value of `node`.
bool HasGradient(ir::Ref node) {
  return types::IsFloat(node->dtype()) && (node->op().traits & ir::kNoGradient) == 0;
}

}  // namespace

SessionGraph::SessionGraph(int devices, Limits limits)
    : devices_(devices), limits_(limits), graph_(std::make_unique<ir::Graph>()) {}
SessionGraph::~SessionGraph() = default;

// ------------------------------------------------------------------ defining

absl::Status SessionGraph::CheckNew(Id first_id, uint64_t count) const {
  RETURN_IF_ERROR(CheckIdRange(first_id, count));
  for (uint64_t i = 0; i < count; ++i) {
    if (!used_.Contains(first_id + i)) continue;
    return Fault(StatusCode::kAlreadyExists, "ID_USED", "id ", first_id + i,
                 " is used already; an id names one value in a session");
  }
  if (static_cast<int64_t>(entries_.size() + count) > limits_.max_ids) {
    return OverLimit("max_values", entries_.size() + count, static_cast<uint64_t>(limits_.max_ids),
                     "living ids");
  }
  return absl::OkStatus();
}

absl::Status SessionGraph::AddNode(const NodeSpec& node, const Origin& origin) {
  PoisonRef inherited;
  absl::Status status = TryNode(node, origin.source, inherited);
  if (status.ok() && inherited == nullptr) [[likely]] {
    CompactIfDue();
    return status;
  }
  return Conclude(node.first_id, static_cast<uint64_t>(node.results), node.op->name, origin,
                  std::move(status), std::move(inherited));
}

absl::Status SessionGraph::AddGradient(const GradientSpec& gradient, const Origin& origin) {
  PoisonRef inherited;
  absl::Status status = TryGradient(gradient, origin.source, inherited);
  if (status.ok() && inherited == nullptr) return status;
  return Conclude(gradient.first_id, gradient.wrt.size(), "gradient", origin, std::move(status),
                  std::move(inherited));
}

absl::Status SessionGraph::Conclude(Id first_id, uint64_t count, std::string_view op,
                                    const Origin& origin, absl::Status status,
                                    PoisonRef inherited) {
  if (!status.ok()) {
    inherited = std::make_shared<Poison>(Poison{status, first_id, std::string(op), origin});
  }
  DefinePoison(first_id, count, inherited);
  return status;
}

absl::Status SessionGraph::TryNode(const NodeSpec& spec, uint32_t source, PoisonRef& inherited) {
  RETURN_IF_ERROR(CheckNew(spec.first_id, static_cast<uint64_t>(spec.results)));
  inputs_.clear();
  for (Id id : spec.inputs) {
    ASSIGN_OR_RETURN(Entry* const entry, Use(id, spec.op->name, inherited));
    if (entry != nullptr) inputs_.push_back(NodeOf(*entry));
  }
  if (inherited != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ir::Ref node, MakeNode(*graph_, spec, inputs_, devices_));
  if (spec.results == 1) return DefineNode(spec.first_id, node, source);
  for (int i = 0; i < spec.results; ++i) {
    RETURN_IF_ERROR(
        DefineNode(spec.first_id + static_cast<Id>(i), ResultOf(*graph_, node, i), source));
  }
  return absl::OkStatus();
}

absl::Status SessionGraph::DefineNode(Id id, ir::Ref node, uint32_t source) {
  Acquire(node);
  if (live_nodes_ > limits_.max_nodes) {
    Release(node);
    return OverLimit("max_nodes", static_cast<uint64_t>(live_nodes_),
                     static_cast<uint64_t>(limits_.max_nodes), "living nodes");
  }
  ForgetFailure(node);
  used_.Add(id);
  Entry& entry = entries_[id];
  entry.node = node;
  entry.source = source;
  return absl::OkStatus();
}

// What an equal node's evaluation came to (a deadline, a cancel) is that one's alone.
void SessionGraph::ForgetFailure(ir::Ref node) {
  const Kept* const kept = FindKept(node);
  if (kept == nullptr || kept->leaf || !kept->cell->poisoned()) return;
  uses_[node->id()] &= ~kKeptBit;
  kept_.erase(node);
}

absl::Status SessionGraph::TryGradient(const GradientSpec& spec, uint32_t source,
                                       PoisonRef& inherited) {
  RETURN_IF_ERROR(CheckNew(spec.first_id, spec.wrt.size()));
  std::vector<GradientTerm> terms(spec.targets.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    ASSIGN_OR_RETURN(const Aliases target, UseAliases(spec.targets[i], "gradient", inherited));
    if (!target.empty()) terms[i].target = Stored(*graph_, target.back());
    if (spec.seeds.empty() || spec.seeds[i] == 0) continue;
    ASSIGN_OR_RETURN(Entry* const seed, Use(spec.seeds[i], "gradient", inherited));
    if (seed != nullptr) terms[i].seed = NodeOf(*seed);
  }
  std::vector<Aliases> wrt;
  for (Id id : spec.wrt) {
    ASSIGN_OR_RETURN(wrt.emplace_back(), UseAliases(id, "gradient", inherited));
  }
  if (inherited != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<ir::Ref> results, MakeGradients(*graph_, terms, wrt));
  for (size_t i = 0; i < results.size(); ++i) {
    RETURN_IF_ERROR(DefineNode(spec.first_id + i, results[i], source));
  }
  CompactIfDue();
  return absl::OkStatus();
}

absl::Status SessionGraph::Define(Id id, CellRef cell, uint32_t source) {
  RETURN_IF_ERROR(CheckNew(id, 1));
  used_.Add(id);
  Entry& entry = entries_[id];
  entry.cell = std::move(cell);
  entry.source = source;
  return absl::OkStatus();
}

void SessionGraph::DefinePoison(Id first_id, uint64_t count, const PoisonRef& poison) {
  if (!CheckIdRange(first_id, count).ok()) return;
  const CellRef cell = Cell::Of(poison);
  for (uint64_t i = 0; i < count; ++i) {
    const Id id = first_id + i;
    if (static_cast<int64_t>(entries_.size()) >= limits_.max_ids) return;
    if (used_.Contains(id)) continue;
    used_.Add(id);
    Entry& entry = entries_[id];
    entry.cell = cell;
    entry.source = poison->origin.source;
  }
}

// ------------------------------------------------------------------ using

absl::Status SessionGraph::Missing(Id id, std::string_view what) const {
  const std::string prefix = what.empty() ? "" : StrCat(what, ": ");
  if (donated_.Contains(id)) {
    return Fault(StatusCode::kFailedPrecondition, "DONATED", prefix, "id ", id,
                 " was donated to an Execute, which ended it");
  }
  if (used_.Contains(id)) {
    return Fault(StatusCode::kNotFound, "FREED", prefix, "id ", id, " was freed");
  }
  return Fault(StatusCode::kNotFound, "UNKNOWN_ID", prefix, "id ", id, " is not defined");
}

absl::StatusOr<SessionGraph::Entry*> SessionGraph::Use(Id id, std::string_view what,
                                                       PoisonRef& poison) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return Missing(id, what);
  Entry& entry = it->second;
  if (entry.cell && entry.cell->poisoned()) {
    if (poison == nullptr) poison = entry.cell->poison();
    return nullptr;
  }
  return &entry;
}

// The nodes that stand for the value: what new nodes use, then what gradients follow.
absl::StatusOr<Aliases> SessionGraph::UseAliases(Id id, std::string_view what, PoisonRef& poison) {
  ASSIGN_OR_RETURN(Entry* const entry, Use(id, what, poison));
  if (entry == nullptr) return Aliases();
  Aliases aliases = {NodeOf(*entry)};
  if (entry->holds_definition) aliases.push_back(entry->definition);
  return aliases;
}

ir::Ref SessionGraph::NodeOf(Entry& entry) {
  if (entry.node != nullptr) return entry.node;
  const types::Type& type = entry.cell->type();
  const ir::AttrValue attrs[] = {next_leaf_++, type.dtype, type.dims};
  static const ir::OpRow& param = *FindOp("param");
  entry.node = graph_->Intern(param, {}, attrs, type);
  Acquire(entry.node);
  kept_[entry.node] = {entry.cell, 0, true};
  uses_[entry.node->id()] |= kKeptBit;
  return entry.node;
}

const SessionGraph::Kept* SessionGraph::FindKept(ir::Ref node) const {
  if (node->id() >= uses_.size() || (uses_[node->id()] & kKeptBit) == 0) return nullptr;
  return &kept_.at(node);
}

SessionGraph::State SessionGraph::StateOf(Id id) const {
  const auto it = entries_.find(id);
  if (it == entries_.end()) {
    return donated_.Contains(id) ? State::kDonated
           : used_.Contains(id)  ? State::kFreed
                                 : State::kUnknown;
  }
  if (!it->second.cell) return State::kLazy;
  return it->second.cell->poisoned() ? State::kPoisoned : State::kStored;
}

absl::StatusOr<types::Type> SessionGraph::TypeOf(Id id) const {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return Missing(id, "");
  const Entry& entry = it->second;
  if (entry.cell && entry.cell->poisoned()) return entry.cell->poison()->status;
  return entry.node != nullptr ? entry.node->type() : entry.cell->type();
}

CellRef SessionGraph::CellOf(Id id) const {
  const auto it = entries_.find(id);
  return it == entries_.end() ? CellRef() : it->second.cell;
}

// ------------------------------------------------------------------ evaluating

// The value of the entry is, or will be, in `cell`.
void SessionGraph::Keep(Entry& entry, const CellRef& cell) {
  entry.cell = cell;
  if (types::IsWeak(entry.node->dtype())) return;  // it stays weak for new nodes
  Kept& kept = kept_[entry.node];
  if (kept.leaf) return;
  kept.cell = cell;
  ++kept.owners;
  uses_[entry.node->id()] |= kKeptBit;
  entry.definition = std::exchange(entry.node, nullptr);
  entry.holds_definition = HasGradient(entry.definition);
  if (!entry.holds_definition) Release(entry.definition);
}

Slice SessionGraph::Extract(absl::Span<const Id> targets) {
  Slice slice;
  std::vector<std::pair<Entry*, ir::Ref>> wanted;
  for (Id id : targets) {
    const auto it = entries_.find(id);
    if (it == entries_.end() || it->second.cell) continue;
    if (const Kept* kept = FindKept(it->second.node)) {
      Keep(it->second, CellRef(kept->cell));
    } else {
      wanted.push_back({&it->second, it->second.node});
    }
  }
  if (wanted.empty()) return slice;
  auto function = std::make_shared<ir::Function>();
  copies_.resize(graph_->size());
  absl::flat_hash_map<ir::Ref, CellRef> cells;  // by root
  for (auto& [entry, root] : wanted) {
    if (entry->cell) continue;  // named twice
    CellRef& cell = cells[root];
    if (!cell) {
      const ir::Ref result = Stored(*function->graph, CopyTree(*function, root, slice));
      function->results.push_back(result);
      cell = Cell::Make(result->type());
      slice.results.push_back(cell);
    }
  }
  for (const CellRef& input : slice.inputs) input->scratch = -1;
  for (ir::Ref node : copied_) copies_[node->id()] = nullptr;
  copied_.clear();
  for (auto& [entry, root] : wanted) {
    if (!entry->cell) Keep(*entry, cells[root]);
  }
  slice.function = std::move(function);
  return slice;
}

// `node` in the function, its inputs being there already.
ir::Ref SessionGraph::CopyNode(ir::Function& function, ir::Ref node, Slice& slice) {
  if (const Kept* kept = FindKept(node)) {
    if (kept->cell->scratch < 0) {
      kept->cell->scratch = static_cast<int>(slice.inputs.size());
      slice.inputs.push_back(kept->cell);
      ops::AddParameter(function, kept->cell->type());
    }
    return function.parameters[static_cast<size_t>(kept->cell->scratch)];
  }
  absl::InlinedVector<ir::Ref, 8> inputs;
  for (ir::Ref input : node->inputs()) inputs.push_back(copies_[input->id()]);
  ir::TypeList types;
  for (int i = 0; i < node->results(); ++i) types.push_back(node->type(i));
  return function.graph->Intern(node->op(), inputs, node->attrs(), types);
}

ir::Ref SessionGraph::CopyTree(ir::Function& function, ir::Ref root, Slice& slice) {
  std::vector<std::pair<ir::Ref, size_t>> stack;  // node, next input to visit
  const auto visit = [&](ir::Ref node) {
    if (copies_[node->id()] == nullptr) stack.push_back({node, 0});
  };
  visit(root);
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    const bool stop = FindKept(node) != nullptr;
    if (!stop && next < node->inputs().size()) {
      visit(node->input(static_cast<int>(next++)));
      continue;
    }
    const ir::Ref done = node;
    stack.pop_back();
    if (copies_[done->id()] != nullptr) continue;
    copies_[done->id()] = CopyNode(function, done, slice);
    copied_.push_back(done);
  }
  return copies_[root->id()];
}

// ------------------------------------------------------------------ ending

absl::Status SessionGraph::Free(Id id) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return Missing(id, "free");
  Drop(it->second);
  entries_.erase(it);
  CompactIfDue();
  return absl::OkStatus();
}

void SessionGraph::Donate(Id id) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return;
  Drop(it->second);
  entries_.erase(it);
  donated_.Add(id);
}

void SessionGraph::Drop(Entry& entry) {
  if (entry.definition != nullptr) {
    const auto kept = kept_.find(entry.definition);
    if (kept != kept_.end() && kept->second.cell == entry.cell && --kept->second.owners == 0) {
      uses_[entry.definition->id()] &= ~kKeptBit;
      kept_.erase(kept);
    }
    if (entry.holds_definition) Release(entry.definition);
  }
  if (entry.node != nullptr) Release(entry.node);
}

void SessionGraph::Acquire(ir::Ref node) {
  if (uses_.size() < graph_->size()) uses_.resize(graph_->size());
  const auto first_use = [this](ir::Ref n) { return (uses_[n->id()]++ & kUses) == 0; };
  if (!first_use(node)) return;
  stack_.push_back(node);
  while (!stack_.empty()) {
    const ir::Ref top = stack_.back();
    stack_.pop_back();
    ++live_count_;
    live_nodes_ += WeightOf(top);
    for (ir::Ref input : top->inputs()) {
      if (first_use(input)) stack_.push_back(input);
    }
  }
}

void SessionGraph::Release(ir::Ref node) {
  const auto last_use = [this](ir::Ref n) { return (--uses_[n->id()] & kUses) == 0; };
  if (!last_use(node)) return;
  stack_.push_back(node);
  while (!stack_.empty()) {
    const ir::Ref top = stack_.back();
    stack_.pop_back();
    --live_count_;
    live_nodes_ -= WeightOf(top);
    if (uses_[top->id()] != 0) {
      uses_[top->id()] = 0;
      kept_.erase(top);
    }
    for (ir::Ref input : top->inputs()) {
      if (last_use(input)) stack_.push_back(input);
    }
  }
}

// ------------------------------------------------------------------ compacting

void SessionGraph::CompactIfDue() {
  if (graph_->size() > kSmall && graph_->size() > 2 * live_count_) Compact();
}

// Living nodes, inputs first.
std::vector<ir::Ref> SessionGraph::LiveNodes() const {
  std::vector<ir::Ref> live, stack;
  std::vector<bool> seen(graph_->size());
  const auto visit = [&](ir::Ref node) {
    if (node == nullptr || seen[node->id()]) return;
    seen[node->id()] = true;
    stack.push_back(node);
    live.push_back(node);
  };
  for (const auto& [id, entry] : entries_) {
    visit(entry.node);
    if (entry.holds_definition) visit(entry.definition);
    while (!stack.empty()) {
      const ir::Ref top = stack.back();
      stack.pop_back();
      for (ir::Ref input : top->inputs()) visit(input);
    }
  }
  std::sort(live.begin(), live.end(), [](ir::Ref a, ir::Ref b) { return a->id() < b->id(); });
  return live;
}

void SessionGraph::Compact() {
  auto graph = std::make_unique<ir::Graph>();
  std::vector<ir::Ref> moved(graph_->size());
  std::vector<uint32_t> uses;
  std::vector<ir::Ref> inputs;
  for (ir::Ref node : LiveNodes()) {
    inputs.clear();
    for (ir::Ref input : node->inputs()) inputs.push_back(moved[input->id()]);
    ir::TypeList types;
    for (int i = 0; i < node->results(); ++i) types.push_back(node->type(i));
    moved[node->id()] = graph->Intern(node->op(), inputs, node->attrs(), types);
    uses.push_back(uses_[node->id()]);
  }
  const auto follow = [&](ir::Ref node) { return node == nullptr ? node : moved[node->id()]; };
  decltype(kept_) kept;
  for (auto& [node, value] : kept_) kept.emplace(follow(node), std::move(value));
  Entries entries;  // afresh: a table does not shrink by itself
  entries.reserve(entries_.size());
  for (auto& [id, entry] : entries_) {
    entry.node = follow(entry.node);
    entry.definition = follow(entry.definition);
    entries.emplace(id, std::move(entry));
  }
  entries_ = std::move(entries);
  kept_ = std::move(kept);
  uses_ = std::move(uses);
  graph_ = std::move(graph);
  copies_.clear();
  copies_.shrink_to_fit();
}

}  // namespace tensord::runtime
