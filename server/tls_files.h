// The certificate and key of TLS listeners, and the CAs of their clients: files that may be
// replaced while the daemon runs.
#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "server/client_certificate.h"
#include "server/private_file.h"

namespace tensord::server {

// What one reading of the files gave.
struct TlsMaterial {
  uint64_t number = 0;  // 1, 2, … with each reading
  std::string certificate, key, client_ca;
  std::unique_ptr<ClientVerifier> clients;  // nullptr: certificates are not asked for
};

// Thread-safe.
class TlsFiles {
 public:
  struct Paths {
    std::string certificate, key;
    std::string client_ca;  // "": clients show no certificate
  };
  // Errors: a file can't be read, the key can be read by others, it is not the certificate's.
  static absl::StatusOr<std::unique_ptr<TlsFiles>> Load(const Paths& paths);

  // Reads the files again if one has changed, or in any case with `always`. What is unsound, as a
  // new certificate whose key is not there yet, is logged, and what was there before stays. From
  // one thread at a time.
  void Reload(bool always);

  std::shared_ptr<const TlsMaterial> material() const;

 private:
  explicit TlsFiles(const Paths& paths);

  const Paths paths_;
  FileWatch watch_;
  mutable Mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tensord::server
