// A set of numbers that mostly come in runs: a map of intervals, of bounded size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace tensord::runtime {

class IdSet {
 public:
  // Forgets its lowest interval when it would have more than `limit`.
  explicit IdSet(size_t limit = 1 << 16) : limit_(limit) {}

  bool Contains(uint64_t id) const {
    if (id >= last_begin_ && id < last_end_) return true;
    auto it = intervals_.upper_bound(id);
    return it != intervals_.begin() && id < (--it)->second;
  }

  // Adds first, first + 1, … first + count - 1.
  void Add(uint64_t first, uint64_t count = 1) {
    if (first == last_end_ && last_ != intervals_.end() && !NextBeginsAt(first, count)) {
      last_end_ = last_->second = first + count;
      return;
    }
    AddSlow(first, count);
  }

  size_t intervals() const { return intervals_.size(); }

 private:
  using Map = std::map<uint64_t, uint64_t>;  // begin → end

  bool NextBeginsAt(uint64_t first, uint64_t count) const {
    const auto next = std::next(last_);
    return next != intervals_.end() && next->first <= first + count;
  }
  void AddSlow(uint64_t first, uint64_t count);

  const size_t limit_;
  Map intervals_;
  Map::iterator last_ = intervals_.end();  // the interval that grew last
  uint64_t last_begin_ = 0, last_end_ = 0;
};

}  // namespace tensord::runtime
