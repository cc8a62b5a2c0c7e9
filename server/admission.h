// Limits on what is under way at one time, by kind of call.
//
//   absl::StatusOr<Admission::Ticket> ticket = admission.Admit(Budget::kTransfer);
//   if (!ticket.ok()) …   // RESOURCE_EXHAUSTED: which limit, how much, when to try again
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tensord::server {

// What a call is charged to. kNone: health and reflection, which must work on a full server.
enum class Budget : uint8_t { kNone, kSession, kCall, kTransfer };

// Thread-safe. Outlives its tickets.
class Admission {
 public:
  struct Limits {
    int64_t sessions = 0;
    int64_t calls = 0;
    int64_t transfers = 0;
  };

  // A place that is given back at the end of its life.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(count_, other.count_);
      other.Release();
      return *this;
    }
    ~Ticket() { Release(); }

   private:
    friend class Admission;
    explicit Ticket(std::atomic<int64_t>* count) : count_(count) {}
    void Release() {
      if (auto* count = std::exchange(count_, nullptr)) count->fetch_sub(1);
    }

    std::atomic<int64_t>* count_ = nullptr;
  };

  explicit Admission(const Limits& limits);

  absl::StatusOr<Ticket> Admit(Budget budget);
  int64_t InUse(Budget budget) const { return counts_[static_cast<size_t>(budget)]; }

  // When a refused client may try again.
  static constexpr absl::Duration kRetryAfter = absl::Milliseconds(200);

 private:
  std::array<int64_t, 4> limits_;
  std::array<std::atomic<int64_t>, 4> counts_ = {};
};

}  // namespace tensord::server
