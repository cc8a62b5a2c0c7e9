#include "engine/device/llvm/worker_main.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/base/config.h"
#include "engine/base/bytes.h"
#include "engine/base/strings.h"
#include "engine/codegen/llvm_compile.h"
#include "engine/device/llvm/worker_protocol.h"

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
#define TENSORD_SHADOW_MEMORY 1  // more than any limit would allow
#endif

namespace tensord::device::llvm {
namespace {

constexpr rlim_t kStackBytes = 64 << 20;  // LLVM recurses over expressions

void Limit(int resource, rlim_t value) {
  const rlimit limit = {value, value};
  setrlimit(resource, &limit);
}

void SetLimits(const WorkerLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (limits.parent != 0 && getppid() != limits.parent) _exit(0);  // it died before the line above
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_STACK, kStackBytes);
#if !defined(TENSORD_SHADOW_MEMORY)
  if (limits.memory_bytes > 0) Limit(RLIMIT_DATA, static_cast<rlim_t>(limits.memory_bytes));
#endif
  // When the machine runs out of memory, a worker is the one to lose.
  const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    if (write(score, "1000", 4) < 0) {
      // No permission: then it takes its chances.
    }
    close(score);
  }
#if defined(SYS_close_range)
  syscall(SYS_close_range, kWorkerFd + 1, ~0u, 0);
#endif
}

// A kFatal frame without touching the heap, which may be what failed.
[[noreturn]] void Die(bool out_of_memory, const char* message) {
  char payload[512];
  const auto code = static_cast<uint32_t>(out_of_memory ? absl::StatusCode::kResourceExhausted
                                                        : absl::StatusCode::kInternal);
  std::memcpy(payload, &code, sizeof code);
  const char* text = out_of_memory ? "the compiler ran out of memory" : message;
  const size_t length = std::min(std::strlen(text), sizeof payload - sizeof code);
  std::memcpy(payload + sizeof code, text, length);
  if (!SendFrame(kWorkerFd, FrameKind::kFatal, {payload, sizeof code + length}).ok()) _exit(2);
  _exit(1);
}

absl::StatusOr<std::string> CompileRequest(std::string_view payload) {
  base::ByteReader reader(payload);
  codegen::LlvmTarget target;
  ASSIGN_OR_RETURN(target.triple, reader.String());
  ASSIGN_OR_RETURN(target.cpu, reader.String());
  ASSIGN_OR_RETURN(target.features, reader.String());
  ASSIGN_OR_RETURN(const std::string_view text, reader.StringView());
  return codegen::CompileLlvm(text, target);
}

absl::Status Answer(const Frame& request) {
  if (request.kind == FrameKind::kEcho) {
    return SendFrame(kWorkerFd, FrameKind::kDone, request.payload);
  }
  const absl::StatusOr<std::string> object = CompileRequest(request.payload);
  if (object.ok()) return SendFrame(kWorkerFd, FrameKind::kDone, *object);
  const auto code = static_cast<uint32_t>(object.status().code());
  std::string payload(reinterpret_cast<const char*>(&code), sizeof code);
  payload += std::string(object.status().message());
  return SendFrame(kWorkerFd, FrameKind::kError, payload);
}

// Compiles an empty function, so that the first real compile finds the code paged in.
void WarmUp() {
  constexpr std::string_view kText =
      "define void @f(ptr %p) {\n  store i32 0, ptr %p\n  ret void\n}\n";
  if (!codegen::CompileLlvm(kText, codegen::HostTarget()).ok()) _exit(3);
}

// Runs before main, in every program that links the device.
__attribute__((constructor)) void ServeWhenAsked(int argc, char** argv, char**) {
  WorkerLimits limits;
  if (ParseWorkerArguments(argc, argv, &limits)) ServeCompiles(limits);
}

}  // namespace

std::vector<std::string> WorkerArguments(const WorkerLimits& limits) {
  return {kWorkerFlag, StrCat(limits.memory_bytes), StrCat(limits.parent)};
}

bool ParseWorkerArguments(int argc, char* const* argv, WorkerLimits* limits) {
  if (argc != 4 || std::strcmp(argv[1], kWorkerFlag) != 0) return false;
  limits->memory_bytes = std::strtoll(argv[2], nullptr, 10);
  limits->parent = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  return true;
}

void ServeCompiles(const WorkerLimits& limits) {
  SetLimits(limits);
  codegen::SetLlvmFatalHandler(Die);
  if (!SendFrame(kWorkerFd, FrameKind::kHello, "").ok()) _exit(0);
  WarmUp();
  while (true) {
    const absl::StatusOr<Frame> request = ReceiveFrame(kWorkerFd);
    if (!request.ok() || !Answer(*request).ok()) _exit(0);
  }
}

void LinkWorkerMain() {}

}  // namespace tensord::device::llvm
