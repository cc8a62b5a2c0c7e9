#include "engine/runtime/cache_order.h"

namespace tensord::runtime {

void CacheOrder::Link(const std::string& key, const Entry& entry) {
  Share& share = shares_[entry.owner];
  share.bytes += entry.bytes;
  share.by_use.emplace(entry.used, &key);
  by_use_.emplace(entry.used, &key);
  bytes_ += entry.bytes;
}

void CacheOrder::Unlink(const Entry& entry) {
  const auto share = shares_.find(entry.owner);
  share->second.bytes -= entry.bytes;
  share->second.by_use.erase(entry.used);
  if (share->second.by_use.empty()) shares_.erase(share);
  by_use_.erase(entry.used);
  bytes_ -= entry.bytes;
}

void CacheOrder::Add(const std::string& key, uint64_t owner, int64_t bytes) {
  Remove(key);
  const auto it = entries_.emplace(key, Entry{owner, bytes, ++clock_}).first;
  Link(it->first, it->second);
  if (owner != 0) over_ = owner;
}

void CacheOrder::Use(const std::string& key, uint64_t owner) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  Unlink(it->second);
  if (owner != it->second.owner) it->second.owner = 0;
  it->second.used = ++clock_;
  Link(it->first, it->second);
}

void CacheOrder::Remove(const std::string& key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  Unlink(it->second);
  entries_.erase(it);
}

std::optional<std::string> CacheOrder::TakeVictim() {
  const std::string* victim = nullptr;
  if (over_.has_value() && limits_.owner_bytes > 0) {
    const auto share = shares_.find(*over_);
    if (share != shares_.end() && share->second.bytes > limits_.owner_bytes) {
      victim = share->second.by_use.begin()->second;
    }
  }
  if (victim == nullptr && limits_.bytes > 0 && bytes_ > limits_.bytes) {
    victim = by_use_.begin()->second;
  }
  if (victim == nullptr) return std::nullopt;
  std::string key = *victim;
  Remove(key);
  return key;
}

}  // namespace tensord::runtime
