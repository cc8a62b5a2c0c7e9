#include "server/check_addresses.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "engine/base/file.h"
#include "engine/base/status.h"

namespace tensord::server {
namespace {

using Notes = std::vector<std::string>;

bool SomebodyListens(const std::string& path) {
  base::Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

absl::Status CheckUnix(const std::string& path, Notes& notes) {
  const std::string folder = path.substr(0, std::max<size_t>(1, path.rfind('/')));
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return Annotate(base::ErrnoStatus(errno, "folder", folder),
                    StrCat("listen unix://", path, ": no socket can be made: "));
  }
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return FailedPrecondition("listen unix://", path, ": the path exists and is no socket; ",
                              "remove it or listen elsewhere");
  }
  if (SomebodyListens(path)) notes.push_back(StrCat("another process listens on ", path, " now"));
  return absl::OkStatus();
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

absl::Status CheckTcp(std::string_view option, std::string host, const std::string& port,
                      Notes& notes) {
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  const std::string name = StrCat(option, " ", host, ":", port);
  if (error != 0) return InvalidArgument(name, ": ", gai_strerror(error));
  base::Fd fd(socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd.get(), list->ai_addr, list->ai_addrlen) == 0) return absl::OkStatus();
  if (errno != EADDRINUSE) return base::ErrnoStatus(errno, "cannot listen on", name);
  notes.push_back(StrCat("another process listens on ", host, ":", port, " now"));
  return absl::OkStatus();
}

// "host:port", or a port alone, as the metrics endpoint takes them.
absl::Status CheckMetrics(std::string_view text, Notes& notes) {
  const size_t colon = text.rfind(':');
  const std::string host(colon == text.npos ? "" : text.substr(0, colon));
  const std::string port(colon == text.npos ? text : text.substr(colon + 1));
  return CheckTcp("metrics-listen", host, port, notes);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CheckAddresses(const Options& options) {
  Notes notes;
  for (const std::string& listen : options.listen) {
    ASSIGN_OR_RETURN(const Address address, ParseAddress(listen));
    if (address.kind == Address::Kind::kUnix) {
      RETURN_IF_ERROR(CheckUnix(address.path, notes));
    } else {
      RETURN_IF_ERROR(CheckTcp("listen", address.host, StrCat(address.port), notes));
    }
  }
  if (!options.metrics_listen.empty()) RETURN_IF_ERROR(CheckMetrics(options.metrics_listen, notes));
  return notes;
}

}  // namespace tensord::server
