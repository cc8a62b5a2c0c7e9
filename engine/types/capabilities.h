// What a device can do: the facts that scheduling, code generation and cost models read. A device
// fills one at start-up; it never changes afterwards, and its values are part of kernel cache keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/dtype.h"

namespace tensord::types {

// One matrix instruction: an m x k tile times a k x n tile of `in`, accumulated in `accumulator`.
struct MatrixInstruction {
  std::string name;  // the renderer's spelling
  int m = 0, n = 0, k = 0;
  DType in = DType::kInvalid;
  DType accumulator = DType::kInvalid;
};

enum class DeviceKind : uint8_t { kCpu, kGpu };
inline constexpr const char* DeviceKindName(DeviceKind kind) {
  return kind == DeviceKind::kCpu ? "cpu" : "gpu";
}

struct Capabilities {
  std::string name;  // "llvm", "opencl:0"
  DeviceKind kind = DeviceKind::kCpu;
  // The compile target: what the machine code or text is made for. Empty where nothing is compiled.
  std::string target_triple;    // "x86_64-pc-linux-gnu"
  std::string target_cpu;       // "sapphirerapids"
  std::string target_features;  // "+avx2,+fma"

  int threads = 1;                 // that run kernels at once (CPU) or compute units (GPU)
  int vector_bytes = 16;           // of one vector register: 16, 32 or 64
  int vector_registers = 16;       // architectural ones; per work item on a GPU
  int64_t l1_bytes = 32 << 10;     // data, per core
  int64_t l2_bytes = 1 << 20;      // per core
  int64_t l3_bytes = 0;            // shared; 0: none
  int64_t local_memory_bytes = 0;  // per work group; 0: none
  int max_work_group = 1;          // work items; 1 on a CPU
  int64_t max_buffer_bytes = int64_t{1} << 40;

  // Bit d: arithmetic on DType(d) is native; others are lowered to ones that are.
  uint32_t native_dtypes = 0;
  bool Supports(DType dtype) const {
    return ((native_dtypes >> static_cast<int>(dtype)) & 1u) != 0;
  }
  void SetNative(DType dtype) { native_dtypes |= 1u << static_cast<int>(dtype); }

  std::vector<MatrixInstruction> matrix_instructions;

  // Elements of `dtype` in one vector register, at least 1.
  int VectorLanes(DType dtype) const {
    const int bytes = Bytes(dtype);
    return bytes > 0 && vector_bytes > bytes ? vector_bytes / bytes : 1;
  }
};

}  // namespace tensord::types
