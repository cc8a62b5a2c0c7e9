// What principals have published: named sets of values that other sessions may read.
//
//   publications.Publish({.owner = "uid:1", .name = "weights", .entries = {{"w", value}}}, now);
//   publications.Find("uid:1", "weights", now)         // nullptr: there is none
//   publications.Find("uid:2", "uid:1/weights", now)   // nullptr also when it is not shared
//
// A publication is immutable and its values are shared by reference, so whoever found it keeps all
// of one generation. Its memory is charged to whom the values were charged to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "engine/runtime/engine.h"

namespace tensord::server {

struct Publication {
  std::string owner;                                     // a principal
  std::string name;                                      // below the owner's own
  absl::btree_map<std::string, runtime::Value> entries;  // by path
  bool shared = false;                                   // other principals may find it
  absl::Time expires = absl::InfiniteFuture();
  uint64_t generation = 0;  // given by Publish

  std::string full_name() const;  // "owner/name"
};
using PublicationRef = std::shared_ptr<const Publication>;

// Why `name` is none: [A-Za-z0-9_.-]+(/…)*, at most 256 bytes.
absl::Status CheckPublicationName(std::string_view name);
// The same for a name as readers say it, which may begin with a principal.
absl::Status CheckLookupName(std::string_view name);
// NOT_FOUND, reason NAME_UNKNOWN: the same whether there is none or it is not for the reader.
absl::Status UnknownPublication(std::string_view name);

// Thread-safe. Values are dropped, and waiters called, without locks held.
class Publications {
 public:
  struct Limits {              // of a principal
    size_t names = 65536;      // that it ever used: their generations are remembered
    size_t entries = 1 << 20;  // of what is published now
  };
  explicit Publications(const Limits& limits) : limits_(limits) {}
  Publications() : Publications(Limits()) {}

  // All entries at once, in place of what the owner published by that name. The generation: one
  // more than that name ever had. RESOURCE_EXHAUSTED when the owner has too many names or entries.
  absl::StatusOr<uint64_t> Publish(Publication publication, absl::Time now);
  // NOT_FOUND when the owner has none of that name.
  absl::Status Unpublish(std::string_view owner, std::string_view name, absl::Time now);

  // What the reader means by `name`: its own of that name, else another principal's or its own by
  // the full name.
  PublicationRef Find(std::string_view reader, std::string_view name, absl::Time now) const;

  // Calls `then` once, when such a generation is there: inside this call, or in some Publish, or
  // right after one that was called by a waiter. Not after Forget, unless it was on its way.
  // Answers the waiter's number.
  using Then = absl::AnyInvocable<void(PublicationRef)>;
  uint64_t Await(std::string_view reader, std::string_view name, uint64_t min_generation,
                 absl::Time now, Then then);
  void Forget(uint64_t waiter);

  // Ends those whose time is over.
  void OnTick(absl::Time now);
  size_t size() const;

 private:
  struct Named {
    PublicationRef current;   // nullptr: it ended
    uint64_t generation = 0;  // the last one
  };
  struct Waiter {
    std::string reader, name;
    uint64_t min_generation = 0;
    Then then;
  };
  struct Owned {  // by one principal
    absl::flat_hash_map<std::string, Named> names;
    size_t entries = 0;  // of what is current
  };

  using Woken = std::vector<std::pair<Then, PublicationRef>>;
  PublicationRef FindLocked(std::string_view reader, std::string_view name, absl::Time now) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status CheckRoom(const Owned& owned, const Publication& publication) const;
  PublicationRef End(Owned& owned, Named& named) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PublicationRef Current(std::string_view owner, std::string_view name, absl::Time now) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Woken TakeWoken(const std::string& full_name, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Call(Woken woken);
  Waiter TakeWaiter(uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Owned> owned_ ABSL_GUARDED_BY(mutex_);  // by principal
  size_t living_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_waiter_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<uint64_t, Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  // By every full name that a waiter may mean.
  absl::flat_hash_map<std::string, absl::btree_set<uint64_t>> awaited_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tensord::server
