// LLVM IR text for host processors: the input of codegen/llvm_compile.h.
//
// The module exports one constant, @tensord_kernel, laid out as KernelTable: what the launcher in
// device/llvm needs to run the kernel. Everything else is internal.
#pragma once

#include <cstdint>

#include "engine/codegen/renderer.h"

namespace tensord::codegen {

inline constexpr char kKernelTableSymbol[] = "tensord_kernel";
inline constexpr int32_t kKernelTableFormat = 1;  // also of the calling convention below

// The regions run in order, each finished before the next begins.
struct KernelRegion {
  // Iterations [begin, end) of a parallel loop, begin < end; a serial region ignores them.
  // `scratch` is the calling thread's, `frame` the launch's; both are aligned to 64 bytes and
  // undefined at first, and may be null when their size is 0.
  void (*run)(void* const* arguments, const int64_t* variables, int64_t begin, int64_t end,
              void* scratch, void* frame);
  // The loop's iterations, or null in a serial region.
  int64_t (*trip)(void* const* arguments, const int64_t* variables, void* frame);
};

struct KernelTable {
  int32_t format;
  int32_t regions;
  int64_t scratch_bytes;
  int64_t frame_bytes;
  KernelRegion region[1];  // `regions` of them
};

class LlvmTextRenderer : public Renderer {
 public:
  struct Options {
    int64_t max_stack_bytes = 32 << 10;  // private arrays beyond it live in scratch memory
    int64_t max_scratch_bytes = 256 << 20;
  };
  LlvmTextRenderer() = default;
  explicit LlvmTextRenderer(Options options) : options_(options) {}

  absl::StatusOr<std::string> Render(const kernel::Linear& kernel) const override;

 private:
  Options options_;
};

}  // namespace tensord::codegen
