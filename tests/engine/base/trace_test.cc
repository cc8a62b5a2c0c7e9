#include "engine/base/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace tensord::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t EventsIn(const std::string& json) {
  size_t count = 0;
  for (size_t at = json.find("\"ph\":"); at != std::string::npos;
       at = json.find("\"ph\":", at + 1)) {
    ++count;
  }
  return count;
}

TEST(Trace, KeepsNothingWhileItIsOff) {
  StartTrace();
  StopTrace();
  {
    TraceSpan span("compile");
  }
  TraceCounter("depth", 3);
  EXPECT_EQ(EventsIn(TraceAsJson()), 0u);
}

TEST(Trace, ExportsSpansAndCounters) {
  StartTrace();
  {
    TraceSpan span("compile", "matmul \"128\"\n");
  }
  TraceCounter("depth", -3);
  StopTrace();
  const std::string json = TraceAsJson();
  EXPECT_THAT(json, HasSubstr("{\"name\":\"compile\""));
  EXPECT_THAT(json, HasSubstr("\"args\":{\"detail\":\"matmul \\\"128\\\"?\"}}"));
  EXPECT_THAT(json, HasSubstr("\"ph\":\"C\",\"args\":{\"value\":-3}}"));
}

TEST(Trace, ForgetsTheOldestOnceTheRingIsFull) {
  StartTrace(3);
  for (int i = 1; i <= 5; ++i) TraceCounter("n", i);
  StopTrace();
  const std::string json = TraceAsJson();
  EXPECT_EQ(EventsIn(json), 3u);
  EXPECT_THAT(json, Not(HasSubstr("\"value\":2}")));
  EXPECT_LT(json.find("\"value\":3}"), json.find("\"value\":5}"));
}

TEST(Trace, CutsLongNames) {
  StartTrace();
  {
    TraceSpan span(std::string_view("0123456789012345678901234567890123456789"));
  }
  StopTrace();
  EXPECT_THAT(TraceAsJson(), HasSubstr("\"0123456789012345678901234567890\""));
}

TEST(Trace, TakesEventsFromManyThreadsWhileItIsExported) {
  StartTrace(100);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) TraceSpan span("work");
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_LE(EventsIn(TraceAsJson()), 100u);
  for (std::thread& thread : threads) thread.join();
  StopTrace();
  EXPECT_EQ(EventsIn(TraceAsJson()), 100u);
}

}  // namespace
}  // namespace tensord::base
