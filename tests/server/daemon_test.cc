// The whole program, by its main(): what it prints, how it ends.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "engine/base/file.h"
#include "server/options.h"
#include "tensord/v1/compute.grpc.pb.h"
#include "tests/server/daemon_process.h"
#include "tests/server/hostile_clients.h"
#include "tests/server/pki.h"

namespace tensord::server {
namespace {

using testing::HasSubstr;

class DaemonTest : public testing::Test {
 protected:
  std::string Socket() const { return "unix://" + dir_.path() + "/d.sock"; }
  base::TempDir dir_;
};

TEST_F(DaemonTest, SaysWhereItListensAndStopsOnSigterm) {
  Daemon daemon({"--listen=" + Socket(), "--drain-delay=0", "--cache-dir=off"});
  EXPECT_THAT(daemon.ReadUntil("listening"), HasSubstr("listening " + Socket()));
  auto stub =
      v1::Compute::NewStub(grpc::CreateChannel(Socket(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::ListDevicesReply reply;
  EXPECT_TRUE(stub->ListDevices(&context, {}, &reply).ok());
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_NE(access((dir_.path() + "/d.sock").c_str(), F_OK), 0) << "the socket is removed";
}

TEST_F(DaemonTest, ASecondSignalCutsTheDrainShort) {
  Daemon daemon({"--listen=" + Socket(), "--drain-delay=1h", "--cache-dir=off"});
  daemon.ReadUntil("listening");
  daemon.Signal(SIGTERM);
  daemon.ReadUntil("draining");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
}

TEST_F(DaemonTest, SighupReadsTokensAgainAndEndsNothing) {
  const std::string tokens = dir_.path() + "/tokens";
  ASSERT_TRUE(base::WriteFileAtomically(tokens, "alice 0123456789abcdef\n").ok());
  Daemon daemon(
      {"--listen=" + Socket(), "--token-file=" + tokens, "--drain-delay=1h", "--cache-dir=off"});
  daemon.ReadUntil("listening");
  daemon.Signal(SIGHUP);
  EXPECT_THAT(daemon.ReadUntil("read again"), HasSubstr("tokens and keys read again"));
  daemon.Signal(SIGTERM);
  daemon.ReadUntil("draining");
  daemon.Signal(SIGHUP);
  EXPECT_THAT(daemon.ReadUntil("read again"), HasSubstr("tokens and keys read again"))
      << "the drain goes on";
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
}

TEST_F(DaemonTest, ABrokenHandshakeIsALineOfTheDaemonsOwnLog) {
  const Certificate own = MakeCertificate({.common_name = "daemon"});
  WritePrivate(dir_.path() + "/cert", own.pem);
  WritePrivate(dir_.path() + "/key", own.key_pem);
  Daemon daemon({"--listen=tls://127.0.0.1:0", "--tls-cert=" + dir_.path() + "/cert",
                 "--tls-key=" + dir_.path() + "/key", "--tls-client-ca=" + dir_.path() + "/cert",
                 "--cache-dir=off"});
  const std::string said = daemon.ReadUntil("listening");
  const std::string address = said.substr(said.rfind("tls://"));
  const base::Fd hostile = RawConnection(*ParseAddress(address.substr(0, address.find('\n'))));
  ASSERT_EQ(send(hostile.get(), "no TLS at all\n", 14, 0), 14);
  EXPECT_THAT(daemon.ReadUntil("msg=grpc"),
              HasSubstr("level=info msg=grpc said=\"Handshake failed"));
}

TEST_F(DaemonTest, APrivateDaemonEndsWithItsStandardInput) {
  Daemon daemon({"--listen=" + Socket(), "--exit-with-parent", "--cache-dir=off"});
  daemon.ReadUntil("listening");
  daemon.CloseStdin();
  EXPECT_EQ(daemon.Wait(), 0);
}

TEST_F(DaemonTest, BadUsageExitsWithTwo) {
  Daemon daemon({"--speed=9"});
  EXPECT_THAT(daemon.ReadUntil("tensord:"), HasSubstr("no option is called speed"));
  EXPECT_EQ(daemon.Wait(), 2);
}

TEST_F(DaemonTest, PrintsAndChecksItsConfiguration) {
  Daemon print({"--print-config", "--listen=" + Socket()});
  EXPECT_THAT(print.ReadUntil("log-format"), HasSubstr("listen = " + Socket() + "  # flag"));
  EXPECT_EQ(print.Wait(), 0);
  Daemon check({"--check-config", "--listen=" + Socket()});
  EXPECT_THAT(check.ReadUntil("ok"), HasSubstr("ok"));
  EXPECT_EQ(check.Wait(), 0);
}

TEST_F(DaemonTest, ALivingSocketIsNotTakenOver) {
  Daemon first({"--listen=" + Socket(), "--cache-dir=off"});
  first.ReadUntil("listening");
  Daemon second({"--listen=" + Socket(), "--cache-dir=off"});
  EXPECT_THAT(second.ReadUntil("tensord:"), HasSubstr("another process listens"));
  EXPECT_EQ(second.Wait(), 1);
}

}  // namespace
}  // namespace tensord::server
