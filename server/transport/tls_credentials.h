// TLS for gRPC's server, with certificates that may change while it runs.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls_files.h"

namespace tensord::server::transport {

// For one port, or one acceptor. Each handshake takes the newest material. Client certificates are
// asked for when there are CAs, and taken as they are: who shows which is judged, logged and
// counted when a call begins, and refused in words, where a failed handshake would tell nobody why.
// `files` outlives the server.
std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files);

}  // namespace tensord::server::transport
