// --check-config and SIGHUP, by the whole program: whatever start-up would refuse, the check
// refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/server/daemon_process.h"

namespace tensord::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Verdict {
  int code;
  std::string output;
};

class CheckConfigTest : public testing::Test {
 protected:
  // Of these options beside some sound ones; what a flag says twice, the last counts.
  Verdict Check(std::vector<std::string> flags) {
    std::vector<std::string> args = {"--check-config", "--device=cpu", "--cache-dir=off",
                                     "--log-level=error"};
    args.insert(args.end(), flags.begin(), flags.end());
    if (listen_) args.push_back("--listen=unix://" + Path("d.sock"));
    Daemon daemon(std::move(args), DaemonKind::kReal);
    const std::string output = daemon.ReadUntil("\n\n");
    return {daemon.Wait(), output};
  }
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    EXPECT_TRUE(base::WriteFileAtomically(Path(name), text, mode).ok());
    return Path(name);
  }
  bool listen_ = true;
  base::TempDir dir_;
};

TEST_F(CheckConfigTest, SoundOptionsAreOk) {
  const Verdict verdict = Check({"--metrics-listen=127.0.0.1:0"});
  EXPECT_EQ(verdict.output, "ok\n");
  EXPECT_EQ(verdict.code, 0);
}

TEST_F(CheckConfigTest, WhatOptionsSayWrongIsBadUsage) {
  EXPECT_EQ(Check({"--threads=many"}).code, 2);
  EXPECT_EQ(Check({"--config=" + Path("absent")}).code, 2);
  EXPECT_EQ(Check({"--otlp-endpoint=http://x"}).code, 2);
}

TEST_F(CheckConfigTest, WhatThisMachineRefusesIsSaid) {
  const std::string open = Write("tokens", "alice 0123456789abcdef\n", 0644);
  ASSERT_EQ(mkdir(Path("cache").c_str(), 0700) | chmod(Path("cache").c_str(), 0755), 0);
  const std::pair<std::string, std::string> rows[] = {
      {"--token-file=" + open, "chmod 0600"},
      {"--token-file=" + Path("absent"), "absent"},
      {"--device=abacus", "abacus"},
      {"--cache-dir=" + Path("cache"), "0700"},
      {"--cache-dir=/proc/tensord", "/proc/tensord"},
      {"--metrics-listen=192.0.2.1:9464", "192.0.2.1:9464"},
      {"--metrics-listen=no port", "metrics-listen"},
  };
  for (const auto& [flag, words] : rows) {
    const Verdict verdict = Check({flag});
    EXPECT_EQ(verdict.code, 1) << flag << ": " << verdict.output;
    EXPECT_THAT(verdict.output, AllOf(HasSubstr("tensord: "), HasSubstr(words))) << flag;
  }
}

TEST_F(CheckConfigTest, SocketPathsNeedAFolderAndNoFileInTheirPlace) {
  listen_ = false;
  EXPECT_THAT(Check({"--listen=unix://" + Path("no/d.sock")}).output,
              HasSubstr("no socket can be"));
  const Verdict taken = Check({"--listen=unix://" + Write("file", "text")});
  EXPECT_THAT(taken.output, HasSubstr("is no socket"));
  EXPECT_EQ(taken.code, 1);
}

TEST_F(CheckConfigTest, BesideTheLivingDaemonItIsANoteAndNoError) {
  Daemon living({"--listen=unix://" + Path("d.sock"), "--cache-dir=off"});
  living.ReadUntil("listening");
  const Verdict verdict = Check({});
  EXPECT_THAT(verdict.output, HasSubstr("note: another process listens on " + Path("d.sock")));
  EXPECT_EQ(verdict.code, 0);
}

TEST_F(CheckConfigTest, SighupReadsTheFileAgainAndSaysWhatHasToWait) {
  const std::string config = Write("conf", "slow-command = 1s\n");
  Daemon daemon({"--config=" + config, "--listen=unix://" + Path("d.sock"), "--cache-dir=off"});
  daemon.ReadUntil("listening");
  Write("conf", "slow-command = 2s\nthreads = 3\n");
  daemon.Signal(SIGHUP);
  EXPECT_THAT(daemon.ReadUntil("configuration reloaded"),
              HasSubstr("option changes with a restart only\" option=threads"));
  Write("conf", "slow-command = soon\n");
  daemon.Signal(SIGHUP);
  EXPECT_THAT(daemon.ReadUntil("not reloaded"), HasSubstr("conf:1"));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
}

}  // namespace
}  // namespace tensord::server
