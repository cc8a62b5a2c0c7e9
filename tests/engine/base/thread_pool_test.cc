#include "engine/base/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace tensord::base {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using Chunk = std::pair<int64_t, int64_t>;

std::vector<Chunk> ChunksOf(ThreadPool& pool, int64_t n) {
  std::vector<Chunk> chunks(static_cast<size_t>(pool.threads()), {-1, -1});
  pool.ParallelFor(n, [&](int64_t begin, int64_t end, int worker) {
    chunks[static_cast<size_t>(worker)] = {begin, end};
  });
  return chunks;
}

TEST(ThreadPool, CutsStaticContiguousChunksThatDifferByOne) {
  ThreadPool pool(3);
  EXPECT_THAT(ChunksOf(pool, 10), ElementsAre(Pair(0, 4), Pair(4, 7), Pair(7, 10)));
  EXPECT_THAT(ChunksOf(pool, 2), ElementsAre(Pair(0, 1), Pair(1, 2), Pair(-1, -1)));
  EXPECT_THAT(ChunksOf(pool, 0), ElementsAre(Pair(-1, -1), Pair(-1, -1), Pair(-1, -1)));
}

TEST(ThreadPool, OfOneThreadRunsOnTheCaller) {
  ThreadPool pool(1);
  std::thread::id ran;
  pool.ParallelFor(5, [&](int64_t, int64_t, int) { ran = std::this_thread::get_id(); });
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(ThreadPool, ShowsTheCallerWhatTheWorkersWrote) {
  for (const int threads : {1, 2, 3, 4, 8}) {
    ThreadPool pool(threads);
    std::vector<int64_t> values(1000);
    for (int64_t round = 1; round <= 500; ++round) {
      pool.ParallelFor(1000, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] += i;
      });
      ASSERT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), round * 499500);
    }
  }
}

TEST(ThreadPool, WakesWorkersThatWentToSleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 50; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(round % 5 * 300));
    std::atomic<int> ran = 0;
    pool.ParallelFor(2, [&](int64_t, int64_t, int worker) {
      if (worker == 1) std::this_thread::sleep_for(std::chrono::microseconds(200));
      ++ran;
    });
    ASSERT_EQ(ran, 2);
  }
}

TEST(ThreadPool, RunsANestedCallInlineAsTheSameWorker) {
  ThreadPool pool(2);
  std::atomic<int> inner = 0;
  pool.ParallelFor(2, [&](int64_t, int64_t, int worker) {
    pool.ParallelFor(7, [&](int64_t begin, int64_t end, int nested) {
      EXPECT_EQ(nested, worker);
      inner += static_cast<int>(end - begin);
    });
  });
  EXPECT_EQ(inner, 14);
}

TEST(ThreadPool, LetsCallersOnSeveralThreadsTakeTurns) {
  ThreadPool pool(3);
  std::atomic<int64_t> total = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        pool.ParallelFor(9, [&](int64_t begin, int64_t end, int) { total += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 300 * 9);
}

TEST(ThreadPool, StartsAndStopsWithoutALaunch) {
  for (int i = 0; i < 50; ++i) ThreadPool pool(4);
}

TEST(TaskPool, RunsTasksInOrderOnOneThread) {
  std::vector<int> order;
  TaskPool pool(1);
  for (int i = 0; i < 5; ++i) pool.Submit([&order, i] { order.push_back(i); });
  pool.Drain();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(pool.queued(), 0u);
}

TEST(TaskPool, TakesTasksThatOwnWhatTheyCaptureAndSubmitOthers) {
  std::atomic<int> ran = 0;
  TaskPool pool(3);
  for (int i = 0; i < 20; ++i) {
    pool.Submit([&pool, &ran, value = std::make_unique<int>(i)] {
      ran += *value >= 0;
      pool.Submit([&ran] { ++ran; });
    });
  }
  pool.Drain();
  EXPECT_EQ(ran, 40);
}

TEST(TaskPool, RunsWhatIsQueuedBeforeItDies) {
  std::atomic<int> ran = 0;
  {
    TaskPool pool(2);
    for (int i = 0; i < 100; ++i) pool.Submit([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace tensord::base
