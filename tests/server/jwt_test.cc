// JSON Web Tokens: which are good, and how each bad one is refused.
#include "server/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "tests/server/pki.h"

namespace tensord::server {
namespace {

using testing::HasSubstr;

const char kSecret[] = "0123456789abcdef0123456789abcdef";
constexpr int64_t kNow = 1'700'000'000;

std::string Header(const std::string& alg) { return R"({"typ":"JWT","alg":")" + alg + R"("})"; }

std::string Payload(const std::string& more = "", int64_t expires = kNow + 600) {
  return R"({"sub":"ann","aud":"tensord","iss":"https://id.example","exp":)" +
         std::to_string(expires) + more + "}";
}

class JwtTest : public testing::Test {
 protected:
  absl::StatusOr<Principal> Verify(const std::string& token, int64_t now = kNow) {
    absl::StatusOr<JwtVerifier> verifier = JwtVerifier::Make(policy_, keys_, secrets_);
    EXPECT_TRUE(verifier.ok()) << verifier.status();
    return verifier->Verify(token, absl::FromUnixSeconds(now));
  }
  absl::StatusOr<Principal> VerifyPayload(const std::string& payload, int64_t now = kNow) {
    return Verify(SignedToken(Header("ES256"), payload, "ES256", p256_), now);
  }
  std::string Refusal(const absl::StatusOr<Principal>& outcome) {
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kUnauthenticated) << outcome.status();
    return std::string(outcome.status().message());
  }

