#include "engine/base/sha256.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

// Fetched once: an implicit fetch for each digest costs more than hashing a short text.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TENSORD_CHECK(algorithm != nullptr, "OpenSSL has no SHA-256");
  return algorithm;
}

}  // namespace

struct Sha256Stream::State {
  State() : context(EVP_MD_CTX_new()) {
    TENSORD_CHECK(context != nullptr, "out of memory");
    Start();
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void Start() {
    TENSORD_CHECK(EVP_DigestInit_ex(context, Algorithm(), nullptr) == 1, "SHA-256 did not start");
  }

  EVP_MD_CTX* context;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

Sha256Stream& Sha256Stream::Add(std::string_view bytes) {
  TENSORD_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
  return *this;
}

Digest Sha256Stream::Finish() {
  Digest digest;
  TENSORD_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) == 1);
  state_->Start();
  return digest;
}

Digest Sha256(std::string_view bytes) {
  Digest digest;
  TENSORD_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, Algorithm(), nullptr) == 1);
  return digest;
}

std::string ToHex(const Digest& digest) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

absl::StatusOr<Digest> DigestFromHex(std::string_view hex) {
  const bool is_hex = hex.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (hex.size() != 2 * sizeof(Digest) || !is_hex) {
    return InvalidArgument("a SHA-256 is 64 hex digits, not ", hex.size(), " characters of \"",
                           absl::CHexEscape(ToAbsl(hex.substr(0, 64))), "\"");
  }
  const std::string bytes = absl::HexStringToBytes(ToAbsl(hex));
  Digest digest;
  std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

}  // namespace tensord::base
