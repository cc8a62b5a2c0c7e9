#include "server/publications.h"

#include <algorithm>
#include <deque>
#include <iterator>

#include "engine/runtime/fault.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;

constexpr size_t kMaxName = 256;
constexpr size_t kMaxFullName = 1024;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

bool IsName(std::string_view name) {
  bool empty = true;  // the piece at hand
  for (char c : name) {
    if (c != '/' && !IsNameCharacter(c)) return false;
    if (c == '/' && empty) return false;
    empty = c == '/';
  }
  return !empty && name.size() <= kMaxName;
}

// Every way to read a full name as a principal and a name.
std::vector<std::pair<std::string_view, std::string_view>> ReadingsOf(std::string_view full) {
  std::vector<std::pair<std::string_view, std::string_view>> readings;
  for (size_t at = full.find('/'); at != full.npos; at = full.find('/', at + 1)) {
    readings.push_back({full.substr(0, at), full.substr(at + 1)});
  }
  return readings;
}

absl::Status NoName(std::string_view name, std::string_view want) {
  return Fault(StatusCode::kInvalidArgument, "NAME", "\"", name.substr(0, kMaxName),
               name.size() > kMaxName ? "…" : "", "\" is no name of a publication: expected ", want,
               ", letters, digits, _ . - and / between pieces, at most ", kMaxName, " bytes");
}

// The full names that a reader may mean by `name`.
std::vector<std::string> MeaningsOf(std::string_view reader, std::string_view name) {
  return {StrCat(reader, "/", name), std::string(name)};
}

}  // namespace

std::string Publication::full_name() const { return StrCat(owner, "/", name); }

absl::Status CheckPublicationName(std::string_view name) {
  return IsName(name) ? absl::OkStatus() : NoName(name, "name/of/it");
}

absl::Status CheckLookupName(std::string_view name) {
  if (IsName(name)) return absl::OkStatus();
  if (name.size() <= kMaxFullName) {
    for (const auto& [owner, rest] : ReadingsOf(name)) {
      if (IsName(rest)) return absl::OkStatus();
    }
  }
  return NoName(name, "name/of/it or principal/name/of/it");
}

absl::Status UnknownPublication(std::string_view name) {
  return Fault(StatusCode::kNotFound, "NAME_UNKNOWN", "there is no publication \"", name,
               "\" for this principal");
}

// ------------------------------------------------------------------ publishing

absl::Status Publications::CheckRoom(const Owned& owned, const Publication& publication) const {
  const auto it = owned.names.find(publication.name);
  if (it == owned.names.end() && owned.names.size() >= limits_.names) {
    return Fault(StatusCode::kResourceExhausted, "LIMIT", "publish: ", publication.owner,
                 " has used ", limits_.names, " names, which is the most; use one of them again");
  }
  const Publication* previous = it == owned.names.end() ? nullptr : it->second.current.get();
  const size_t entries = owned.entries + publication.entries.size() -
                         (previous == nullptr ? 0 : previous->entries.size());
  if (entries <= limits_.entries) return absl::OkStatus();
  return Fault(StatusCode::kResourceExhausted, "LIMIT", "publish: ", publication.owner,
               " would have ", entries, " entries in its publications, at most ", limits_.entries,
               " are allowed; unpublish some");
}

// Takes the current one away, to be dropped after the lock.
PublicationRef Publications::End(Owned& owned, Named& named) {
  if (named.current == nullptr) return nullptr;
  --living_;
  owned.entries -= named.current->entries.size();
  return std::exchange(named.current, nullptr);
}

absl::StatusOr<uint64_t> Publications::Publish(Publication publication, absl::Time now) {
  PublicationRef previous;
  Woken woken;
  uint64_t generation = 0;
  {
    MutexLock lock(mutex_);
    Owned& owned = owned_[publication.owner];
    RETURN_IF_ERROR(CheckRoom(owned, publication));
    Named& named = owned.names[publication.name];
    previous = End(owned, named);
    generation = publication.generation = ++named.generation;
    ++living_;
    owned.entries += publication.entries.size();
    named.current = std::make_shared<const Publication>(std::move(publication));
    woken = TakeWoken(named.current->full_name(), now);
  }
  Call(std::move(woken));
  return generation;
}

