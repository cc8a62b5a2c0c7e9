#include "engine/device/host_memory.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace tensord::device {
namespace {

TEST(HostAllocator, ReusesFreedBlocks) {
  HostAllocator allocator(1 << 20);
  auto first = *allocator.Allocate(10000);
  std::byte* at = first->host();
  EXPECT_EQ(first->bytes(), 10000);
  first = nullptr;
  EXPECT_EQ(allocator.bytes_in_use(), 0);
  EXPECT_GE(allocator.bytes_cached(), 10000);
  auto second = *allocator.Allocate(9900);  // of the same class
  EXPECT_EQ(second->host(), at);
  EXPECT_EQ(allocator.bytes_cached(), 0);
}

TEST(HostAllocator, RoundsUpByAQuarterAtMost) {
  for (int64_t bytes = 1; bytes < (int64_t{1} << 30); bytes += bytes / 3 + 1) {
    HostAllocator allocator(int64_t{1} << 40);
    auto memory = allocator.Allocate(bytes);
    ASSERT_TRUE(memory.ok());
    EXPECT_GE(allocator.bytes_in_use(), bytes);
    EXPECT_LE(allocator.bytes_in_use(), std::max<int64_t>(bytes + bytes / 4, bytes + 64));
  }
}

TEST(HostAllocator, GivesItsCacheUpForRoom) {
  HostAllocator allocator(1 << 20);
  for (int i = 0; i < 4; ++i) (*allocator.Allocate(60000 + i * 20000)).reset();
  EXPECT_GT(allocator.bytes_cached(), 0);
  EXPECT_TRUE(allocator.Allocate(1 << 20).ok());
  (*allocator.Allocate(60000)).reset();
  allocator.DropCache();
  EXPECT_EQ(allocator.bytes_cached(), 0);
}

TEST(HostAllocator, KeepsNoMoreThanTwiceWhatWasInUseAndSomeToSpare) {
  HostAllocator allocator(int64_t{8} << 30);
  constexpr int64_t kMiB = int64_t{1} << 20;
  for (int64_t size = 8; size < 128; size += size / 4) (*allocator.Allocate(size * kMiB)).reset();
  EXPECT_LE(allocator.bytes_cached(), (2 * 128 + 64) * kMiB);
  EXPECT_GE(allocator.bytes_cached(), 128 * kMiB);
}

TEST(HostAllocator, TheOldestBlocksGoFirst) {
  HostAllocator allocator(int64_t{8} << 30);
  constexpr int64_t kMiB = int64_t{1} << 20;
  for (const int64_t size : {64, 56, 48, 40, 32}) (*allocator.Allocate(size * kMiB)).reset();
  ASSERT_EQ(allocator.bytes_cached(), (56 + 48 + 40 + 32) * kMiB);  // of 2 * 64 + 64
  auto again = *allocator.Allocate(32 * kMiB);
  EXPECT_EQ(allocator.bytes_cached(), (56 + 48 + 40) * kMiB);
}

TEST(HostAllocator, AlignsLargeBlocksForHugePages) {
  HostAllocator allocator(int64_t{1} << 30);
  auto memory = *allocator.Allocate(5 << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->host()) % (2 << 20), 0u);
}

TEST(HostAllocator, MemoryMayOutliveIt) {
  auto allocator = std::make_unique<HostAllocator>(1 << 20);
  auto memory = *allocator->Allocate(1000);
  (*allocator->Allocate(5000)).reset();
  allocator = nullptr;
  memory->host()[999] = std::byte{1};
}

}  // namespace
}  // namespace tensord::device
