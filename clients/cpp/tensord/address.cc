#include "clients/cpp/tensord/address.h"

#include <grpcpp/create_channel.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tensord::client {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ConfigPath() {
  if (std::string given = FromEnvironment("TENSORD_CLIENT_CONFIG"); !given.empty()) return given;
  std::string base = FromEnvironment("XDG_CONFIG_HOME");
  if (base.empty()) base = FromEnvironment("HOME") + "/.config";
  return base + "/tensord/client.conf";
}

std::string Trimmed(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(text));
}

// The value of a name in the config file; empty when it is not there. # begins a comment.
absl::StatusOr<std::string> FromConfig(const std::string& wanted) {
  const std::string path = ConfigPath();
  std::ifstream file(path);
  std::string line, found;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string content = Trimmed(line.substr(0, line.find('#')));
    if (content.empty()) continue;
    const size_t equals = content.find('=');
    const std::string name = Trimmed(content.substr(0, equals));
    if (equals == content.npos || (name != "address" && name != "token")) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", number, ": expected `address = ...` or `token = ...`, not ", content));
    }
    if (name == wanted) found = Trimmed(content.substr(equals + 1));
  }
  return found;
}

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

}  // namespace

absl::StatusOr<Target> ParseAddress(const std::string& address) {
  std::string_view text = address;
  if (ConsumePrefix(&text, "unix://") || ConsumePrefix(&text, "unix:")) {
    if (text.starts_with("/")) {
      return Target{absl::StrCat("unix://", std::string(text)), std::string(text)};
    }
    return absl::InvalidArgumentError(
        absl::StrCat("address \"", address,
                     "\": a socket path must be absolute, as in unix:///run/tensord.sock"));
  }
  ConsumePrefix(&text, "tcp://");
  const size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0 || colon + 1 == text.size() || text.find('/') != text.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("address \"", address, "\": expected unix:///path or host:port"));
  }
  return Target{std::string(text), ""};
}

absl::StatusOr<std::string> AddressOr(const std::string& address) {
  if (!address.empty()) return address;
  if (std::string given = FromEnvironment("TENSORD_ADDR"); !given.empty()) return given;
  absl::StatusOr<std::string> configured = FromConfig("address");
  if (!configured.ok() || !configured->empty()) return configured;
  const std::string runtime = FromEnvironment("XDG_RUNTIME_DIR");
  const std::string own = runtime + "/tensord.sock";
  struct stat found;
  if (runtime.starts_with("/") && stat(own.c_str(), &found) == 0) return "unix://" + own;
  return "unix:///run/tensord/tensord.sock";
}

absl::StatusOr<std::string> TokenOr(const std::string& token) {
  if (!token.empty()) return token;
  if (std::string given = FromEnvironment("TENSORD_TOKEN"); !given.empty()) return given;
  return FromConfig("token");
}

std::shared_ptr<grpc::Channel> MakeChannel(
    const Target& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  // A connection that is lost is made anew soon: gRPC's own pauses grow to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(
      target.grpc, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
      arguments);
}

}  // namespace tensord::client
