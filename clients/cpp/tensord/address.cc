#include "clients/cpp/tensord/address.h"

#include <grpcpp/create_channel.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace tensord::client {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
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

std::string AddressOr(const std::string& address) {
  if (!address.empty()) return address;
  if (std::string given = FromEnvironment("TENSORD_ADDR"); !given.empty()) return given;
  const std::string runtime = FromEnvironment("XDG_RUNTIME_DIR");
  const std::string own = runtime + "/tensord.sock";
  struct stat found;
  if (runtime.starts_with("/") && stat(own.c_str(), &found) == 0) return "unix://" + own;
  return "unix:///run/tensord/tensord.sock";
}

std::string TokenOr(const std::string& token) {
  return token.empty() ? FromEnvironment("TENSORD_TOKEN") : token;
}

std::shared_ptr<grpc::Channel> MakeChannel(
    const Target& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(
      target.grpc, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
      arguments);
}

}  // namespace tensord::client
