// grpc.reflection.v1alpha on the transport, from the descriptors linked into the daemon: grpcurl
// and its like can list and call every method.
#pragma once

#include <span>

#include "server/transport/method.h"

namespace tensord::server {

std::span<const transport::Method> ReflectionMethods();

}  // namespace tensord::server
