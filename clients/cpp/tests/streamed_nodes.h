// Nodes streamed through a session and freed, and what a daemon says of what it keeps.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "clients/cpp/tensord/session.h"

namespace tensord::client {

// Records `nodes` ops, no two alike, and drops them every ten thousand; returns when the daemon has
// applied them all. The session is left with no value.
absl::Status StreamNodes(Session& session, int64_t nodes);

// A sum over the daemon's Prometheus page: of the samples whose name is `name`, whatever their
// labels. Errors: UNAVAILABLE; NOT_FOUND.
absl::StatusOr<double> ReadMetric(int port, const std::string& name);

// Bytes of a process in memory.
int64_t ResidentBytes(pid_t pid);

// A TCP port of this machine that nobody listens on now.
int FreePort();

}  // namespace tensord::client
