#include "engine/schedule/distinct.h"

#include "absl/container/flat_hash_map.h"

namespace tensord::schedule {
namespace {

// The kernel table's kernels share their graph; what donation changes is which parameter an output
// writes and the nodes of the values.
using Key = std::vector<uint64_t>;

uint64_t Word(const void* address) { return reinterpret_cast<uintptr_t>(address); }

Key KeyOf(const Step& step) {
  const LoopKernel& kernel = step.kernel;
  Key key = {step.placement.device, Word(kernel.graph.get()), kernel.params.size()};
  for (const Param& param : kernel.params) key.push_back(param.written ? 1 : 0);
  for (const Output& output : kernel.outputs) {
    key.push_back(static_cast<uint64_t>(output.param));
    key.push_back(Word(output.value));
  }
  return key;
}

}  // namespace

DistinctKernels FindDistinct(const Schedule& schedule) {
  DistinctKernels distinct;
  absl::flat_hash_map<Key, int> known;
  for (size_t i = 0; i < schedule.steps.size(); ++i) {
    const Step& step = schedule.steps[i];
    distinct.of_step.push_back(-1);
    if (step.kind != Step::kKernel) continue;
    auto [it, fresh] = known.try_emplace(KeyOf(step), static_cast<int>(distinct.first.size()));
    if (fresh) distinct.first.push_back(static_cast<int>(i));
    distinct.of_step.back() = it->second;
  }
  return distinct;
}

}  // namespace tensord::schedule
