#include "server/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "engine/base/file.h"
#include "engine/base/status.h"

namespace tensord::server {
namespace {

constexpr size_t kMinTokenBytes = 16;

absl::Status CheckPrivateFile(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return base::ErrnoStatus(errno, "stat", path);
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return FailedPrecondition("token file ", path, " belongs to another user; chown it");
  }
  if ((info.st_mode & 077) != 0) {
    return FailedPrecondition("token file ", path, " can be read by others; chmod 0600 it");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Authenticator> Authenticator::FromTokenFile(const std::string& path) {
  RETURN_IF_ERROR(CheckPrivateFile(path));
  ASSIGN_OR_RETURN(std::string text, base::ReadFile(path, 1 << 20));
  Authenticator authenticator;
  for (std::string_view line : Split(text, "\n")) {
    RETURN_IF_ERROR(Annotate(authenticator.AddLine(line.substr(0, line.find('#'))),
                             StrCat("token file ", path, ": ")));
  }
  if (authenticator.names_.empty()) return InvalidArgument("token file ", path, " has no token");
  return authenticator;
}

absl::Status Authenticator::AddLine(std::string_view line) {
  const std::vector<std::string_view> words = Split(line, " \t\r");
  if (words.empty()) return absl::OkStatus();
  if (words.size() > 2) return InvalidArgument("expected `name token` on a line");
  if (words.back().size() < kMinTokenBytes) {
    return InvalidArgument("a token has at least ", kMinTokenBytes, " bytes");
  }
  names_[base::Sha256(words.back())] = words.size() == 2 ? std::string(words[0]) : "token";
  return absl::OkStatus();
}

absl::StatusOr<Principal> Authenticator::Authenticate(const Peer& peer,
                                                      const v1::Credentials& credentials) const {
  const std::string& bearer = credentials.bearer();
  if (bearer.empty() && peer.identified) return peer.principal;
  if (bearer.empty()) {
    return absl::UnauthenticatedError(
        "this listener wants a token: set Credentials.bearer in the request");
  }
  const auto name = names_.find(base::Sha256(bearer));
  if (name == names_.end()) return absl::UnauthenticatedError("the token is not valid");
  return Principal{.name = name->second};
}

}  // namespace tensord::server
