// Who a peer is: by the kernel's word over a Unix socket, by a token otherwise.
#pragma once

#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/base/sha256.h"
#include "server/principal.h"
#include "tensord/v1/types.pb.h"

namespace tensord::server {

// Thread-safe once made.
class Authenticator {
 public:
  // Without tokens: only identified peers pass.
  Authenticator() = default;

  // Lines of `name token`, or `token` alone (then the name is "token"); # begins a comment. The
  // file must belong to this user and be closed to everyone else; tokens have 16 bytes or more.
  static absl::StatusOr<Authenticator> FromTokenFile(const std::string& path);

  // The principal of a call. A bearer token counts before the peer's own identity. UNAUTHENTICATED
  // says nothing about which tokens exist.
  absl::StatusOr<Principal> Authenticate(const Peer& peer,
                                         const v1::Credentials& credentials) const;

 private:
  absl::Status AddLine(std::string_view line);

  absl::flat_hash_map<base::Digest, std::string, base::DigestHash> names_;  // by SHA-256 of token
};

}  // namespace tensord::server
