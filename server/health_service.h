// grpc.health.v1 on the transport, for Lifecycle's services.
#pragma once

#include <span>

#include "server/transport/method.h"

namespace tensord::server {

std::span<const transport::Method> HealthMethods();

}  // namespace tensord::server
