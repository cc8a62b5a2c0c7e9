#include "engine/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/str_format.h"
#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<Fd> Open(const std::string& path, int flags, mode_t mode = 0) {
  while (true) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Fd(fd);
    if (errno != EINTR) return ErrnoStatus(errno, "open", path);
  }
}

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteNewFile(const std::string& path, std::string_view contents, mode_t mode) {
  ASSIGN_OR_RETURN(Fd fd, Open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  RETURN_IF_ERROR(WriteAll(fd.get(), contents, path));
  if (::fchmod(fd.get(), mode) != 0) return ErrnoStatus(errno, "chmod", path);
  if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, "fsync", path);
  return absl::OkStatus();
}

absl::Status SyncDir(const std::string& path) {
  ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDONLY | O_DIRECTORY));
  return ::fsync(fd.get()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "fsync", path);
}

}  // namespace

void Fd::Close() {
  if (fd_ >= 0) ::close(Release());
}

absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path) {
  return absl::Status(absl::ErrnoToStatusCode(error),
                      StrCat(what, " ", path, ": ", std::generic_category().message(error)));
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t limit) {
  ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDONLY));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  std::string contents;
  size_t filled = 0;
  while (true) {
    // Files below /proc and /sys say size 0: never less than a block of room.
    const size_t room = std::max<size_t>(static_cast<size_t>(info.st_size) + 1, filled + 4096);
    contents.resize(std::max(contents.size(), room));
    const ssize_t got = ::read(fd.get(), contents.data() + filled, contents.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read", path);
    filled += static_cast<size_t>(got);
    if (filled > limit) {
      return ResourceExhausted("read ", path, ": longer than the limit of ", limit, " bytes");
    }
    if (got == 0) break;
  }
  contents.resize(filled);
  return contents;
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view contents, mode_t mode) {
  static std::atomic<uint64_t> serial = 0;
  const std::string aside =
      StrCat(path, ".tmp.", ::getpid(), ".", serial.fetch_add(1, std::memory_order_relaxed));
  (void)::unlink(aside.c_str());  // left by a crashed process of the same number
  absl::Status status = WriteNewFile(aside, contents, mode);
  if (status.ok() && ::rename(aside.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, "rename", aside);
  }
  if (!status.ok()) {
    (void)::unlink(aside.c_str());
    return status;
  }
  return SyncDir(ParentOf(path));
}

absl::Status MakeDirs(const std::string& path, mode_t mode) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    return S_ISDIR(info.st_mode) ? absl::OkStatus() : ErrnoStatus(ENOTDIR, "mkdir", path);
  }
  const std::string parent = ParentOf(path);
  if (parent != path) RETURN_IF_ERROR(MakeDirs(parent, mode));
  if (::mkdir(path.c_str(), mode) != 0) {
    return errno == EEXIST ? MakeDirs(path, mode) : ErrnoStatus(errno, "mkdir", path);
  }
  return ::chmod(path.c_str(), mode) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "chmod", path);
}

absl::Status CheckPrivateDir(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  if (!S_ISDIR(info.st_mode)) {
    return FailedPrecondition(path, " must be a folder, not a file or a symbolic link");
  }
  if (info.st_uid != ::geteuid()) {
    return FailedPrecondition(path, " belongs to user ", info.st_uid, ", not to user ", ::geteuid(),
                              " who runs this process; chown it or name another folder");
  }
  if ((info.st_mode & 077) != 0) {
    return FailedPrecondition(path, " has mode ", absl::StrFormat("%04o", info.st_mode & 07777),
                              ", so others may enter it; run chmod 0700 on it");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirEntry>> ListFiles(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), &::closedir);
  if (dir == nullptr) return ErrnoStatus(errno, "open", path);
  std::vector<DirEntry> entries;
  while (const dirent* entry = ::readdir(dir.get())) {
    struct stat info{};
    if (::fstatat(::dirfd(dir.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(info.st_mode)) continue;
    entries.push_back({entry->d_name, info.st_size,
                       int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec});
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

absl::Status TouchFile(const std::string& path) {
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "touch", path);
}

absl::Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, "unlink", path);
}

TempDir::TempDir() {
  const char* const base = std::getenv("TMPDIR");
  path_ = StrCat(base != nullptr && *base != 0 ? base : "/tmp", "/tensord-XXXXXX");
  TENSORD_CHECK(::mkdtemp(path_.data()) != nullptr, path_, ": ", std::strerror(errno));
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tensord::base
