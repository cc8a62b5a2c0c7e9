#include "server/option_values.h"

#include <sys/un.h>

#include "absl/strings/numbers.h"
#include "engine/base/status.h"
#include "server/options.h"
#include "server/telemetry/otlp_exporter.h"

namespace tensord::server {
namespace {

std::string Joined(std::initializer_list<std::string_view> words) {
  std::string text;
  for (std::string_view word : words) StrAppend(&text, text.empty() ? "" : ", ", word);
  return text;
}

absl::StatusOr<Address> ParseUnix(std::string_view path) {
  if (!path.starts_with("/")) {
    return InvalidArgument("a socket path must be absolute, as in unix:///run/tensord.sock");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return InvalidArgument("a socket path is at most ", sizeof(sockaddr_un::sun_path) - 1,
                           " bytes long: ", path);
  }
  return Address{.kind = Address::Kind::kUnix, .path = std::string(path)};
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

absl::StatusOr<Address> ParseHostPort(std::string_view text, Address::Kind kind) {
  Address address{.kind = kind};
  const size_t colon = text.rfind(':');
  if (colon == text.npos || !absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &address.port) ||
      address.port < 0 || address.port > 65535) {
    return InvalidArgument("expected ", kind == Address::Kind::kTls ? "tls" : "tcp",
                           "://host:port, not '", text, "'");
  }
  std::string_view host = text.substr(0, colon);
  if (ConsumePrefix(&host, "[")) ConsumeSuffix(&host, "]");
  if (host.empty()) {
    return InvalidArgument("expected a host before the port: 0.0.0.0 or [::] for every one");
  }
  if (kind == Address::Kind::kTcp && !IsLoopback(host)) {
    return InvalidArgument("listening on ", host, " would serve other machines unencrypted; ",
                           "listen on tls://", text, ", or on a loopback address");
  }
  address.host = std::string(host);
  return address;
}

}  // namespace

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool ConsumeSuffix(std::string_view* text, std::string_view suffix) {
  if (!text->ends_with(suffix)) return false;
  text->remove_suffix(suffix.size());
  return true;
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  if (ConsumePrefix(&text, "unix://")) return ParseUnix(text);
  if (ConsumePrefix(&text, "unix:")) return ParseUnix(text);
  if (ConsumePrefix(&text, "tls://")) return ParseHostPort(text, Address::Kind::kTls);
  ConsumePrefix(&text, "tcp://");
  return ParseHostPort(text, Address::Kind::kTcp);
}

absl::Status ReadText(std::string_view text, std::string* value) {
  *value = std::string(text);
  return absl::OkStatus();
}

absl::Status ReadChoice(std::string_view text, std::initializer_list<std::string_view> choices,
                        std::string* value) {
  for (std::string_view choice : choices) {
    if (text == choice) return ReadText(text, value);
  }
  return InvalidArgument("expected one of ", Joined(choices), ", not '", text, "'");
}

absl::Status ReadInt(std::string_view text, int64_t low, int64_t high, int64_t* value) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &number) || number < low || number > high) {
    return InvalidArgument("expected a number from ", low, " to ", high, ", not '", text, "'");
  }
  *value = number;
  return absl::OkStatus();
}

absl::Status ReadBool(std::string_view text, bool* value) {
  if (!absl::SimpleAtob(ToAbsl(text), value)) {
    return InvalidArgument("expected true or false, not '", text, "'");
  }
  return absl::OkStatus();
}

absl::Status ReadDuration(std::string_view text, absl::Duration* value) {
  absl::Duration duration;
  int64_t seconds = 0;
  if (absl::SimpleAtoi(ToAbsl(text), &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(ToAbsl(text), &duration)) {
    return InvalidArgument("expected a time as 250ms, 10s or 2m, not '", text, "'");
  }
  if (duration < absl::ZeroDuration() || duration > absl::Hours(24)) {
    return InvalidArgument("expected a time between 0 and 24h, not '", text, "'");
  }
  *value = duration;
  return absl::OkStatus();
}

absl::Status ReadBytes(std::string_view text, int64_t* value) {
  std::string_view digits = text;
  ConsumeSuffix(&digits, "B");
  ConsumeSuffix(&digits, "i");
  int shift = 0;
  const std::string_view units = "KMGT";
  if (!digits.empty() && units.find(digits.back()) != units.npos) {
    shift = 10 * (1 + static_cast<int>(units.find(digits.back())));
    digits.remove_suffix(1);
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(ToAbsl(digits), &number) || number < 0 || number > (INT64_MAX >> shift)) {
    return InvalidArgument("expected bytes as 4096, 512M or 8G, not '", text, "'");
  }
  *value = number << shift;
  return absl::OkStatus();
}

absl::Status ReadNames(std::string_view text, std::vector<std::string>* value) {
  value->clear();
  if (text == "all") return absl::OkStatus();
  for (std::string_view name : Split(text, ",")) {
    value->emplace_back(name);
  }
  return absl::OkStatus();
}

absl::Status ReadOtlpEndpoint(std::string_view text, std::string* value) {
  if (text == "off" || text.empty()) return ReadText("", value);
  RETURN_IF_ERROR(telemetry::CheckOtlpEndpoint(text));
  return ReadText(text, value);
}

absl::Status ReadAddress(std::string_view text, std::vector<std::string>* value) {
  ASSIGN_OR_RETURN(Address address, ParseAddress(text));
  value->push_back(address.ToString());
  return absl::OkStatus();
}

}  // namespace tensord::server
