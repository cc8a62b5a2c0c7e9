#include "engine/schedule/distinct.h"

#include "absl/container/flat_hash_map.h"

namespace tensord::schedule {
namespace {

// The kernel table's kernels share their graph; what donation changes is which parameter an output
// writes, the nodes of the values, and the loops.
struct Key {
  std::vector<uint64_t> words;
  std::vector<Sym> indices;
  friend bool operator==(const Key&, const Key&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Key& key) {
    return H::combine(std::move(h), key.words, key.indices);
  }
};

uint64_t Word(const void* address) { return reinterpret_cast<uintptr_t>(address); }

Key KeyOf(const Step& step) {
  const LoopKernel& kernel = step.kernel;
  Key key;
  key.words = {step.placement.device, Word(kernel.graph.get()), kernel.params.size()};
  const auto add = [&](int param, Ref value) {
    key.words.push_back(static_cast<uint64_t>(param));
    key.words.push_back(Word(value));
  };
  for (const Param& param : kernel.params) key.words.push_back(param.written ? 1 : 0);
  for (const Range& range : kernel.grid) key.indices.push_back(range.extent);
  for (const Output& output : kernel.outputs) {
    add(output.param, output.value);
    key.indices.push_back(output.index);
  }
  for (const Scatter& scatter : kernel.scatters) {
    add(scatter.param, scatter.position);
    add(scatter.param, scatter.update);
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
