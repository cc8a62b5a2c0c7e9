#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/file.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

absl::StatusOr<Options> Parse(std::vector<std::string> args,
                              std::vector<std::string> environment = {"HOME=/home/u"}) {
  return ParseOptions(std::vector<std::string_view>(args.begin(), args.end()), environment);
}

std::string ErrorOf(std::vector<std::string> args, std::vector<std::string> environment = {}) {
  return std::string(Parse(std::move(args), std::move(environment)).status().message());
}

TEST(Options, DefaultsFitTheUser) {
  const Options options = *Parse({}, {"XDG_RUNTIME_DIR=/run/user/7", "HOME=/home/u"});
  EXPECT_THAT(options.listen, ElementsAre("unix:///run/user/7/tensord.sock"));
  EXPECT_EQ(options.cache_dir, "/home/u/.cache/tensord");
  EXPECT_EQ(options.metrics_listen, "");
  EXPECT_EQ(Parse({}, {})->listen.front(), "unix:///run/tensord/tensord.sock");
  EXPECT_EQ(Parse({}, {"CACHE_DIRECTORY=/var/cache/t"})->cache_dir, "/var/cache/t");
}

TEST(Options, AFlagBeatsTheEnvironmentWhichBeatsTheFile) {
  base::TempDir dir;
  const std::string path = dir.path() + "/conf";
  ASSERT_TRUE(base::WriteFileAtomically(path,
                                        "# of the site\n"
                                        "threads = 1   # one\n"
                                        "lease = 10s\n"
                                        "\n"
                                        "drain-delay=1s\n")
                  .ok());
  const std::string config = "--config=" + path;
  const Options options =
      *Parse({config, "--threads", "3"}, {"TENSORD_THREADS=2", "TENSORD_DRAIN_DELAY=2s"});
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.drain_delay, absl::Seconds(2));
  EXPECT_EQ(options.lease, absl::Seconds(10));
  EXPECT_THAT(PrintConfig(options), HasSubstr("threads = 3  # flag"));
  EXPECT_THAT(PrintConfig(options), HasSubstr("drain-delay = 2s  # environment"));
  EXPECT_THAT(PrintConfig(options), HasSubstr("lease = 10s  # file"));
  EXPECT_THAT(PrintConfig(options), HasSubstr("max-calls = 1024  # default"));
}

TEST(Options, ListenMayBeRepeatedInOnePlace) {
  const Options options = *Parse({"--listen=unix:///a.sock", "--listen", "unix:///b.sock"},
                                 {"TENSORD_LISTEN=unix:///c.sock"});
  EXPECT_THAT(options.listen, ElementsAre("unix:///a.sock", "unix:///b.sock"));
  EXPECT_THAT(Parse({}, {"TENSORD_LISTEN=unix:///c.sock,unix:///d.sock"})->listen,
              ElementsAre("unix:///c.sock", "unix:///d.sock"));
}

TEST(Options, WhatPrintConfigWritesReadsBackTheSame) {
  const Options options = *Parse({"--threads=3", "--device=cpu,null", "--exit-with-parent",
                                  "--cache-dir=off", "--listen=unix:///a.sock"});
  base::TempDir dir;
  const std::string path = dir.path() + "/conf";
  ASSERT_TRUE(base::WriteFileAtomically(path, PrintConfig(options)).ok());
  const std::string config = "--config=" + path;
  const Options again = *Parse({config});
  EXPECT_EQ(again.threads, 3);
  EXPECT_THAT(again.device, ElementsAre("cpu", "null"));
  EXPECT_TRUE(again.exit_with_parent);
  EXPECT_THAT(again.listen, ElementsAre("unix:///a.sock"));
}

TEST(Options, UnknownFlagsAndKeysAreRefused) {
  EXPECT_THAT(ErrorOf({"--thread=1"}), HasSubstr("no option is called thread"));
  EXPECT_THAT(ErrorOf({"serve"}), HasSubstr("unexpected argument"));
  base::TempDir dir;
  const std::string path = dir.path() + "/conf";
  ASSERT_TRUE(base::WriteFileAtomically(path, "threads = 1\nspeed = 9\n").ok());
  EXPECT_THAT(ErrorOf({"--config=" + path}), HasSubstr("conf:2: no option is called speed"));
}

TEST(Options, UnknownVariablesAreReported) {
  const Options options = *Parse({}, {"TENSORD_SERVICE_HOST=10.0.0.1", "TENSORD_DEBUG=1"});
  EXPECT_THAT(options.warnings, ElementsAre("TENSORD_SERVICE_HOST"));
}

