#include "engine/device/host_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <deque>
#include <list>
#include <mutex>
#include <new>
#include <utility>

#include "absl/base/config.h"
#include "absl/container/flat_hash_map.h"
#include "engine/base/host.h"
#include "engine/base/status.h"

#ifdef ABSL_HAVE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace tensord::device {
namespace {

constexpr int64_t kAlign = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;
// Beyond twice the most that was ever in use: how much is kept in all.
constexpr int64_t kSpare = int64_t{64} << 20;
constexpr int64_t kMaxBytes = int64_t{1} << 50;

// Four classes to each power of two.
int64_t RoundUp(int64_t bytes) {
  if (bytes <= kAlign) return kAlign;
  const int64_t power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes - 1)));
  const int64_t step = std::max(kAlign, power / 4);
  return (bytes + step - 1) / step * step;
}

std::byte* SystemAllocate(int64_t capacity) {
  const int64_t align = capacity >= kHugePage ? kHugePage : kAlign;
  const int64_t size = (capacity + align - 1) / align * align;
  void* at = std::aligned_alloc(static_cast<size_t>(align), static_cast<size_t>(size));
  if (at != nullptr && capacity >= kHugePage) {
    madvise(at, static_cast<size_t>(size), MADV_HUGEPAGE);  // a wish: failing is fine
  }
  return static_cast<std::byte*>(at);
}

// Under the address sanitizer, bytes that nobody was given are poisoned.
void Poison([[maybe_unused]] std::byte* at, [[maybe_unused]] int64_t from,
            [[maybe_unused]] int64_t to) {
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(at, static_cast<size_t>(from));
  __asan_poison_memory_region(at + from, static_cast<size_t>(to - from));
#endif
}

}  // namespace

struct HostAllocator::State {
  explicit State(int64_t bytes) : limit(bytes) {}
  ~State() { Drop(); }

  // A block of `capacity` bytes, counted in use, or nullptr.
  std::byte* Take(int64_t capacity) {
    std::lock_guard lock(mutex);
    auto found = free.find(capacity);
    std::byte* at = nullptr;
    if (found != free.end() && !found->second.empty()) {
      at = found->second.back()->at;
      order.erase(found->second.back());
      found->second.pop_back();
      cached -= capacity;
    } else {
      if (in_use + cached > limit - capacity) Drop();
      if (in_use > limit - capacity) return nullptr;
      at = SystemAllocate(capacity);
      if (at == nullptr) {
        Drop();
        at = SystemAllocate(capacity);
      }
    }
    if (at != nullptr) in_use += capacity;
    peak = std::max(peak, in_use);
    return at;
  }

  void Give(std::byte* at, int64_t capacity) {
    std::lock_guard lock(mutex);
    in_use -= capacity;
    if (cached + capacity > limit / 4 || closed) {
      Poison(at, capacity, capacity);
      std::free(at);
      return;
    }
    Poison(at, 0, capacity);
    free[capacity].push_back(order.insert(order.end(), {at, capacity}));
    cached += capacity;
    while (in_use + cached > 2 * peak + kSpare && !order.empty()) DropOldest();
  }

  void DropOldest() {
    const Free oldest = order.front();
    order.pop_front();
    free[oldest.capacity].pop_front();  // the oldest of its size
    cached -= oldest.capacity;
    Poison(oldest.at, oldest.capacity, oldest.capacity);
    std::free(oldest.at);
  }

  void Drop() {  // REQUIRES: the mutex, or nobody else
    while (!order.empty()) DropOldest();
  }

  struct Free {
    std::byte* at = nullptr;
    int64_t capacity = 0;
  };
  std::mutex mutex;
  const int64_t limit;
  int64_t in_use = 0, cached = 0, peak = 0;
  bool closed = false;    // the allocator is gone: keep nothing
  std::list<Free> order;  // by when it was given back
  absl::flat_hash_map<int64_t, std::deque<std::list<Free>::iterator>> free;  // likewise, by size
};

class HostAllocator::Block : public Memory {
 public:
  Block(std::shared_ptr<State> state, std::byte* at, int64_t bytes, int64_t capacity)
      : state_(std::move(state)), at_(at), bytes_(bytes), capacity_(capacity) {}
  ~Block() override { state_->Give(at_, capacity_); }
  int64_t bytes() const override { return bytes_; }
  std::byte* host() override { return at_; }

 private:
  std::shared_ptr<State> state_;
  std::byte* at_;
  int64_t bytes_, capacity_;
};

int64_t HostMemoryLimit(const DeviceOptions& options) {
  return options.memory_limit > 0 ? options.memory_limit : base::MemoryLimitBytes() / 4 * 3;
}

absl::Status OutOfMemory(int64_t asked, int64_t in_use, int64_t limit) {
  return ResourceExhausted("out of device memory: asked for ", asked, " bytes, ", in_use, " of ",
                           limit, " in use");
}

HostAllocator::HostAllocator(int64_t limit) : state_(std::make_shared<State>(limit)) {}

HostAllocator::~HostAllocator() {
  std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->Drop();
}

absl::StatusOr<std::unique_ptr<Memory>> HostAllocator::Allocate(int64_t bytes) {
  if (bytes < 0) return InvalidArgument("allocation of ", bytes, " bytes");
  if (bytes > kMaxBytes) return OutOfMemory(bytes, bytes_in_use(), bytes_limit());
  const int64_t capacity = RoundUp(bytes);
  std::byte* at = state_->Take(capacity);
  if (at == nullptr) return OutOfMemory(bytes, bytes_in_use(), bytes_limit());
  Poison(at, bytes, capacity);
  return std::make_unique<Block>(state_, at, bytes, capacity);
}

int64_t HostAllocator::bytes_in_use() const {
  std::lock_guard lock(state_->mutex);
  return state_->in_use;
}

int64_t HostAllocator::bytes_limit() const { return state_->limit; }

int64_t HostAllocator::bytes_cached() const {
  std::lock_guard lock(state_->mutex);
  return state_->cached;
}

void HostAllocator::DropCache() {
  std::lock_guard lock(state_->mutex);
  state_->Drop();
}

}  // namespace tensord::device
