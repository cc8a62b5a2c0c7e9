// What a daemon keeps of nodes that were streamed and freed: nothing. Sanitizers keep freed memory,
// hence the name.
#include "clients/cpp/tests/streamed_nodes.h"

#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

constexpr int64_t kRoom = int64_t{4} << 20;  // for what the allocator keeps

TEST(SlowStreamedNodes, AMillionLeaveNothingBehind) {
  const TemporaryFolder folder;
  const int port = FreePort();
  const DaemonProcess daemon({"--listen=unix://" + (folder / "s.sock"),
                              "--metrics-listen=127.0.0.1:" + std::to_string(port)});
  const auto session = Session::Connect({.address = daemon.address()});
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE(StreamNodes(**session, 200'000).ok());
  const int64_t before = ResidentBytes(daemon.pid());
  ASSERT_TRUE(StreamNodes(**session, 1'000'000).ok());
  EXPECT_LE(ResidentBytes(daemon.pid()) - before, kRoom);
  EXPECT_EQ(ReadMetric(port, "tensord_principal_nodes").value_or(-1), 0);
  EXPECT_EQ(ReadMetric(port, "tensord_resident_bytes").value_or(-1), 0);
  EXPECT_GE(ReadMetric(port, "tensord_nodes_total").value_or(-1), 1'200'000);
}

}  // namespace
}  // namespace tensord::client
