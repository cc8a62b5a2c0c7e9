// What this process may use of its machine: cores and memory, after affinity and cgroup limits.
#pragma once

#include <cstdint>
#include <string>

namespace tensord::base {

// Limits of the cgroups (v1, v2 or both) that hold a process; 0 where there is none.
struct CgroupLimits {
  double cpus = 0;           // quota divided by period; the smallest on the way up to the root
  int64_t memory_bytes = 0;  // likewise
};

// Reads them below `root`; `memberships` is the text of /proc/self/cgroup. A file that is missing
// or unreadable is no limit.
CgroupLimits ReadCgroupLimits(const std::string& root, const std::string& memberships);

// Cores for this process: those its affinity mask allows, cut to the cgroup's quota (rounded up).
// At least 1. Read once.
int CpuCount();

// Bytes of memory for this process: the machine's, cut to the cgroup's limit. Read once.
int64_t MemoryLimitBytes();

}  // namespace tensord::base
