#include "server/transport/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tensord::server::transport {
namespace {

constexpr char kName[] = "tensord-ring";  // for /proc only
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

absl::StatusOr<SealedMemory> SealedMemory::Make(size_t bytes) {
  base::Fd fd(memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  // Allocated now: a page that can't be had later would be a SIGBUS.
  const bool made = fd.valid() && fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)) == 0 &&
                    fcntl(fd.get(), F_ADD_SEALS, kSeals) == 0;
  if (!made) return base::ErrnoStatus(errno, "shared memory", kName);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (data == MAP_FAILED) return base::ErrnoStatus(errno, "map shared memory", kName);
  return SealedMemory(std::move(fd), static_cast<char*>(data), bytes);
}

SealedMemory::SealedMemory(SealedMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SealedMemory::~SealedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace tensord::server::transport
