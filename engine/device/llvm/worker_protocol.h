// The frames between a WorkerPool and its worker processes, over a socket pair. Both ends are the
// same build on the same machine; the pool still trusts no length that a worker sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tensord::device::llvm {

inline constexpr char kWorkerFlag[] = "--tensord-compile-worker";
inline constexpr char kWorkerName[] = "tensord-compile-worker";  // argv[0]: what ps shows
inline constexpr int kWorkerFd = 3;
inline constexpr uint32_t kFrameMagic = 0x4c4c5654;  // "TVLL"
inline constexpr uint64_t kMaxFrameBytes = uint64_t{1} << 30;

enum class FrameKind : uint32_t {
  kHello = 1,    // worker, once: ready
  kCompile = 2,  // pool: triple, cpu, features, text
  kEcho = 3,     // pool: any bytes; comes back as kDone
  kDone = 4,     // worker: the object
  kError = 5,    // worker: status code and message; it goes on
  kFatal = 6,    // worker: the same, and it ends
};

struct FrameHeader {
  uint32_t magic = kFrameMagic;
  FrameKind kind = FrameKind::kHello;
  uint64_t bytes = 0;  // that follow
};

struct Frame {
  FrameKind kind = FrameKind::kHello;
  std::string payload;
};

// DEADLINE_EXCEEDED after `deadline_ns` of CLOCK_MONOTONIC (0: never), UNAVAILABLE when the other
// end is gone, DATA_LOSS for bytes that are no frame.
absl::Status SendFrame(int fd, FrameKind kind, std::string_view payload, int64_t deadline_ns = 0);
absl::StatusOr<Frame> ReceiveFrame(int fd, int64_t deadline_ns = 0);

int64_t MonotonicNs();

}  // namespace tensord::device::llvm
