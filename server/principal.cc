#include "server/principal.h"

#include "engine/base/strings.h"

namespace tensord::server {

std::string PrincipalName(std::string_view source, std::string_view name) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@:";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out = StrCat(source, ":");
  for (const char c : name) {
    if (kPlain.find(c) != kPlain.npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace tensord::server
