// How a linear kernel runs on a processor: its top level cut into regions that run one after the
// other, each either a parallel loop whose iterations the caller hands out, or code for one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/kernel/linear.h"

namespace tensord::codegen {

struct Region {
  bool parallel = false;
  int begin = 0, end = 0;  // instructions; of a parallel region: the kFor ... its kEnd, inclusive
};

// Where the array of a buffer that is no argument lives.
enum class ArrayPlace : uint8_t {
  kStack,    // of the region's function
  kScratch,  // the worker's scratch memory, too large for the stack
  kFrame,    // the launch's frame: several serial regions use it
};

struct ArrayHome {
  ArrayPlace place = ArrayPlace::kStack;
  int64_t offset = 0;  // bytes, of kScratch and kFrame
};

struct RegionPlan {
  std::vector<Region> regions;
  std::vector<ArrayHome> arrays;  // by buffer; those of arguments mean nothing
  // By register: the offset of its slot in the frame when a later region reads it and it can't be
  // computed again there (a loaded value, an accumulator); else -1.
  std::vector<int64_t> frame_slots;
  // By instruction: of the top level, without effects, and cheap to repeat in every region.
  std::vector<bool> repeatable;
  int64_t scratch_bytes = 0;  // per worker
  int64_t frame_bytes = 0;    // per launch
};

inline constexpr int64_t kArrayAlign = 64;

// UNIMPLEMENTED for work-items that meet at a barrier; RESOURCE_EXHAUSTED for private arrays beyond
// `max_scratch_bytes`. REQUIRES: kernel::Verify(kernel) is OK.
absl::StatusOr<RegionPlan> PlanRegions(const kernel::Linear& kernel, int64_t max_stack_bytes,
                                       int64_t max_scratch_bytes);

}  // namespace tensord::codegen
