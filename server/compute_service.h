// tensord.v1.Compute on the transport: a row per method, each a few lines over ComputeHandler.
#pragma once

#include <span>

#include "server/transport/method.h"

namespace tensord::server {

std::span<const transport::Method> ComputeMethods();

}  // namespace tensord::server
