// tensord: flags → Server → wait.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "engine/base/host.h"
#include "engine/base/log.h"
#include "engine/base/settings.h"
#include "engine/base/strings.h"
#include "server/grpc_log.h"
#include "server/make_handler.h"
#include "server/options.h"
#include "server/server.h"
#include "server/service_manager.h"
#include "server/signals.h"

namespace tensord::server {
namespace {

constexpr int kCannotStart = 1, kBadUsage = 2;
constexpr absl::Duration kStopTime = absl::Seconds(10);  // what is left to do after a drain

using Args = std::span<const std::string_view>;

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "tensord: %s\n", std::string(status.message()).c_str());
  return code;
}

int CheckConfig(const Options& options) {
  ApplyToEngine(options);
  const absl::StatusOr<std::vector<std::string>> notes = Server::Check(options, MakeComputeHandler);
  if (!notes.ok()) return Fail(notes.status(), kCannotStart);
  for (const std::string& note : *notes) std::printf("note: %s\n", note.c_str());
  return std::puts("ok"), 0;
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
      return CheckConfig(options);
    case Options::Mode::kServe:
      return -1;
  }
  return -1;
}

// Waits for signals, and meanwhile tells the service manager that the daemon lives, as long as its
// housekeeper comes round.
class Watch {
 public:
  Watch(const Signals& signals, const ServiceManager& manager, const Server& server)
      : signals_(signals), manager_(manager), server_(server) {
    if (manager.watchdog() > absl::ZeroDuration()) interval_ = manager.watchdog() / 2;
  }

  // As Signals::Wait.
  Signals::Event Wait(absl::Duration timeout) {
    const absl::Time end = absl::Now() + timeout;
    for (;;) {
      const absl::Duration left = std::max(absl::ZeroDuration(), end - absl::Now());
      const Signals::Event event = signals_.Wait(std::min(left, interval_));
      if (interval_ != absl::InfiniteDuration() && server_.rounds() != rounds_) {
        rounds_ = server_.rounds();
        manager_.Notify("WATCHDOG=1");
      }
      if (event != Signals::Event::kNone || absl::Now() >= end) return event;
    }
  }

 private:
  const Signals& signals_;
  const ServiceManager& manager_;
  const Server& server_;
  absl::Duration interval_ = absl::InfiniteDuration();
  uint64_t rounds_ = 0;
};

// Takes over what may change while it runs; what is wrong or needs a restart is logged.
void Reload(Args args, Options& options, Server& server) {
  server.Reload();
  absl::StatusOr<Options> read = ParseOptions(args, base::ProcessEnvironment());
  if (!read.ok()) {
    LOG_ERROR("configuration not reloaded", {"status", read.status()});
    return;
  }
  options.log_level = read->log_level;
  options.log_format = read->log_format;
  options.slow_command = read->slow_command;
  ApplyToEngine(options);
  server.recorder().SetSlowCommand(options.slow_command);
  for (const std::string& name : DifferingOptions(options, *read)) {
    LOG_WARNING("option changes with a restart only", {"option", name});
  }
  LOG_INFO("configuration reloaded");
}

constexpr int kLeastArenas = 4;

// Chunks of transfers are allocated and freed all the time: by default glibc would map each anew,
// or give it back to the system, and faulting its pages in costs more than copying its bytes. What
// is kept is kept by each arena, and glibc makes eight of them for each core.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_ARENA_MAX, std::max(kLeastArenas, base::CpuCount()));
}

// Until something asks for the end; then the end.
void ServeUntilSignal(const Signals& signals, const ServiceManager& manager, Args args,
                      Options& options, Server& server) {
  Watch watch(signals, manager, server);
  std::string status = "serving on";
  for (const std::string& address : server.addresses()) StrAppend(&status, " ", address);
  manager.Ready(status);
  Signals::Event event = watch.Wait(absl::InfiniteDuration());
  for (; event == Signals::Event::kReload; event = watch.Wait(absl::InfiniteDuration())) {
    manager.Reloading();
    Reload(args, options, server);
    manager.Ready(status);
  }
  if (event == Signals::Event::kParentGone) return server.Stop();
  const absl::Duration delay =
      event == Signals::Event::kTerminate ? options.drain_delay : absl::ZeroDuration();
  manager.Stopping(delay + options.drain_timeout + kStopTime);
  server.Drain(delay, [&](absl::Duration time) {
    const Signals::Event next = watch.Wait(time);
    return next != Signals::Event::kNone && next != Signals::Event::kReload;
  });
}

int Main(Args args) {
  absl::StatusOr<Options> options = ParseOptions(args, base::ProcessEnvironment());
  if (!options.ok()) return Fail(options.status(), kBadUsage);
  if (const int code = Inform(*options); code >= 0) return code;
  ServiceManager manager = ServiceManager::FromEnvironment();
  // A private daemon's environment is its parent's, and so is the service manager.
  if (options->exit_with_parent) manager = ServiceManager("");
  KeepFreedMemory();
  ApplyToEngine(*options);
  TakeOverGrpcLog();
  for (const std::string& name : options->warnings) {
    LOG_WARNING("unknown environment variable", {"name", name});
  }
  absl::StatusOr<Signals> signals = Signals::Install();
  if (!signals.ok()) return Fail(signals.status(), kCannotStart);
  if (options->exit_with_parent) signals->WatchParent();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*options, MakeComputeHandler);
  if (!server.ok()) return Fail(server.status(), kCannotStart);
  for (const std::string& address : (*server)->addresses()) {
    std::printf("listening %s\n", address.c_str());
  }
  std::fflush(stdout);
  ServeUntilSignal(*signals, manager, args, *options, **server);
  return 0;
}

}  // namespace
}  // namespace tensord::server

int main(int argc, char** argv) {
  // Debian's Abseil is built with its checks: gRPC's locks would keep a graph of their order.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::vector<std::string_view> args(argv + 1, argv + argc);
  return tensord::server::Main(args);
}
