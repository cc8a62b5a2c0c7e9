// The sessions that live, by their public name, and what their principals hold in all.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "server/principal.h"
#include "server/session_env.h"

namespace tensord::server {

class Session;

// One principal's use of the daemon.
struct Account {
  Principal principal;
  std::shared_ptr<Ledger> resident, staging;
  // Of all its sessions: living nodes, and commands that have not ended.
  std::shared_ptr<Ledger> nodes, in_flight;
  std::atomic<int64_t> sessions = 0;
  runtime::LaneRef lane;  // of all its work
};

// What one principal may have over all its sessions, beside the Limits that Welcome tells. 0: no
// limit.
struct PrincipalLimits {
  int64_t nodes = 0, in_flight = 0;
};

// A place for one session among its principal's.
class Membership {
 public:
  explicit Membership(std::shared_ptr<Account> account) : account_(std::move(account)) {}
  ~Membership() { --account_->sessions; }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  Account& account() const { return *account_; }

 private:
  const std::shared_ptr<Account> account_;
};

// Thread-safe.
class SessionTable {
 public:
  // `engine` outlives the table.
  explicit SessionTable(runtime::Engine& engine, PrincipalLimits limits = {})
      : engine_(engine), limits_(limits) {}

  // RESOURCE_EXHAUSTED when the principal has max_sessions.
  absl::StatusOr<std::unique_ptr<Membership>> Join(const Principal& principal,
                                                   const v1::Limits& limits);

  // The principal's account, made if need be.
  std::shared_ptr<Account> AccountOf(const Principal& principal, const v1::Limits& limits);
  std::vector<std::shared_ptr<const Account>> Accounts() const;

  // The table keeps the session until Remove.
  void Insert(const std::string& name, std::shared_ptr<Session> session);
  // `expired`: its lease ran out, which a Resume that comes too late is told.
  void Remove(const std::string& name, bool expired);
  // The session with this public name, or nullptr.
  std::shared_ptr<Session> Find(const std::string& name) const;
  // NOT_FOUND: LEASE_EXPIRED, as long as that is remembered, or SESSION_UNKNOWN.
  absl::StatusOr<std::shared_ptr<Session>> FindToResume(const std::string& name) const;
  std::vector<std::shared_ptr<Session>> All() const;

  // The sum over all principals.
  int64_t resident_bytes() const { return resident_->used; }
  int64_t staging_bytes() const { return staging_->used; }
  size_t sessions() const;

 private:
  std::shared_ptr<Account> MakeAccount(const Principal& principal, const v1::Limits& limits) const;
  const std::shared_ptr<Account>& FindOrMake(const Principal& principal, const v1::Limits& limits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  runtime::Engine& engine_;
  const PrincipalLimits limits_;
  const std::shared_ptr<Ledger> resident_ = std::make_shared<Ledger>();
  const std::shared_ptr<Ledger> staging_ = std::make_shared<Ledger>();
  const std::shared_ptr<Ledger> nodes_ = std::make_shared<Ledger>();
  const std::shared_ptr<Ledger> in_flight_ = std::make_shared<Ledger>();
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Account>> accounts_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> expired_ ABSL_GUARDED_BY(mutex_);  // the last ones, newest at the end
};

// `bytes` random bytes that nobody can guess.
std::string RandomBytes(size_t bytes);
// Compares secrets in a time that does not depend on where they differ.
bool SameSecret(std::string_view a, std::string_view b);

}  // namespace tensord::server
