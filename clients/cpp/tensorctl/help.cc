// Help and shell completion, from the tables of command_line.cc and main.cc.
#include "absl/strings/str_cat.h"
#include "clients/cpp/tensorctl/command_line.h"

namespace tensord::ctl {
namespace {

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

std::string Line(const std::string& left, std::string_view doc) {
  const size_t width = 30;
  const std::string space(left.size() < width ? width - left.size() : 1, ' ');
  return absl::StrCat("  ", left, space, ToAbsl(doc), "\n");
}

bool Takes(std::string_view command, const Flag& flag) {
  return flag.command.empty() || flag.command == command;
}

std::string FlagText(const Flag& flag) {
  return absl::StrCat(ToAbsl(flag.letter), flag.letter.empty() ? "" : ", ", ToAbsl(flag.name),
                      flag.value.empty() ? "" : "=", ToAbsl(flag.value));
}

// "devices ops …".
std::string CommandNames(std::span<const Command> commands) {
  std::string names;
  for (const Command& command : commands) {
    absl::StrAppend(&names, names.empty() ? "" : " ", ToAbsl(command.name));
  }
  return names;
}

std::string FlagNames(std::string_view command) {
  std::string names;
  for (const Flag& flag : Flags()) {
    if (Takes(command, flag)) {
      absl::StrAppend(&names, names.empty() ? "" : " ", ToAbsl(flag.name));
    }
  }
  return names;
}

// zsh runs it too, by its bashcompinit.
std::string BashCompletion(std::span<const Command> commands) {
  std::string cases;
  for (const Command& command : commands) {
    absl::StrAppend(&cases, "    ", ToAbsl(command.name), ") flags=\"", FlagNames(command.name),
                    "\" ;;\n");
  }
  return absl::StrCat(
      "_tensorctl() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= i flags\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "    -a|--address|-t|--timeout|-o|--output|-i|--input|--var|--device) ((++i)) ;;\n"
      "    --token-file|--ca|--cert|--key) ((++i)) ;;\n"
      "    -*) ;;\n"
      "    *) command=${COMP_WORDS[i]}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case $before in\n"
      "    -o|--output) COMPREPLY=($(compgen -W 'table json' -- \"$word\")); return ;;\n"
      "    --token-file|--ca|--cert|--key) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
      "  esac\n"
      "  case $command in\n",
      cases, "    *) flags=\"", FlagNames(""),
      "\" ;;\n"
      "  esac\n"
      "  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
      "  elif [[ -z $command ]]; then COMPREPLY=($(compgen -W '",
      CommandNames(commands),
      "' -- \"$word\"))\n"
      "  elif [[ $command == run ]]; then COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "  elif [[ $command == completion ]]; then\n"
      "    COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\"))\n"
      "  fi\n"
      "}\n"
      "complete -F _tensorctl tensorctl\n");
}

std::string FishCompletion(std::span<const Command> commands) {
  std::string text = "complete -c tensorctl -f\n";
  for (const Command& command : commands) {
    absl::StrAppend(&text, "complete -c tensorctl -n __fish_use_subcommand -a ",
                    ToAbsl(command.name), " -d '", ToAbsl(command.doc), "'\n");
  }
  for (const Flag& flag : Flags()) {
    absl::StrAppend(&text, "complete -c tensorctl");
    if (!flag.command.empty()) {
      absl::StrAppend(&text, " -n '__fish_seen_subcommand_from ", ToAbsl(flag.command), "'");
    }
    absl::StrAppend(&text, " -l ", ToAbsl(flag.name.substr(2)));
    if (!flag.letter.empty()) absl::StrAppend(&text, " -s ", ToAbsl(flag.letter.substr(1)));
    if (!flag.value.empty()) absl::StrAppend(&text, " -r");
    if (flag.name == "--output") absl::StrAppend(&text, " -a 'table json'");
    absl::StrAppend(&text, " -d '", ToAbsl(flag.doc), "'\n");
  }
  absl::StrAppend(&text, "complete -c tensorctl -n '__fish_seen_subcommand_from run' -F\n",
                  "complete -c tensorctl -n '__fish_seen_subcommand_from completion' ",
                  "-a 'bash zsh fish'\n");
  return text;
}

}  // namespace

std::string HelpText(std::span<const Command> commands, std::string_view command) {
  std::string text;
  for (const Command& row : commands) {
    if (!command.empty() && row.name != command) continue;
    absl::StrAppend(
        &text, Line(absl::StrCat(ToAbsl(row.name), row.words.empty() ? "" : " ", ToAbsl(row.words)),
                    row.doc));
  }
  absl::StrAppend(&text, "\n");
  for (const Flag& flag : Flags()) {
    if (command.empty() ? flag.command.empty() : Takes(command, flag)) {
      absl::StrAppend(&text, Line(FlagText(flag), flag.doc));
    }
  }
  return absl::StrCat("tensorctl COMMAND [FLAGS]: asks and steers a tensord daemon.\n\n", text,
                      "\nExit codes: 0 done, 1 failed, 2 usage, 3 cannot connect.\n");
}

absl::StatusOr<std::string> Completion(std::string_view shell, std::span<const Command> commands) {
  if (shell == "bash") return BashCompletion(commands);
  if (shell == "zsh") {
    return "#compdef tensorctl\nautoload -U +X bashcompinit && bashcompinit\n" +
           BashCompletion(commands);
  }
  if (shell == "fish") return FishCompletion(commands);
  return absl::InvalidArgumentError(
      absl::StrCat("no completion for '", ToAbsl(shell), "'; there is one for bash, zsh and fish"));
}

}  // namespace tensord::ctl
