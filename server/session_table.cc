#include "server/session_table.h"

#include <sys/random.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/runtime/fault.h"
#include "server/session.h"

namespace tensord::server {
namespace {

constexpr size_t kRemembered = 1024;  // sessions whose lease ran out
constexpr size_t kManyAccounts = 4096;

}  // namespace

absl::Status Ledger::Allow(int64_t more, std::string_view limit, std::string_view what) const {
  const int64_t wanted = used + more;
  if (max == 0 || wanted <= max) return absl::OkStatus();
  return runtime::OverLimit(limit, static_cast<uint64_t>(wanted), static_cast<uint64_t>(max), what);
}

std::shared_ptr<Account> SessionTable::MakeAccount(const Principal& principal,
                                                   const v1::Limits& limits) const {
  const auto ledger = [](int64_t max, const std::shared_ptr<Ledger>& parent) {
    auto made = std::make_shared<Ledger>();
    made->max = max;
    made->parent = parent;
    return made;
  };
  auto account = std::make_shared<Account>();
  account->principal = principal;
  account->resident = ledger(static_cast<int64_t>(limits.max_resident_bytes()), resident_);
  account->staging = ledger(static_cast<int64_t>(limits.max_staging_bytes()), staging_);
  account->nodes = ledger(limits_.nodes, nodes_);
  account->in_flight = ledger(limits_.in_flight, in_flight_);
  account->lane = engine_.OpenLane();
  return account;
}

// An account that nobody uses is forgotten when there are many.
const std::shared_ptr<Account>& SessionTable::FindOrMake(const Principal& principal,
                                                         const v1::Limits& limits) {
  if (accounts_.size() >= kManyAccounts && !accounts_.contains(principal.name)) {
    absl::erase_if(accounts_, [](const auto& entry) {
      return entry.second.use_count() == 1 && entry.second->resident->used == 0;
    });
  }
  std::shared_ptr<Account>& account = accounts_[principal.name];
  if (account == nullptr) account = MakeAccount(principal, limits);
  return account;
}

std::shared_ptr<Account> SessionTable::AccountOf(const Principal& principal,
                                                 const v1::Limits& limits) {
  MutexLock lock(mutex_);
  return FindOrMake(principal, limits);
}

std::vector<std::shared_ptr<const Account>> SessionTable::Accounts() const {
  std::vector<std::shared_ptr<const Account>> accounts;
  MutexLock lock(mutex_);
  for (const auto& [name, account] : accounts_) accounts.push_back(account);
  return accounts;
}

absl::StatusOr<std::unique_ptr<Membership>> SessionTable::Join(const Principal& principal,
                                                               const v1::Limits& limits) {
  MutexLock lock(mutex_);
  const std::shared_ptr<Account>& account = FindOrMake(principal, limits);
  const auto max = static_cast<int64_t>(limits.max_sessions());
  if (max > 0 && account->sessions >= max) {
    return runtime::OverLimit("max_sessions", static_cast<uint64_t>(account->sessions + 1),
                              static_cast<uint64_t>(max), "sessions of the principal");
  }
  ++account->sessions;
  return std::make_unique<Membership>(account);
}

void SessionTable::Insert(const std::string& name, std::shared_ptr<Session> session) {
  MutexLock lock(mutex_);
  sessions_[name] = std::move(session);
}

void SessionTable::Remove(const std::string& name, bool expired) {
  std::shared_ptr<Session> last;  // may be the last holder: its end takes no lock of ours
  MutexLock lock(mutex_);
  const auto it = sessions_.find(name);
  if (it == sessions_.end()) return;
  last = std::move(it->second);
  sessions_.erase(it);
  if (!expired) return;
  expired_.push_back(name);
  if (expired_.size() > kRemembered) expired_.pop_front();
}

std::shared_ptr<Session> SessionTable::Find(const std::string& name) const {
  MutexLock lock(mutex_);
  const auto it = sessions_.find(name);
  return it == sessions_.end() ? nullptr : it->second;
}

absl::StatusOr<std::shared_ptr<Session>> SessionTable::FindToResume(const std::string& name) const {
  if (std::shared_ptr<Session> session = Find(name)) return session;
  MutexLock lock(mutex_);
  if (std::find(expired_.begin(), expired_.end(), name) == expired_.end()) return UnknownSession();
  return runtime::Fault(absl::StatusCode::kNotFound, "LEASE_EXPIRED",
                        "resume: the session's lease ran out, and its values are freed; begin with "
                        "Hello");
}

std::vector<std::shared_ptr<Session>> SessionTable::All() const {
  std::vector<std::shared_ptr<Session>> all;
  MutexLock lock(mutex_);
  all.reserve(sessions_.size());
  for (const auto& [name, session] : sessions_) all.push_back(session);
  return all;
}

size_t SessionTable::sessions() const {
  MutexLock lock(mutex_);
  return sessions_.size();
}

std::string RandomBytes(size_t bytes) {
  std::string out(bytes, '\0');
  TENSORD_CHECK(getrandom(out.data(), bytes, 0) == static_cast<ssize_t>(bytes));
  return out;
}

bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

}  // namespace tensord::server
