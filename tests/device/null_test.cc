#include "engine/device/null/null.h"

#include <vector>

#include "engine/kernel/linear.h"
#include "gtest/gtest.h"

namespace tensord::device::null {
namespace {

TEST(Null, CountsWithoutMemory) {
  NullDevice device({.memory_limit = int64_t{1} << 46});
  auto memory = *device.allocator().Allocate(int64_t{1} << 45);  // more than any machine has
  EXPECT_EQ(memory->host(), nullptr);
  EXPECT_EQ(device.allocator().bytes_in_use(), int64_t{1} << 45);
  const kernel::Linear kernel = *kernel::ParseLinear("kernel @k() { }");
  auto program = *device.Load(kernel, *device.Compile(kernel));
  NullQueue& queue = device.queue();
  for (int i = 0; i < 100; ++i) queue.Launch(*program, {}, {});
  queue.Fill({memory.get(), 0}, 1 << 30, std::byte{1});
  queue.Copy({memory.get(), 0}, {memory.get(), 1 << 30}, 1 << 30);
  queue.CopyIn({memory.get(), 0}, nullptr, 1 << 30);
  std::vector<float> out(16, 1.0f);
  queue.CopyOut(reinterpret_cast<std::byte*>(out.data()), {memory.get(), 0}, 64);
  EXPECT_TRUE(queue.Wait(queue.Last().value).ok());
  EXPECT_EQ(queue.counters().launches, 100);
  EXPECT_EQ(queue.counters().fills, 1);
  EXPECT_EQ(queue.counters().copies, 1);
  EXPECT_EQ(queue.counters().bytes_in, 1 << 30);
  EXPECT_EQ(queue.counters().bytes_out, 64);
  EXPECT_EQ(out, std::vector<float>(16, 0.0f));
  memory = nullptr;
  EXPECT_EQ(device.allocator().bytes_in_use(), 0);
}

}  // namespace
}  // namespace tensord::device::null
