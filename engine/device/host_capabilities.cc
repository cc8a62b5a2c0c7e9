#include "engine/device/host_capabilities.h"

#include <unistd.h>

#include <utility>

#include "engine/base/host.h"

namespace tensord::device {
namespace {

void SetVectors(types::Capabilities& c) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    c.vector_bytes = 64;
    c.vector_registers = 32;
  } else if (__builtin_cpu_supports("avx2")) {
    c.vector_bytes = 32;
  }
#elif defined(__aarch64__)
  c.vector_registers = 32;
#endif
}

// A cache size as the C library knows it, or `otherwise`.
int64_t CacheBytes(int name, int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

}  // namespace

types::Capabilities HostCapabilities(std::string name, const DeviceOptions& options) {
  types::Capabilities c;
  c.name = std::move(name);
  c.kind = types::DeviceKind::kCpu;
  c.threads = options.threads > 0 ? options.threads : base::CpuCount();
  SetVectors(c);
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  c.l1_bytes = CacheBytes(_SC_LEVEL1_DCACHE_SIZE, c.l1_bytes);
  c.l2_bytes = CacheBytes(_SC_LEVEL2_CACHE_SIZE, c.l2_bytes);
  c.l3_bytes = CacheBytes(_SC_LEVEL3_CACHE_SIZE, 0);
#endif
  for (const types::DTypeRow& row : types::AllDTypes()) {
    if (!types::IsHalf(row.dtype)) c.SetNative(row.dtype);
  }
  return c;
}

}  // namespace tensord::device
