// The worker of host devices: order within a queue, equal time between queues.
#include "engine/device/host_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "engine/device/host_queue.h"

namespace tensord::device {
namespace {

using testing::ElementsAre;

constexpr auto Nothing = [] { return absl::OkStatus(); };

class HostWorkerTest : public testing::Test {
 protected:
  HostWorkerTest() {
    worker_.Submit(HostWorker::NewLane(), [start = start_.get_future().share()] {
      start.wait();
      return absl::OkStatus();
    });
  }
  ~HostWorkerTest() override { Start(); }
  // Takes so much time, by the worker's clock.
  absl::Status Work(int64_t time) {
    now_ += time;
    return absl::OkStatus();
  }
  // What was submitted begins to run.
  void Start() {
    if (!std::exchange(started_, true)) start_.set_value();
  }

  std::promise<void> start_;
  bool started_ = false;
  std::vector<int> ran_;
  int64_t now_ = 0;  // on the worker's thread
  HostWorker worker_{"test", [this] { return now_; }};
};

TEST_F(HostWorkerTest, RunsALanesEntriesInOrder) {
  const auto lane = HostWorker::NewLane();
  for (int i = 0; i < 5; ++i) {
    worker_.Submit(lane, [this, i] {
      ran_.push_back(i);
      return absl::OkStatus();
    });
  }
  Start();
  EXPECT_TRUE(worker_.Wait(lane, worker_.Last(lane)).ok());
  EXPECT_THAT(ran_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(HostWorkerTest, TakesFromALaneThatHasHadLessTime) {
  const auto flood = HostWorker::NewLane(), other = HostWorker::NewLane();
  for (int i = 0; i < 3; ++i) {
    worker_.Submit(flood, [this] {
      ran_.push_back(1);
      return Work(2500);
    });
  }
  for (int i = 0; i < 3; ++i) {
    worker_.Submit(other, [this] {
      ran_.push_back(2);
      return Work(1000);
    });
  }
  Start();
  EXPECT_TRUE(worker_.Wait(flood, 3).ok());
  // Once the first has had 2500, the second has had less until its third entry is done.
  EXPECT_THAT(ran_, ElementsAre(1, 2, 2, 2, 1, 1));
}

TEST_F(HostWorkerTest, SharesTimeEquallyHoweverMuchOneSubmits) {
  const auto flood = HostWorker::NewLane(), other = HostWorker::NewLane();
  for (int i = 0; i < 400; ++i) {
    worker_.Submit(flood, [this] { return Work(300); });
  }
  for (int i = 0; i < 200; ++i) {
    worker_.Submit(other, [this] { return Work(100); });
  }
  double a = 0, b = 0;
  worker_.Notify(other, [&](const absl::Status&) {
    a = static_cast<double>(worker_.BusyNanoseconds(flood));
    b = static_cast<double>(worker_.BusyNanoseconds(other));
  });
  Start();
  EXPECT_TRUE(worker_.Wait(other, 201).ok());
  const double jain = (a + b) * (a + b) / (2 * (a * a + b * b));
  EXPECT_GE(jain, 0.99) << a << " and " << b;
}

TEST_F(HostWorkerTest, ForgetsNoTimeThatWasTakenAndSavesNoneThatWasNot) {
  const auto early = HostWorker::NewLane(), late = HostWorker::NewLane();
  worker_.Submit(early, [this] { return Work(5000); });
  Start();
  EXPECT_TRUE(worker_.Wait(early, 1).ok());  // `late` was idle meanwhile
  std::promise<void> go;
  worker_.Submit(HostWorker::NewLane(), [future = go.get_future().share()] {
    future.wait();
    return absl::OkStatus();
  });
  for (int i = 0; i < 2; ++i) {
    for (const auto& lane : {early, late}) {
      worker_.Submit(lane, [this, who = lane == early ? 1 : 2] {
        ran_.push_back(who);
        return Work(1000);
      });
    }
  }
  go.set_value();
  EXPECT_TRUE(worker_.Wait(early, 3).ok());
  EXPECT_TRUE(worker_.Wait(late, 2).ok());
  // `early` has had 5000: `late` goes first, and has both its turns before it.
  EXPECT_THAT(ran_, ElementsAre(2, 2, 1, 1));
}

TEST_F(HostWorkerTest, AWaitHoldsItsOwnLaneOnly) {
  HostQueue elsewhere("elsewhere");
  std::promise<void> go;
  std::promise<absl::Status> reached;
  elsewhere.Notify([&](absl::Status) { go.get_future().wait(); });
  const auto waits = HostWorker::NewLane(), other = HostWorker::NewLane();
  worker_.WaitFor(waits, elsewhere.Last());
  worker_.Submit(waits, [this] {
    ran_.push_back(1);
    return absl::OkStatus();
  });
  worker_.Submit(other, [this] {
    ran_.push_back(2);
    return absl::OkStatus();
  });
  Start();
  EXPECT_TRUE(worker_.Wait(other, 1).ok());
  go.set_value();
  EXPECT_TRUE(worker_.Wait(waits, 2).ok());
  EXPECT_THAT(ran_, ElementsAre(2, 1));
}

TEST_F(HostWorkerTest, AFailureIsItsLanesOwn) {
  const auto lane = HostWorker::NewLane(), other = HostWorker::NewLane();
  worker_.Submit(lane, [] { return absl::InternalError("broken"); });
  std::promise<absl::Status> heard, heard_by_other;
  worker_.Notify(lane, [&](absl::Status status) { heard.set_value(std::move(status)); });
  worker_.Notify(other, [&](absl::Status status) { heard_by_other.set_value(std::move(status)); });
  Start();
  EXPECT_EQ(heard.get_future().get().message(), "broken");
  EXPECT_TRUE(heard_by_other.get_future().get().ok());
}

TEST_F(HostWorkerTest, RunsOnTheCallersThreadOnlyWhatIsIdle) {
  const auto busy = HostWorker::NewLane(), idle = HostWorker::NewLane();
  worker_.Submit(busy, Nothing);
  EXPECT_FALSE(worker_.IfIdle(busy, [this] { ran_.push_back(1); }));
  EXPECT_TRUE(worker_.IfIdle(idle, [this] { ran_.push_back(2); }));
  EXPECT_THAT(ran_, ElementsAre(2));
}

TEST(HostWorker, MadeForShortEntriesRunsThemOnTheCallersThreadWhenIdle) {
  HostWorker worker("test", nullptr, HostWorker::Idle::kCaller);
  const auto lane = HostWorker::NewLane();
  std::vector<std::thread::id> threads;
  const auto note = [&] { threads.push_back(std::this_thread::get_id()); };
  worker.Submit(lane, [&] {
    note();
    return absl::OkStatus();
  });
  worker.Notify(lane, [&](const absl::Status&) {
    note();
    worker.Notify(lane, [&](const absl::Status&) { note(); });  // behind this one
  });
  EXPECT_TRUE(worker.Wait(lane, 3).ok());
  const std::thread::id here = std::this_thread::get_id();
  EXPECT_THAT(threads, ElementsAre(here, here, testing::Ne(here)));
}

TEST_F(HostWorkerTest, TellsWhenAnEntryIsDone) {
  const auto lane = HostWorker::NewLane();
  worker_.Submit(lane, Nothing);
  std::promise<int> done;
  worker_.WhenDone(lane, 1, [&] { done.set_value(1); });
  Start();
  EXPECT_EQ(done.get_future().get(), 1);
  bool at_once = false;
  worker_.WhenDone(lane, 1, [&] { at_once = true; });
  EXPECT_TRUE(at_once);
}

}  // namespace
}  // namespace tensord::device