absl::Status Publications::Unpublish(std::string_view owner, std::string_view name,
                                     absl::Time now) {
  PublicationRef ended;
  MutexLock lock(mutex_);
  if (Current(owner, name, now) == nullptr) return UnknownPublication(name);
  Owned& owned = owned_.find(ToAbsl(owner))->second;
  ended = End(owned, owned.names.find(ToAbsl(name))->second);
  return absl::OkStatus();
}

void Publications::OnTick(absl::Time now) {
  std::vector<PublicationRef> ended;
  MutexLock lock(mutex_);
  for (auto& [owner, owned] : owned_) {
    for (auto& [name, named] : owned.names) {
      if (named.current == nullptr || named.current->expires > now) continue;
      ended.push_back(End(owned, named));
    }
  }
}

size_t Publications::size() const {
  MutexLock lock(mutex_);
  return living_;
}

// ------------------------------------------------------------------ finding

PublicationRef Publications::Current(std::string_view owner, std::string_view name,
                                     absl::Time now) const {
  const auto owned = owned_.find(ToAbsl(owner));
  if (owned == owned_.end()) return nullptr;
  const auto it = owned->second.names.find(ToAbsl(name));
  if (it == owned->second.names.end() || it->second.current == nullptr) return nullptr;
  return it->second.current->expires > now ? it->second.current : nullptr;
}

PublicationRef Publications::FindLocked(std::string_view reader, std::string_view name,
                                        absl::Time now) const {
  if (PublicationRef own = Current(reader, name, now)) return own;
  for (const auto& [owner, rest] : ReadingsOf(name)) {
    PublicationRef found = Current(owner, rest, now);
    if (found != nullptr && (found->shared || owner == reader)) return found;
  }
  return nullptr;
}

PublicationRef Publications::Find(std::string_view reader, std::string_view name,
                                  absl::Time now) const {
  MutexLock lock(mutex_);
  return FindLocked(reader, name, now);
}

// ------------------------------------------------------------------ waiting

uint64_t Publications::Await(std::string_view reader, std::string_view name,
                             uint64_t min_generation, absl::Time now, Then then) {
  PublicationRef found;
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    number = next_waiter_++;
    found = FindLocked(reader, name, now);
    if (found == nullptr || found->generation < min_generation) {
      for (const std::string& meaning : MeaningsOf(reader, name)) awaited_[meaning].insert(number);
      waiters_[number] = {std::string(reader), std::string(name), min_generation, std::move(then)};
      return number;
    }
  }
  then(std::move(found));
  return number;
}

void Publications::Forget(uint64_t waiter) {
  Waiter taken;  // what its callback holds may end here: not under the lock
  MutexLock lock(mutex_);
  if (waiters_.contains(waiter)) taken = TakeWaiter(waiter);
}

Publications::Waiter Publications::TakeWaiter(uint64_t number) {
  const auto it = waiters_.find(number);
  Waiter waiter = std::move(it->second);
  waiters_.erase(it);
  for (const std::string& meaning : MeaningsOf(waiter.reader, waiter.name)) {
    const auto awaited = awaited_.find(meaning);
    awaited->second.erase(number);
    if (awaited->second.empty()) awaited_.erase(awaited);
  }
  return waiter;
}

Publications::Woken Publications::TakeWoken(const std::string& full_name, absl::Time now) {
  Woken woken;
  const auto awaited = awaited_.find(full_name);
  if (awaited == awaited_.end()) return woken;
  const std::vector<uint64_t> numbers(awaited->second.begin(), awaited->second.end());
  for (uint64_t number : numbers) {
    const Waiter& waiter = waiters_.at(number);
    PublicationRef found = FindLocked(waiter.reader, waiter.name, now);
    if (found == nullptr || found->generation < waiter.min_generation) continue;
    woken.push_back({std::move(TakeWaiter(number).then), std::move(found)});
  }
  return woken;
}

// Who is woken may publish in turn: that wakes others after it returned, not on top of it, lest a
// long chain of sessions use up the thread's stack.
void Publications::Call(Woken woken) {
  thread_local std::deque<Woken::value_type> waiting;
  thread_local bool calling = false;
  std::move(woken.begin(), woken.end(), std::back_inserter(waiting));
  if (calling) return;
  calling = true;
  for (; !waiting.empty(); waiting.pop_front()) {
    waiting.front().first(std::move(waiting.front().second));
  }
  calling = false;
}

}  // namespace tensord::server
