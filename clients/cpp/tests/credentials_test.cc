// Tokens that change while a session lives: read again for connections, told before they end.
#include "clients/cpp/tensord/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "absl/strings/escaping.h"
#include "clients/cpp/tensord/operators.h"
#include "clients/cpp/tests/cutting_proxy.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kJwtSecret(32, 's');
constexpr absl::Duration kJwtLeeway = absl::Seconds(30);  // of the daemon, behind `exp`

// A JWT of "ann" that the daemon takes until `end`.
std::string JwtUntil(absl::Time end) {
  const double exp = absl::ToDoubleSeconds(end - kJwtLeeway - absl::UnixEpoch());
  const std::string text =
      absl::WebSafeBase64Escape(R"({"typ":"JWT","alg":"HS256"})") + "." +
      absl::WebSafeBase64Escape(R"({"sub":"ann","aud":"test","exp":)" + std::to_string(exp) + "}");
  unsigned char mac[32];
  unsigned int size = sizeof(mac);
  HMAC(EVP_sha256(), kJwtSecret.data(), static_cast<int>(kJwtSecret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return text + "." + absl::WebSafeBase64Escape(std::string(mac, mac + size));
}

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    WriteSecret("tokens", "me " + std::string(16, 'a') + "\nme " + std::string(16, 'b') +
                              "\nother " + std::string(16, 'c') + "\n");
    WriteSecret("secrets", kJwtSecret + "\n");
    daemon_ = std::make_unique<DaemonProcess>(std::vector<std::string>{
        "--token-file=" + (folder_ / "tokens"), "--jwt-secret-file=" + (folder_ / "secrets"),
        "--jwt-audience=test", "--listen=tcp://127.0.0.1:0"});
  }
  void WriteSecret(const char* name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  std::unique_ptr<Session> Connect(SessionOptions options) {
    options.address = daemon_->address();
    auto session = Session::Connect(std::move(options));
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST(UntilRenewal, IsFourFifthsOfAJwtsLife) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const auto until = [&](int seconds) {
    return UntilRenewal(JwtUntil(now + absl::Seconds(seconds) + kJwtLeeway), now);
  };
  EXPECT_EQ(until(1000), absl::Seconds(800));
  EXPECT_EQ(until(-5), absl::Seconds(1));
  for (const char* opaque : {"", "opaque", "a.b.c", "e30.e30.e30"}) {
    EXPECT_EQ(UntilRenewal(opaque, now), absl::Seconds(30)) << opaque;
  }
}

TEST_F(CredentialsTest, ATokenIsReadFromAFileAgain) {
  WriteSecret("token", std::string(16, 'a') + "\n");
  const auto session = Connect({.token_file = folder_ / "token"});
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->welcome().principal(), "me");
  WriteSecret("token", std::string(16, 'b'));
  EXPECT_TRUE(session->RefreshCredentials().ok());
  WriteSecret("token", std::string(16, 'z'));
  EXPECT_EQ(session->RefreshCredentials().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(CredentialsTest, ARefusedTokenLeavesTheSessionAsItWas) {
  std::string token(16, 'a');
  const auto session = Connect({.token_source = [&] { return token; }});
  ASSERT_NE(session, nullptr);
  token = std::string(16, 'c');
  const absl::Status foreign = session->RefreshCredentials();
  EXPECT_EQ(foreign.code(), absl::StatusCode::kPermissionDenied) << foreign;
  EXPECT_THAT(std::string(foreign.message()), HasSubstr("another principal"));
  token = std::string(16, 'z');
  EXPECT_EQ(session->RefreshCredentials().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(*session->Fetch<float>(session->Put<float>({1}, {2})), ElementsAre(2));
}

TEST_F(CredentialsTest, WhatGivesNoTokenSaysSo) {
  const std::string missing = folder_ / "missing";
  const auto none = Session::Connect({.address = daemon_->address(), .token_file = missing});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("no token in " + missing));
  const auto both = Session::Connect({.token = "a", .token_file = "b"});
  EXPECT_THAT(std::string(both.status().message()), HasSubstr("give one of them"));
}

TEST_F(CredentialsTest, AJwtIsRenewedBeforeItEnds) {
  const absl::Time begin = absl::Now();
  std::atomic<int> asked = 0;
  const auto session = Connect({.token_source = [&, first = JwtUntil(begin + absl::Seconds(2))] {
    return asked++ == 0 ? first : JwtUntil(absl::Now() + absl::Hours(1));
  }});
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->welcome().principal(), "jwt:ann");
  absl::SleepFor(begin + absl::Seconds(3) - absl::Now());
  EXPECT_THAT(*session->Fetch<float>(session->Put<float>({1}, {2})), ElementsAre(2));
  EXPECT_EQ(session->resumptions(), 0u);
  EXPECT_EQ(asked, 2);
}

TEST_F(CredentialsTest, AJwtThatEndedIsFollowedByANewStream) {
  const absl::Time end = absl::Now() + absl::Milliseconds(1500);
  const auto session = Connect({.token_source = [&, first = JwtUntil(end)] {
    return absl::Now() < end ? first : JwtUntil(absl::Now() + absl::Hours(1));
  }});
  ASSERT_NE(session, nullptr);
  const Tensor x = session->Put<float>({1}, {2});
  EXPECT_TRUE(Eventually([&] { return session->resumptions() > 0; })) << session->status();
  EXPECT_TRUE(session->Fetch<float>(x).ok());
  EXPECT_EQ(session->resumptions(), 1u) << session->status();
}

TEST_F(CredentialsTest, AResumeThatIsRefusedIsFollowedByOneWithANewerToken) {
  std::map<std::thread::id, int> asked;  // the stream's thread asks for each Resume
  const auto session =
      Connect({.token_source = [&, first = JwtUntil(absl::Now() + absl::Milliseconds(500))] {
        const bool again = asked[std::this_thread::get_id()]++ > 0;
        return again ? JwtUntil(absl::Now() + absl::Hours(1)) : first;
      }});
  ASSERT_NE(session, nullptr);
  const Tensor x = session->Put<float>({1}, {2});
  EXPECT_TRUE(Eventually([&] { return session->resumptions() > 0; })) << session->status();
  EXPECT_TRUE(session->Fetch<float>(x).ok());
}

TEST_F(CredentialsTest, AStayingJwtThatEndsEndsTheSession) {
  const auto session = Connect({.token = JwtUntil(absl::Now() + absl::Seconds(2))});
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(Eventually([&] { return !session->status().ok(); }));
  EXPECT_EQ(session->status().code(), absl::StatusCode::kUnauthenticated) << session->status();
  EXPECT_EQ(FaultOf(session->status())->reason, "AUTH");
}

TEST_F(CredentialsTest, WhyATokenWasNotRenewedIsTold) {
  std::atomic<int> asked = 0;
  std::promise<absl::Status> told;
  const auto session = Connect(
      {.token_source =
           [&, first = JwtUntil(absl::Now() + absl::Seconds(20))]() -> absl::StatusOr<std::string> {
         if (asked++ == 0) return first;
         return absl::UnavailableError("the issuer is away");
       },
       .on_fault =
           [&](const absl::Status& status) {
             if (asked == 2) told.set_value(status);
           }});
  ASSERT_NE(session, nullptr);
  EXPECT_THAT(std::string(told.get_future().get().message()), HasSubstr("issuer is away"));
}

TEST(Credentials, AreReadAgainForEachConnection) {
  CuttingProxy proxy(SharedAddress());
  std::atomic<int> asked = 0;
  const auto session = Session::Connect({.address = proxy.address(), .token_source = [&] {
                                           ++asked;
                                           return std::string();
                                         }});
  ASSERT_TRUE(session.ok()) << session.status();
  const Tensor x = (*session)->Put<float>({1}, {2});
  ASSERT_TRUE((*session)->Fetch<float>(x).ok());
  EXPECT_EQ(asked, 1);
  proxy.Cut();
  EXPECT_TRUE((*session)->Fetch<float>(x).ok());
  EXPECT_GE(asked, 2);
}

}  // namespace
}  // namespace tensord::client
