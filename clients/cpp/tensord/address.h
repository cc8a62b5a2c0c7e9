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
  bool tls = false;
};

// unix:///absolute/path, tls://host:port, or host:port (tcp:// in front is fine). Errors:
// INVALID_ARGUMENT.
absl::StatusOr<Target> ParseAddress(const std::string& address);

// Where to find what is not given, in this order: $TENSORD_ADDR, $TENSORD_TOKEN, $TENSORD_CA,
// $TENSORD_CERT and $TENSORD_KEY; the lines `address = …`, `token = …`, `ca = …`, `cert = …` and
// `key = …` of the file $TENSORD_CLIENT_CONFIG, else of tensord/client.conf
// below $XDG_CONFIG_HOME or ~/.config; for the address then $XDG_RUNTIME_DIR/tensord.sock if it
// exists, and /run/tensord/tensord.sock. Errors: INVALID_ARGUMENT, a line of the file that is
// of another name.
absl::StatusOr<std::string> AddressOr(const std::string& address);
absl::StatusOr<std::string> TokenOr(const std::string& token);  // "" for none

// Files of a tls:// address, PEM. Empty: see above.
struct TlsFiles {
  std::string ca;         // who may vouch for the daemon; if still empty: whom this machine trusts
  std::string cert, key;  // what to show a daemon that wants to know its clients; both or none
};

// `given` if there are some, else those of the files for tls://, else null. Errors: a file can't be
// read (NOT_FOUND), a certificate without its key or files for an address without TLS
// (INVALID_ARGUMENT).
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOr(
    const std::shared_ptr<grpc::ChannelCredentials>& given, const Target& target, TlsFiles files);

// The same status; where a TLS handshake failed it says what to look at.
absl::Status Explained(const absl::Status& status);

// A channel with a connection of its own. Null credentials: none, as a Unix socket and loopback
// want.
std::shared_ptr<grpc::Channel> MakeChannel(
    const Target& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace tensord::client
