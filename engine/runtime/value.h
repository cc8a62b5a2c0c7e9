// Values in device memory.
#pragma once

#include <memory>

#include "engine/device/device.h"
#include "engine/types/type.h"

namespace tensord::runtime {

// A block of one device's memory. Freed with its last reference, which may be held by queued work.
struct Buffer {
  std::unique_ptr<device::Memory> memory;
  device::Device* device = nullptr;
  // Who is charged, and what to tell when it is freed; may be empty.
  std::shared_ptr<void> charge;
};
using BufferPtr = std::shared_ptr<Buffer>;

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
