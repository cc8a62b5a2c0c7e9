// Which entries of a cache leave it when it is full.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"

namespace tensord::runtime {

// How much a cache holds; 0: no limit.
struct CacheLimits {
  int64_t bytes = 0;
  int64_t owner_bytes = 0;  // of what one owner has made and nobody else has used
};

// An owner is whoever made an entry, until another one uses it: then it is of use to all, and
// charged to none. 0 is nobody. The least recently used entry leaves first: of an owner with more
// than its share, then of all. Not thread-safe.
class CacheOrder {
 public:
  explicit CacheOrder(CacheLimits limits) : limits_(limits) {}
  CacheOrder(const CacheOrder&) = delete;

  // A new entry, or one that was made again.
  void Add(const std::string& key, uint64_t owner, int64_t bytes);
  // Nothing for a key that is not there.
  void Use(const std::string& key, uint64_t owner);
  void Remove(const std::string& key);
  // An entry that has to leave, removed; nothing when all fit.
  std::optional<std::string> TakeVictim();

  int64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t owner;
    int64_t bytes;
    uint64_t used;  // when, by clock_
  };
  using Map = absl::node_hash_map<std::string, Entry>;  // keys stay where they are
  struct Share {
    int64_t bytes = 0;
    absl::btree_map<uint64_t, const std::string*> by_use;
  };

  void Link(const std::string& key, const Entry& entry);
  void Unlink(const Entry& entry);

  const CacheLimits limits_;
  Map entries_;
  absl::flat_hash_map<uint64_t, Share> shares_;
  absl::btree_map<uint64_t, const std::string*> by_use_;
  uint64_t clock_ = 0;
  int64_t bytes_ = 0;
  std::optional<uint64_t> over_;  // an owner that may have more than its share
};

}  // namespace tensord::runtime
