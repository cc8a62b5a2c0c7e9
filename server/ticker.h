// A thread that calls a function again and again, at the times that the function itself asks for.
//
//   Ticker ticker([&] { return bus.TellStats(); });   // answers how long to wait
//   ticker.Wake();                                    // sooner: something changed
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/time/time.h"

namespace tensord::server {

class Ticker {
 public:
  // Calls `tick` at once, and then after each time it answers, or a Wake.
  explicit Ticker(std::function<absl::Duration()> tick);
  // Waits for a call that has begun.
  ~Ticker();
  Ticker(const Ticker&) = delete;

  void Wake();

 private:
  void Run();

  const std::function<absl::Duration()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace tensord::server
