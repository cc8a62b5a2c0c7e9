// tensorctl: asks and steers a daemon from the shell.
#include <cstdio>
#include <string_view>
#include <vector>

#include "clients/cpp/tensorctl/command_line.h"
#include "clients/cpp/tensorctl/commands.h"

namespace tensord::ctl {
namespace {

ExitCode PrintCompletion(const Arguments& arguments);

// clang-format off
constexpr Command kCommands[] = {
    {"devices", "", 0, 0, "what the daemon computes on", ShowDevices},
    {"ops", "[NAME]", 0, 1, "the vocabulary, or one op with its documentation", ShowOps},
    {"sessions", "", 0, 0, "how many sessions there are and what they hold", ShowSessions},
    {"cache", "", 0, 0, "how often plans and kernels were found instead of made", ShowCache},
    {"kernels", "", 0, 0, "kernels compiled and launched, and the time it took", ShowKernels},
    {"stats", "[NAME...]", 0, 64, "every counter and gauge, or those named", ShowStats},
    {"health", "[SERVICE]", 0, 1, "whether the daemon serves; exit code 1 if not", ShowHealth},
    {"drain", "", 0, 0, "asks the daemon to finish and end: SIGTERM to the socket it listens on", Drain},
    {"version", "", 0, 0, "versions of this tool and of the daemon", ShowVersion},
    {"run", "FILE.ir", 1, 1, "computes one graph in IR text; - reads standard input", RunFile},
    {"completion", "SHELL", 1, 1, "prints a completion script for bash, zsh or fish", PrintCompletion},
};
// clang-format on

ExitCode UsageError(const absl::Status& status) {
  std::fprintf(stderr, "tensorctl: %s\nSee tensorctl --help.\n",
               std::string(status.message()).c_str());
  return kUsage;
}

ExitCode PrintCompletion(const Arguments& arguments) {
  const auto script = Completion(arguments.words[0], kCommands);
  if (!script.ok()) return UsageError(script.status());
  std::fputs(script->c_str(), stdout);
  return kOk;
}

ExitCode Main(const std::vector<std::string_view>& args) {
  const auto arguments = Parse(args, kCommands);
  if (!arguments.ok()) return UsageError(arguments.status());
  if (arguments->help) {
    std::fputs(HelpText(kCommands, arguments->command).c_str(), stdout);
    return kOk;
  }
  if (const auto daemon = DaemonOf(*arguments); !daemon.ok()) return UsageError(daemon.status());
  for (const Command& command : kCommands) {
    if (command.name == arguments->command) return command.run(*arguments);
  }
  return kUsage;
}

}  // namespace
}  // namespace tensord::ctl

int main(int argc, char** argv) { return tensord::ctl::Main({argv + 1, argv + argc}); }
