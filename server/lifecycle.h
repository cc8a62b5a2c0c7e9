// The daemon's state, and the only place that changes it.
//
//   Starting → Ready → Draining → Stopped
//
// Live means that the process answers; ready that it accepts sessions. Draining begins as
// NOT_SERVING while everything still works, so that balancers can look away first; Refuse() then
// turns new work away.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tensord::server {

enum class State : uint8_t { kStarting, kReady, kDraining, kStopped };
std::string_view StateName(State state);

// What the health service says of a name.
enum class Health : uint8_t { kUnknownService, kServing, kNotServing };

// Thread-safe.
class Lifecycle {
 public:
  Lifecycle();

  // Steps forward; a step back is ignored, so a late MarkReady cannot undo a drain.
  void MarkReady() { Advance(State::kReady); }
  void BeginDrain() { Advance(State::kDraining); }
  void MarkStopped() { Advance(State::kStopped); }

  // From now on new sessions and runs are turned away (the second half of a drain).
  void Refuse();

  State state() const;
  bool accepting() const;  // new sessions and runs: ready, or draining and not yet refusing

  // Health by service name: "", "tensord.v1.Compute", and whatever SetHealthy named
  // ("device.llvm"). Everything is NOT_SERVING unless the daemon is ready.
  void SetHealthy(std::string_view service, bool healthy);
  Health HealthOf(std::string_view service) const;

  // Calls `changed` after every change of state or health, without locks held. A call that has
  // begun may outlast Unsubscribe: let it own what it touches.
  uint64_t Subscribe(std::function<void()> changed);
  void Unsubscribe(uint64_t id);

 private:
  void Advance(State next);
  void Notify();

  mutable std::mutex mutex_;
  State state_ = State::kStarting;
  bool refusing_ = false;
  std::map<std::string, bool, std::less<>> healthy_;
  std::map<uint64_t, std::function<void()>> subscribers_;
  uint64_t next_id_ = 1;
};

}  // namespace tensord::server
