#include "engine/device/llvm/worker_protocol.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

#include "engine/base/status.h"

namespace tensord::device::llvm {
namespace {

absl::Status WaitUntil(int fd, short events, int64_t deadline_ns) {
  while (true) {
    int timeout_ms = -1;
    if (deadline_ns > 0) {
      const int64_t left_ms = (deadline_ns - MonotonicNs() + 999'999) / 1'000'000;
      if (left_ms <= 0) return absl::DeadlineExceededError("no answer in time");
      timeout_ms = static_cast<int>(std::min<int64_t>(left_ms, INT_MAX));
    }
    pollfd entry = {fd, events, 0};
    const int ready = poll(&entry, 1, timeout_ms);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return absl::UnavailableError(std::strerror(errno));
  }
}

// Sends or receives all of `size` bytes. `transfer` is send or recv, without blocking.
template <typename Byte, typename Transfer>
absl::Status All(int fd, short events, Byte* data, size_t size, int64_t deadline_ns,
                 Transfer transfer) {
  while (size > 0) {
    const ssize_t moved = transfer(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (moved > 0) {
      data += moved;
      size -= static_cast<size_t>(moved);
    } else if (moved == 0) {
      return absl::UnavailableError("the other end closed");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      RETURN_IF_ERROR(WaitUntil(fd, events, deadline_ns));
    } else if (errno != EINTR) {
      return absl::UnavailableError(std::strerror(errno));
    }
  }
  return absl::OkStatus();
}

}  // namespace

int64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

absl::Status SendFrame(int fd, FrameKind kind, std::string_view payload, int64_t deadline_ns) {
  const FrameHeader header = {kFrameMagic, kind, payload.size()};
  const char* bytes = reinterpret_cast<const char*>(&header);
  RETURN_IF_ERROR(All(fd, POLLOUT, bytes, sizeof header, deadline_ns, send));
  return All(fd, POLLOUT, payload.data(), payload.size(), deadline_ns, send);
}

absl::StatusOr<Frame> ReceiveFrame(int fd, int64_t deadline_ns) {
  FrameHeader header;
  RETURN_IF_ERROR(
      All(fd, POLLIN, reinterpret_cast<char*>(&header), sizeof header, deadline_ns, recv));
  if (header.magic != kFrameMagic || header.bytes > kMaxFrameBytes) {
    return absl::DataLossError("not a frame");
  }
  Frame frame = {header.kind, std::string(header.bytes, '\0')};
  RETURN_IF_ERROR(All(fd, POLLIN, frame.payload.data(), frame.payload.size(), deadline_ns, recv));
  return frame;
}

}  // namespace tensord::device::llvm
