// Deadlines in time.
#include "server/alarm_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/time/clock.h"

namespace tensord::server {
namespace {

TEST(AlarmClockTest, RingsInOrderAndNotTooEarly) {
  AlarmClock clock;
  const absl::Time start = absl::Now();
  std::promise<absl::Time> first, second;
  clock.Set(start + absl::Milliseconds(60), [&](absl::Time now) { second.set_value(now); });
  clock.Set(start + absl::Milliseconds(20), [&](absl::Time now) { first.set_value(now); });
  const absl::Time early = first.get_future().get(), late = second.get_future().get();
  EXPECT_GE(early, start + absl::Milliseconds(20));
  EXPECT_GE(late, start + absl::Milliseconds(60));
  EXPECT_LE(early, late);
}

TEST(AlarmClockTest, MayBeSetFromAnAlarm) {
  AlarmClock clock;
  std::promise<void> rung;
  clock.Set(absl::Now(),
            [&](absl::Time now) { clock.Set(now, [&](absl::Time) { rung.set_value(); }); });
  rung.get_future().wait();
}

TEST(AlarmClockTest, WhatIsLeftAtItsEndDoesNotRing) {
  bool rung = false;
  {
    AlarmClock().Set(absl::Now() + absl::Hours(1), [&](absl::Time) { rung = true; });
  }
  EXPECT_FALSE(rung);
}

}  // namespace
}  // namespace tensord::server
