// Runs linear kernels on a device, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/device/device.h"
#include "engine/kernel/linear.h"
#include "engine/types/tensor.h"

namespace tensord::device {

namespace llvm {
const DeviceDriver& Driver();
}

// The llvm device that most tests share: three threads, two workers.
inline Device& LlvmDeviceForTests() {
  static Device* const device = [] {
    DeviceOptions options;
    options.threads = 3;
    options.compile_workers = 2;
    auto opened = llvm::Driver().open(0, options);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened->release();
  }();
  return *device;
}

// Compiles, loads and runs `kernel` on `buffers`, one per global buffer, which afterwards hold what
// the kernel left in them.
inline absl::Status RunOn(Device& device, const kernel::Linear& kernel,
                          absl::Span<types::HostTensor* const> buffers,
                          absl::Span<const int64_t> variables = {}) {
  RETURN_IF_ERROR(kernel::Verify(kernel));
  ASSIGN_OR_RETURN(const std::string binary, device.Compile(kernel));
  ASSIGN_OR_RETURN(const std::unique_ptr<Program> program, device.Load(kernel, binary));
  std::vector<std::unique_ptr<Memory>> memory;
  std::vector<Argument> arguments;
  Queue& queue = device.queue();
  for (types::HostTensor* buffer : buffers) {
    const auto bytes = static_cast<int64_t>(buffer->bytes().size());
    ASSIGN_OR_RETURN(std::unique_ptr<Memory> block, device.allocator().Allocate(bytes));
    memory.push_back(std::move(block));
    arguments.push_back({memory.back().get(), 0});
    queue.CopyIn(arguments.back(), buffer->bytes().data(), bytes);
  }
  const Point launched = queue.Launch(*program, arguments, variables);
  for (size_t i = 0; i < buffers.size(); ++i) {
    queue.CopyOut(buffers[i]->bytes().data(), arguments[i],
                  static_cast<int64_t>(buffers[i]->bytes().size()));
  }
  RETURN_IF_ERROR(queue.Wait(launched.value));
  return queue.Wait(queue.Last().value);
}

}  // namespace tensord::device
