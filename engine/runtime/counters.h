// What the engine has done since it started: one row per counter. Tests assert on them, the daemon
// exports them, examples print them.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace tensord::runtime {

#define TENSORD_COUNTERS(ROW)                                                                  \
  ROW(kernels_compiled, "kernels compiled from source")                                        \
  ROW(kernel_memory_hits, "kernels found loaded")                                              \
  ROW(kernel_disk_hits, "kernels loaded from the disk cache")                                  \
  ROW(plans_made, "graphs planned: passes, schedule and lowering run")                         \
  ROW(plan_memory_hits, "graphs whose plan was in memory")                                     \
  ROW(plan_disk_hits, "graphs whose plan was in the disk cache")                               \
  ROW(cache_evictions, "plans and kernels that left a full cache, of memory or disk")          \
  ROW(compile_failures, "kernels that could not be compiled")                                  \
  ROW(runs, "plans executed")                                                                  \
  ROW(launches, "kernels launched")                                                            \
  ROW(copies, "copies between devices")                                                        \
  ROW(bytes_in, "bytes copied from the host")                                                  \
  ROW(bytes_out, "bytes copied to the host")                                                   \
  ROW(donated_bytes, "bytes of results written over donated inputs")                           \
  ROW(donation_copied_bytes, "bytes of donated inputs copied, because they had other holders") \
  ROW(runs_stopped, "plans that a deadline or cancel stopped before they wrote in place")      \
  ROW(compile_microseconds, "time in kernel compiles, summed over workers")                    \
  ROW(plan_microseconds, "time in passes, schedule and lowering")

struct Counters {
#define ROW(name, doc) std::atomic<uint64_t> name = 0;
  TENSORD_COUNTERS(ROW)
#undef ROW
};

struct CounterRow {
  std::string_view name, doc;
  uint64_t value;
};

inline std::vector<CounterRow> Snapshot(const Counters& counters) {
  return {
#define ROW(name, doc) {#name, doc, counters.name.load(std::memory_order_relaxed)},
      TENSORD_COUNTERS(ROW)
#undef ROW
  };
}

inline void Count(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace tensord::runtime
