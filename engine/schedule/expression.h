// What a kernel computes at one point of its grid: graph nodes become rank-0 expressions, movement
// becomes indices, folds become fold nodes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/schedule/loop.h"
#include "engine/schedule/movement.h"

namespace tensord::schedule {

// Builds expressions for one kernel.
class ExpressionBuilder {
 public:
  // `value_of` gives the stored value that holds a graph node, if one does. `members` are the
  // stored nodes that this kernel itself computes: read at the kernel's own point they are inlined.
  // `is_contraction` tells of a reduce whether it is one, `is_nested` whether it may be a fold
  // inside a fold's body.
  ExpressionBuilder(ir::Graph& graph, std::function<std::optional<int>(Ref)> value_of,
                    std::function<bool(Ref)> is_contraction, std::function<bool(Ref)> is_nested,
                    absl::flat_hash_set<Ref> members, std::vector<Sym> point)
      : graph_(graph),
        value_of_(std::move(value_of)),
        is_contraction_(std::move(is_contraction)),
        is_nested_(std::move(is_nested)),
        members_(std::move(members)),
        point_(std::move(point)) {}

  // The expression of `node` at `access`; nullptr when something under it can't be inlined here:
  // conflict() says which node must be stored first, and why.
  Ref Value(Ref node, const Access& access);
  // The expression of member `node` at the kernel's own point.
  Ref Root(Ref node);

  Ref conflict() const { return conflict_; }
  const std::string& conflict_reason() const { return conflict_reason_; }

  // Stored values read so far, in order: the kernel's parameters.
  const std::vector<int>& reads() const { return reads_; }
  // The graph node that an expression came from, where one is worth storing instead (folds, and
  // transcendental functions).
  Ref Origin(Ref expression) const;

  // An integer value as an opaque variable of index expressions, within [0, extent - 1].
  Sym Opaque(Ref value, const Sym& extent);
  // The values behind the opaque variables of a load's, index's or valid's attributes.
  std::vector<Ref> OpaqueInputs(absl::Span<const ir::AttrValue> attrs) const;

 private:
  struct Key {
    Ref node;
    std::vector<Sym> coords;
    Mask mask;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.node, key.coords, key.mask);
    }
  };

  Ref Build(Ref node, const Access& access);
  Ref Load(Ref node, int value, const Access& access);
  Ref Elementwise(Ref node, const Access& access);
  Ref Masked(Ref node, const Access& access);
  Ref Fold(Ref node, const Access& access);
  Ref Gather(Ref node, const Access& access);
  Ref Index(const Sym& value, types::DType dtype);
  bool DependsOnFold(Ref expression) const;
  Ref Conflict(Ref node, std::string reason);
  Ref Make(const ir::OpRow& op, absl::Span<const Ref> inputs, absl::Span<const ir::AttrValue> attrs,
           types::DType dtype);

  ir::Graph& graph_;
  std::function<std::optional<int>(Ref)> value_of_;
  std::function<bool(Ref)> is_contraction_;
  std::function<bool(Ref)> is_nested_;
  absl::flat_hash_set<Ref> members_;
  std::vector<Sym> point_;
  absl::flat_hash_map<Key, Ref> memo_;
  absl::flat_hash_map<Ref, Ref> origin_;
  absl::flat_hash_map<std::string, Ref> opaque_;
  std::vector<int> reads_;
  Ref conflict_ = nullptr;
  std::string conflict_reason_;
};

// The lanes over which a fold of `extent` innermost elements is spread: element i goes to lane
// i % lanes, lanes are folded pairwise at the end. A function of the extent alone.
int FoldLanes(const Sym& extent);

}  // namespace tensord::schedule
