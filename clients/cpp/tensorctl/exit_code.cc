#include "clients/cpp/tensorctl/exit_code.h"

#include <cstdio>
#include <string>

#include "clients/cpp/tensord/errors.h"

namespace tensord::ctl {

ExitCode Report(const absl::Status& status) {
  if (status.ok()) return kOk;
  std::fprintf(stderr, "tensorctl: %s\n", std::string(status.message()).c_str());
  const bool transport = absl::IsUnavailable(status) && !client::FaultOf(status).has_value();
  return transport ? kCannotConnect : kFailed;
}

}  // namespace tensord::ctl
