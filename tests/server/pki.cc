#include "tests/server/pki.h"

#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "engine/base/check.h"
#include "engine/base/file.h"

namespace tensord::server {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

BioPtr NewBio() { return {BIO_new(BIO_s_mem()), BIO_free}; }

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(bio, &data));
  return std::string(data, size);
}

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// r and s of 32 bytes each, as JWS wants them, out of DER.
std::string RawEcdsa(const std::string& der) {
  const unsigned char* at = Bytes(der);
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
  ECDSA_SIG_free(signature);
  return raw;
}

std::string SignWithKey(const std::string& text, const std::string& alg, EVP_PKEY* key) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const EVP_MD* digest = alg == "EdDSA" ? nullptr : EVP_sha256();
  TENSORD_CHECK(EVP_DigestSignInit(context, nullptr, digest, nullptr, key) == 1);
  size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, Bytes(text), text.size());
  std::string signature(size, '\0');
  TENSORD_CHECK(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                               Bytes(text), text.size()) == 1);
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return alg == "ES256" ? RawEcdsa(signature) : signature;
}

std::string Hmac(const std::string& text, const std::string& secret) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(text), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

void AddExtension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  TENSORD_CHECK(extension != nullptr, value);
  X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Key MakeKey(const std::string& kind) {
  EVP_PKEY* key = nullptr;
  if (kind.starts_with("RSA")) {
    key = EVP_RSA_gen(kind == "RSA1024" ? 1024 : 2048);
  } else if (kind == "ED25519") {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  } else {
    key = EVP_EC_gen(kind.c_str());
  }
  TENSORD_CHECK(key != nullptr, kind);
  return {key, EVP_PKEY_free};
}

std::string PrivatePem(const Key& key) {
  const BioPtr bio = NewBio();
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(bio.get());
}

std::string PublicPem(const Key& key) {
  const BioPtr bio = NewBio();
  PEM_write_bio_PUBKEY(bio.get(), key.get());
  return TextOf(bio.get());
}

void WritePrivate(const std::string& path, const std::string& text) {
  TENSORD_CHECK(base::WriteFileAtomically(path, text, 0600).ok());
}

std::string SignedToken(const std::string& header, const std::string& payload,
                        const std::string& alg, const Key& key, const std::string& secret) {
  const std::string text =
      absl::WebSafeBase64Escape(header) + "." + absl::WebSafeBase64Escape(payload);
  const std::string signature = alg == "HS256"  ? Hmac(text, secret)
                                : alg == "none" ? ""
                                                : SignWithKey(text, alg, key.get());
  return text + "." + absl::WebSafeBase64Escape(signature);
}

Certificate MakeCertificate(const CertificateRequest& request, const Certificate* issuer) {
  static std::atomic<long> serial = 1;
  Certificate made{.x509 = {X509_new(), X509_free}, .key = MakeKey("P-256")};
  X509* const x509 = made.x509.get();
  X509* const above = issuer == nullptr ? x509 : issuer->x509.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  ASN1_TIME_set(X509_getm_notBefore(x509), absl::ToTimeT(request.begins));
  ASN1_TIME_set(X509_getm_notAfter(x509), absl::ToTimeT(request.ends));
  X509_set_pubkey(x509, made.key.get());
  if (!request.common_name.empty()) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               Bytes(request.common_name), -1, -1, 0);
  }
  X509_set_issuer_name(x509, X509_get_subject_name(above));
  AddExtension(x509, above, NID_basic_constraints,
               request.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!request.is_ca) AddExtension(x509, above, NID_ext_key_usage, request.usage);
  if (!request.alternative_names.empty()) {
    AddExtension(x509, above, NID_subject_alt_name, request.alternative_names);
  }
  X509_sign(x509, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
  const BioPtr bio = NewBio();
  PEM_write_bio_X509(bio.get(), x509);
  made.pem = TextOf(bio.get());
  made.key_pem = PrivatePem(made.key);
  return made;
}

}  // namespace tensord::server
