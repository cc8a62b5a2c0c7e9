// The command line as a table: commands and flags; parsing, help and completion read the same rows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/tensorctl/exit_code.h"
#include "clients/cpp/tensord/address.h"

namespace tensord::ctl {

struct Arguments {
  std::string command;
  std::vector<std::string> words;  // what follows the command
  std::string address, token;
  client::TlsFiles tls;
  absl::Duration timeout = absl::Seconds(10);
  bool json = false;
  bool help = false;
  bool follow = false;              // sessions
  bool wait = false;                // drain
  std::vector<std::string> inputs;  // run
  std::vector<int64_t> variables;   // run
  uint32_t device = 0;              // run
};

struct Command {
  std::string_view name;
  std::string_view words;  // how what follows looks: "FILE.ir"
  size_t min_words = 0, max_words = 0;
  std::string_view doc;
  ExitCode (*run)(const Arguments& arguments);
};

struct Flag {
  std::string_view name;     // "--timeout"
  std::string_view letter;   // "-t", or empty
  std::string_view value;    // "TIME"; empty: a switch
  std::string_view command;  // the only one that takes it; empty: all do
  std::string_view doc;
  absl::Status (*set)(std::string_view value, Arguments& arguments);
};

std::span<const Flag> Flags();

// Errors are for people and mean kUsage. --flag VALUE and --flag=VALUE; -- ends the flags.
absl::StatusOr<Arguments> Parse(std::span<const std::string_view> args,
                                std::span<const Command> commands);

std::string HelpText(std::span<const Command> commands, std::string_view command);

// A script for the shell. Errors: INVALID_ARGUMENT, another shell than bash, zsh, fish.
absl::StatusOr<std::string> Completion(std::string_view shell, std::span<const Command> commands);

}  // namespace tensord::ctl
