// gRPC's own log lines as lines of the daemon's log.
#pragma once

namespace tensord::server {

// From now on, for the whole process. What gRPC calls an error is a warning here, and what a client
// did to a TLS handshake no more than news. $GRPC_VERBOSITY says how much gRPC tells.
void TakeOverGrpcLog();

}  // namespace tensord::server
