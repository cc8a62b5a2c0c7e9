#include "engine/schedule/schedule.h"

#include <algorithm>
#include <queue>

#include "engine/base/settings.h"
#include "engine/base/status.h"
#include "engine/schedule/fuse.h"
#include "engine/schedule/group.h"
#include "engine/schedule/kernel_table.h"
#include "engine/schedule/pack.h"
#include "engine/schedule/work.h"

namespace tensord::schedule {
namespace {

using ir::Ref;

class Scheduler {
 public:
  Scheduler(const ir::Function& core, const Options& options)
      : core_(core),
        options_(options),
        results_(PackContractions(core, contractions_)),
        order_(ir::TopologicalOrder(Roots())),
        nested_(FindNestedFolds(order_, results_, contractions_)),
        kernels_(contractions_, nested_) {}

  absl::StatusOr<Schedule> Run() {
    constexpr int kMaxRounds = 64;
    for (int round = 0; round < kMaxRounds; ++round) {
      stages_ = ChooseStages(order_, results_, forced_, nested_, options_, contractions_);
      groups_ = GroupKernels(order_, stages_, options_, contractions_);
      if (BuildKernels()) return Finish(round + 1);
    }
    return Internal("schedule: no fixed point of stored values after ", kMaxRounds, " rounds");
  }

 private:
  std::vector<Ref> Roots() const {
    std::vector<Ref> roots = core_.parameters;
    roots.insert(roots.end(), results_.begin(), results_.end());
    return roots;
  }

  void NumberValues() {
    for (Ref node : order_) {
      if (!stages_.contains(node)) continue;
      stored_.push_back(node);
      value_of_[node] = static_cast<int>(stored_.size());
    }
  }

  std::optional<int> ValueOf(Ref node) const {
    const int value = value_of_.at(node);
    if (value == 0) return std::nullopt;
    return value - 1;
  }

  // Whether every group could be built; what could not be inlined is stored in the next round.
  bool BuildKernels() {
    bool all = true;
    for (const Group& group : groups_) {
      if (group.roots[0]->is("copy")) continue;
      const auto* conflict = std::get_if<Conflict>(&kernels_.Find(group));
      if (conflict == nullptr) continue;
      forced_.emplace(conflict->node, conflict->reason);
      all = false;
    }
    return all;
  }

  // Groups in the order of their creation in the graph, as far as dependence allows: close to the
  // client's own order, which keeps few values alive.
  std::vector<size_t> OrderGroups() const {
    absl::flat_hash_map<Ref, size_t> group_of;
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (Ref root : groups_[i].roots) group_of[root] = i;
    }
    std::vector<int> waiting(groups_.size(), 0);
    std::vector<std::vector<size_t>> readers(groups_.size());
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (Ref read : groups_[i].reads) {
        if (auto it = group_of.find(read); it != group_of.end() && it->second != i) {
          readers[it->second].push_back(i);
          ++waiting[i];
        }
      }
    }
    using Entry = std::pair<uint32_t, size_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    const auto enter = [&](size_t i) { ready.push({groups_[i].roots.back()->id(), i}); };
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (waiting[i] == 0) enter(i);
    }
    std::vector<size_t> order;
    while (!ready.empty()) {
      const size_t i = ready.top().second;
      ready.pop();
      order.push_back(i);
      for (size_t reader : readers[i]) {
        if (--waiting[reader] == 0) enter(reader);
      }
    }
    return order;
  }

  Step MakeStep(size_t i) {
    Step step;
    const Ref first = groups_[i].roots[0];
    step.placement = first->type().placement;
    if (first->is("copy")) {
      step.kind = Step::kCopy;
      step.values = {*ValueOf(StripAliases(first->input(0), stages_)), *ValueOf(first)};
      return step;
    }
    const auto& bound = std::get<KernelTable::Bound>(kernels_.Find(groups_[i]));
    step.kernel = *bound.kernel;
    step.kernel.variables = core_.variables;
    for (Ref node : bound.params) step.values.push_back(*ValueOf(node));
    operations_ += bound.operations;
    return step;
  }

  absl::StatusOr<Schedule> Finish(int rounds) {
    Schedule schedule;
    NumberValues();
    schedule.variables = core_.variables;
    for (Ref node : stored_) {
      Value value;
      value.type = node->type();
      value.reason = stages_.at(node);
      if (node->is("param")) value.parameter = static_cast<int>(node->attr<int64_t>("index"));
      schedule.values.push_back(std::move(value));
    }
    for (Ref parameter : core_.parameters) schedule.parameters.push_back(*ValueOf(parameter));
    for (Ref result : results_) {
      std::optional<int> value = ValueOf(StripAliases(result, stages_));
      if (!value.has_value())
        return Internal("schedule: result ", result->op().name, " is not stored");
      schedule.values[*value].result = true;
      schedule.results.push_back(*value);
    }
    const std::vector<size_t> order = OrderGroups();
    if (order.size() != groups_.size()) return Internal("schedule: kernels depend on each other");
    for (size_t i : order) schedule.steps.push_back(MakeStep(i));
    const double asked = GraphOperations(order_);
    schedule.recompute_ratio = asked > 0 ? operations_ / asked : 1;
    schedule.effort = {rounds, kernels_.built(), contractions_.analyses()};
    if (base::DumpWanted("schedule")) std::fputs(schedule.Print().c_str(), stderr);
    return schedule;
  }

  const ir::Function& core_;
  const Options& options_;
  Contractions contractions_;
  const std::vector<Ref> results_;
  const std::vector<Ref> order_;
  const NestedFolds nested_;
  KernelTable kernels_;
  Stages stages_, forced_;
  std::vector<Group> groups_;
  ir::NodeMap<int> value_of_;  // 1 + the value; 0: not stored
  std::vector<Ref> stored_;
  double operations_ = 0;
};

}  // namespace

absl::StatusOr<Schedule> MakeSchedule(const ir::Function& core, const Options& options) {
  return Scheduler(core, options).Run();
}

std::string Schedule::Print() const {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    StrAppend(&text, "value ", i, ": ", values[i].type.ToString(), "  ; ", values[i].reason,
              values[i].result ? ", result" : "", "\n");
  }
  for (const Step& step : steps) {
    StrAppend(&text, step.kind == Step::kCopy ? "copy" : "kernel", " values");
    for (int value : step.values) StrAppend(&text, " ", value);
    StrAppend(&text, "\n");
    if (step.kind == Step::kKernel) StrAppend(&text, step.kernel.Print());
  }
  return text;
}

}  // namespace tensord::schedule
