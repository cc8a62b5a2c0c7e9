// A client that is killed in the middle of something leaves nothing in the daemon: no values, no
// staged bytes, no session, no transfer, no descriptor.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "clients/cpp/tensord/daemon.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

// What is to be as before.
const std::vector<std::string> kGauges = {"sessions",       "session_streams", "transfers",
                                          "resident_bytes", "staging_bytes",   "publications",
                                          "rings"};

class KilledClientTest : public testing::TestWithParam<std::string> {
 protected:
  std::map<std::string, uint64_t> Stats() {
    std::map<std::string, uint64_t> stats;
    const absl::StatusOr<v1::StatsReply> reply = probe_.GetStats();
    EXPECT_TRUE(reply.ok()) << reply.status();
    for (const v1::Counter& counter : reply->counters()) stats[counter.name()] = counter.value();
    return stats;
  }
  std::map<std::string, uint64_t> Held() {
    const auto stats = Stats();
    std::map<std::string, uint64_t> held;
    for (const std::string& name : kGauges) held[name] = stats.at(name);
    held["descriptors"] = Descriptors();
    return held;
  }
  size_t Descriptors() const {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(daemon_.pid()) + "/fd");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }
  // A number that grows while the client does what it is to be killed in.
  uint64_t Progress(const std::string& what) {
    const auto stats = Stats();
    if (what == "upload") return stats.at("bytes_uploaded");
    if (what == "download") return stats.at("bytes_downloaded");
    return stats.at("executes");
  }

  const TemporaryFolder folder_;
  const DaemonProcess daemon_{{"--lease=1s", "--listen=unix://" + (folder_ / "s.sock")}};
  const Daemon probe_ = *Daemon::At({.address = daemon_.address()});
};

TEST_P(KilledClientTest, LeavesNothing) {
  const auto before = Held();
  const pid_t client = fork();
  if (client == 0) {
    execl(BUSY_CLIENT, BUSY_CLIENT, daemon_.address().c_str(), GetParam().c_str(), nullptr);
    _exit(127);
  }
  constexpr uint64_t kWhole = uint64_t{48} << 20;  // more than the value that it begins with
  const uint64_t enough = GetParam() == "execute" ? 100 : kWhole;
  ASSERT_TRUE(Eventually([&] { return Progress(GetParam()) >= enough; }));
  kill(client, SIGKILL);
  int status = 0;
  waitpid(client, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
  EXPECT_TRUE(Eventually([&] { return Held() == before; })) << testing::PrintToString(Held());
  EXPECT_EQ(Held(), before);
}

INSTANTIATE_TEST_SUITE_P(In, KilledClientTest, testing::Values("upload", "execute", "download"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tensord::client
