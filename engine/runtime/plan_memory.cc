#include <algorithm>
#include <map>

#include "engine/runtime/plan.h"

namespace tensord::runtime {
namespace {

constexpr int64_t kAlign = 64;

int64_t Aligned(int64_t bytes) {
  return (std::max<int64_t>(bytes, 1) + kAlign - 1) / kAlign * kAlign;
}

struct Life {
  int32_t value;
  int first, last;  // steps
  int64_t bytes;
};

std::vector<Life> Lives(const Plan& plan, uint16_t device) {
  std::map<int32_t, Life> lives;
  for (int step = 0; step < static_cast<int>(plan.steps.size()); ++step) {
    for (int32_t value : plan.steps[step].values) {
      const PlanValue& v = plan.values[value];
      if (v.home != Home::kArena || v.device != device) continue;
      auto [it, fresh] = lives.try_emplace(value, Life{value, step, step, Aligned(v.bytes)});
      it->second.last = step;
    }
  }
  std::vector<Life> result;
  for (auto& [value, life] : lives) result.push_back(life);
  return result;
}

int64_t PeakLive(const std::vector<Life>& lives, size_t steps) {
  std::vector<int64_t> change(steps + 1, 0);
  for (const Life& life : lives) {
    change[life.first] += life.bytes;
    change[life.last + 1] -= life.bytes;
  }
  int64_t live = 0, peak = 0;
  for (int64_t delta : change) peak = std::max(peak, live += delta);
  return peak;
}

struct Placed {
  int64_t begin, end;  // bytes
  int first, last;     // steps
};

// The lowest offset at which `life` fits beside every placed value it overlaps in time. `placed` is
// sorted by offset.
int64_t LowestOffset(const Life& life, const std::vector<Placed>& placed) {
  int64_t at = 0;
  for (const Placed& other : placed) {
    if (other.first > life.last || life.first > other.last) continue;
    if (other.begin >= at + life.bytes) break;
    at = std::max(at, other.end);
  }
  return at;
}

}  // namespace

void PlanMemory(Plan& plan) {
  uint16_t devices = 0;
  for (const PlanValue& value : plan.values)
    devices = std::max<uint16_t>(devices, value.device + 1);
  plan.arena_bytes.assign(devices, 0);
  plan.peak_live_bytes = 0;
  for (uint16_t device = 0; device < devices; ++device) {
    std::vector<Life> lives = Lives(plan, device);
    plan.peak_live_bytes += PeakLive(lives, plan.steps.size());
    std::stable_sort(lives.begin(), lives.end(),
                     [](const Life& a, const Life& b) { return a.bytes > b.bytes; });
    std::vector<Placed> placed;
    for (const Life& life : lives) {
      const int64_t offset = LowestOffset(life, placed);
      plan.values[life.value].offset = offset;
      plan.arena_bytes[device] = std::max(plan.arena_bytes[device], offset + life.bytes);
      const Placed mine = {offset, offset + life.bytes, life.first, life.last};
      const auto after = [](int64_t begin, const Placed& other) { return begin < other.begin; };
      placed.insert(std::upper_bound(placed.begin(), placed.end(), offset, after), mine);
    }
  }
}

}  // namespace tensord::runtime
