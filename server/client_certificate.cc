#include "server/client_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "server/certificates.h"

namespace tensord::server {
namespace {

constexpr size_t kMaxKnown = 4096;
constexpr size_t kMaxNameBytes = 256;

std::string TextOf(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<size_t>(ASN1_STRING_length(text)));
}

// The first alternative name of a kind: GEN_URI or GEN_DNS; "" when there is none.
std::string AlternativeName(X509* certificate, int kind) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == kind) return TextOf(name->d.ia5);
  }
  return "";
}

std::string CommonName(X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return "";
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  std::string text = size < 0 ? "" : std::string(reinterpret_cast<char*>(utf8), size);
  OPENSSL_free(utf8);
  return text;
}

absl::StatusOr<std::string> NameOf(X509* certificate) {
  const std::pair<const char*, std::string> names[] = {
      {"uri", AlternativeName(certificate, GEN_URI)},
      {"dns", AlternativeName(certificate, GEN_DNS)},
      {"cn", CommonName(certificate)}};
  for (const auto& [source, name] : names) {
    if (!name.empty() && name.size() <= kMaxNameBytes) return PrincipalName(source, name);
  }
  return absl::UnauthenticatedError(
      "the client certificate names nobody: it wants a URI, a DNS name or a common name");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClientVerifier>> ClientVerifier::Make(std::string_view cas) {
  ASSIGN_OR_RETURN(const std::vector<CertificatePtr> certificates, ReadCertificates(cas));
  Store store(X509_STORE_new(), X509_STORE_free);
  for (const CertificatePtr& certificate : certificates) {
    X509_STORE_add_cert(store.get(), certificate.get());
  }
  ERR_clear_error();
  return std::unique_ptr<ClientVerifier>(new ClientVerifier(std::move(store)));
}

absl::StatusOr<Principal> ClientVerifier::Verify(std::string_view certificate,
                                                 std::string_view chain, absl::Time now) const {
  if (certificate.empty()) {
    return absl::UnauthenticatedError(
        "this listener wants a client certificate, and none was shown");
  }
  const base::Digest digest = base::Sha256Stream().Add(certificate).Add("|").Add(chain).Finish();
  {
    MutexLock lock(mutex_);
    const auto it = known_.find(digest);
    if (it != known_.end() && now < it->second.expires) return it->second;
  }
  absl::StatusOr<Principal> principal = Check(certificate, chain, now);
  ERR_clear_error();
  if (!principal.ok()) return principal;
  MutexLock lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[digest] = *principal;
  return principal;
}

absl::StatusOr<Principal> ClientVerifier::Check(std::string_view certificate,
                                                std::string_view chain, absl::Time now) const {
  const absl::StatusOr<std::vector<CertificatePtr>> leaf = ReadCertificates(certificate);
  if (!leaf.ok()) return absl::UnauthenticatedError("the client certificate can't be read");
  std::vector<CertificatePtr> above;
  if (!chain.empty()) {
    ASSIGN_OR_RETURN(above, ReadCertificates(chain));
  }
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> untrusted(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (const CertificatePtr& one : above) sk_X509_push(untrusted.get(), one.get());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509* const own = leaf->front().get();
  if (X509_STORE_CTX_init(context.get(), store_.get(), own, untrusted.get()) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_client") != 1) {
    return absl::InternalError("OpenSSL can't check certificates");
  }
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  if (X509_verify_cert(context.get()) != 1) {
    const int error = X509_STORE_CTX_get_error(context.get());
    return absl::UnauthenticatedError(
        StrCat("the client certificate is refused: ", X509_verify_cert_error_string(error),
               "; get one from a CA that this daemon trusts"));
  }
  Principal principal;
  ASSIGN_OR_RETURN(principal.name, NameOf(own));
  const STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(verified); ++i) {
    principal.expires = std::min(principal.expires, ExpiryOf(sk_X509_value(verified, i)));
  }
  return principal;
}

}  // namespace tensord::server
