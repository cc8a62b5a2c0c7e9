// The daemon under a service manager: what systemd hears, from the whole program too.
#include "server/service_manager.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <string>

#include "tensord/v1/compute.grpc.pb.h"
#include "tests/server/daemon_process.h"

namespace tensord::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// The manager's end of $NOTIFY_SOCKET.
class NotifySocket {
 public:
  // `name`: a path, or "@name" of the abstract kind.
  explicit NotifySocket(const std::string& name) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    const timeval patience = {.tv_sec = 20};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }

  // The next message; "" after 20 s without one.
  std::string Receive() {
    char buffer[4096];
    const ssize_t size = recv(fd_.get(), buffer, sizeof(buffer), 0);
    return {buffer, size < 0 ? 0 : static_cast<size_t>(size)};
  }
  bool HasMessage() const {
    char byte = 0;
    return recv(fd_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
  }
  // The next that begins so; others are skipped.
  std::string ReceiveOne(std::string_view start) {
    for (;;) {
      std::string message = Receive();
      if (message.empty() || message.starts_with(start)) return message;
    }
  }

 private:
  base::Fd fd_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

class ServiceManagerTest : public testing::Test {
 protected:
  std::string Path() const { return dir_.path() + "/notify"; }
  std::string Socket() const { return "unix://" + dir_.path() + "/d.sock"; }
  std::vector<std::string> Args() const {
    return {"--listen=" + Socket(), "--device=cpu", "--cache-dir=off", "--drain-delay=0"};
  }
  base::TempDir dir_;
};

TEST_F(ServiceManagerTest, MessagesReachPathsAndAbstractNames) {
  const std::string abstract = "@tensord-test-" + std::to_string(getpid());
  for (const std::string& name : {Path(), abstract}) {
    NotifySocket socket(name);
    ServiceManager(name).Ready("serving on a.sock");
    EXPECT_EQ(socket.Receive(), "READY=1\nSTATUS=serving on a.sock");
    ServiceManager(name).Stopping(absl::Seconds(45));
    EXPECT_EQ(socket.Receive(), "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=45000000");
  }
}

TEST_F(ServiceManagerTest, WithoutAManagerNothingHappens) {
  ServiceManager("").Ready("x");
  ServiceManager("relative").Ready("x");
  ServiceManager(Path()).Ready("x");  // nobody is there
  ServiceManager("/" + std::string(300, 'x')).Ready("x");
}

TEST_F(ServiceManagerTest, TheEnvironmentIsReadOnceAndNotHandedOn) {
  NotifySocket socket(Path());
  setenv("NOTIFY_SOCKET", Path().c_str(), 1);
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::FromEnvironment().watchdog(), absl::ZeroDuration())
      << "the watchdog is another process's";
  EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
  setenv("NOTIFY_SOCKET", Path().c_str(), 1);
  setenv("WATCHDOG_USEC", "3000000", 1);
  const ServiceManager manager = ServiceManager::FromEnvironment();
  EXPECT_EQ(manager.watchdog(), absl::Seconds(3));
  manager.Notify("WATCHDOG=1");
  EXPECT_EQ(socket.Receive(), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, TheDaemonSaysReadyReloadingAndStopping) {
  NotifySocket socket(Path());
  Daemon daemon(Args(), DaemonKind::kReal, {"NOTIFY_SOCKET=" + Path()});
  EXPECT_EQ(socket.Receive(), "READY=1\nSTATUS=serving on " + Socket());
  daemon.Signal(SIGHUP);
  EXPECT_THAT(socket.Receive(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_THAT(socket.Receive(), StartsWith("READY=1"));
  daemon.Signal(SIGTERM);
  EXPECT_THAT(socket.Receive(),
              AllOf(StartsWith("STOPPING=1"), HasSubstr("EXTEND_TIMEOUT_USEC=40000000")));
  EXPECT_EQ(daemon.Wait(), 0);
}

TEST_F(ServiceManagerTest, APrivateDaemonLeavesTheManagerToItsParent) {
  NotifySocket socket(Path());
  std::vector<std::string> args = Args();
  args.push_back("--exit-with-parent");
  Daemon daemon(args, DaemonKind::kReal, {"NOTIFY_SOCKET=" + Path()});
  daemon.ReadUntil("listening");
  daemon.CloseStdin();
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_FALSE(socket.HasMessage());
}

TEST_F(ServiceManagerTest, TheDaemonFeedsItsWatchdog) {
  NotifySocket socket(Path());
  Daemon daemon(Args(), DaemonKind::kReal, {"NOTIFY_SOCKET=" + Path(), "WATCHDOG_USEC=1000000"});
  EXPECT_EQ(socket.ReceiveOne("WATCHDOG=1"), "WATCHDOG=1");
  EXPECT_EQ(socket.ReceiveOne("WATCHDOG=1"), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, ADrainIsToldToSessionsAndWaitsForThem) {
  Daemon daemon(Args(), DaemonKind::kReal);
  daemon.ReadUntil("listening");
  auto stub =
      v1::Compute::NewStub(grpc::CreateChannel(Socket(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  auto stream = stub->Session(&context);
  v1::ClientFrame frame;
  frame.set_seq(1);
  frame.set_max_reply_bytes(1 << 20);
  frame.add_items()->mutable_hello()->set_max_version(1);
  v1::BindUpload& bind = *frame.add_items()->mutable_bind();  // under way: the session is not idle
  bind.set_id(1);
  bind.set_upload(1);
  bind.mutable_type()->set_dtype(v1::DTYPE_F32);
  ASSERT_TRUE(stream->Write(frame));
  v1::ServerFrame reply;
  while (reply.replies().empty()) ASSERT_TRUE(stream->Read(&reply));  // credit comes before Welcome
  daemon.Signal(SIGTERM);
  const auto going_away = [&] {
    return !reply.replies().empty() && reply.replies(0).has_going_away();
  };
  while (!going_away() && stream->Read(&reply)) {
  }
  ASSERT_TRUE(going_away());
  EXPECT_EQ(reply.replies(0).going_away().deadline_us(), 30'000'000u);
  frame.Clear();
  frame.set_seq(2);
  frame.add_items()->mutable_bye();
  EXPECT_TRUE(stream->Write(frame));
  while (stream->Read(&reply)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(daemon.Wait(), 0);
}

}  // namespace
}  // namespace tensord::server
