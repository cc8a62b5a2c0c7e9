// Large values through memory shared with the daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <thread>

#include "clients/cpp/tensord/daemon.h"
#include "clients/cpp/tests/cutting_proxy.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

std::vector<uint8_t> Numbers(size_t count) {
  std::vector<uint8_t> numbers(count);
  uint32_t state = static_cast<uint32_t>(count) + 1;
  for (uint8_t& number : numbers)
    number = static_cast<uint8_t>((state = state * 1664525 + 7) >> 24);
  return numbers;
}

class SharedRingTest : public testing::Test {
 protected:
  std::unique_ptr<Session> Connect(SessionOptions options = {}) const {
    if (options.address.empty()) options.address = daemon_.address();
    auto session = Session::Connect(std::move(options));
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }
  uint64_t Stat(const std::string& name) const {
    const absl::StatusOr<v1::StatsReply> reply = probe_.GetStats();
    EXPECT_TRUE(reply.ok()) << reply.status();
    for (const v1::Counter& counter : reply->counters()) {
      if (counter.name() == name) return counter.value();
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }

  const TemporaryFolder folder_;
  const DaemonProcess daemon_{{"--lease=1s", "--listen=unix://" + (folder_ / "s.sock")}};
  const Daemon probe_ = *Daemon::At({.address = daemon_.address()});
};

TEST_F(SharedRingTest, ValuesOfEverySizeComeBackAsTheyWent) {
  const auto session = Connect();
  constexpr size_t kSlot = 512 << 10;
  for (const size_t size : {kSlot / 2, kSlot - 1, kSlot, kSlot + 1, 8 * kSlot, 8 * kSlot + 1,
                            9 * kSlot - 1, 33 * kSlot + 12345}) {
    const std::vector<uint8_t> sent = Numbers(size);
    const auto back = session->Fetch<uint8_t>(session->Put<uint8_t>({size}, sent));
    ASSERT_TRUE(back.ok()) << size << ": " << back.status();
    EXPECT_TRUE(*back == sent) << size;
  }
  EXPECT_EQ(Stat("bytes_shared"), Stat("bytes_uploaded") + Stat("bytes_downloaded"));
  EXPECT_GT(Stat("bytes_shared"), 33 * kSlot);
}

TEST_F(SharedRingTest, OnlyWhatIsWorthItOpensOne) {
  const auto session = Connect();
  ASSERT_TRUE(session->Fetch<uint8_t>(session->Put<uint8_t>({100'000}, Numbers(100'000))).ok());
  EXPECT_EQ(Stat("rings"), 0u);
  EXPECT_EQ(Stat("bytes_uploaded"), 100'000u);
}

TEST_F(SharedRingTest, MayBeSwitchedOff) {
  const auto session = Connect({.shared_memory = false});
  const std::vector<uint8_t> sent = Numbers(1 << 20);
  const auto back = session->Fetch<uint8_t>(session->Put<uint8_t>({sent.size()}, sent));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == sent);
  EXPECT_EQ(Stat("bytes_shared"), 0u);
}

TEST_F(SharedRingTest, EndsWithItsSession) {
  auto session = Connect();
  ASSERT_TRUE(session->Put<uint8_t>({1 << 20}, Numbers(1 << 20)).status().ok());
  EXPECT_EQ(Stat("rings"), 1u);
  EXPECT_GT(Stat("staging_bytes"), 0u);
  session = nullptr;
  EXPECT_TRUE(Eventually([&] { return Stat("rings") == 0 && Stat("staging_bytes") == 0; }));
}

TEST_F(SharedRingTest, ThreadsThatFindItBusyGoAnotherWay) {
  const auto session = Connect();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::vector<uint8_t> sent = Numbers((3 << 20) + i);
      const auto back = session->Fetch<uint8_t>(session->Put<uint8_t>({sent.size()}, sent));
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_TRUE(*back == sent);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SharedRingTest, AProxyThatPassesNoDescriptorsCostsNothingButTheSpeed) {
  CuttingProxy proxy(daemon_.address());
  const auto session = Connect({.address = proxy.address()});
  const std::vector<uint8_t> sent = Numbers(3 << 20);
  const auto back = session->Fetch<uint8_t>(session->Put<uint8_t>({sent.size()}, sent));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == sent);
  EXPECT_EQ(Stat("bytes_shared"), 0u);
}

}  // namespace
}  // namespace tensord::client
