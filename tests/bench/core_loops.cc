// Memory-bound kernels in process, against the fastest hand-written loop with the same reads and
// writes in the same run, interleaved.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <vector>

#include "engine/base/thread_pool.h"
#include "engine/ops/build.h"
#include "engine/runtime/engine.h"
#include "tests/bench/row.h"

namespace tensord::runtime {
namespace {

constexpr int64_t kElements = 16 << 20;
constexpr int kRuns = 15;
typedef float V16 __attribute__((vector_size(64), aligned(64)));

double Seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void StorePastCaches(float* at, const V16& value) {
#ifdef __AVX512F__
  __builtin_ia32_movntps512(at, value);
#else
  typedef float V4 __attribute__((vector_size(16)));
  V4 quarters[4];
  std::memcpy(quarters, &value, sizeof(value));
  for (int q = 0; q < 4; ++q) __builtin_ia32_movntps(at + q * 4, quarters[q]);
#endif
}

// relu(a * b + 1) + a, streamed past the caches.
void ChainLoop(base::ThreadPool& pool, const float* a, const float* b, float* out) {
  pool.ParallelFor(kElements / 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const V16 x = reinterpret_cast<const V16*>(a)[i], y = reinterpret_cast<const V16*>(b)[i];
      const V16 t = x * y + 1.0f;
      const V16 r = (t > 0.0f ? t : V16{}) + x;
      StorePastCaches(out + i * 16, r);
    }
  });
}

double SumLoop(base::ThreadPool& pool, const float* a) {
  std::vector<double> partial(static_cast<size_t>(pool.threads()) * 8);
  pool.ParallelFor(kElements / 64, [&](int64_t begin, int64_t end, int worker) {
    V16 s[4] = {};
    for (int64_t i = begin; i < end; ++i) {
      for (int k = 0; k < 4; ++k) s[k] += reinterpret_cast<const V16*>(a)[i * 4 + k];
    }
    const V16 t = (s[0] + s[1]) + (s[2] + s[3]);
    double sum = 0;
    for (int k = 0; k < 16; ++k) sum += t[k];
    partial[static_cast<size_t>(worker) * 8] = sum;
  });
  double sum = 0;
  for (double p : partial) sum += p;
  return sum;
}

struct Work {
  const char* name;
  double bytes;
  ir::Function function;
  std::function<void()> limit;
};

types::HostTensor Ramp(double scale) {
  types::HostTensor tensor(types::DType::kF32, {kElements});
  auto values = tensor.as<float>();
  for (int64_t i = 0; i < kElements; ++i)
    values[i] = static_cast<float>(scale * std::sin(i * 0.37));
  return tensor;
}

void Run(Engine& engine, Work& work, const std::vector<Value>& inputs, int threads) {
  auto executable = engine.Prepare(work.function);
  TENSORD_CHECK(executable.ok(), executable.status().ToString());
  const auto once = [&] {
    std::promise<absl::Status> done;
    RunRequest request;
    request.executable = *executable;
    request.inputs.assign(inputs.begin(), inputs.begin() + work.function.parameters.size());
    request.on_done = [&](absl::Status status) { done.set_value(std::move(status)); };
    auto results = engine.Run(std::move(request));
    TENSORD_CHECK(results.ok(), results.status().ToString());
    TENSORD_CHECK(done.get_future().get().ok());
  };
  std::vector<double> ours, limit, ratio;
  for (int i = 0; i < kRuns; ++i) {
    ours.push_back(Seconds(once));
    limit.push_back(Seconds(work.limit));
    ratio.push_back(limit.back() / ours.back());
  }
  const auto rate = [&](const std::vector<double>& seconds) {
    return work.bytes / bench::Median(seconds) / 1e9;
  };
  bench::Print({.name = work.name,
                .unit = "GB/s",
                .threads = threads,
                .ours = rate(ours),
                .limit = rate(limit),
                .of_limit = bench::Median(ratio),
                .spread = bench::Spread(ours)});
}

// In huge pages, as the engine's.
using Memory = std::unique_ptr<float, decltype(&std::free)>;
Memory Allocate() {
  constexpr size_t kBytes = kElements * sizeof(float), kHugePage = 2 << 20;
  auto* at = static_cast<float*>(std::aligned_alloc(kHugePage, kBytes));
  madvise(at, kBytes, MADV_HUGEPAGE);
  return {at, &std::free};
}

int Main(int threads) {
  auto engine = Engine::Create({.devices = {"llvm"}, .threads = threads});
  TENSORD_CHECK(engine.ok(), engine.status().ToString());
  const types::HostTensor a = Ramp(1), b = Ramp(2);
  std::vector<Value> inputs;
  for (const auto* tensor : {&a, &b}) inputs.push_back((*engine)->Put(*tensor).value());
  const Memory pa = Allocate(), pb = Allocate(), po = Allocate();
  std::copy_n(a.as<float>().data(), kElements, pa.get());
  std::copy_n(b.as<float>().data(), kElements, pb.get());
  base::ThreadPool pool(threads);
  volatile double sink = 0;
  Work chain{"elementwise chain, 16 Mi", 12.0 * kElements, {}, [&] {
               ChainLoop(pool, pa.get(), pb.get(), po.get());
             }};
  Work sum{"sum, 16 Mi", 4.0 * kElements, {}, [&] { sink = SumLoop(pool, pa.get()); }};
  for (Work* work : {&chain, &sum}) {
    auto& g = *work->function.graph;
    types::Type type = inputs[0].type;
    ir::Ref x = ops::AddParameter(work->function, type);
    if (work == &sum) {
      work->function.results = {ops::Reduce(g, x, "sum", {0})};
    } else {
      ir::Ref y = ops::AddParameter(work->function, type);
      ir::Ref t = ops::Add(g, ops::Mul(g, x, y), ops::ConstantLike(g, x, 1));
      work->function.results = {ops::Add(g, ops::Build(g, "relu", {t}), x)};
    }
    Run(**engine, *work, inputs, threads);
  }
  for (int64_t i = 0; i < kElements; ++i) {  // the limit did what the kernel does
    const float x = pa.get()[i], t = x * pb.get()[i] + 1;
    TENSORD_CHECK(po.get()[i] == std::max(t, 0.0f) + x, "element ", i);
  }
  TENSORD_CHECK(std::isfinite(sink));
  return 0;
}

}  // namespace
}  // namespace tensord::runtime

int main(int argc, char** argv) {
  return tensord::runtime::Main(argc > 1 ? std::atoi(argv[1]) : 2);
}
