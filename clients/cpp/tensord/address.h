// Which daemon to talk to, and channels to it.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tensord::client {

struct Target {
  std::string grpc;  // as gRPC names it: "unix:///run/t.sock", "127.0.0.1:7070"
  std::string path;  // of a Unix socket; empty for TCP
};

// unix:///absolute/path, or host:port (tcp:// in front is fine). Errors: INVALID_ARGUMENT.
absl::StatusOr<Target> ParseAddress(const std::string& address);

// Where to find what is not given, in this order: $TENSORD_ADDR and $TENSORD_TOKEN; the lines
// `address = …` and `token = …` of the file $TENSORD_CLIENT_CONFIG, else of tensord/client.conf
// below $XDG_CONFIG_HOME or ~/.config; for the address then $XDG_RUNTIME_DIR/tensord.sock if it
// exists, and /run/tensord/tensord.sock. Errors: INVALID_ARGUMENT, a line of the file that is
// neither.
absl::StatusOr<std::string> AddressOr(const std::string& address);
absl::StatusOr<std::string> TokenOr(const std::string& token);  // "" for none

// A channel with a connection of its own. Null credentials: none, as a Unix socket and loopback
// want.
std::shared_ptr<grpc::Channel> MakeChannel(
    const Target& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace tensord::client
