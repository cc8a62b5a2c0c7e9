#include "clients/cpp/tensord/trace.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tensord::client {
namespace {

constexpr size_t kLength = 55;    // of version 00; later ones may go on behind another '-'
constexpr size_t kLongest = 256;  // that an error shows

// Upper case is refused, as by the specification.
bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsId(std::string_view text) { return IsHex(text) && text.find_first_not_of('0') != text.npos; }

bool IsTraceparent(std::string_view text) {
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  if (!IsHex(version) || version == "ff" || !IsHex(text.substr(53, 2))) return false;
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return false;
  return IsId(text.substr(3, 32)) && IsId(text.substr(36, 16));
}

}  // namespace

absl::StatusOr<Trace> Trace::Parse(std::string_view traceparent) {
  if (!IsTraceparent(traceparent)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "traceparent \"", std::string(traceparent.substr(0, kLongest)),
        "\"; expected 00-TRACE-SPAN-FLAGS with 32, 16 and 2 hexadecimal digits in lower case, and "
        "neither id all zeroes"));
  }
  Trace trace;
  trace.text_ = std::string(traceparent);
  return trace;
}

}  // namespace tensord::client
