// Operations that move data: loads, stores, splats, shuffles, horizontal folds. They know elements
// by size only, except that any nonzero byte loaded as bool is true.
#include <cstring>

#include "engine/device/cpu/decode.h"

namespace tensord::device::cpu {
namespace {

using kernel::Instr;
using kernel::Opcode;

template <typename T>
T* At(Frame& frame, int32_t offset) {
  return reinterpret_cast<T*>(frame.registers + offset);
}

int64_t Index(const Op& op, Frame& frame) {
  if (op.widen == nullptr) return *At<int64_t>(frame, op.a);
  int64_t index = 0;
  op.widen(reinterpret_cast<std::byte*>(&index), frame.registers + op.a, nullptr, nullptr, 1);
  return index;
}

const int64_t* Indices(const Op& op, Frame& frame) {
  if (op.widen == nullptr) return At<int64_t>(frame, op.a);
  op.widen(frame.scratch, frame.registers + op.a, nullptr, nullptr, op.lanes);
  return reinterpret_cast<const int64_t*>(frame.scratch);
}

// A load's element as a register holds it.
template <typename T>
struct Raw {
  using Type = T;
  static T Read(T value) { return value; }
};
struct Truth {
  using Type = uint8_t;
  static uint8_t Read(uint8_t value) { return value != 0 ? 1 : 0; }
};

template <typename E>
void Load(const Op& op, Frame& frame) {
  using T = typename E::Type;
  const T* from = reinterpret_cast<const T*>(frame.buffers[op.buffer]) + Index(op, frame);
  T* to = At<T>(frame, op.to);
  if (op.mask < 0) {
    for (int32_t i = 0; i < op.lanes; ++i) to[i] = E::Read(from[i]);
    return;
  }
  const bool* mask = At<bool>(frame, op.mask);
  for (int32_t i = 0; i < op.lanes; ++i) to[i] = mask[i] ? E::Read(from[i]) : T{0};
}

template <typename E>
void Gather(const Op& op, Frame& frame) {
  using T = typename E::Type;
  const T* from = reinterpret_cast<const T*>(frame.buffers[op.buffer]);
  const int64_t* index = Indices(op, frame);
  const bool* mask = op.mask < 0 ? nullptr : At<bool>(frame, op.mask);
  T* to = At<T>(frame, op.to);
  for (int32_t i = 0; i < op.lanes; ++i) {
    to[i] = mask == nullptr || mask[i] ? E::Read(from[index[i]]) : T{0};
  }
}

template <typename E>
void Store(const Op& op, Frame& frame) {
  using T = typename E::Type;
  T* to = reinterpret_cast<T*>(frame.buffers[op.buffer]) + Index(op, frame);
  const T* from = At<T>(frame, op.b);
  if (op.mask < 0) {
    std::memcpy(to, from, sizeof(T) * static_cast<size_t>(op.lanes));
    return;
  }
  const bool* mask = At<bool>(frame, op.mask);
  for (int32_t i = 0; i < op.lanes; ++i) {
    if (mask[i]) to[i] = from[i];
  }
}

template <typename E>
void Scatter(const Op& op, Frame& frame) {
  using T = typename E::Type;
  T* to = reinterpret_cast<T*>(frame.buffers[op.buffer]);
  const int64_t* index = Indices(op, frame);
  const bool* mask = op.mask < 0 ? nullptr : At<bool>(frame, op.mask);
  const T* from = At<T>(frame, op.b);
  for (int32_t i = 0; i < op.lanes; ++i) {
    if (mask == nullptr || mask[i]) to[index[i]] = from[i];
  }
}

template <typename E>
void Splat(const Op& op, Frame& frame) {
  using T = typename E::Type;
  const T value = *At<T>(frame, op.a);
  T* to = At<T>(frame, op.to);
  for (int32_t i = 0; i < op.lanes; ++i) to[i] = value;
}

template <typename E>
void Extract(const Op& op, Frame& frame) {
  using T = typename E::Type;
  *At<T>(frame, op.to) = At<T>(frame, op.a)[op.step];
}

template <typename E>
void Insert(const Op& op, Frame& frame) {
  using T = typename E::Type;
  std::memcpy(At<T>(frame, op.to), At<T>(frame, op.a), sizeof(T) * static_cast<size_t>(op.lanes));
  At<T>(frame, op.to)[op.step] = *At<T>(frame, op.b);
}

// The number of lanes of one operand is in op.step.
template <typename E>
void Shuffle(const Op& op, Frame& frame) {
  using T = typename E::Type;
  const T *a = At<T>(frame, op.a), *b = At<T>(frame, op.b);
  T* to = At<T>(frame, op.to);
  for (int32_t i = 0; i < op.lanes; ++i) {
    const int64_t lane = op.lane_list[static_cast<size_t>(i)];
    to[i] = lane < op.step ? a[lane] : b[lane - op.step];
  }
}

// Lane i with lane i + half, until one is left.
void Horizontal(const Op& op, Frame& frame) {
  std::byte* work = frame.scratch;
  std::memcpy(work, frame.registers + op.a, static_cast<size_t>(op.lanes * op.bytes));
  for (int32_t half = op.lanes / 2; half > 0; half /= 2) {
    op.function(work, work, work + half * op.bytes, nullptr, half);
  }
  std::memcpy(frame.registers + op.to, work, static_cast<size_t>(op.bytes));
}

// acc and set.
void CopyRegister(const Op& op, Frame& frame) {
  std::memcpy(frame.registers + op.to, frame.registers + op.a,
              static_cast<size_t>(op.lanes * op.bytes));
}

template <typename E>
Move MoveOf(Opcode opcode) {
  switch (opcode) {
    case Opcode::kLoad:
      return Load<E>;
    case Opcode::kGather:
      return Gather<E>;
    case Opcode::kStore:
      return Store<E>;
    case Opcode::kScatter:
      return Scatter<E>;
    case Opcode::kSplat:
      return Splat<E>;
    case Opcode::kExtract:
      return Extract<E>;
    case Opcode::kInsert:
      return Insert<E>;
    case Opcode::kShuffle:
      return Shuffle<E>;
    case Opcode::kHorizontal:
      return Horizontal;
    case Opcode::kAcc:
    case Opcode::kSet:
      return CopyRegister;
    default:
      return nullptr;
  }
}

}  // namespace

Move MoveFor(const Instr& instr) {
  if (types::IsBool(instr.type.dtype)) return MoveOf<Truth>(instr.opcode);
  switch (types::Bytes(instr.type.dtype)) {
    case 1:
      return MoveOf<Raw<uint8_t>>(instr.opcode);
    case 2:
      return MoveOf<Raw<uint16_t>>(instr.opcode);
    case 4:
      return MoveOf<Raw<uint32_t>>(instr.opcode);
    case 8:
      return MoveOf<Raw<uint64_t>>(instr.opcode);
    default:
      return nullptr;
  }
}

}  // namespace tensord::device::cpu
