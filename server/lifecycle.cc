#include "server/lifecycle.h"

#include "engine/base/log.h"

namespace tensord::server {

std::string_view StateName(State state) {
  switch (state) {
    case State::kStarting:
      return "starting";
    case State::kReady:
      return "ready";
    case State::kDraining:
      return "draining";
    case State::kStopped:
      return "stopped";
  }
  return "unknown";
}

Lifecycle::Lifecycle() : healthy_({{"", true}, {"tensord.v1.Compute", true}}) {}

void Lifecycle::Advance(State next) {
  {
    std::lock_guard lock(mutex_);
    if (next <= state_) return;
    state_ = next;
  }
  LOG_INFO("state changed", {"state", StateName(next)});
  Notify();
}

void Lifecycle::Refuse() {
  std::lock_guard lock(mutex_);
  refusing_ = true;
}

State Lifecycle::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

bool Lifecycle::accepting() const {
  std::lock_guard lock(mutex_);
  return !refusing_ && (state_ == State::kReady || state_ == State::kDraining);
}

void Lifecycle::SetHealthy(std::string_view service, bool healthy) {
  {
    std::lock_guard lock(mutex_);
    auto [entry, added] = healthy_.try_emplace(std::string(service), healthy);
    if (!added && entry->second == healthy) return;
    entry->second = healthy;
  }
  Notify();
}

Health Lifecycle::HealthOf(std::string_view service) const {
  std::lock_guard lock(mutex_);
  const auto entry = healthy_.find(service);
  if (entry == healthy_.end()) return Health::kUnknownService;
  return entry->second && state_ == State::kReady ? Health::kServing : Health::kNotServing;
}

uint64_t Lifecycle::Subscribe(std::function<void()> changed) {
  std::lock_guard lock(mutex_);
  const uint64_t id = next_id_++;
  subscribers_.emplace(id, std::move(changed));
  return id;
}

void Lifecycle::Unsubscribe(uint64_t id) {
  std::lock_guard lock(mutex_);
  subscribers_.erase(id);
}

void Lifecycle::Notify() {
  std::map<uint64_t, std::function<void()>> subscribers;
  {
    std::lock_guard lock(mutex_);
    subscribers = subscribers_;
  }
  for (const auto& [id, changed] : subscribers) changed();
}

}  // namespace tensord::server
