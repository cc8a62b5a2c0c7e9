// Connections without a call: their names, their end.
#include "server/transport/new_connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>

namespace tensord::server::transport {
namespace {

sockaddr_storage V6(const char* address, uint16_t port) {
  sockaddr_storage storage = {};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
  return storage;
}

sockaddr_storage V4(const char* address, uint16_t port) {
  sockaddr_storage storage = {};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET, address, &v4.sin_addr), 1);
  return storage;
}

TEST(ConnectionName, IsTheSameForASocketAndForGrpcsWords) {
  EXPECT_EQ(ConnectionName("ipv4:10.1.2.3:40312"), ConnectionName(V4("10.1.2.3", 40312)));
  EXPECT_EQ(ConnectionName("ipv4:10.1.2.3:40312"), ConnectionName(V6("::ffff:10.1.2.3", 40312)));
  EXPECT_EQ(ConnectionName("ipv6:%5B::1%5D:80"), ConnectionName(V6("::1", 80)));
  EXPECT_EQ(ConnectionName("ipv6:[fe80::1%252]:80"), ConnectionName(V6("fe80::1", 80)));
  EXPECT_NE(ConnectionName("ipv4:10.1.2.3:40312"), ConnectionName("ipv4:10.1.2.3:40313"));
  EXPECT_NE(ConnectionName("ipv4:10.1.2.3:40312"), ConnectionName("ipv4:10.1.2.4:40312"));
  EXPECT_EQ(ConnectionName("fd:7"), "fd:7");
}

// Both ends of a connection.
struct Ends {
  Ends() {
    std::array<int, 2> fds = {};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    ours = base::Fd(fds[0]);
    theirs = base::Fd(fds[1]);
  }
  // Whether the client hears that it is over.
  bool IsOver() const {
    char byte = 0;
    return read(theirs.get(), &byte, 1) == 0;
  }
  base::Fd ours, theirs;
};

class NewConnectionsTest : public testing::Test {
 protected:
  Metrics metrics_;
  NewConnections connections_{{.most = 2, .time = absl::Seconds(10)}, metrics_};
  const absl::Time begin_ = absl::UnixEpoch();
};

TEST_F(NewConnectionsTest, OneThatBeginsNoCallIsCutOff) {
  const Ends silent, busy;
  connections_.Add("fd:1", silent.ours.get(), begin_);
  connections_.Add("fd:2", busy.ours.get(), begin_);
  connections_.OnCall("fd:2");
  connections_.OnTick(begin_ + absl::Seconds(9));
  EXPECT_FALSE(silent.IsOver());
  connections_.OnTick(begin_ + absl::Seconds(10));
  EXPECT_TRUE(silent.IsOver());
  EXPECT_FALSE(busy.IsOver());
  EXPECT_EQ(connections_.size(), 0u);
  EXPECT_EQ(metrics_.Get(Metric::connections_cut), 1);
}

TEST_F(NewConnectionsTest, OfTooManyTheOldestGoes) {
  const Ends a, b, c;
  connections_.Add("fd:1", a.ours.get(), begin_);
  connections_.Add("fd:2", b.ours.get(), begin_);
  connections_.Add("fd:3", c.ours.get(), begin_);
  EXPECT_TRUE(a.IsOver());
  EXPECT_FALSE(b.IsOver() || c.IsOver());
  EXPECT_EQ(connections_.size(), 2u);
}

TEST_F(NewConnectionsTest, OneThatGrpcHasClosedIsForgotten) {
  Ends closed;
  connections_.Add("fd:1", closed.ours.get(), begin_);
  shutdown(closed.ours.get(), SHUT_RDWR);  // as gRPC does before it closes
  closed.ours.Close();
  connections_.OnTick(begin_);
  EXPECT_EQ(connections_.size(), 0u);
  EXPECT_EQ(metrics_.Get(Metric::connections_cut), 0);
}

TEST_F(NewConnectionsTest, ANumberThatIsUsedAgainIsAnotherConnection) {
  const Ends first, second;
  connections_.Add("fd:1", first.ours.get(), begin_);
  connections_.Add("fd:1", second.ours.get(), begin_ + absl::Seconds(5));
  connections_.OnTick(begin_ + absl::Seconds(10));
  EXPECT_FALSE(first.IsOver() || second.IsOver());
  EXPECT_EQ(connections_.size(), 1u);
}

}  // namespace
}  // namespace tensord::server::transport
