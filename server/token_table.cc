#include "server/token_table.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "engine/base/status.h"

namespace tensord::server {
namespace {

constexpr size_t kMinTokenBytes = 16;

bool IsName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_.-@").find(c) != std::string_view::npos;
  });
}

}  // namespace

absl::StatusOr<TokenTable> TokenTable::Parse(std::string_view text) {
  TokenTable table;
  for (std::string_view line : Split(text, "\n")) {
    RETURN_IF_ERROR(table.AddLine(line.substr(0, line.find('#'))));
  }
  if (table.names_.empty()) return InvalidArgument("it has no token");
  return table;
}

absl::Status TokenTable::AddLine(std::string_view line) {
  const std::vector<std::string_view> words = Split(line, " \t\r");
  if (words.empty()) return absl::OkStatus();
  if (words.size() > 2) return InvalidArgument("expected `name token` on a line");
  if (words.back().size() < kMinTokenBytes) {
    return InvalidArgument("a token has at least ", kMinTokenBytes, " bytes");
  }
  const std::string_view name = words.size() == 2 ? words[0] : "token";
  if (!IsName(name)) {
    return InvalidArgument("a name is letters, digits and _ . - @, not '", name, "'");
  }
  names_[base::Sha256(words.back())] = std::string(name);
  return absl::OkStatus();
}

const std::string* TokenTable::Find(std::string_view token) const {
  const auto it = names_.find(base::Sha256(token));
  return it == names_.end() ? nullptr : &it->second;
}

}  // namespace tensord::server
