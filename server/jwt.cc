#include "server/jwt.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/escaping.h"
#include "engine/base/status.h"

namespace tensord::server {
namespace {

using Json = google::protobuf::Struct;

constexpr size_t kMaxTokenBytes = 16 << 10;
constexpr size_t kMinSecretBytes = 32;
constexpr size_t kMaxNameBytes = 256;
constexpr int kMinRsaBits = 2048;
constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
constexpr double kMaxSeconds = 253402300800.0;  // the year 10000

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

KeyPtr ReadKey(BIO* from) {
  return {PEM_read_bio_PUBKEY(from, nullptr, nullptr, nullptr), EVP_PKEY_free};
}

BioPtr BioOf(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

std::string PemOf(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PUBKEY(out.get(), key);
  char* data = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(out.get(), &data));
  return std::string(data, size);
}

bool IsP256(EVP_PKEY* key) {
  char group[64] = {};
  size_t size = 0;
  return EVP_PKEY_get_group_name(key, group, sizeof(group), &size) == 1 &&
         std::string_view(group, size) == SN_X9_62_prime256v1;
}

// The one algorithm a key is used with.
absl::StatusOr<std::string> AlgorithmOf(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (EVP_PKEY_get_bits(key) >= kMinRsaBits) return "RS256";
      return InvalidArgument("an RSA key of ", EVP_PKEY_get_bits(key), " bits; at least ",
                             kMinRsaBits, " are wanted");
    case EVP_PKEY_EC:
      if (IsP256(key)) return "ES256";
      break;
    case EVP_PKEY_ED25519:
      return "EdDSA";
    default:
      break;
  }
  return InvalidArgument("a key of another kind than RSA, P-256 and Ed25519");
}

bool IsEdDsaSigned(std::string_view text, const std::string& signature, const std::string& pem) {
  const BioPtr bio = BioOf(pem);
  const KeyPtr key = ReadKey(bio.get());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const auto bytes = [](std::string_view s) {
    return reinterpret_cast<const unsigned char*>(s.data());
  };
  return key != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                          text.size()) == 1;
}

// The three parts of a token; none when it can't be one. Only base64url and two dots get on to the
// libraries.
std::optional<std::vector<std::string_view>> PartsOf(std::string_view token) {
  const bool plain = std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (!plain || token.size() > kMaxTokenBytes) return std::nullopt;
  const size_t first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || token.find('.', first + 1) != last || first == last) {
    return std::nullopt;
  }
  return std::vector<std::string_view>{
      token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1)};
}

std::optional<Json> Decode(std::string_view part) {
  std::string text;
  Json json;
  if (!absl::WebSafeBase64Unescape(ToAbsl(part), &text)) return std::nullopt;
  if (!google::protobuf::util::JsonStringToMessage(text, &json).ok()) return std::nullopt;
  return json;
}

std::string TextOf(const Json& json, const std::string& name) {
  const auto it = json.fields().find(name);
  return it == json.fields().end() ? "" : it->second.string_value();
}

// A NumericDate; nothing when it is not there or no date.
std::optional<absl::Time> TimeOf(const Json& json, const std::string& name) {
  const auto it = json.fields().find(name);
  if (it == json.fields().end() || !it->second.has_number_value()) return std::nullopt;
  const double seconds = it->second.number_value();
  if (!(seconds >= 0 && seconds < kMaxSeconds)) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

bool HasAudience(const Json& claims, const std::string& wanted) {
  const auto it = claims.fields().find("aud");
  if (it == claims.fields().end()) return false;
  if (it->second.has_string_value()) return it->second.string_value() == wanted;
  const auto& values = it->second.list_value().values();
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& value) { return value.string_value() == wanted; });
}

template <typename... Args>
absl::Status Refusal(const Args&... args) {
  return absl::UnauthenticatedError(StrCat(args...));
}

