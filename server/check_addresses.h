// Whether the addresses that the options name can be listened on, without listening.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/options.h"

namespace tensord::server {

// Errors: a socket path whose folder is missing or not writable, or where something else lies; an
// address that this machine does not have or does not let this user take. What holds only now, as
// an address that another process (this daemon, perhaps) has, is no error: it is a line of the
// answer.
absl::StatusOr<std::vector<std::string>> CheckAddresses(const Options& options);

}  // namespace tensord::server
