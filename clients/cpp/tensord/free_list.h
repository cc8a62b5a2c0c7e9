// Ids that no Tensor names any more: pushed by any thread without a lock, taken all at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace tensord::client {

class FreeList {
 public:
  FreeList() = default;
  ~FreeList() { Take(); }
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;

  void Push(uint64_t id) {
    auto* entry = new Entry{id, head_.load(std::memory_order_relaxed)};
    while (!head_.compare_exchange_weak(entry->next, entry, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
  }
  bool empty() const { return head_.load(std::memory_order_relaxed) == nullptr; }
  std::vector<uint64_t> Take() {
    std::vector<uint64_t> ids;
    for (Entry* entry = head_.exchange(nullptr, std::memory_order_acquire); entry != nullptr;) {
      ids.push_back(entry->id);
      delete std::exchange(entry, entry->next);
    }
    return ids;
  }

 private:
  struct Entry {
    uint64_t id;
    Entry* next;
  };
  std::atomic<Entry*> head_ = nullptr;
};

}  // namespace tensord::client
