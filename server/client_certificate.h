// Whom a client's certificate speaks for: checked against CAs by OpenSSL, named by its subject.
#pragma once

#include <openssl/x509_vfy.h>

#include <memory>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "engine/base/sha256.h"
#include "server/principal.h"

namespace tensord::server {

// Thread-safe.
class ClientVerifier {
 public:
  // The CAs that are trusted, PEM. INVALID_ARGUMENT when one can't be read or there is none.
  static absl::StatusOr<std::unique_ptr<ClientVerifier>> Make(std::string_view cas);

  // `certificate` and the intermediate ones in `chain` as the client sent them, PEM. The principal
  // is uri:… for the first URI of its alternative names, else dns:…, else cn:…; it expires with the
  // certificate, or with the first one of the chain above it. UNAUTHENTICATED: what is wrong.
  absl::StatusOr<Principal> Verify(std::string_view certificate, std::string_view chain,
                                   absl::Time now) const;

 private:
  using Store = std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)>;
  explicit ClientVerifier(Store store) : store_(std::move(store)) {}
  absl::StatusOr<Principal> Check(std::string_view certificate, std::string_view chain,
                                  absl::Time now) const;

  const Store store_;
  mutable Mutex mutex_;
  // Certificates that were found good, by the SHA-256 of what was sent: a call costs no signature.
  mutable absl::flat_hash_map<base::Digest, Principal, base::DigestHash> known_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tensord::server
