#include "engine/schedule/group.h"

#include <algorithm>

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

class Describer {
 public:
  Describer(const Stages& stages, Contractions& contractions)
      : stages_(stages), contractions_(contractions) {}

  Root Describe(Ref node) {
    ++turn_;
    Root root;
    root.node = node;
    std::vector<Ref> reads;
    todo_ = {{node, true}};
    while (!todo_.empty()) {
      const auto [at, here] = todo_.back();
      todo_.pop_back();
      Seen& seen = seen_[at];
      if (seen.turn != turn_) seen = {turn_, false, false};
      const bool first = !seen.here && !seen.elsewhere;
      bool& now = here ? seen.here : seen.elsewhere;
      if (now) continue;
      now = true;
      if (at == node || !stages_.contains(at)) {
        Enter(root, at, here);
      } else if (first) {
        reads.push_back(at);
      }
    }
    std::sort(reads.begin(), reads.end(), [](Ref a, Ref b) { return a->id() < b->id(); });
    for (Ref read : reads) (seen_[read].elsewhere ? root.others : root.pointwise).push_back(read);
    return root;
  }

 private:
  struct Seen {
    uint32_t turn = 0;
    bool here = false, elsewhere = false;  // read at the point, at other places
  };

  void Enter(Root& root, Ref at, bool here) {
    if (at->is("reduce")) {
      (here ? root.folds : root.broadcast_fold) = true;
      root.contraction = root.contraction || contractions_.Of(at) != nullptr;
    }
    const bool pointwise = here && (at->op().scalar.has_value() || at->is("detach") ||
                                    (at->is("contiguous") && at == root.node));
    for (Ref input : at->inputs()) todo_.push_back({input, pointwise});
  }

  const Stages& stages_;
  Contractions& contractions_;
  ir::NodeMap<Seen> seen_;
  std::vector<std::pair<Ref, bool>> todo_;
  uint32_t turn_ = 0;
};

// Dims and place: what nodes of one kernel share.
types::Type ShapeOf(Ref node) {
  types::Type type = node->type();
  type.dtype = types::DType::kInvalid;
  return type;
}

// Nothing is computed for a value without elements.
bool Empty(Ref node) {
  const types::Sym elements = node->type().elements();
  return elements.is_constant() && elements.constant() == 0;
}

bool Alone(Ref node) { return node->is("scatter") || node->is("copy"); }

class Grouper {
 public:
  Grouper(const Stages& stages, const Options& options, Contractions& contractions)
      : options_(options), describer_(stages, contractions) {}

  void Place(Ref node) {
    const Root root = describer_.Describe(node);
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

  int GroupOf(Ref stored) const { return group_of_.at(stored) - 1; }
  int LevelOf(Ref stored) const {
    const int group = GroupOf(stored);
    return group < 0 ? -1 : groups_[group].group.level;  // parameters: -1
  }

  int FindHome(const Root& root) {
    if (root.contraction || root.broadcast_fold) return -1;
    auto it = by_shape_.find(ShapeOf(root.node));
    if (it == by_shape_.end()) return -1;
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
      const bool inside = GroupOf(read) == home;
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
    by_shape_[ShapeOf(root.node)].push_back(home);
    Join(home, root);
  }

  void Join(int home, const Root& root) {
    State& state = groups_[home];
    state.group.roots.push_back(root.node);
    state.folds = state.folds || root.folds;
    state.broadcast_fold = state.broadcast_fold || root.broadcast_fold;
    state.contraction = state.contraction || root.contraction;
    group_of_[root.node] = home + 1;
    for (const auto* reads : {&root.pointwise, &root.others}) {
      for (Ref read : *reads) {
        if (GroupOf(read) != home) Add(state.group.reads, read);
      }
    }
  }

  const Options& options_;
  Describer describer_;
  std::vector<State> groups_;
  ir::NodeMap<int> group_of_;                                    // 1 + the group; 0: none
  absl::flat_hash_map<types::Type, std::vector<int>> by_shape_;  // dtype left out
};

}  // namespace

std::vector<Group> GroupKernels(absl::Span<const Ref> order, const Stages& stages,
                                const Options& options, Contractions& contractions) {
  Grouper grouper(stages, options, contractions);
  for (Ref node : order) {
    if (stages.contains(node) && !node->is("param") && !Empty(node)) grouper.Place(node);
  }
  return grouper.Finish();
}

}  // namespace tensord::schedule
