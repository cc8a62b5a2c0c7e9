#include "server/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "engine/base/status.h"

namespace tensord::server {

absl::StatusOr<std::vector<CertificatePtr>> ReadCertificates(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  std::vector<CertificatePtr> certificates;
  for (;;) {
    CertificatePtr next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    if (next == nullptr) break;
    certificates.push_back(std::move(next));
  }
  const auto why = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  if (why != PEM_R_NO_START_LINE || certificates.empty()) {
    return InvalidArgument("certificate ", certificates.size() + 1,
                           " can't be read: expected PEM blocks that begin with ",
                           "-----BEGIN CERTIFICATE-----");
  }
  return certificates;
}

absl::Time ExpiryOf(const X509* certificate) {
  std::tm time = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return absl::InfinitePast();
  return absl::FromTimeT(timegm(&time));
}

}  // namespace tensord::server
