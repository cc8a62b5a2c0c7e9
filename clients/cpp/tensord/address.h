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

// The address if it is given, else $TENSORD_ADDR, else the user's or the system's default socket:
// $XDG_RUNTIME_DIR/tensord.sock if it exists, /run/tensord/tensord.sock.
std::string AddressOr(const std::string& address);
// The token if it is given, else $TENSORD_TOKEN, else none.
std::string TokenOr(const std::string& token);

// A channel with a connection of its own. Null credentials: none, as a Unix socket and loopback
// want.
std::shared_ptr<grpc::Channel> MakeChannel(
    const Target& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace tensord::client
