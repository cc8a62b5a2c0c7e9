// tls:// addresses: who vouches for whom, and what is said when nobody does.
#include <gmock/gmock.h>

#include <fstream>

#include "clients/cpp/tensord/daemon.h"
#include "clients/cpp/tensord/operators.h"
#include "clients/cpp/tests/daemon_process.h"
#include "clients/cpp/tests/test_certificates.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  TlsFiles Ann() const { return {made_.ca(), made_.certificate("ann"), made_.key("ann")}; }
  absl::StatusOr<v1::Welcome> Negotiate(const TlsFiles& files) {
    const auto daemon = Daemon::At({.address = daemon_.address(), .tls = files});
    if (!daemon.ok()) return daemon.status();
    return daemon->Negotiate();
  }
  std::string ErrorOf(const TlsFiles& files) {
    return std::string(Negotiate(files).status().message());
  }

  const TestCertificates made_;
  const DaemonProcess daemon_{
      {"--listen=tls://localhost:0", "--tls-cert=" + made_.certificate("daemon"),
       "--tls-key=" + made_.key("daemon"), "--tls-client-ca=" + made_.ca()}};
};

TEST_F(TlsTest, ACertificateNamesTheClient) {
  const auto welcome = Negotiate(Ann());
  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->principal(), "cn:ann");
}

TEST_F(TlsTest, ASessionAndItsTransfersGoOverTls) {
  const auto session = Session::Connect({.address = daemon_.address(), .tls = Ann()});
  ASSERT_TRUE(session.ok()) << session.status();
  const std::vector<float> numbers(100'000, 2);  // more than travels in a frame
  const Tensor x = (*session)->Put({100'000}, numbers);
  const auto doubled = (*session)->Fetch<float>(x + x);
  ASSERT_TRUE(doubled.ok()) << doubled.status();
  EXPECT_EQ(doubled->back(), 4);
}

TEST_F(TlsTest, TheToolTakesTheSameFiles) {
  const std::vector<std::string> args = {"devices", "--address=" + daemon_.address(),
                                         "--ca=" + made_.ca(), "--cert=" + made_.certificate("ann"),
                                         "--key=" + made_.key("ann")};
  const Outcome outcome = RunProgram(TENSORCTL, args);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("cpu"));
}

TEST_F(TlsTest, FilesAreFoundInTheEnvironment) {
  const TlsFiles ann = Ann();
  setenv("TENSORD_CA", ann.ca.c_str(), 1);
  setenv("TENSORD_CERT", ann.cert.c_str(), 1);
  setenv("TENSORD_KEY", ann.key.c_str(), 1);
  EXPECT_TRUE(Negotiate({}).ok());
  for (const char* name : {"TENSORD_CA", "TENSORD_CERT", "TENSORD_KEY"}) unsetenv(name);
}

TEST_F(TlsTest, ErrorsSayWhatToDo) {
  TlsFiles files = Ann();
  files.ca = made_.other_ca();
  EXPECT_THAT(ErrorOf(files), HasSubstr("at the CA (`ca`, $TENSORD_CA)"));
  files = {.ca = made_.ca()};
  EXPECT_THAT(ErrorOf(files), HasSubstr("this listener wants a client certificate"));
  files.cert = made_.certificate("ann");
  EXPECT_THAT(ErrorOf(files), HasSubstr("give both or none"));
  files = {.ca = "/nonexistent"};
  EXPECT_THAT(ErrorOf(files), HasSubstr("can't read /nonexistent (ca)"));
  const auto plain = Daemon::At({.address = "localhost:1", .tls = Ann()});
  EXPECT_THAT(std::string(plain.status().message()), HasSubstr("say tls://localhost:1"));
}

TEST_F(TlsTest, ASessionThatIsRefusedSaysWhy) {
  const auto session = Session::Connect({.address = daemon_.address(), .tls = {.ca = made_.ca()}});
  EXPECT_EQ(session.status().code(), absl::StatusCode::kUnauthenticated) << session.status();
  EXPECT_THAT(std::string(session.status().message()), HasSubstr("wants a client certificate"));
}

}  // namespace
}  // namespace tensord::client
