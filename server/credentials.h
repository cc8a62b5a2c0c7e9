// Who a peer is: by the kernel's word over a Unix socket, by its certificate over mTLS, by a token
// otherwise.
#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "server/jwt.h"
#include "server/metrics.h"
#include "server/principal.h"
#include "server/private_file.h"
#include "tensord/v1/types.pb.h"

namespace tensord::server {

// Where tokens come from; "" for a file that there is none of.
struct TokenSources {
  std::string token_file;       // see token_table.h
  std::string jwt_key_file;     // public keys, PEM
  std::string jwt_secret_file;  // secrets for HS256
  JwtPolicy jwt;
};

// Thread-safe. Readers work on an immutable table, which a reload replaces as a whole.
class Authenticator {
 public:
  // Without tokens: only identified peers pass. Every refusal is counted (auth_failures) and
  // logged, never with a token.
  explicit Authenticator(Metrics* metrics = nullptr) : metrics_(metrics) {}

  // Reads the files; to be called once, before any other thread is there. Files with secrets must
  // belong to this user or root and be closed to everyone else.
  absl::Status Load(const TokenSources& sources);

  // Reads the files again if one has changed, or in any case with `always`. What can't be read or
  // is unsound is logged, and what was there before stays. From one thread at a time.
  void Reload(bool always);

  // The principal of a call. A bearer token counts before the peer's own identity. UNAUTHENTICATED
  // says nothing about which tokens exist.
  absl::StatusOr<Principal> Authenticate(const Peer& peer,
                                         const v1::Credentials& credentials) const;

  // Counts and logs that somebody was turned away.
  void CountRefusal(const Peer& peer, const absl::Status& why) const;

 private:
  struct Table;
  static absl::StatusOr<std::shared_ptr<const Table>> Read(const TokenSources& sources);
  absl::StatusOr<Principal> Check(const Peer& peer, const std::string& bearer) const;

  Metrics* const metrics_;
  TokenSources sources_;
  FileWatch watch_;
  mutable Mutex mutex_;
  std::shared_ptr<const Table> table_ ABSL_GUARDED_BY(mutex_);  // nullptr: no tokens
};

}  // namespace tensord::server
