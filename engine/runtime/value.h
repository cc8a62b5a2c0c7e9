// Values in device memory.
#pragma once

#include <memory>

#include "engine/device/device.h"
#include "engine/types/type.h"

namespace tensord::runtime {

// A block of one device's memory, as values refer to it: its use count is that of the values.
struct Buffer {
  std::shared_ptr<device::Memory> memory;
  device::Device* device = nullptr;
  // Of the lane whose work makes it (lane.h): other lanes' work is in no order with that.
  uint64_t lane = 0;
  // Who is charged, and what to tell when it is freed; may be empty.
  std::shared_ptr<void> charge;
};
using BufferPtr = std::shared_ptr<Buffer>;

// What queued work holds of a buffer that it uses: the memory lives on, but is nobody's value, so
// that later work of the same queue may write over it.
struct Kept {
  std::shared_ptr<device::Memory> memory;
  std::shared_ptr<void> charge;

  Kept() = default;
  explicit Kept(const Buffer& buffer) : memory(buffer.memory), charge(buffer.charge) {}
};

// An immutable array: dense, row-major, from `offset` bytes into its buffer. Dims are constant.
struct Value {
  BufferPtr buffer;
  int64_t offset = 0;
  types::Type type;

  bool valid() const { return buffer != nullptr; }
  int64_t bytes() const { return type.max_bytes(); }
  device::Argument argument() const { return {buffer->memory.get(), offset}; }
};

}  // namespace tensord::runtime
