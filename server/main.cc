// tensord: flags → Server → wait.
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/settings.h"
#include "server/grpc_log.h"
#include "server/make_handler.h"
#include "server/options.h"
#include "server/server.h"
#include "server/signals.h"

namespace tensord::server {
namespace {

constexpr int kBadUsage = 2;

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "tensord: %s\n", std::string(status.message()).c_str());
  return code;
}

// Answers the modes that do not serve; -1 for the one that does.
int Inform(const Options& options) {
  switch (options.mode) {
    case Options::Mode::kHelp:
      return std::fputs(HelpText().c_str(), stdout), 0;
    case Options::Mode::kVersion:
      return std::puts("tensord " TENSORD_VERSION), 0;
    case Options::Mode::kPrintConfig:
      return std::fputs(PrintConfig(options).c_str(), stdout), 0;
    case Options::Mode::kCheckConfig:
      return std::puts("ok"), 0;
    case Options::Mode::kServe:
      return -1;
  }
  return -1;
}

// Until something asks for the end; then the end.
void ServeUntilSignal(const Signals& signals, const Options& options, Server& server) {
  const Signals::Event event = signals.Wait(absl::InfiniteDuration());
  if (event == Signals::Event::kParentGone) return server.Stop();
  const bool polite = event == Signals::Event::kTerminate;
  server.Drain(polite ? options.drain_delay : absl::ZeroDuration(),
               [&](absl::Duration time) { return signals.Wait(time) != Signals::Event::kNone; });
}

// Chunks of transfers are allocated and freed all the time: by default glibc would map each anew,
// or give it back to the system, and faulting its pages in costs more than copying its bytes.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int Main(std::span<const std::string_view> args) {
  absl::StatusOr<Options> options = ParseOptions(args, base::ProcessEnvironment());
  if (!options.ok()) return Fail(options.status(), kBadUsage);
  if (const int code = Inform(*options); code >= 0) return code;
  KeepFreedMemory();
  ApplyToEngine(*options);
  TakeOverGrpcLog();
  for (const std::string& name : options->warnings) {
    LOG_WARNING("unknown environment variable", {"name", name});
  }
  absl::StatusOr<Signals> signals = Signals::Install();
  if (!signals.ok()) return Fail(signals.status(), 1);
  if (options->exit_with_parent) signals->WatchParent();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*options, MakeComputeHandler);
  if (!server.ok()) return Fail(server.status(), 1);
  for (const std::string& address : (*server)->addresses()) {
    std::printf("listening %s\n", address.c_str());
  }
  std::fflush(stdout);
  signals->OnReload([&] { (*server)->Reload(); });
  ServeUntilSignal(*signals, *options, **server);
  return 0;
}

}  // namespace
}  // namespace tensord::server

int main(int argc, char** argv) {
  std::vector<std::string_view> args(argv + 1, argv + argc);
  return tensord::server::Main(args);
}
