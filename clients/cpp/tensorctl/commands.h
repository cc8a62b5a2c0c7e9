// The commands. Each asks the daemon, prints, and answers the exit code.
#pragma once

#include "absl/status/statusor.h"
#include "clients/cpp/tensorctl/command_line.h"
#include "clients/cpp/tensorctl/table.h"
#include "clients/cpp/tensord/daemon.h"

namespace tensord::ctl {

ExitCode ShowDevices(const Arguments& arguments);
ExitCode ShowOps(const Arguments& arguments);
ExitCode ShowStats(const Arguments& arguments);
ExitCode ShowCache(const Arguments& arguments);
ExitCode ShowKernels(const Arguments& arguments);
ExitCode ShowSessions(const Arguments& arguments);
ExitCode ShowHealth(const Arguments& arguments);
ExitCode ShowVersion(const Arguments& arguments);
ExitCode RunFile(const Arguments& arguments);
ExitCode Drain(const Arguments& arguments);

// The daemon of the arguments.
absl::StatusOr<client::Daemon> DaemonOf(const Arguments& arguments);
// Prints the table as the arguments ask for.
ExitCode Print(const Arguments& arguments, const Table& table);

}  // namespace tensord::ctl
