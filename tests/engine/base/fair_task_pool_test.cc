#include "engine/base/fair_task_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace tensord::base {
namespace {

using testing::ElementsAre;

TEST(FairTaskPool, OwnersTakeTurns) {
  FairTaskPool pool(1, 1);
  std::promise<void> start;
  pool.Submit(9, [future = start.get_future().share()] { future.wait(); });
  std::vector<uint64_t> ran;
  for (const uint64_t owner : {1, 1, 1, 2, 2}) {
    pool.Submit(owner, [&ran, owner] { ran.push_back(owner); });
  }
  start.set_value();
  pool.Drain();
  EXPECT_THAT(ran, ElementsAre(1, 2, 1, 2, 1));
}

TEST(FairTaskPool, AnOwnerNeverHasAllThreads) {
  FairTaskPool pool(2, 1);
  std::promise<void> start;
  std::atomic<int> ran = 0;
  const auto future = start.get_future().share();
  pool.Submit(1, [&, future] { future.wait(), ++ran; });
  pool.Submit(1, [&, future] { future.wait(), ++ran; });
  std::promise<void> other;
  pool.Submit(2, [&] { other.set_value(); });
  other.get_future().wait();  // while owner 1 holds its one thread
  EXPECT_EQ(ran, 0);
  start.set_value();
  pool.Drain();
  EXPECT_EQ(ran, 2);
}

TEST(FairTaskPool, TheDestructorRunsWhatIsQueued) {
  int ran = 0;
  {
    FairTaskPool pool(1, 1);
    for (int i = 0; i < 10; ++i) pool.Submit(1, [&] { ++ran; });
  }
  EXPECT_EQ(ran, 10);
}

}  // namespace
}  // namespace tensord::base
