// What the sessions of a daemon share.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "engine/runtime/engine.h"
#include "server/credentials.h"
#include "server/metrics.h"
#include "server/telemetry/recorder.h"
#include "tensord/v1/session.pb.h"

namespace tensord::server {

class AlarmClock;
class EventBus;
class ProgramStore;
class Publications;

// Bytes, or other things, in use by somebody, and how many that may be. Thread-safe.
struct Ledger {
  std::atomic<int64_t> used = 0;
  int64_t max = 0;                 // 0: no limit
  std::shared_ptr<Ledger> parent;  // is charged too

  // RESOURCE_EXHAUSTED, naming `limit`, when so much more would be over it.
  absl::Status Allow(int64_t more, std::string_view limit, std::string_view what) const;
  void Charge(int64_t bytes) {
    for (Ledger* l = this; l != nullptr; l = l->parent.get()) l->used += bytes;
  }
};

// Charges `bytes` for its own life.
class Charge {
 public:
  Charge(std::shared_ptr<Ledger> ledger, int64_t bytes)
      : ledger_(std::move(ledger)), bytes_(bytes) {
    ledger_->Charge(bytes_);
  }
  ~Charge() { ledger_->Charge(-bytes_); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

 private:
  const std::shared_ptr<Ledger> ledger_;
  const int64_t bytes_;
};

// Outlives the sessions.
struct SessionEnv {
  runtime::Engine& engine;
  ProgramStore& programs;
  Publications& publications;
  EventBus& events;
  Metrics& metrics;
  const Authenticator& authenticator;
  v1::Limits limits;
  std::string op_set_digest;
  uint64_t epoch = 0;
  int devices = 0;
  std::function<absl::Time()> now = absl::Now;
  // How long a session lives without a stream: when the client does not say, and at most.
  absl::Duration lease = absl::Seconds(60), max_lease = absl::Hours(1);
  const telemetry::Recorder* recorder = nullptr;  // of commands that ended; may be none
  AlarmClock* alarms = nullptr;                   // none: deadlines pass at the ticks
};

// Limits that suit one machine; what a caller changes is the daemon's or a test's.
v1::Limits DefaultLimits();

}  // namespace tensord::server
