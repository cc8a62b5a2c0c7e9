// Text helpers over std::string_view. Debian builds abseil with a string_view of its own that takes
// no std::string_view: StrCat and StrAppend do, and otherwise behave as absl's; ToAbsl and FromAbsl
// are for the rest of abseil.
//
//   std::string line = StrCat(name, "=", 3);   // `name` may be a std::string_view
//   for (std::string_view pass : Split(list, ",")) ...
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tensord {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

namespace base {
// A std::string_view as abseil's own, anything else as it is.
template <typename T>
decltype(auto) StrCatArgument(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return ToAbsl(value);
  } else {
    return (value);
  }
}
}  // namespace base

template <typename... Args>
std::string StrCat(const Args&... args) {
  return absl::StrCat(base::StrCatArgument(args)...);
}

template <typename... Args>
void StrAppend(std::string* text, const Args&... args) {
  absl::StrAppend(text, base::StrCatArgument(args)...);
}

// The pieces of `text` between characters of `delimiters`, views into it; empty ones are left out.
inline std::vector<std::string_view> Split(std::string_view text, std::string_view delimiters) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, text.find_first_of(delimiters));
    if (!piece.empty()) pieces.push_back(piece);
    text.remove_prefix(std::min(text.size(), piece.size() + 1));
  }
  return pieces;
}

}  // namespace tensord
