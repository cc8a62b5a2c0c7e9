// Folds: loops over the fold's ranges around the bodies of every fold of the same shape. The order
// in which elements meet is the fold's own (its lanes), whatever the block of points.
#include <algorithm>
#include <map>

#include "engine/kernel/emitter.h"
#include "engine/kernel/monoid.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::Dims;
using types::DType;

// Bodies unrolled in the innermost range at most.
constexpr int64_t kMaxUnrolledSteps = 8;
constexpr int64_t kMaxUnrolledBodies = 64;

// acc op value; a sum of products of f32 or f64 rounds once per product.
bool FusesMultiply(Ref fold) {
  Ref body = fold->input(0);
  return fold->attr<std::string>("monoid") == "sum" && body->is(ScalarOp::kMul) &&
         (fold->dtype() == DType::kF32 || fold->dtype() == DType::kF64);
}

// Elements after which the partial sum of a contraction is closed.
constexpr int64_t kChunk = 512;

// The range at which partial sums are closed, and after how many of its steps; range -1: never.
// A float sum without lanes of its own is a chain of additions: closing it every kChunk elements
// bounds its rounding error and lets parts of a long fold be computed apart.
struct Chunk {
  int range = -1;
  int64_t steps = 0;
};
Chunk ChunkOf(Ref fold) {
  const Dims& extents = schedule::FoldExtents(fold);
  const bool chain = schedule::FoldLanesOf(fold) == 1 && types::IsFloat(fold->dtype()) &&
                     fold->attr<std::string>("monoid") == "sum";
  int64_t inner = 1;
  for (int range = static_cast<int>(extents.size()) - 1; chain && range >= 0; --range) {
    const int64_t extent = std::max<int64_t>(extents[range].max(), 1);
    if (extent > kChunk / inner) return {range, kChunk / inner};
    inner *= extent;
  }
  return {};
}

}  // namespace

void Emitter::EmitFolds(absl::Span<const Ref> folds, absl::Span<const Member> members) {
  // Folds over equal ranges with equal lanes share loops; those along the vector range do not share
  // with those that are vectors along their own last range.
  std::map<std::string, std::vector<Slot>> groups;
  for (Ref fold : folds) {
    if (MemoOf(fold).contains(KeyOf(fold, members[0]))) continue;  // with its maximum
    if (!body_.OnlineFolds(fold).empty()) {
      EmitOnline(fold, members);
      continue;
    }
    const std::string shape = StrCat(ir::ToString(fold->attr(1)), "/", schedule::FoldLanesOf(fold),
                                     "/", IsVector(fold) ? "v" : "s");
    for (Member member : Distinct(fold, members)) {
      if (!MemoOf(fold).contains(KeyOf(fold, member))) groups[shape].push_back({fold, member, {}});
    }
  }
  for (auto& [shape, slots] : groups) {
    const bool along_lanes = !IsVector(slots[0].fold) && schedule::FoldLanesOf(slots[0].fold) > 1;
    EmitFoldGroup(std::move(slots), along_lanes);
  }
}

void Emitter::EmitFoldGroup(std::vector<Slot> slots, bool along_lanes) {
  for (Slot& slot : slots) {
    const int64_t lanes = schedule::FoldLanesOf(slot.fold);
    const int width = along_lanes ? static_cast<int>(lanes) : IsVector(slot.fold) ? lanes_ : 1;
    const auto identity =
        MonoidIdentity(slot.fold->attr<std::string>("monoid"), slot.fold->dtype());
    const int initial = b_.Const({slot.fold->dtype(), width}, identity);
    for (int64_t i = 0; i < (along_lanes ? 1 : lanes); ++i)
      slot.accumulators.push_back(b_.Acc(initial));
  }
  const Axis outer = axis_;
  if (along_lanes) axis_ = Axis{"", 1, -1};
  EmitFoldLoops(slots, 0, along_lanes);
  axis_ = outer;
  for (const Slot& slot : slots) ForgetFold(slot.fold);
  for (Slot& slot : slots) {
    const ScalarOp op = MonoidOp(slot.fold->attr<std::string>("monoid"));
    std::vector<int> parts;
    for (int accumulator : slot.accumulators) parts.push_back(b_.Get(accumulator));
    for (size_t half = parts.size() / 2; half > 0; half /= 2) {
      for (size_t i = 0; i < half; ++i) parts[i] = b_.Binary(op, parts[i], parts[i + half]);
    }
    Remember(slot.fold, slot.member, along_lanes ? b_.Horizontal(op, parts[0]) : parts[0]);
  }
}

