// X.509 certificates as OpenSSL reads them.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tensord::server {

using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

// Every certificate of a PEM text, in order. INVALID_ARGUMENT when there is none, or one that can't
// be read.
absl::StatusOr<std::vector<CertificatePtr>> ReadCertificates(std::string_view pem);

absl::Time ExpiryOf(const X509* certificate);

}  // namespace tensord::server