// Claims that a good signature vouches for.
absl::StatusOr<Principal> CheckClaims(const Json& claims, const JwtPolicy& policy, absl::Time now) {
  const std::optional<absl::Time> expires = TimeOf(claims, "exp");
  if (!expires) return Refusal("the token says no `exp`: it would be good for ever");
  if (*expires + JwtVerifier::kLeeway <= now) {
    return Refusal("the token expired at ", absl::FormatTime(*expires, absl::UTCTimeZone()),
                   "; get a new one");
  }
  if (claims.fields().contains("nbf")) {
    const std::optional<absl::Time> begins = TimeOf(claims, "nbf");
    if (!begins || now + JwtVerifier::kLeeway < *begins) {
      return Refusal("the token is not valid yet (`nbf`)");
    }
  }
  if (!policy.issuer.empty() && TextOf(claims, "iss") != policy.issuer) {
    return Refusal("the token is another issuer's (`iss`) than this daemon trusts");
  }
  if (!HasAudience(claims, policy.audience)) {
    return Refusal("the token is for another audience (`aud`) than this daemon");
  }
  const std::string name = TextOf(claims, policy.principal_claim);
  if (name.empty() || name.size() > kMaxNameBytes) {
    return Refusal("the token names nobody: its claim `", policy.principal_claim,
                   "` is no text of 1 to ", kMaxNameBytes, " bytes");
  }
  return Principal{.name = PrincipalName("jwt", name), .expires = *expires + JwtVerifier::kLeeway};
}

}  // namespace

absl::StatusOr<JwtVerifier> JwtVerifier::Make(const JwtPolicy& policy, std::string_view public_keys,
                                              std::string_view secrets) {
  JwtVerifier verifier;
  verifier.policy_ = policy;
  RETURN_IF_ERROR(verifier.AddPublicKeys(public_keys));
  RETURN_IF_ERROR(verifier.AddSecrets(secrets));
  return verifier;
}

absl::Status JwtVerifier::AddPublicKeys(std::string_view text) {
  if (text.find("PRIVATE KEY-----") != text.npos) {
    return InvalidArgument(
        "it holds a private key; give the public one "
        "(openssl pkey -in key.pem -pubout)");
  }
  size_t blocks = 0;
  for (size_t at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at + 1)) ++blocks;
  if (blocks == 0 && !text.empty()) {
    return InvalidArgument("it holds no public key: expected PEM blocks that begin with ", kBegin);
  }
  const BioPtr bio = BioOf(text);
  for (size_t i = 1; i <= blocks; ++i) {
    const KeyPtr key = ReadKey(bio.get());
    ERR_clear_error();
    if (key == nullptr) return InvalidArgument("public key ", i, " can't be read");
    absl::StatusOr<std::string> algorithm = AlgorithmOf(key.get());
    RETURN_IF_ERROR(Annotate(algorithm.status(), StrCat("public key ", i, ": ")));
    keys_.push_back({*std::move(algorithm), PemOf(key.get())});
  }
  return absl::OkStatus();
}

absl::Status JwtVerifier::AddSecrets(std::string_view text) {
  const size_t before = keys_.size();
  for (std::string_view line : Split(text, "\r\n")) {
    if (line.size() < kMinSecretBytes) {
      return InvalidArgument("a secret for HS256 has at least ", kMinSecretBytes,
                             " bytes (openssl rand -hex 32)");
    }
    keys_.push_back({"HS256", std::string(line)});
  }
  if (!text.empty() && keys_.size() == before) return InvalidArgument("it holds no secret");
  return absl::OkStatus();
}

bool JwtVerifier::IsSigned(const std::string& token, std::string_view algorithm) const {
  const size_t dot = token.rfind('.');
  std::string signature;
  for (const Key& key : keys_) {
    if (key.algorithm != algorithm) continue;
    if (algorithm == "EdDSA") {
      if (absl::WebSafeBase64Unescape(token.substr(dot + 1), &signature) &&
          IsEdDsaSigned(token.substr(0, dot), signature, key.bytes)) {
        return true;
      }
      continue;
    }
    jwt_t* decoded = nullptr;
    const auto* bytes = reinterpret_cast<const unsigned char*>(key.bytes.data());
    const int error =
        jwt_decode(&decoded, token.c_str(), bytes, static_cast<int>(key.bytes.size()));
    const std::unique_ptr<jwt_t, decltype(&jwt_free)> owned(decoded, jwt_free);
    if (error == 0 && jwt_get_alg(decoded) == jwt_str_alg(key.algorithm.c_str())) return true;
  }
  return false;
}

absl::StatusOr<Principal> JwtVerifier::Verify(const std::string& token, absl::Time now) const {
  absl::Status invalid = Refusal("the token is not valid");
  const auto parts = PartsOf(token);
  if (!parts) return invalid;
  const std::optional<Json> header = Decode(parts->at(0)), claims = Decode(parts->at(1));
  // `crit` names extensions that a reader must understand (RFC 7515, 4.1.11); this one knows none.
  if (!header || !claims || header->fields().contains("crit")) return invalid;
  const bool is_signed = IsSigned(token, TextOf(*header, "alg"));
  ERR_clear_error();
  if (!is_signed) return invalid;
  return CheckClaims(*claims, policy_, now);
}

}  // namespace tensord::server
