// Garbage, broken handshakes and slow clients at every kind of listener, while somebody works.
// HOSTILE_SECONDS says for how long; a few seconds when it does not.
#include "tests/server/hostile_clients.h"
#include "tests/server/hostile_fixture.h"

namespace tensord::server {
namespace {

TEST_F(HostileTest, AWellBehavedSessionGoesOnAndTheOthersAreCutOff) {
  Pinger local(PlainStub(server_->addresses()[0])), tcp(PlainStub(TcpTarget())), tls(StubOf());
  ASSERT_TRUE(local.Ping() && tcp.Ping() && tls.Ping());
  // What gRPC opens with the first connection of a kind stays.
  ASSERT_TRUE(Negotiate(*StubOf(), "0123456789abcdef").ok());
  const size_t descriptors = OpenDescriptors();
  HostileClients hostile(targets_, HostileSeed());
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
  for (size_t i = 0; i < 4 * kMostSilent; ++i) silent.push_back(RawConnection(targets_[1]));
  EXPECT_TRUE(Eventually([&] {
    return server_->metrics().Get(Metric::connections_cut) >= static_cast<int64_t>(3 * kMostSilent);
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
