// Garbage, broken handshakes and slow clients at every kind of listener, while somebody works.
// HOSTILE_SECONDS says for how long; a few seconds when it does not.
#include <dirent.h>

#include "tests/server/hostile_clients.h"
#include "tests/server/tls_fixture.h"

namespace tensord::server {
namespace {

constexpr size_t kMost = 64;

absl::Duration HostileTime() {
  const char* seconds = std::getenv("HOSTILE_SECONDS");
  return absl::Seconds(seconds == nullptr ? 3 : std::atoi(seconds));
}

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

// A session that pings and wants its answers.
class Pinger {
 public:
  explicit Pinger(std::unique_ptr<v1::Compute::Stub> stub)
      : stub_(std::move(stub)), stream_(stub_->Session(&context_)) {}
  ~Pinger() {
    stream_->WritesDone();
    v1::ServerFrame frame;
    while (stream_->Read(&frame)) {
    }
    EXPECT_TRUE(stream_->Finish().ok());
  }
  bool Ping() {
    v1::ClientFrame frame;
    frame.set_seq(++seq_);
    frame.add_items()->mutable_ping()->set_nonce(seq_);
    v1::ServerFrame answer;
    return stream_->Write(frame) && stream_->Read(&answer);
  }

 private:
  const std::unique_ptr<v1::Compute::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientFrame, v1::ServerFrame>> stream_;
  uint64_t seq_ = 0;
};

class HostileTest : public TlsTest {
 protected:
  void SetUp() override {
    TakeTokens();
    options_.listen = {"unix://" + dir_.path() + "/t.sock", "tcp://127.0.0.1:0",
                       "tls://127.0.0.1:0"};
    options_.first_call = absl::Seconds(1);
    options_.max_new_connections = kMost;
    StartServer();
    for (const std::string& address : server_->addresses()) {
      targets_.push_back(*ParseAddress(address));
    }
  }
  std::unique_ptr<v1::Compute::Stub> PlainStub(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::Compute::NewStub(
        grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  }
  std::string TcpTarget() { return targets_[1].ToString().substr(std::string("tcp://").size()); }

  std::vector<Address> targets_;
};

TEST_F(HostileTest, AWellBehavedSessionGoesOnAndTheOthersAreCutOff) {
  Pinger local(PlainStub(server_->addresses()[0])), tcp(PlainStub(TcpTarget())), tls(StubOf());
  ASSERT_TRUE(local.Ping() && tcp.Ping() && tls.Ping());
  // What gRPC opens with the first connection of a kind stays.
  ASSERT_TRUE(Negotiate(*StubOf(), "0123456789abcdef").ok());
  const size_t descriptors = OpenDescriptors();
  HostileClients hostile(targets_, 7);
  for (const absl::Time end = absl::Now() + HostileTime(); absl::Now() < end;) {
    hostile.OpenMore();
    for (int i = 0; i < 20; ++i) {
      hostile.Drip();
      ASSERT_TRUE(local.Ping() && tcp.Ping() && tls.Ping());
      absl::SleepFor(absl::Milliseconds(10));
    }
    ASSERT_TRUE(Negotiate(*StubOf(), "0123456789abcdef").ok()) << "newcomers get in";
    hostile.StillOpen();
  }
  EXPECT_TRUE(Eventually([&] {
    hostile.Drip();
    return hostile.StillOpen() == 0;
  })) << hostile.StillOpen()
      << " of " << hostile.opened();
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors() <= descriptors; }))
      << OpenDescriptors() << " descriptors, " << descriptors << " at the start";
  EXPECT_GT(server_->metrics().Get(Metric::connections_cut), 0);
  EXPECT_TRUE(local.Ping() && tcp.Ping() && tls.Ping());
}

TEST_F(HostileTest, TheDaemonKeepsSoManyNewConnectionsAndNoMore) {
  Pinger tcp(PlainStub(TcpTarget()));
  ASSERT_TRUE(tcp.Ping());
  std::vector<base::Fd> silent;
  for (size_t i = 0; i < 4 * kMost; ++i) silent.push_back(RawConnection(targets_[1]));
  EXPECT_TRUE(Eventually([&] {
    return server_->metrics().Get(Metric::connections_cut) >= static_cast<int64_t>(3 * kMost);
  }));
  EXPECT_TRUE(tcp.Ping());
}

TEST_F(HostileTest, SilentConnectionsDoNotHoldTheStopUp) {
  std::vector<base::Fd> silent;
  for (const Address& target : targets_) {
    silent.push_back(RawConnection(target));
    silent.push_back(RawConnection(target));
    const std::string hello = ClientHello().substr(0, 50);
    send(silent.back().get(), hello.data(), hello.size(), MSG_NOSIGNAL);
  }
  ASSERT_TRUE(Negotiate(*StubOf(), "0123456789abcdef").ok());
  server_->Stop();
  for (const base::Fd& fd : silent) {
    EXPECT_TRUE(Eventually([&] {
      char bytes[256];
      const ssize_t size = recv(fd.get(), bytes, sizeof(bytes), 0);
      return size == 0 || (size < 0 && errno != EAGAIN);
    }));
  }
}

}  // namespace
}  // namespace tensord::server