void Emitter::BindFold(const std::string& name, int scalar, int vector) {
  scalar_names_[name] = scalar;
  vector_names_[name] = vector;
  const int range = schedule::FoldRangeOf(name);
  absl::erase_if(fold_memo_, [&](const auto& entry) {
    return body_.info(entry.first.node).folds >> range & 1;
  });
}

void Emitter::ForgetFold(Ref fold) {
  const uint64_t own = RangeBits(fold);
  absl::erase_if(fold_memo_,
                 [&](const auto& entry) { return body_.info(entry.first.node).folds & own; });
}

void Emitter::EmitFoldLoops(std::vector<Slot>& slots, size_t range, bool along_lanes) {
  const Dims& extents = schedule::FoldExtents(slots[0].fold);
  if (extents.empty()) return EmitBodies(slots, 0);
  const std::string name =
      schedule::FoldName(schedule::FirstRange(slots[0].fold) + static_cast<int>(range));
  if (ChunkOf(slots[0].fold).range == static_cast<int>(range)) {
    return EmitChunks(slots, range, name, extents[range]);
  }
  if (range + 1 == extents.size()) return EmitInnermost(slots, name, extents[range], along_lanes);
  const int k = b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(extents[range]));
  BindFold(name, k, k);
  EmitFoldLoops(slots, range + 1, along_lanes);
  EndLoop();
}

// Whole chunks, then what is left, each summed on its own first.
void Emitter::EmitChunks(std::vector<Slot>& slots, size_t range, const std::string& name,
                         const Sym& extent) {
  const int64_t steps = ChunkOf(slots[0].fold).steps;
  const Sym whole = types::FloorDiv(extent, steps) * steps;
  if (whole != Sym(0)) {
    const int first = b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(whole), steps);
    EmitChunk(slots, range, name, first, steps);
    EndLoop();
  }
  if (whole != extent) EmitChunk(slots, range, name, b_.EmitSym(whole), extent - whole);
}

// `count` steps of a range from `first`, added to the accumulators at the end.
void Emitter::EmitChunk(const std::vector<Slot>& slots, size_t range, const std::string& name,
                        int first, const Sym& count) {
  std::vector<Slot> partial = slots;
  for (Slot& slot : partial) {
    const VType type = b_.TypeOf(slot.accumulators[0]);
    slot.accumulators = {b_.Acc(b_.Const(type, MonoidIdentity("sum", type.dtype)))};
  }
  const int k = b_.Add(first, b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(count)));
  BindFold(name, k, k);
  if (range + 1 == schedule::FoldExtents(slots[0].fold).size()) {
    EmitBodies(partial, 0);
  } else {
    EmitFoldLoops(partial, range + 1, false);
  }
  EndLoop();
  for (size_t i = 0; i < slots.size(); ++i) {
    const int total = slots[i].accumulators[0];
    b_.Set(total, b_.Add(total, b_.Get(partial[i].accumulators[0])));
  }
}

void Emitter::EmitInnermost(std::vector<Slot>& slots, const std::string& name, const Sym& extent,
                            bool along_lanes) {
  if (along_lanes) return EmitLaneSteps(slots, name, extent);
  const int64_t lanes = schedule::FoldLanesOf(slots[0].fold);
  const int64_t bodies = static_cast<int64_t>(slots.size()) * extent.max();
  const bool unroll = extent.is_constant() && extent.constant() <= kMaxUnrolledSteps &&
                      bodies <= kMaxUnrolledBodies;
  if (lanes > 1 || unroll) return EmitScalarSteps(slots, name, extent);
  const int k = b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(extent));
  BindFold(name, k, k);
  EmitBodies(slots, 0);
  EndLoop();
}

