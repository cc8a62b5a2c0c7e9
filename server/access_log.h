// One log line per call that ended.
#pragma once

#include "server/principal.h"
#include "server/transport/call.h"
#include "server/transport/method.h"

namespace tensord::server {

// Streams and failures at level info, unary calls that went well and health checks at debug. What
// a client did wrong is no error of the daemon's: only INTERNAL, UNKNOWN and DATA_LOSS are.
void LogCall(const transport::Method& method, const Peer& peer,
             const transport::CallTotals& totals);

}  // namespace tensord::server
