#include "server/ticker.h"

#include <algorithm>
#include <utility>

namespace tensord::server {

Ticker::Ticker(std::function<absl::Duration()> tick)
    : tick_(std::move(tick)), thread_([this] { Run(); }) {}

Ticker::~Ticker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Ticker::Wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Ticker::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const absl::Duration wait = std::min(tick_(), absl::Hours(1));
    lock.lock();
    changed_.wait_for(lock, absl::ToChronoNanoseconds(wait),
                      [this] { return woken_ || stopping_; });
  }
}

}  // namespace tensord::server
