// One write in flight, whatever threads do.
#include "server/transport/outbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tensord::server::transport {
namespace {

// Fails when two operations overlap; completes them when told to.
struct FakeWire {
  void Write(std::string message) {
    EXPECT_FALSE(in_flight.exchange(true));
    sent.push_back(std::move(message));
    ++writes;
  }
  void Finish(std::string end) {
    EXPECT_FALSE(in_flight.exchange(true));
    finished = std::move(end);
    ++finishes;
  }
  std::atomic<bool> in_flight = false;
  std::vector<std::string> sent;
  std::string finished;
  std::atomic<int> writes = 0;
  std::atomic<int> finishes = 0;
};

struct FakeSource {
  Pull Next(std::string* message) {
    EXPECT_FALSE(pulling.exchange(true)) << "two pulls at once";
    std::lock_guard lock(mutex);
    pulling = false;
    if (queue.empty()) return ended ? Pull::kEnd : Pull::kNothing;
    *message = std::move(queue.front());
    queue.pop_front();
    return Pull::kMessage;
  }
  void Push(std::string message) {
    std::lock_guard lock(mutex);
    queue.push_back(std::move(message));
  }
  std::mutex mutex;
  std::deque<std::string> queue;
  std::atomic<bool> pulling = false;
  bool ended = false;
};

class OutboxTest : public testing::Test {
 protected:
  void Complete(bool ok = true) {
    ASSERT_TRUE(wire_.in_flight.exchange(false));
    outbox_.OnWritten(ok);
  }

  FakeWire wire_;
  FakeSource source_;
  Outbox<FakeWire, FakeSource, std::string, std::string> outbox_{&wire_, &source_};
};

TEST_F(OutboxTest, WritesTheNextWhenTheOneBeforeHasLeft) {
  source_.Push("a");
  source_.Push("b");
  outbox_.Wake();
  outbox_.Wake();
  EXPECT_EQ(wire_.sent, std::vector<std::string>({"a"}));
  EXPECT_TRUE(outbox_.writing());
  Complete();
  EXPECT_EQ(wire_.sent, std::vector<std::string>({"a", "b"}));
  Complete();
  EXPECT_FALSE(outbox_.writing());
  source_.Push("c");
  outbox_.Wake();
  EXPECT_EQ(wire_.sent.back(), "c");
}

TEST_F(OutboxTest, FinishesAfterWhatIsLeft) {
  source_.Push("a");
  outbox_.Wake();
  source_.Push("b");
  outbox_.Close("end");
  outbox_.Close("another end");
  EXPECT_EQ(wire_.finishes, 0);
  Complete();
  EXPECT_EQ(wire_.sent.back(), "b");
  Complete();
  EXPECT_EQ(wire_.finished, "end");
  outbox_.Wake();
  outbox_.Close("late");
  EXPECT_EQ(wire_.finishes, 1);
}

TEST_F(OutboxTest, FinishesByItselfAtTheSourcesEnd) {
  source_.ended = true;
  outbox_.Wake();
  EXPECT_EQ(wire_.finishes, 1);
  EXPECT_EQ(wire_.finished, "");
}

TEST_F(OutboxTest, TouchesABrokenWireNoMore) {
  source_.Push("a");
  outbox_.Wake();
  source_.Push("b");
  Complete(false);
  outbox_.Wake();
  outbox_.Close("end");
  EXPECT_EQ(wire_.writes, 1);
  EXPECT_EQ(wire_.finishes, 0);
}

TEST_F(OutboxTest, LosesNoWakeUnderContention) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  std::atomic<bool> done = false;
  std::thread completer([&] {
    while (!done || wire_.in_flight) {
      if (wire_.in_flight.load()) {
        const int before = wire_.writes;
        wire_.in_flight = false;
        outbox_.OnWritten(true);
        (void)before;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        source_.Push("x");
        outbox_.Wake();
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  done = true;
  completer.join();
  EXPECT_EQ(wire_.writes, kThreads * kEach);
}

}  // namespace
}  // namespace tensord::server::transport
