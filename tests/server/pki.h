// Keys, certificates and signed tokens, made when a test runs: none is kept in the tree.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tensord::server {

using Key = std::shared_ptr<EVP_PKEY>;
Key MakeKey(const std::string& kind);  // "P-256", "P-384", "ED25519", "RSA" (2,048 bits), "RSA1024"
std::string PrivatePem(const Key& key);
std::string PublicPem(const Key& key);

// Writes a file of mode 0600 in place of what is there.
void WritePrivate(const std::string& path, const std::string& text);

// "header.payload.signature": signed as `alg` says, with `secret` for HS256 and the key otherwise.
std::string SignedToken(const std::string& header, const std::string& payload,
                        const std::string& alg, const Key& key, const std::string& secret = "");

struct Certificate {
  std::string pem, key_pem;
  std::shared_ptr<X509> x509;
  Key key;
};

struct CertificateRequest {
  std::string common_name;
  std::string alternative_names;  // as OpenSSL writes them: "DNS:localhost,URI:spiffe://a/b"
  std::string usage = "serverAuth,clientAuth";
  bool is_ca = false;
  absl::Time begins = absl::Now() - absl::Hours(1);
  absl::Time ends = absl::Now() + absl::Hours(1);
};
// Signed by `issuer`; by itself without one.
Certificate MakeCertificate(const CertificateRequest& request, const Certificate* issuer = nullptr);

}  // namespace tensord::server
