// Readers of option values: text to a typed field, or a status that says what was expected.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tensord::server {

// Cuts `prefix` off the front (`suffix` off the end) of `*text`; false when it is not there.
bool ConsumePrefix(std::string_view* text, std::string_view prefix);
bool ConsumeSuffix(std::string_view* text, std::string_view suffix);

absl::Status ReadText(std::string_view text, std::string* value);
absl::Status ReadChoice(std::string_view text, std::initializer_list<std::string_view> choices,
                        std::string* value);
absl::Status ReadInt(std::string_view text, int64_t low, int64_t high, int64_t* value);
absl::Status ReadBool(std::string_view text, bool* value);

// "250ms", "10s", "2m"; a bare number is seconds. Between 0 and one day.
absl::Status ReadDuration(std::string_view text, absl::Duration* value);

// "4096", "512M", "8G", also with "i" and "B": powers of 1024.
absl::Status ReadBytes(std::string_view text, int64_t* value);

// Names separated by commas; "all" is the empty list.
absl::Status ReadNames(std::string_view text, std::vector<std::string>* value);

// A listen address, checked and appended.
absl::Status ReadAddress(std::string_view text, std::vector<std::string>* value);

// "host:port" or "unix:///path" of a collector; "off" is "".
absl::Status ReadOtlpEndpoint(std::string_view text, std::string* value);

}  // namespace tensord::server
