#include "server/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/base/file.h"
#include "engine/base/status.h"

namespace tensord::server {

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, std::string_view what) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return base::ErrnoStatus(errno, what, path);
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return FailedPrecondition(what, " ", path, " belongs to another user; chown it");
  }
  if ((info.st_mode & 077) != 0) {
    return FailedPrecondition(what, " ", path, " can be read by others; chmod 0600 it");
  }
  return base::ReadFile(path, 1 << 20);
}

FileWatch::FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)) {
  std::erase(paths_, "");
  seen_ = Look();
}

bool FileWatch::Changed() {
  std::vector<Stamp> now = Look();
  if (now == seen_) return false;
  seen_ = std::move(now);
  return true;
}

std::vector<FileWatch::Stamp> FileWatch::Look() const {
  std::vector<Stamp> stamps;
  for (const std::string& path : paths_) {
    struct stat info = {};
    Stamp& stamp = stamps.emplace_back();
    if (stat(path.c_str(), &info) != 0) continue;
    stamp = {info.st_dev, info.st_ino, info.st_size,
             info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
  }
  return stamps;
}

}  // namespace tensord::server