// Element i in accumulator i % lanes: whole rounds in a loop, the rest after it.
void Emitter::EmitScalarSteps(std::vector<Slot>& slots, const std::string& name,
                              const Sym& extent) {
  const int64_t lanes = schedule::FoldLanesOf(slots[0].fold);
  const auto step = [&](int base, int64_t offset, int64_t lane) {
    const int k = b_.Add(base, b_.I64(offset));
    BindFold(name, k, k);
    EmitBodies(slots, static_cast<int>(lane));
  };
  if (extent.is_constant()) {
    const int64_t whole = extent.constant() / lanes * lanes;
    if (extent.constant() <= kMaxUnrolledSteps) {
      for (int64_t i = 0; i < extent.constant(); ++i) step(b_.I64(0), i, i % lanes);
      return;
    }
    const int k = b_.For(LoopKind::kSerial, b_.I64(0), b_.I64(whole), lanes);
    for (int64_t i = 0; i < lanes; ++i) step(k, i, i);
    EndLoop();
    for (int64_t i = whole; i < extent.constant(); ++i) step(b_.I64(0), i, i % lanes);
    return;
  }
  const int k = b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(extent), lanes);
  for (int64_t i = 0; i < lanes; ++i) {
    b_.If(b_.Lt(b_.Add(k, b_.I64(i)), b_.EmitSym(extent)));
    step(k, i, i);
    EndLoop();
  }
  EndLoop();
}

// The fold's own last range fills the lanes.
void Emitter::EmitLaneSteps(std::vector<Slot>& slots, const std::string& name, const Sym& extent) {
  const int lanes = static_cast<int>(schedule::FoldLanesOf(slots[0].fold));
  const int iota = b_.Iota({DType::kI64, lanes});
  axis_ = Axis{name, lanes, -1};
  const int end = b_.EmitSym(extent);
  const int64_t whole = extent.is_constant() ? extent.constant() / lanes * lanes : 0;
  if (whole > 0) {
    const int k = b_.For(LoopKind::kSerial, b_.I64(0), b_.I64(whole), lanes);
    BindFold(name, k, b_.Add(k, iota));
    EmitBodies(slots, 0);
    EndLoop();
  }
  if (extent == Sym(whole)) return;
  int k = b_.I64(whole);
  if (!extent.is_constant()) k = b_.For(LoopKind::kSerial, b_.I64(0), end, lanes);
  const int all = b_.Add(k, iota);
  axis_.mask = b_.Lt(all, end);
  BindFold(name, k, all);
  EmitBodies(slots, 0);
  axis_.mask = -1;
  if (!extent.is_constant()) EndLoop();
}

void Emitter::EmitBodies(std::vector<Slot>& slots, int accumulator) {
  for (Slot& slot : slots) {
    const int acc = slot.accumulators[accumulator];
    const int32_t lanes = b_.TypeOf(acc).lanes;
    Ref body = slot.fold->input(0);
    int value;
    if (FusesMultiply(slot.fold)) {
      const int x = Widen(Emit(body->input(0), slot.member), lanes);
      const int y = Widen(Emit(body->input(1), slot.member), lanes);
      value = b_.Fma(x, y, acc);
    } else {
      const ScalarOp op = MonoidOp(slot.fold->attr<std::string>("monoid"));
      value = b_.Binary(op, acc, Widen(Emit(body, slot.member), lanes));
    }
    const bool partial = axis_.mask >= 0 && axis_.name != vector_;
    b_.Set(acc, partial ? b_.Where(axis_.mask, value, acc) : value);
  }
}

}  // namespace tensord::kernel
