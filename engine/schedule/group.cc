#include "engine/schedule/group.h"

#include <algorithm>
#include <map>

#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ref;

// What the kernel of one stored node would hold.
struct Root {
  Ref node = nullptr;
  std::vector<Ref> pointwise;   // stored nodes read at the kernel's own point alone
  std::vector<Ref> others;      // stored nodes read elsewhere (perhaps there too)
  bool folds = false;           // holds a fold at its own point
  bool broadcast_fold = false;  // holds a fold of only some of its ranges
  bool contraction = false;
};

bool Add(std::vector<Ref>& to, Ref node) {
  if (std::find(to.begin(), to.end(), node) != to.end()) return false;
  to.push_back(node);
  return true;
}

Root Describe(Ref node, const Stages& stages, Contractions& contractions) {
  Root root;
  root.node = node;
  absl::flat_hash_map<Ref, int> seen;  // 1: at the point, 2: elsewhere
  std::vector<std::pair<Ref, bool>> todo = {{node, true}};
  while (!todo.empty()) {
    auto [at, here] = todo.back();
    todo.pop_back();
    int& state = seen[at];
    const int now = here ? 1 : 2;
    if (state & now) continue;
    state |= now;
    if (at != node && stages.contains(at)) continue;
    if (at->is("reduce")) {
      (here ? root.folds : root.broadcast_fold) = true;
      root.contraction = root.contraction || contractions.Of(at) != nullptr;
    }
    const bool pointwise = here && (at->op().scalar.has_value() || at->is("detach") ||
                                    (at->is("contiguous") && at == node));
    for (Ref input : at->inputs()) todo.push_back({input, pointwise});
  }
  for (const auto& [at, state] : seen) {
    if (at != node && stages.contains(at))
      (state == 1 ? root.pointwise : root.others).push_back(at);
  }
  const auto by_id = [](Ref a, Ref b) { return a->id() < b->id(); };
  std::sort(root.pointwise.begin(), root.pointwise.end(), by_id);
  std::sort(root.others.begin(), root.others.end(), by_id);
  return root;
}

bool Alone(Ref node) { return node->is("scatter") || node->is("copy"); }

class Grouper {
 public:
  Grouper(const Stages& stages, const Options& options, Contractions& contractions)
      : stages_(stages), options_(options), contractions_(contractions) {}

  void Place(Ref node) {
    const Root root = Describe(node, stages_, contractions_);
    int level = 0;
    for (const auto* reads : {&root.pointwise, &root.others}) {
      for (Ref read : *reads) level = std::max(level, LevelOf(read) + 1);
    }
    const int home = Alone(node) ? -1 : FindHome(root);
    if (home >= 0) {
      Join(home, root);
    } else {
      Open(root, level);
    }
  }

  std::vector<Group> Finish() {
    std::vector<Group> result;
    for (State& state : groups_) result.push_back(std::move(state.group));
    std::stable_sort(result.begin(), result.end(),
                     [](const Group& a, const Group& b) { return a.level < b.level; });
    return result;
  }

 private:
  struct State {
    Group group;
    bool folds = false, broadcast_fold = false, contraction = false, alone = false;
  };

  int LevelOf(Ref stored) const {
    auto it = group_of_.find(stored);
    return it == group_of_.end() ? -1 : groups_[it->second].group.level;  // parameters: -1
  }

  int FindHome(const Root& root) {
    if (root.contraction || root.broadcast_fold) return -1;
    auto it =
        by_dims_.find(root.node->type().ToString().substr(types::Name(root.node->dtype()).size()));
    if (it == by_dims_.end()) return -1;
    for (auto candidate = it->second.rbegin(); candidate != it->second.rend(); ++candidate) {
      if (Fits(root, *candidate)) return *candidate;
    }
    return -1;
  }

  bool Fits(const Root& root, int home) const {
    const State& state = groups_[home];
    if (state.alone || state.broadcast_fold || (state.contraction && root.folds)) return false;
    bool joined = false, shares = false;
    for (Ref read : root.others) {
      if (LevelOf(read) >= state.group.level) return false;
      shares = shares || Reads(state, read);
    }
    for (Ref read : root.pointwise) {
      auto it = group_of_.find(read);
      const bool inside = it != group_of_.end() && it->second == home;
      if (!inside && LevelOf(read) >= state.group.level) return false;
      joined = joined || inside;
      shares = shares || Reads(state, read);
    }
    const bool elementwise = !root.folds && !state.folds;
    if (!joined && !elementwise && !(shares && root.folds == state.folds)) return false;
    return ParamsWith(state, root) <= options_.max_kernel_params;
  }

  static bool Reads(const State& state, Ref read) {
    const auto& reads = state.group.reads;
    return std::find(reads.begin(), reads.end(), read) != reads.end();
  }
  int ParamsWith(const State& state, const Root& root) const {
    size_t count = state.group.reads.size() + state.group.roots.size() + 1;
    for (const auto* reads : {&root.pointwise, &root.others}) {
      for (Ref read : *reads) count += Reads(state, read) ? 0 : 1;
    }
    return static_cast<int>(count);
  }

  void Open(const Root& root, int level) {
    State state;
    state.group.level = level;
    state.alone = Alone(root.node);
    groups_.push_back(std::move(state));
    const int home = static_cast<int>(groups_.size()) - 1;
    by_dims_[root.node->type().ToString().substr(types::Name(root.node->dtype()).size())].push_back(
        home);
    Join(home, root);
  }

  void Join(int home, const Root& root) {
    State& state = groups_[home];
    state.group.roots.push_back(root.node);
    state.folds = state.folds || root.folds;
    state.broadcast_fold = state.broadcast_fold || root.broadcast_fold;
    state.contraction = state.contraction || root.contraction;
    group_of_[root.node] = home;
    for (const auto* reads : {&root.pointwise, &root.others}) {
      for (Ref read : *reads) {
        auto it = group_of_.find(read);
        if (it == group_of_.end() || it->second != home) Add(state.group.reads, read);
      }
    }
  }

  const Stages& stages_;
  const Options& options_;
  Contractions& contractions_;
  std::vector<State> groups_;
  absl::flat_hash_map<Ref, int> group_of_;
  std::map<std::string, std::vector<int>> by_dims_;  // "[2,3]@device" -> groups
};

}  // namespace

std::vector<Group> GroupKernels(absl::Span<const Ref> order, const Stages& stages,
                                const Options& options, Contractions& contractions) {
  Grouper grouper(stages, options, contractions);
  for (Ref node : order) {
    if (stages.contains(node) && !node->is("param")) grouper.Place(node);
  }
  return grouper.Finish();
}

}  // namespace tensord::schedule
