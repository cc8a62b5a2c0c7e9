#include "clients/cpp/tensorctl/command_line.h"

#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tensord::ctl {
namespace {

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status ReadTimeout(std::string_view text, Arguments& arguments) {
  double seconds = 0;
  absl::Duration duration;
  if (absl::SimpleAtod(ToAbsl(text), &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(std::string(text), &duration)) {
    duration = -absl::Seconds(1);
  }
  if (duration <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a time as 500ms, 10s or 2m, not '", ToAbsl(text), "'"));
  }
  arguments.timeout = duration;
  return absl::OkStatus();
}

absl::Status ReadOutput(std::string_view text, Arguments& arguments) {
  if (text != "json" && text != "table") {
    return absl::InvalidArgumentError(
        absl::StrCat("expected table or json, not '", ToAbsl(text), "'"));
  }
  arguments.json = text == "json";
  return absl::OkStatus();
}

// The last word of the first line: a bare token, or a line `name token` of the daemon's own file.
absl::Status ReadTokenFile(std::string_view path, Arguments& arguments) {
  std::ifstream file{std::string(path)};
  std::string line, word;
  if (!std::getline(file, line)) {
    return absl::InvalidArgumentError(absl::StrCat("can't read ", ToAbsl(path)));
  }
  for (std::istringstream words(line); words >> word;) arguments.token = word;
  return absl::OkStatus();
}

absl::Status ReadNumber(std::string_view text, int64_t* number) {
  if (absl::SimpleAtoi(ToAbsl(text), number)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected an integer, not '", ToAbsl(text), "'"));
}

absl::Status ReadDevice(std::string_view text, Arguments& arguments) {
  int64_t number = 0;
  if (absl::Status status = ReadNumber(text, &number); !status.ok()) return status;
  if (number < 1 || number > 65535) {
    return absl::InvalidArgumentError("expected a number that `tensorctl devices` lists");
  }
  arguments.device = static_cast<uint32_t>(number);
  return absl::OkStatus();
}

constexpr auto kOk = [] { return absl::OkStatus(); };

// clang-format off
const Flag kFlags[] = {
    {"--address", "-a", "ADDRESS", "", "unix:///path, tls://host:port or host:port; else $TENSORD_ADDR, client.conf, the default socket",
     [](std::string_view v, Arguments& a) { return a.address = v, kOk(); }},
    {"--token-file", "", "FILE", "", "holds the token; else $TENSORD_TOKEN, client.conf",
     ReadTokenFile},
    {"--ca", "", "FILE", "", "who vouches for a tls:// daemon; else $TENSORD_CA, client.conf, the machine's CAs",
     [](std::string_view v, Arguments& a) { return a.tls.ca = v, kOk(); }},
    {"--cert", "", "FILE", "", "the certificate to show a tls:// daemon; else $TENSORD_CERT, client.conf",
     [](std::string_view v, Arguments& a) { return a.tls.cert = v, kOk(); }},
    {"--key", "", "FILE", "", "its private key; else $TENSORD_KEY, client.conf",
     [](std::string_view v, Arguments& a) { return a.tls.key = v, kOk(); }},
    {"--timeout", "-t", "TIME", "", "how long to wait, as 500ms, 10s or 2m; 10s if not given",
     ReadTimeout},
    {"--output", "-o", "table|json", "", "for people or for programs",
     ReadOutput},
    {"--help", "-h", "", "", "says what a command does",
     [](std::string_view, Arguments& a) { return a.help = true, kOk(); }},
    {"--input", "-i", "NUMBERS|@FILE", "run", "an input, in order: 1,2,3 or a file of its bytes",
     [](std::string_view v, Arguments& a) { return a.inputs.emplace_back(v), kOk(); }},
    {"--var", "", "N", "run", "the value of a variable, in order",
     [](std::string_view v, Arguments& a) { return ReadNumber(v, &a.variables.emplace_back()); }},
    {"--device", "", "N", "run", "where ops without inputs are made, by its number",
     ReadDevice},
    {"--follow", "-f", "", "sessions", "goes on telling of sessions that open and close",
     [](std::string_view, Arguments& a) { return a.follow = true, kOk(); }},
    {"--wait", "-w", "", "drain", "returns when the daemon has ended, at most after --timeout",
     [](std::string_view, Arguments& a) { return a.wait = true, kOk(); }},
};
// clang-format on

const Flag* FindFlag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name || (!flag.letter.empty() && flag.letter == name)) return &flag;
  }
  return nullptr;
}

const Command* FindCommand(std::span<const Command> commands, std::string_view name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// Takes the flag at `at` and its value; `at` ends at the last argument used.
absl::Status TakeFlag(std::span<const std::string_view> args, size_t* at, Arguments& arguments,
                      std::vector<const Flag*>& seen) {
  std::string_view name = args[*at], value;
  const size_t equals = name.starts_with("--") ? name.find('=') : name.npos;
  if (equals != name.npos) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  const Flag* flag = FindFlag(name);
  if (flag == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no flag ", ToAbsl(name)));
  }
  if (flag->value.empty() && equals != name.npos) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(name), " takes no value"));
  }
  if (!flag->value.empty() && equals == name.npos) {
    if (++*at == args.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(ToAbsl(name), " wants a value: ", ToAbsl(flag->value)));
    }
    value = args[*at];
  }
  seen.push_back(flag);
  absl::Status status = flag->set(value, arguments);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(flag->name), ": ", status.message()));
}

absl::Status Check(const Arguments& arguments, std::span<const Command> commands,
                   const std::vector<const Flag*>& seen) {
  const Command* command = FindCommand(commands, arguments.command);
  if (command == nullptr) {
    if (arguments.help && arguments.command.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        arguments.command.empty() ? "no command is given"
                                  : absl::StrCat("there is no command ", arguments.command));
  }
  for (const Flag* flag : seen) {
    if (flag->command.empty() || flag->command == command->name) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(flag->name), " belongs to the command ", ToAbsl(flag->command)));
  }
  const size_t words = arguments.words.size();
  if (arguments.help || (words >= command->min_words && words <= command->max_words)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("usage: tensorctl ", ToAbsl(command->name),
                                                 command->words.empty() ? "" : " ",
                                                 ToAbsl(command->words)));
}

}  // namespace

std::span<const Flag> Flags() { return kFlags; }

absl::StatusOr<Arguments> Parse(std::span<const std::string_view> args,
                                std::span<const Command> commands) {
  Arguments arguments;
  std::vector<const Flag*> seen;
  bool flags_end = false;
  for (size_t i = 0; i < args.size(); ++i) {
    if (!flags_end && args[i] == "--") {
      flags_end = true;
    } else if (!flags_end && args[i].size() > 1 && args[i].starts_with("-")) {
      if (absl::Status status = TakeFlag(args, &i, arguments, seen); !status.ok()) return status;
    } else if (arguments.command.empty()) {
      arguments.command = args[i];
    } else {
      arguments.words.emplace_back(args[i]);
    }
  }
  if (absl::Status status = Check(arguments, commands, seen); !status.ok()) return status;
  return arguments;
}

}  // namespace tensord::ctl
