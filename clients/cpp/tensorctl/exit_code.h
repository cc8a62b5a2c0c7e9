// How tensorctl ends.
#pragma once

#include "absl/status/status.h"

namespace tensord::ctl {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,         // the daemon refused or failed, or is not healthy
  kUsage = 2,          // the command line
  kCannotConnect = 3,  // nobody answers at the address
};

// Prints the error of a call to stderr. UNAVAILABLE without a reason of the daemon's is the
// transport's: kCannotConnect.
ExitCode Report(const absl::Status& status);

}  // namespace tensord::ctl
