// A session's token: one that stays, or one that is renewed. What is renewed is read again for
// every connection, and in between so early that the daemon hears of a new token (AuthRefresh)
// before the old one ends.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tensord/v1/types.pb.h"

namespace tensord::client {

// Answers the token of now, "" for none. Called on any thread, one call at a time.
using TokenSource = std::function<absl::StatusOr<std::string>()>;

// What the file holds, but for space around it. Errors: UNAUTHENTICATED, it can't be read.
TokenSource TokenOfFile(std::string path);

// Until a token should be read again: at four fifths of what a JWT has left to live, by its `exp`,
// but not before a second; 30 s for one that tells no end.
absl::Duration UntilRenewal(const std::string& token, absl::Time now);

// Thread-safe.
class Credentials {
 public:
  explicit Credentials(std::string token) : token_(std::move(token)) {}
  explicit Credentials(TokenSource source) : source_(std::move(source)) {}

  bool renewed() const { return source_ != nullptr; }
  // What to send. Errors: the source's.
  absl::StatusOr<v1::Credentials> Now();
  // What Now answered last.
  std::string last() const;

 private:
  const TokenSource source_;
  std::mutex reading_;  // a source is asked by one thread at a time
  mutable std::mutex mutex_;
  std::string token_;
};

// A thread that reads credentials in time and tells of each that changed, or why there are none.
class Renewal {
 public:
  using Tell = std::function<void(const absl::StatusOr<v1::Credentials>&)>;
  // `credentials` outlive it.
  Renewal(Credentials& credentials, Tell tell);
  // Waits for what is being told.
  ~Renewal();
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;

 private:
  void Loop();
  bool Sleep(absl::Duration time);  // false: it is over

  Credentials& credentials_;
  const Tell tell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace tensord::client
