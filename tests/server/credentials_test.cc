// Who a peer is: tokens, their files, and files that change.
#include "server/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/file.h"
#include "tests/server/pki.h"

namespace tensord::server {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Credentials Bearer(const std::string& token) {
  v1::Credentials credentials;
  credentials.set_bearer(token);
  return credentials;
}

class CredentialsTest : public testing::Test {
 protected:
  std::string Write(const std::string& text, mode_t mode = 0600) {
    EXPECT_TRUE(base::WriteFileAtomically(path_, text, mode).ok());
    return path_;
  }
  std::string ErrorOfTokens(const std::string& text, mode_t mode = 0600) {
    return Authenticator().Load({.token_file = Write(text, mode)}).ToString();
  }
  // Whom a token stands for, or the refusal.
  std::string NameOf(const std::string& token) {
    const auto principal = authenticator_.Authenticate({}, Bearer(token));
    return principal.ok() ? principal->name : std::string(principal.status().message());
  }

  base::TempDir dir_;
  const std::string path_ = dir_.path() + "/tokens";
  Metrics metrics_;
  Authenticator authenticator_{&metrics_};
};

TEST_F(CredentialsTest, ATokenNamesThePrincipal) {
  const absl::Status status = authenticator_.Load(
      {.token_file =
           Write("# people\nalice 0123456789abcdef\n\nbob\tfedcba9876543210  # the second\n")});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(NameOf("fedcba9876543210"), "bob");
  EXPECT_EQ(NameOf("fedcba987654321x"), "the token is not valid");
  EXPECT_THAT(NameOf(""), HasSubstr("this listener wants a token"));
  EXPECT_EQ(metrics_.Get(Metric::auth_failures), 2);
}

TEST_F(CredentialsTest, APeerTheKernelVouchesForNeedsNoToken) {
  const Peer peer{.identified = true, .principal = {"uid:5", 5}};
  EXPECT_EQ(authenticator_.Authenticate(peer, {})->name, "uid:5");
  EXPECT_FALSE(authenticator_.Authenticate(peer, Bearer("0123456789abcdef")).ok());
}

TEST_F(CredentialsTest, TheTokenFileMustBePrivateAndSound) {
  EXPECT_THAT(ErrorOfTokens("0123456789abcdef\n", 0644), HasSubstr("chmod 0600"));
  EXPECT_THAT(ErrorOfTokens("short\n"), HasSubstr("at least 16 bytes"));
  EXPECT_THAT(ErrorOfTokens("\n# none\n"), HasSubstr("has no token"));
  EXPECT_FALSE(Authenticator().Load({.token_file = dir_.path() + "/absent"}).ok());
}

TEST_F(CredentialsTest, ANameCannotBeThatOfAnotherSource) {
  for (const char* name : {"uid:0", "jwt:ann", "cn:x", "a/b", "a%b"}) {
    EXPECT_THAT(ErrorOfTokens(std::string(name) + " 0123456789abcdef\n"),
                HasSubstr("a name is letters, digits"));
  }
}

TEST_F(CredentialsTest, AJwtIsTakenBesideTokens) {
  const Key key = MakeKey("ED25519");
  const std::string keys = dir_.path() + "/keys.pem";
  WritePrivate(keys, PublicPem(key));
  ASSERT_TRUE(authenticator_
                  .Load({.token_file = Write("bob fedcba9876543210\n"),
                         .jwt_key_file = keys,
                         .jwt = {.audience = "t"}})
                  .ok());
  const std::string payload = R"({"sub":"ann","aud":"t","exp":)" +
                              std::to_string(absl::ToUnixSeconds(absl::Now()) + 60) + "}";
  EXPECT_EQ(NameOf(SignedToken(R"({"alg":"EdDSA"})", payload, "EdDSA", key)), "jwt:ann");
  EXPECT_EQ(NameOf("fedcba9876543210"), "bob");
  EXPECT_EQ(NameOf("fedcba9876543211"), "the token is not valid");
}

TEST_F(CredentialsTest, KeysOfJwtsAreRotatedWithoutARestart) {
  const Key old_key = MakeKey("P-256"), new_key = MakeKey("P-256");
  WritePrivate(path_, PublicPem(old_key));
  ASSERT_TRUE(authenticator_.Load({.jwt_key_file = path_, .jwt = {.audience = "t"}}).ok());
  const auto signed_by = [](const Key& key) {
    const int64_t end = absl::ToUnixSeconds(absl::Now()) + 60;
    return SignedToken(R"({"alg":"ES256"})",
                       R"({"sub":"ann","aud":"t","exp":)" + std::to_string(end) + "}", "ES256",
                       key);
  };
  EXPECT_EQ(NameOf(signed_by(new_key)), "the token is not valid");
  WritePrivate(path_, PublicPem(old_key) + PublicPem(new_key));
  authenticator_.Reload(false);
  EXPECT_EQ(NameOf(signed_by(old_key)), "jwt:ann");
  EXPECT_EQ(NameOf(signed_by(new_key)), "jwt:ann");
  WritePrivate(path_, PublicPem(new_key));
  authenticator_.Reload(false);
  EXPECT_EQ(NameOf(signed_by(old_key)), "the token is not valid");
}

TEST_F(CredentialsTest, SecretsOfJwtsMustBePrivate) {
  const std::string secret = "0123456789abcdef0123456789abcdef\n";
  EXPECT_THAT(Authenticator()
                  .Load({.jwt_secret_file = Write(secret, 0640), .jwt = {.audience = "t"}})
                  .ToString(),
              HasSubstr("chmod 0600"));
  EXPECT_TRUE(
      Authenticator().Load({.jwt_secret_file = Write(secret), .jwt = {.audience = "t"}}).ok());
}

TEST_F(CredentialsTest, AChangedFileIsReadAgain) {
  ASSERT_TRUE(authenticator_.Load({.token_file = Write("a 0123456789abcdef\n")}).ok());
  Write("b 1123456789abcdef\n");
  EXPECT_EQ(NameOf("0123456789abcdef"), "a") << "not before the tick";
  authenticator_.Reload(false);
  EXPECT_EQ(NameOf("1123456789abcdef"), "b");
  EXPECT_EQ(NameOf("0123456789abcdef"), "the token is not valid");
}

TEST_F(CredentialsTest, ABrokenFileLeavesWhatWasThere) {
  ASSERT_TRUE(authenticator_.Load({.token_file = Write("a 0123456789abcdef\n")}).ok());
  testing::internal::CaptureStderr();
  for (const char* text : {"", "b tooshort\n"}) {
    Write(text);
    authenticator_.Reload(false);
    EXPECT_EQ(NameOf("0123456789abcdef"), "a");
  }
  ASSERT_EQ(remove(path_.c_str()), 0);
  authenticator_.Reload(false);
  EXPECT_EQ(NameOf("0123456789abcdef"), "a");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("tokens and keys stay"));
  Write("c 2123456789abcdef\n");
  authenticator_.Reload(false);
  EXPECT_EQ(NameOf("2123456789abcdef"), "c");
}

TEST_F(CredentialsTest, LogsHoldNoToken) {
  ASSERT_TRUE(authenticator_.Load({.token_file = Write("a 0123456789abcdef\n")}).ok());
  testing::internal::CaptureStderr();
  NameOf("a-token-that-is-wrong-0123");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("refused"));
  EXPECT_THAT(log, Not(HasSubstr("a-token-that-is")));
}

}  // namespace
}  // namespace tensord::server
