// JSON Web Tokens (RFC 7519): whom a signed token speaks for, and until when.
//
//   ASSIGN_OR_RETURN(JwtVerifier verifier, JwtVerifier::Make(policy, pem, ""));
//   ASSIGN_OR_RETURN(Principal principal, verifier.Verify(token, absl::Now()));
//
// Signatures are libjwt's work (RS256, ES256, HS256) and OpenSSL's (EdDSA, which libjwt 1.10 does
// not know). A key is used with one algorithm, its own, whatever a token's header claims: neither
// `none` nor a public key taken for a secret gets through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/principal.h"

namespace tensord::server {

struct JwtPolicy {
  std::string issuer;                   // `iss` must be this; "" takes any that the keys vouch for
  std::string audience;                 // `aud` must be or hold this
  std::string principal_claim = "sub";  // whose text names the principal
};

// Immutable, and so thread-safe.
class JwtVerifier {
 public:
  // How far the clocks of issuer and daemon may differ.
  static constexpr absl::Duration kLeeway = absl::Seconds(30);

  // `public_keys`: PEM blocks, one after the other (RSA of 2048 bits or more, P-256, Ed25519), or
  // "". `secrets`: one a line, 32 bytes or more each, for HS256, or "". Several serve rotation: a
  // token of any of them is good. INVALID_ARGUMENT says what is wrong with them.
  static absl::StatusOr<JwtVerifier> Make(const JwtPolicy& policy, std::string_view public_keys,
                                          std::string_view secrets);

  // "jwt:" and the claim; `expires` is the token's. UNAUTHENTICATED: the reason, which holds
  // nothing of the token before its signature was found good.
  absl::StatusOr<Principal> Verify(const std::string& token, absl::Time now) const;

  size_t keys() const { return keys_.size(); }

 private:
  struct Key {
    std::string algorithm;  // as `alg` says it
    std::string bytes;      // PEM, or the secret
  };
  JwtVerifier() = default;
  absl::Status AddPublicKeys(std::string_view text);
  absl::Status AddSecrets(std::string_view text);
  bool IsSigned(const std::string& token, std::string_view algorithm) const;

  JwtPolicy policy_;
  std::vector<Key> keys_;
};

}  // namespace tensord::server