TEST(Options, ValuesAreChecked) {
  EXPECT_THAT(ErrorOf({"--threads=many"}), HasSubstr("--threads: expected a number from 0 to"));
  EXPECT_THAT(ErrorOf({"--threads"}), HasSubstr("wants a value"));
  EXPECT_THAT(ErrorOf({"--log-level=loud"}), HasSubstr("expected one of debug, info"));
  EXPECT_THAT(ErrorOf({"--drain-delay=-1s"}), HasSubstr("between 0 and 24h"));
  EXPECT_THAT(ErrorOf({"--exit-with-parent=perhaps"}), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOf({"--memory-limit=8X"}), HasSubstr("expected bytes"));
  EXPECT_EQ(Parse({"--memory-limit=8G"})->memory_limit, int64_t{8} << 30);
  EXPECT_EQ(Parse({"--memory-limit=512MiB"})->memory_limit, int64_t{512} << 20);
  EXPECT_THAT(ErrorOf({"--memory-limit=99999999T"}), HasSubstr("expected bytes"));
}

TEST(Options, AddressesThatWouldBeUnsafeAreRefused) {
  EXPECT_THAT(ErrorOf({"--listen=tcp://0.0.0.0:7070"}), HasSubstr("unencrypted"));
  EXPECT_THAT(ErrorOf({"--listen=tcp://127.0.0.1:7070"}), HasSubstr("--token-file"));
  EXPECT_THAT(ErrorOf({"--listen=unix://relative"}), HasSubstr("absolute"));
  EXPECT_THAT(ErrorOf({"--listen=unix:///" + std::string(200, 'x')}), HasSubstr("at most 107"));
  EXPECT_THAT(ErrorOf({"--listen=tcp://127.0.0.1:99999"}), HasSubstr("expected tcp://host:port"));
  EXPECT_EQ(ParseAddress("tcp://[::1]:80")->ToString(), "tcp://[::1]:80");
  EXPECT_EQ(ParseAddress("localhost:0")->port, 0);
}

TEST(Options, TracesAndSlowCommandsAreOffUnlessAskedFor) {
  EXPECT_EQ(Parse({})->otlp_endpoint, "");
  EXPECT_EQ(Parse({})->slow_command, absl::ZeroDuration());
  EXPECT_EQ(Parse({"--otlp-endpoint=localhost:4317"})->otlp_endpoint, "localhost:4317");
  EXPECT_EQ(Parse({"--otlp-endpoint=off"})->otlp_endpoint, "");
  EXPECT_THAT(ErrorOf({"--otlp-endpoint=localhost"}), HasSubstr("expected host:port"));
  EXPECT_EQ(Parse({"--slow-command=250ms"})->slow_command, absl::Milliseconds(250));
}

TEST(Options, DifferencesAreNamed) {
  EXPECT_THAT(DifferingOptions(*Parse({"--threads=1"}), *Parse({"--threads=2", "--device=cpu"})),
              ElementsAre("device", "threads"));
}

TEST(Options, ATlsListenerWantsACertificateAndAWayToKnowItsClients) {
  const std::string listen = "--listen=tls://0.0.0.0:7070";
  EXPECT_THAT(ErrorOf({listen}), HasSubstr("--tls-cert and --tls-key"));
  EXPECT_THAT(ErrorOf({listen, "--tls-cert=c", "--tls-key=k"}), HasSubstr("anybody could connect"));
  for (const char* known : {"--tls-client-ca=ca", "--token-file=t", "--jwt-key-file=j"}) {
    const auto options = Parse({listen, "--tls-cert=c", "--tls-key=k", known, "--jwt-audience=a"});
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_THAT(options->listen, ElementsAre("tls://0.0.0.0:7070"));
  }
  EXPECT_THAT(ErrorOf({"--listen=tls://7070"}), HasSubstr("expected tls://host:port"));
  EXPECT_THAT(ErrorOf({"--listen=tls://:7070"}), HasSubstr("0.0.0.0 or [::] for every one"));
  EXPECT_EQ(ParseAddress("tls://[::]:80")->ToString(), "tls://[::]:80");
}

TEST(Options, JwtKeysWantAnAudience) {
  EXPECT_THAT(ErrorOf({"--jwt-key-file=k"}), HasSubstr("without --jwt-audience"));
  EXPECT_THAT(ErrorOf({"--jwt-secret-file=k"}), HasSubstr("without --jwt-audience"));
  EXPECT_THAT(ErrorOf({"--jwt-principal-claim="}), HasSubstr("must name a claim"));
  const auto options =
      Parse({"--listen=tcp://127.0.0.1:0", "--jwt-key-file=k", "--jwt-audience=tensord"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->jwt_principal_claim, "sub");
}

TEST(Options, HelpNamesEveryOption) {
  EXPECT_EQ(Parse({"--help"})->mode, Options::Mode::kHelp);
  EXPECT_EQ(Parse({"--print-config"})->mode, Options::Mode::kPrintConfig);
  for (const char* name : {"--listen", "--drain-timeout", "--check-config", "--token-file",
                           "--jwt-key-file", "--tls-client-ca", "--first-call"}) {
    EXPECT_THAT(HelpText(), HasSubstr(name));
  }
}

}  // namespace
}  // namespace tensord::server
