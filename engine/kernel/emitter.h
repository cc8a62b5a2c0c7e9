// Emits the values of a kernel's body for one block of points: `tile_unroll` points of the tile
// range by `vector_unroll` vectors of the vector range.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/kernel/body.h"
#include "engine/kernel/linear_builder.h"

namespace tensord::kernel {

// One member of a block: `tile` points after the tile range's register, `vector` vectors after the
// vector range's, `step` elements after the register of an online fold's last range.
struct Member {
  int tile = 0, vector = 0, step = 0;
  friend bool operator==(const Member&, const Member&) = default;
};

// Which indices with quotients, minima or maxima are held inside their buffers by instructions of
// their own: those under a mask, or all. It changes nothing, but intervals show it.
enum class Clamp { kMasked, kAll };

class Emitter {
 public:
  // `vector`, `tile`: the ranges' names ("" for none); `lanes`: of the vector range. `buffers`: the
  // builder's number of each kernel parameter.
  Emitter(LinearBuilder& builder, const Body& body, std::string vector, int lanes, std::string tile,
          std::vector<int> buffers, Clamp clamp);

  // The register that holds a range's value from here on (the first point of the block for the
  // vector and tile ranges). Forgets what depended on its former value.
  void Bind(const std::string& range, int reg);
  int Bound(const std::string& range) const { return bound_.at(range); }
  // Closes a block, and forgets what was computed in it: its registers are out of scope.
  void EndLoop();
  // Only lanes < `lanes_left` (i64 register) of the vector range exist from here on; -1: all.
  void LimitLanes(int lanes_left);

  // Computes, hoisted to this place, every node that depends on exactly `ranges` of the grid at
  // most (a mask of bits as NodeInfo::grid), for all members.
  void EmitWithin(uint64_t ranges, absl::Span<const Member> members);

  // The value of `node` for a member: a scalar or a vector of the vector range's lanes.
  int Emit(Ref node, Member member);
  // Stores a value at `index` where `mask` holds, for a member.
  void Store(int buffer, const Sym& index, const types::Mask& mask, int value, Member member,
             bool non_temporal);
  // Index expressions for a member, by the registers bound now.
  int EmitIndex(const Sym& index, Member member);

 private:
  // The axis along which registers are vectors at the moment: the vector range, or a fold's last.
  struct Axis {
    std::string name;
    int lanes = 1;
    int mask = -1;  // which lanes exist; -1: all
  };
  struct Key {
    Ref node;
    int tile, vector, step;
    Member member() const { return {tile, vector, step}; }
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.node, k.tile, k.vector, k.step);
    }
  };
  struct Known {
    int reg = -1;
    int depth = 0;  // of the block in which it was asked for
  };
  struct Slot {  // one fold of one member
    Ref fold;
    Member member;
    std::vector<int> accumulators;
  };
  struct OnlineSum {  // an online fold of one member
    Ref fold;
    Member member;
    int accumulator;
  };
  struct OnlineMax {  // a maximum of one member, and the sums that are corrected when it grows
    Ref fold;
    Member member;
    int accumulator;
    std::vector<OnlineSum> sums;
  };
  using Memo = absl::flat_hash_map<Key, Known>;

  Key KeyOf(Ref node, Member member) const;
  std::vector<Member> Distinct(Ref node, absl::Span<const Member> members) const;
  Memo& MemoOf(Ref node) { return body_.info(node).in_fold() ? fold_memo_ : memo_; }
  void Remember(Ref node, Member member, int reg) {
    MemoOf(node)[KeyOf(node, member)] = {reg, b_.depth()};
  }
  void SetMember(Member member);
  void BindOpaque(Ref node, Member member);
  int EmitNew(Ref node, Member member);
  int EmitScalarOp(Ref node, Member member);
  int EmitLoad(Ref node, Member member);
  int EmitVectorLoad(Ref node, bool opaque_vector);
  bool NeedsClamp(Ref load) const;
  int Clamped(int index, Ref load);
  int VectorMask(const types::Mask& mask);

  // Folds: see emit_fold.cc.
  void EmitFolds(absl::Span<const Ref> folds, absl::Span<const Member> members);
  void EmitFoldGroup(std::vector<Slot> slots, bool along_lanes);
  void EmitFoldLoops(std::vector<Slot>& slots, size_t range, bool along_lanes);
  void EmitChunks(std::vector<Slot>& slots, size_t range, const std::string& name,
                  const Sym& extent);
  void EmitChunk(const std::vector<Slot>& slots, size_t range, const std::string& name, int first,
                 const Sym& count);
  void EmitInnermost(std::vector<Slot>& slots, const std::string& name, const Sym& extent,
                     bool along_lanes);
  void EmitLaneSteps(std::vector<Slot>& slots, const std::string& name, const Sym& extent);
  void EmitScalarSteps(std::vector<Slot>& slots, const std::string& name, const Sym& extent);
  void EmitBodies(std::vector<Slot>& slots, int accumulator);
  void BindFold(const std::string& name, int scalar, int vector);
  void ForgetFold(Ref fold);  // what depends on its ranges

  // Online folds: see emit_online.cc.
  void EmitOnline(Ref max, absl::Span<const Member> members);
  void EmitOnlineLoops(std::vector<OnlineMax>& maxima, size_t range, bool along_lanes);
  void EmitOnlineRange(std::vector<OnlineMax>& maxima, int range, const Sym& extent,
                       bool along_lanes);
  void EmitOnlineSteps(std::vector<OnlineMax>& maxima, int range, int first, int count, int mask);
  void EmitNestedFolds(Ref root, absl::Span<const Member> members);
  void UpdateMax(OnlineMax& max, absl::Span<const int> scores, absl::Span<const Member> members);
  void FinishOnline(OnlineMax& max, bool along_lanes);
  int Apply(Ref expression, int argument);
  int Widen(int reg, int32_t lanes) {
    return b_.TypeOf(reg).lanes == lanes ? reg : b_.Splat(reg, lanes);
  }
  bool IsVector(Ref node) const { return vector_ != "" && body_.DependsOn(node, vector_); }

  LinearBuilder& b_;
  const Body& body_;
  const std::string vector_, tile_;
  const int lanes_;
  const std::vector<int> buffers_;
  const Clamp clamp_;
  Axis axis_;
  int lanes_left_ = -1;
  absl::flat_hash_map<std::string, int> bound_;       // grid range -> register
  LinearBuilder::Names scalar_names_, vector_names_;  // with the current member's offsets applied
  Memo memo_, fold_memo_;
  int step_range_ = -1;  // the fold range that members step along
  int step_scalar_ = -1, step_vector_ = -1;
};

}  // namespace tensord::kernel
