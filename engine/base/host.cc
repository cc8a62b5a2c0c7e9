#include "engine/base/host.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "engine/base/file.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

std::string ReadWord(const std::string& path, size_t index = 0) {
  const absl::StatusOr<std::string> text = ReadFile(path, /*limit=*/4096);
  if (!text.ok()) return "";
  const std::vector<std::string_view> words = Split(*text, " \n");
  return index < words.size() ? std::string(words[index]) : "";
}

double QuotaOverPeriod(const std::string& quota, const std::string& period) {
  double q = 0, p = 0;
  if (!absl::SimpleAtod(quota, &q) || !absl::SimpleAtod(period, &p)) return 0;  // "max"
  return q > 0 && p > 0 ? q / p : 0;
}

// v1 spells "no limit" as a huge page-aligned number.
int64_t MemoryLimit(const std::string& text) {
  int64_t bytes = 0;
  if (!absl::SimpleAtoi(text, &bytes)) return 0;
  return bytes > 0 && bytes < (int64_t{1} << 60) ? bytes : 0;
}

template <typename T>
void Tighten(T& limit, T found) {
  if (found > 0) limit = limit > 0 ? std::min(limit, found) : found;
}

// Calls `read(folder)` for `path` below `mount` and for each of its parents. Inside a container the
// path may name folders of the host: those are missing, and the walk ends at the mount itself.
template <typename Read>
void WalkUp(const std::string& mount, std::string path, Read read) {
  while (true) {
    read(StrCat(mount, path));
    if (path.empty()) return;
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
}

void ReadUnified(const std::string& mount, const std::string& path, CgroupLimits& limits) {
  WalkUp(mount, path, [&](const std::string& folder) {
    const std::string file = folder + "/cpu.max";
    Tighten(limits.cpus, QuotaOverPeriod(ReadWord(file, 0), ReadWord(file, 1)));
    Tighten(limits.memory_bytes, MemoryLimit(ReadWord(folder + "/memory.max")));
  });
}

void ReadV1(const std::string& root, const std::string& controllers, const std::string& path,
            CgroupLimits& limits) {
  for (const std::string_view controller : Split(controllers, ",")) {
    if (controller == "cpu") {
      WalkUp(root + "/cpu", path, [&](const std::string& folder) {
        Tighten(limits.cpus, QuotaOverPeriod(ReadWord(folder + "/cpu.cfs_quota_us"),
                                             ReadWord(folder + "/cpu.cfs_period_us")));
      });
    } else if (controller == "memory") {
      WalkUp(root + "/memory", path, [&](const std::string& folder) {
        Tighten(limits.memory_bytes, MemoryLimit(ReadWord(folder + "/memory.limit_in_bytes")));
      });
    }
  }
}

const CgroupLimits& ProcessLimits() {
  static const CgroupLimits limits = ReadCgroupLimits(
      "/sys/fs/cgroup", ReadFile("/proc/self/cgroup", /*limit=*/65536).value_or(""));
  return limits;
}

int AffinityCount() {
  // The kernel refuses a mask that is smaller than its own: grow until it fits.
  for (int cpus = 1024; cpus <= (1 << 20); cpus *= 2) {
    cpu_set_t* const mask = CPU_ALLOC(cpus);
    const size_t size = CPU_ALLOC_SIZE(cpus);
    const int count = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (count > 0) return count;
  }
  return std::max<int>(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

CgroupLimits ReadCgroupLimits(const std::string& root, const std::string& memberships) {
  CgroupLimits limits;
  for (const std::string_view line : Split(memberships, "\n")) {  // number:controllers:path
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string controllers(line.substr(first + 1, second - first - 1));
    std::string path(line.substr(second + 1));
    if (path == "/") path.clear();
    if (controllers.empty()) {
      ReadUnified(root, path, limits);
      ReadUnified(root + "/unified", path, limits);  // v2 beside v1
    } else {
      ReadV1(root, controllers, path, limits);
    }
  }
  return limits;
}

int CpuCount() {
  static const int count = [] {
    const int cores = AffinityCount();
    const double quota = ProcessLimits().cpus;
    return quota > 0 ? std::clamp(static_cast<int>(std::ceil(quota)), 1, cores) : cores;
  }();
  return count;
}

int64_t MemoryLimitBytes() {
  static const int64_t bytes = [] {
    int64_t limit = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
    Tighten(limit, ProcessLimits().memory_bytes);
    return limit;
  }();
  return bytes;
}

}  // namespace tensord::base
