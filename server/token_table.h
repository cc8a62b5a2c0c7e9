// The tokens of a token file, and whom each stands for.
#pragma once

#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/base/sha256.h"

namespace tensord::server {

// Immutable, and so thread-safe. Keeps hashes only.
class TokenTable {
 public:
  // Lines of `name token`, or `token` alone (then the name is "token"); # begins a comment. Tokens
  // have 16 bytes or more, names are letters, digits and _ . - @ so that they can't be those of
  // another source (see principal.h). INVALID_ARGUMENT otherwise, or without any token.
  static absl::StatusOr<TokenTable> Parse(std::string_view text);

  // Whom a token stands for; nullptr for a token that is none. Tokens are compared by their
  // SHA-256: the time tells nothing about how much of a guess is right.
  const std::string* Find(std::string_view token) const;

 private:
  absl::Status AddLine(std::string_view line);

  absl::flat_hash_map<base::Digest, std::string, base::DigestHash> names_;
};

}  // namespace tensord::server