  const Key p256_ = MakeKey("P-256"), rsa_ = MakeKey("RSA"), ed25519_ = MakeKey("ED25519");
  JwtPolicy policy_{.issuer = "https://id.example", .audience = "tensord"};
  std::string keys_ = PublicPem(p256_) + PublicPem(rsa_) + PublicPem(ed25519_), secrets_;
};

TEST_F(JwtTest, EachKindOfKeySigns) {
  const std::pair<const char*, Key> kinds[] = {
      {"ES256", p256_}, {"RS256", rsa_}, {"EdDSA", ed25519_}};
  for (const auto& [alg, key] : kinds) {
    const auto principal = Verify(SignedToken(Header(alg), Payload(), alg, key));
    ASSERT_TRUE(principal.ok()) << alg << principal.status();
    EXPECT_EQ(principal->name, "jwt:ann");
    EXPECT_EQ(principal->expires, absl::FromUnixSeconds(kNow + 600) + JwtVerifier::kLeeway);
  }
  secrets_ = std::string(kSecret) + "\n";
  EXPECT_TRUE(Verify(SignedToken(Header("HS256"), Payload(), "HS256", nullptr, kSecret)).ok());
}

TEST_F(JwtTest, AnUnsignedTokenIsRefused) {
  for (const char* alg : {"none", "None", "NONE", ""}) {
    EXPECT_EQ(Refusal(Verify(SignedToken(Header(alg), Payload(), "none", nullptr))),
              "the token is not valid");
  }
}

TEST_F(JwtTest, APublicKeyIsNoSecret) {
  for (const Key& key : {p256_, rsa_, ed25519_}) {
    const std::string pem = PublicPem(key);
    EXPECT_FALSE(Verify(SignedToken(Header("HS256"), Payload(), "HS256", nullptr, pem)).ok());
  }
}

TEST_F(JwtTest, AKeyServesOneAlgorithmOnly) {
  keys_ = PublicPem(rsa_);
  EXPECT_FALSE(Verify(SignedToken(Header("RS384"), Payload(), "RS256", rsa_)).ok());
  EXPECT_FALSE(Verify(SignedToken(Header("PS256"), Payload(), "RS256", rsa_)).ok());
  EXPECT_FALSE(Verify(SignedToken(Header("ES256"), Payload(), "RS256", rsa_)).ok());
}

TEST_F(JwtTest, AnotherKeysSignatureAndAChangedTokenAreRefused) {
  for (const char* kind : {"P-256", "ED25519"}) {
    const std::string alg = kind[0] == 'P' ? "ES256" : "EdDSA";
    EXPECT_FALSE(Verify(SignedToken(Header(alg), Payload(), alg, MakeKey(kind))).ok());
  }
  std::string token = SignedToken(Header("ES256"), Payload(), "ES256", p256_);
  const size_t dot = token.find('.');
  const std::string other = absl::WebSafeBase64Escape(Payload(R"(,"admin":true)"));
  token.replace(dot + 1, token.rfind('.') - dot - 1, other);
  EXPECT_FALSE(Verify(token).ok());
}

TEST_F(JwtTest, TimesAreCheckedWithALittleLeeway) {
  EXPECT_TRUE(VerifyPayload(Payload(), kNow + 629).ok());
  const std::string expired = Refusal(VerifyPayload(Payload(), kNow + 630));
  EXPECT_THAT(expired, HasSubstr("expired at 2023-11-14T22:23:20+00:00; get a new one"));
  const std::string later = Payload(R"(,"nbf":)" + std::to_string(kNow + 100));
  EXPECT_THAT(Refusal(VerifyPayload(later)), HasSubstr("not valid yet"));
  EXPECT_TRUE(VerifyPayload(later, kNow + 71).ok());
  EXPECT_THAT(Refusal(VerifyPayload(R"({"sub":"ann","aud":"tensord","iss":"https://id.example"})")),
              HasSubstr("no `exp`"));
  EXPECT_THAT(Refusal(VerifyPayload(R"({"sub":"ann","aud":"tensord","exp":"soon"})")),
              HasSubstr("no `exp`"));
}

TEST_F(JwtTest, AudienceIssuerAndClaimAreChecked) {
  const std::string end = R"(,"exp":)" + std::to_string(kNow + 9) + "}";
  const std::string iss = R"(,"iss":"https://id.example")";
  EXPECT_TRUE(VerifyPayload(R"({"sub":"ann","aud":["a","tensord"])" + iss + end).ok());
  EXPECT_THAT(Refusal(VerifyPayload(R"({"sub":"ann","aud":["a","b"])" + iss + end)),
              HasSubstr("another audience"));
  EXPECT_THAT(Refusal(VerifyPayload(R"({"sub":"ann")" + iss + end)), HasSubstr("audience"));
  EXPECT_THAT(Refusal(VerifyPayload(R"({"sub":"ann","aud":"tensord","iss":"evil")" + end)),
              HasSubstr("another issuer"));
  EXPECT_THAT(Refusal(VerifyPayload(R"({"aud":"tensord")" + iss + end)), HasSubstr("names nobody"));
  EXPECT_THAT(Refusal(VerifyPayload(R"({"sub":7,"aud":"tensord")" + iss + end)),
              HasSubstr("names nobody"));
  policy_.principal_claim = "email";
  EXPECT_EQ(VerifyPayload(Payload(R"(,"email":"ann@b.c")"))->name, "jwt:ann@b.c");
}

TEST_F(JwtTest, NamesCannotImitateOtherNames) {
  const std::string start =
      R"({"aud":"tensord","iss":"https://id.example","exp":1700000009,"sub":)";
  EXPECT_EQ(VerifyPayload(start + R"("uid:0"})")->name, "jwt:uid:0");
  EXPECT_EQ(VerifyPayload(start + R"("a/b"})")->name, "jwt:a%2Fb");
  EXPECT_EQ(VerifyPayload(start + R"("a%2Fb"})")->name, "jwt:a%252Fb");
  EXPECT_FALSE(VerifyPayload(start + R"("a\u0000"})").ok());
}

TEST_F(JwtTest, HeadersThatAskForMoreAreRefused) {
  const std::string critical = R"({"alg":"ES256","crit":["b64"],"b64":false})";
  EXPECT_FALSE(Verify(SignedToken(critical, Payload(), "ES256", p256_)).ok());
  const std::string own_key = R"({"alg":"ES256","jwk":{"kty":"EC"},"jku":"http://evil"})";
  EXPECT_FALSE(Verify(SignedToken(own_key, Payload(), "ES256", MakeKey("P-256"))).ok());
}

TEST_F(JwtTest, TheTypeMayBeMissing) {
  EXPECT_TRUE(Verify(SignedToken(R"({"alg":"ES256"})", Payload(), "ES256", p256_)).ok());
  const std::string typed = R"({"alg":"ES256","typ":"at+jwt"})";
  EXPECT_FALSE(Verify(SignedToken(typed, Payload(), "ES256", p256_)).ok());
}

TEST_F(JwtTest, WhatIsNoTokenIsRefusedInTheSameWords) {
  const std::string good = SignedToken(Header("ES256"), Payload(), "ES256", p256_);
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"),
        std::string("a.b.c"), good + ".x", good + "\n", good + std::string(1, '\0'),
        good.substr(0, good.size() - 4), std::string(1 << 20, 'a'), "e30." + good,
        std::string("e30.e30.")}) {
    EXPECT_EQ(Refusal(Verify(token)), "the token is not valid");
  }
}

TEST_F(JwtTest, OldAndNewKeyServeSideBySide) {
  const Key next = MakeKey("P-256");
  keys_ = PublicPem(p256_) + PublicPem(next);
  EXPECT_TRUE(Verify(SignedToken(Header("ES256"), Payload(), "ES256", p256_)).ok());
  EXPECT_TRUE(Verify(SignedToken(Header("ES256"), Payload(), "ES256", next)).ok());
}

TEST_F(JwtTest, UnsoundKeysAreRefusedAtOnce) {
  const auto error = [&](const std::string& keys, const std::string& secrets) {
    return JwtVerifier::Make(policy_, keys, secrets).status().ToString();
  };
  EXPECT_THAT(error(PrivatePem(p256_), ""), HasSubstr("it holds a private key"));
  EXPECT_THAT(error("hello", ""), HasSubstr("no public key"));
  EXPECT_THAT(error(PublicPem(MakeKey("RSA1024")), ""), HasSubstr("1024 bits"));
  EXPECT_THAT(error(PublicPem(p256_) + PublicPem(MakeKey("P-384")), ""),
              HasSubstr("public key 2: a key of another kind"));
  std::string broken = PublicPem(p256_);
  broken[60] ^= 1;
  EXPECT_THAT(error(broken, ""), HasSubstr("public key 1"));
  EXPECT_THAT(error("", "short"), HasSubstr("at least 32 bytes"));
  EXPECT_THAT(error("", "\n\n"), HasSubstr("no secret"));
}

}  // namespace
}  // namespace tensord::server
