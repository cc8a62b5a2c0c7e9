// What clients do to a daemon all day. Each role works until the end, with pauses of a millisecond
// or so, checks every answer, and ends the process when one is wrong.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tensord::soak {

struct Work {
  std::string address;
  absl::Time until;
  std::mt19937& random;

  uint32_t Below(uint32_t n) const { return static_cast<uint32_t>(random() % n); }
  // Whether there is time for another round.
  bool GoOn() const {
    absl::SleepFor(absl::Microseconds(500 + Below(1000)));
    return absl::Now() < until;
  }
};

// Each answers how many rounds it did.
using Role = uint64_t (*)(const Work& work);

uint64_t Train(const Work& work);        // a Program with donated weights, step after step
uint64_t Graphs(const Work& work);       // random graphs of a pool: always the same bits
uint64_t Transfers(const Work& work);    // megabytes there and back
uint64_t Share(const Work& work);        // Publish and Lookup, by unary calls
uint64_t GiveUp(const Work& work);       // cancels, and deadlines that are too short
uint64_t Fail(const Work& work);         // faults of every kind a client library lets through
uint64_t ComeAndGo(const Work& work);    // sessions that open, work a little and close
uint64_t LoseStreams(const Work& work);  // connections that are cut under a session that goes on

[[noreturn]] inline void Die(const std::string& what) {
  std::fprintf(stderr, "soak_load: %s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T Get(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status().ToString());
  return *std::move(value);
}

}  // namespace tensord::soak
