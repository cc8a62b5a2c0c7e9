// A bounded in-memory cache whose entries are made once, however many ask at the same time.
#pragma once

#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace tensord::runtime {

// Keys are compared whole. The least recently used entry leaves when there are more than `limit`;
// whoever holds it keeps it. Failures are not kept. Thread-safe.
template <typename T>
class SingleFlight {
 public:
  using Ref = std::shared_ptr<const T>;
  explicit SingleFlight(size_t limit) : limit_(limit) {}

  // The entry of `key` if it is there and made.
  Ref Find(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(key);
    if (it == entries_.end() || it->second.value == nullptr) return nullptr;
    order_.splice(order_.end(), order_, it->second.position);
    return it->second.value;
  }

  // The entry of `key`, made by `make` if it is missing; waits when another thread is making it.
  absl::StatusOr<Ref> FindOrMake(const std::string& key,
                                 absl::FunctionRef<absl::StatusOr<Ref>()> make) {
    std::promise<absl::StatusOr<Ref>> promise;
    {
      std::unique_lock lock(mutex_);
      auto [it, fresh] = entries_.try_emplace(key);
      if (!fresh) {
        order_.splice(order_.end(), order_, it->second.position);
        if (it->second.value != nullptr) return it->second.value;
        auto pending = it->second.pending;
        lock.unlock();
        return pending.get();
      }
      it->second.position = order_.insert(order_.end(), key);
      it->second.pending = promise.get_future().share();
    }
    absl::StatusOr<Ref> made = make();
    Finish(key, made);
    promise.set_value(made);
    return made;
  }

 private:
  struct Entry {
    Ref value;
    std::shared_future<absl::StatusOr<Ref>> pending;
    std::list<std::string>::iterator position;
  };

  void Finish(const std::string& key, const absl::StatusOr<Ref>& made) {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(key);
    if (!made.ok()) {
      order_.erase(it->second.position);
      entries_.erase(it);
      return;
    }
    it->second.value = *made;
    for (auto oldest = order_.begin(); entries_.size() > limit_ && oldest != order_.end();) {
      auto victim = entries_.find(*oldest);
      if (victim->second.value == nullptr) {  // still being made
        ++oldest;
        continue;
      }
      entries_.erase(victim);
      oldest = order_.erase(oldest);
    }
  }

  const size_t limit_;
  std::mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::list<std::string> order_;  // least recently used first
};

}  // namespace tensord::runtime
