#include "server/tls_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/certificates.h"

namespace tensord::server {
namespace {

// A key that is locked is refused, not asked for at the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

absl::Status CheckPair(const std::string& certificate, const std::string& key) {
  ASSIGN_OR_RETURN(const std::vector<CertificatePtr> chain, ReadCertificates(certificate));
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> read(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr), EVP_PKEY_free);
  const bool fits = read != nullptr && X509_check_private_key(chain.front().get(), read.get()) == 1;
  ERR_clear_error();
  if (read == nullptr) return InvalidArgument("the key can't be read: expected PEM, unencrypted");
  if (!fits) return InvalidArgument("the key is not that of the first certificate");
  if (const absl::Time expiry = ExpiryOf(chain.front().get()); expiry <= absl::Now()) {
    LOG_WARNING("the daemon's certificate has expired", {"at", absl::FormatTime(expiry)});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<TlsMaterial>> Read(const TlsFiles::Paths& paths) {
  auto material = std::make_shared<TlsMaterial>();
  ASSIGN_OR_RETURN(material->certificate, base::ReadFile(paths.certificate, 1 << 20));
  ASSIGN_OR_RETURN(material->key, ReadPrivateFile(paths.key, "TLS key"));
  RETURN_IF_ERROR(Annotate(CheckPair(material->certificate, material->key),
                           StrCat("TLS ", paths.certificate, ", ", paths.key, ": ")));
  if (paths.client_ca.empty()) return material;
  ASSIGN_OR_RETURN(material->client_ca, base::ReadFile(paths.client_ca, 1 << 20));
  auto clients = ClientVerifier::Make(material->client_ca);
  RETURN_IF_ERROR(Annotate(clients.status(), StrCat("TLS client CAs ", paths.client_ca, ": ")));
  material->clients = *std::move(clients);
  return material;
}

}  // namespace

TlsFiles::TlsFiles(const Paths& paths)
    : paths_(paths), watch_({paths.certificate, paths.key, paths.client_ca}) {}

absl::StatusOr<std::unique_ptr<TlsFiles>> TlsFiles::Load(const Paths& paths) {
  auto files = std::unique_ptr<TlsFiles>(new TlsFiles(paths));
  ASSIGN_OR_RETURN(std::shared_ptr<TlsMaterial> material, Read(paths));
  material->number = 1;
  MutexLock lock(files->mutex_);
  files->material_ = std::move(material);
  return files;
}

void TlsFiles::Reload(bool always) {
  if (!watch_.Changed() && !always) return;
  absl::StatusOr<std::shared_ptr<TlsMaterial>> next = Read(paths_);
  if (!next.ok()) {
    LOG_ERROR("TLS certificates stay as they were", {"error", next.status()});
    return;
  }
  (*next)->number = material()->number + 1;
  {
    MutexLock lock(mutex_);
    material_ = *std::move(next);
  }
  LOG_INFO("TLS certificates read again");
}

std::shared_ptr<const TlsMaterial> TlsFiles::material() const {
  MutexLock lock(mutex_);
  return material_;
}

}  // namespace tensord::server
