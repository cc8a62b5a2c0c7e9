#include "engine/runtime/id_set.h"

#include <algorithm>
#include <iterator>

namespace tensord::runtime {

void IdSet::AddSlow(uint64_t first, uint64_t count) {
  uint64_t end = first + count;
  auto at = intervals_.upper_bound(first);
  if (at != intervals_.begin() && std::prev(at)->second >= first) --at;
  while (at != intervals_.end() && at->first <= end) {  // joins what it touches
    first = std::min(first, at->first);
    end = std::max(end, at->second);
    at = intervals_.erase(at);
  }
  last_ = intervals_.emplace(first, end).first;
  if (intervals_.size() > limit_) {
    auto lowest = intervals_.begin();
    if (lowest == last_) ++lowest;
    intervals_.erase(lowest);
  }
  last_begin_ = last_->first;
  last_end_ = last_->second;
}

}  // namespace tensord::runtime
