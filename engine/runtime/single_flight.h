// A bounded in-memory cache whose entries are made once, however many ask at the same time.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "engine/runtime/cache_order.h"

namespace tensord::runtime {

// Keys are compared whole, and count as bytes too. What leaves (see CacheOrder) is kept by whoever
// holds it. Failures are not kept. Thread-safe.
template <typename T>
class SingleFlight {
 public:
  using Ref = std::shared_ptr<const T>;
  struct Made {
    Ref value;
    int64_t bytes = 0;
  };
  // `on_leave` is called for each entry that has to leave.
  SingleFlight(CacheLimits limits, std::function<void()> on_leave)
      : on_leave_(std::move(on_leave)), order_(limits) {}

  // The entry of `key` if it is there and made; `owner` uses it.
  Ref Find(const std::string& key, uint64_t owner) {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(key);
    if (it == entries_.end() || it->second.value == nullptr) return nullptr;
    order_.Use(key, owner);
    return it->second.value;
  }

  // The entry of `key`, made by `make` if it is missing; waits when another thread is making it.
  absl::StatusOr<Ref> FindOrMake(const std::string& key, uint64_t owner,
                                 absl::FunctionRef<absl::StatusOr<Made>()> make) {
    std::promise<absl::StatusOr<Ref>> promise;
    {
      std::unique_lock lock(mutex_);
      auto [it, fresh] = entries_.try_emplace(key);
      if (!fresh) {
        order_.Use(key, owner);
        if (it->second.value != nullptr) return it->second.value;
        auto pending = it->second.pending;
        lock.unlock();
        return pending.get();
      }
      it->second.pending = promise.get_future().share();
    }
    const absl::StatusOr<Made> made = make();
    absl::StatusOr<Ref> value = made.ok() ? absl::StatusOr<Ref>(made->value) : made.status();
    Finish(key, owner, made);
    promise.set_value(value);
    return value;
  }

 private:
  struct Entry {
    Ref value;
    std::shared_future<absl::StatusOr<Ref>> pending;
  };

  // Only what is made is in the order, and may leave.
  void Finish(const std::string& key, uint64_t owner, const absl::StatusOr<Made>& made) {
    std::lock_guard lock(mutex_);
    if (!made.ok()) {
      entries_.erase(key);
      return;
    }
    entries_[key].value = made->value;
    order_.Add(key, owner, made->bytes + static_cast<int64_t>(2 * key.size()));
    while (const std::optional<std::string> victim = order_.TakeVictim()) {
      entries_.erase(*victim);
      on_leave_();
    }
  }

  const std::function<void()> on_leave_;
  std::mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_;
  CacheOrder order_;
};

}  // namespace tensord::runtime
