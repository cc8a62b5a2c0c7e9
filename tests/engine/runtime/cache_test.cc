// What leaves the caches of plans and kernels when they are full: in memory and on disk.
#include <filesystem>
#include <future>
#include <thread>

#include "engine/base/file.h"
#include "engine/ops/build.h"
#include "engine/runtime/cache_order.h"
#include "engine/runtime/disk_cache.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/single_flight.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/runtime/types_of.h"

namespace tensord::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kAnn = 1, kBob = 2;

std::vector<std::string> Victims(CacheOrder& order) {
  std::vector<std::string> victims;
  while (auto victim = order.TakeVictim()) victims.push_back(*std::move(victim));
  return victims;
}

TEST(CacheOrder, TheLeastRecentlyUsedLeaves) {
  CacheOrder order({.bytes = 30});
  for (const char* key : {"a", "b", "c"}) order.Add(key, kAnn, 10);
  EXPECT_THAT(Victims(order), IsEmpty());
  order.Use("a", kAnn);
  order.Add("d", kAnn, 15);
  EXPECT_THAT(Victims(order), ElementsAre("b", "c"));
  EXPECT_EQ(order.bytes(), 25);
}

TEST(CacheOrder, AnOwnerBeyondItsShareLosesItsOwn) {
  CacheOrder order({.bytes = 1000, .owner_bytes = 20});
  order.Add("bob's", kBob, 20);
  for (const char* key : {"1", "2", "3", "4"}) {
    order.Add(key, kAnn, 10);
    Victims(order);
  }
  EXPECT_EQ(order.bytes(), 20 + 20);
  order.Add("bob's next", kBob, 1);
  EXPECT_THAT(Victims(order), ElementsAre("bob's"));
}

TEST(CacheOrder, WhatAnotherOwnerUsesIsChargedToNone) {
  CacheOrder order({.owner_bytes = 20});
  order.Add("shared", kAnn, 20);
  order.Use("shared", kBob);
  order.Add("own", kAnn, 20);
  EXPECT_THAT(Victims(order), IsEmpty());
}

TEST(CacheOrder, WhatIsLargerThanAShareDoesNotStay) {
  CacheOrder order({.owner_bytes = 20});
  order.Add("large", kAnn, 21);
  EXPECT_THAT(Victims(order), ElementsAre("large"));
  EXPECT_EQ(order.bytes(), 0);
}

TEST(CacheOrder, AnEntryMadeAgainCountsOnce) {
  CacheOrder order({.bytes = 100});
  order.Add("a", kAnn, 10);
  order.Add("a", kBob, 30);
  EXPECT_EQ(order.bytes(), 30);
  order.Remove("a");
  EXPECT_EQ(order.bytes(), 0);
}

TEST(SingleFlight, CountsKeysAndWhatLeavesIsMadeAgain) {
  int made = 0, left = 0;
  // Each takes 100 and twice its key: two just fit.
  SingleFlight<std::string> cache({.bytes = 204}, [&] { ++left; });
  const auto find = [&](const std::string& key) {
    return cache.FindOrMake(key, kAnn, [&]() -> absl::StatusOr<SingleFlight<std::string>::Made> {
      ++made;
      return SingleFlight<std::string>::Made{std::make_shared<std::string>(key), 100};
    });
  };
  const auto held = find("a");
  for (const char* key : {"a", "b", "c", "a"}) EXPECT_EQ(**find(key), key);
  EXPECT_EQ(made, 4);
  EXPECT_EQ(left, 2);
  EXPECT_EQ(**held, "a");
}

class DiskCacheTest : public testing::Test {
 protected:
  DiskCache Open(CacheLimits limits) {
    auto cache = DiskCache::Open(folder_.path() + "/cache", limits);
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }
  static constexpr CacheLimits kRoomForThree = {.bytes = 3500};
  const std::string payload_ = std::string(1000, 'p');
  base::TempDir folder_;
};

TEST_F(DiskCacheTest, TheLeastRecentlyUsedFileLeaves) {
  const DiskCache cache = Open(kRoomForThree);
  for (const char* key : {"1", "2", "3"}) EXPECT_EQ(cache.Store("plan", key, payload_, kAnn), 0);
  EXPECT_TRUE(cache.Find("plan", "1", kAnn).has_value());
  EXPECT_EQ(cache.Store("kernel", "4", payload_, kAnn), 1);
  EXPECT_FALSE(cache.Find("plan", "2", kAnn).has_value());
  EXPECT_TRUE(cache.Find("plan", "1", kAnn).has_value());
}

TEST_F(DiskCacheTest, FilesOfAnEarlierProcessCountByTheirTimes) {
  {
    const DiskCache cache = Open({});
    for (const char* key : {"1", "2", "3"}) {
      cache.Store("plan", key, payload_, kAnn);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(cache.Find("plan", "1", kAnn).has_value());  // it is the youngest now
  }
  const DiskCache cache = Open(kRoomForThree);
  EXPECT_EQ(cache.Store("plan", "4", payload_, kAnn), 1);
  EXPECT_FALSE(cache.Find("plan", "2", kAnn).has_value());
  EXPECT_TRUE(cache.Find("plan", "1", kAnn).has_value());
}

// Distinct programs, by size.
std::shared_ptr<const ir::Function> Doubled(int64_t elements) {
  auto function = std::make_shared<ir::Function>();
  const ir::Ref x = ops::AddParameter(*function, F32({elements}));
  function->results = {ops::Add(*function->graph, x, x)};
  return function;
}

class LaneCacheTest : public testing::Test {
 protected:
  LaneCacheTest() {
    auto engine = Engine::Create(
        {.devices = {"cpu"}, .cache_dir = folder_.path() + "/cache", .lane_cache = 32 << 10});
    EXPECT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    ann_ = engine_->OpenLane();
    bob_ = engine_->OpenLane();
  }
  void Prepare(const LaneRef& lane, int64_t elements) {
    std::promise<absl::Status> done;
    engine_->PrepareAsync(lane, Doubled(elements), [&](absl::StatusOr<ExecutableRef> made) {
      done.set_value(made.status());
    });
    EXPECT_TRUE(done.get_future().get().ok());
  }
  int64_t BytesOnDisk() const {
    int64_t sum = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) sum += static_cast<int64_t>(entry.file_size());
    }
    return sum;
  }

  base::TempDir folder_;
  std::unique_ptr<Engine> engine_;
  LaneRef ann_, bob_;
};

TEST_F(LaneCacheTest, AFloodOfOnesProgramsLeavesAnothers) {
  Prepare(bob_, 7);
  for (int64_t elements = 100; elements < 250; ++elements) Prepare(ann_, elements);
  EXPECT_GT(engine_->counters().cache_evictions, 100u);
  EXPECT_LT(BytesOnDisk(), 2 * (32 << 10));
  const uint64_t made = engine_->counters().plans_made;
  Prepare(bob_, 7);
  Prepare(ann_, 249);
  EXPECT_EQ(engine_->counters().plans_made, made);
  EXPECT_EQ(engine_->counters().plan_disk_hits, 0u);
  Prepare(ann_, 100);
  EXPECT_EQ(engine_->counters().plans_made, made + 1);
}

}  // namespace
}  // namespace tensord::runtime
