// devices, health, version.
#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/tensorctl/commands.h"
#include "clients/cpp/tensord/dtype.h"

namespace tensord::ctl {
namespace {

using grpc::health::v1::HealthCheckResponse;

std::string DTypesText(const v1::Device& device) {
  std::string text;
  for (const int dtype : device.dtypes()) {
    absl::StrAppend(&text, text.empty() ? "" : " ",
                    std::string(client::Name(static_cast<client::DType>(dtype))));
  }
  return text;
}

// What the health service answers for a name; NOT_FOUND says the daemon does not know it.
absl::StatusOr<std::string> HealthOf(const client::Daemon& daemon, const std::string& service) {
  const auto reply = daemon.Health(service);
  if (!reply.ok()) return reply.status();
  return HealthCheckResponse::ServingStatus_Name(reply->status());
}

}  // namespace

absl::StatusOr<client::Daemon> DaemonOf(const Arguments& arguments) {
  return client::Daemon::At({.address = arguments.address,
                             .token = arguments.token,
                             .timeout = arguments.timeout,
                             .tls = arguments.tls});
}

ExitCode Print(const Arguments& arguments, const Table& table) {
  std::fputs((arguments.json ? ToJson(table) : ToText(table)).c_str(), stdout);
  return kOk;
}

ExitCode ShowDevices(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  const auto reply = daemon->ListDevices();
  if (!reply.ok()) return Report(reply.status());
  Table table{{{"number", "NO"},
               {"name", "NAME"},
               {"default", "DEFAULT"},
               {"healthy", "HEALTHY"},
               {"threads", "THREADS"},
               {"memory_used", "USED", Format::kBytes},
               {"memory_bytes", "MEMORY", Format::kBytes},
               {"description", "DESCRIPTION"},
               {"dtypes", "DTYPES"}},
              {}};
  for (const v1::Device& device : reply->devices()) {
    table.rows.push_back(
        {int64_t{device.number()}, device.name(), device.is_default(), device.healthy(),
         int64_t{device.threads()}, static_cast<int64_t>(device.memory_used()),
         static_cast<int64_t>(device.memory_bytes()), device.description(), DTypesText(device)});
  }
  return Print(arguments, table);
}

// The daemon as a whole first, then its service and its devices, or the one that is named.
ExitCode ShowHealth(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  std::vector<std::string> services = arguments.words;
  if (services.empty()) {
    services = {"", "tensord.v1.Compute"};
    if (const auto devices = daemon->ListDevices(); devices.ok()) {
      for (const v1::Device& device : devices->devices()) {
        services.push_back("device." + device.name());
      }
    }
  }
  Table table{{{"service", "SERVICE"}, {"status", "STATUS"}}, {}};
  bool serving = false;
  for (const std::string& service : services) {
    const auto health = HealthOf(*daemon, service);
    if (absl::IsNotFound(health.status()) && arguments.words.empty()) continue;
    if (!health.ok()) return Report(health.status());
    if (service == services[0]) serving = *health == "SERVING";
    table.rows.push_back({service.empty() ? "(daemon)" : service, *health});
  }
  Print(arguments, table);
  return serving ? kOk : kFailed;
}

ExitCode ShowVersion(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  const auto welcome = daemon->Negotiate();
  if (!welcome.ok()) {
    Print(arguments, {{{"client", "client"}}, {{std::string(TENSORD_VERSION)}}, true});
    return Report(welcome.status());
  }
  const std::string digest = absl::BytesToHexString(welcome->op_set_digest());
  return Print(arguments, {{{"client", "client"},
                            {"daemon", "daemon"},
                            {"protocol", "protocol"},
                            {"address", "address"},
                            {"principal", "principal"},
                            {"epoch", "epoch"},
                            {"op_set_digest", "op set"}},
                           {{std::string(TENSORD_VERSION), welcome->server_version(),
                             int64_t{welcome->version()}, daemon->address(), welcome->principal(),
                             static_cast<int64_t>(welcome->epoch()), digest}},
                           true});
}

}  // namespace tensord::ctl
