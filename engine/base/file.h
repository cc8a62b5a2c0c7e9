// Files: whole reads, atomic writes, private folders, descriptors that close themselves.
//
//   RETURN_IF_ERROR(MakeDirs(dir, 0700));
//   RETURN_IF_ERROR(CheckPrivateDir(dir));
//   RETURN_IF_ERROR(WriteFileAtomically(dir + "/entry", bytes));
//
// Errors carry the path, the system's text, and the code that errno means (NotFound,
// PermissionDenied, ResourceExhausted …).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tensord::base {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = other.Release();
    }
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close();

 private:
  int fd_ = -1;
};

// "what path: strerror(error)" under the code that `error` (an errno value) means.
absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path);

// The whole file; ResourceExhausted when it is longer than `limit` bytes.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t limit = SIZE_MAX);

// Writes aside in the same folder, syncs file and folder, renames: after a crash readers find the
// old contents or the new ones, never a part.
absl::Status WriteFileAtomically(const std::string& path, std::string_view contents,
                                 mode_t mode = 0600);

// Makes the folder and its missing parents; those it makes get `mode` whatever the umask.
absl::Status MakeDirs(const std::string& path, mode_t mode);

// OK when `path` is a folder (no symbolic link) owned by this process's user with no permission
// for anyone else; else a FailedPrecondition that says what to change.
absl::Status CheckPrivateDir(const std::string& path);

struct DirEntry {
  std::string name;
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since the epoch
};
// The regular files in a folder, sorted by name; entries that vanish meanwhile are left out.
absl::StatusOr<std::vector<DirEntry>> ListFiles(const std::string& path);

// Sets a file's time of modification to now.
absl::Status TouchFile(const std::string& path);

// Removes a file; one that does not exist is no error.
absl::Status RemoveFile(const std::string& path);

// A new private folder below $TMPDIR (or /tmp), removed with its contents at the end of the scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tensord::base
