// TCP sockets that listen, on every address that a host name has.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/file.h"

namespace tensord::server::transport {

struct TcpSockets {
  std::vector<base::Fd> sockets;
  int port = 0;  // the one port of all of them
};

// `host` is a name or an address: "localhost", "::1", "0.0.0.0", or "::" for all of IPv6 and IPv4.
// Port 0 picks a free one. Errors: the host is unknown, or an address is in use.
absl::StatusOr<TcpSockets> ListenTcp(const std::string& host, int port);

}  // namespace tensord::server::transport
