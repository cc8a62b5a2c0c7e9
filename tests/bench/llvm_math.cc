// The expansions of f32 functions (engine/kernel/math_f32.h) on the llvm device, compiled as any
// function is.
//
//   bench_llvm_math exhaustive [OP...]   every one of 2^32 arguments of each unary function against
//                                        libm in double: the most units in the last place it is
//                                        off, the bound its row states; exit 1 over it
//   bench_llvm_math time [OP...]         1 Mi elements beside a loop of libm calls, interleaved;
//                                        minima, and the ratio
//
// Two threads (exhaustive) or one (time). One JSON row per function.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/thread_pool.h"
#include "engine/kernel/math_f32.h"
#include "engine/ops/build.h"
#include "engine/ops/registry.h"
#include "engine/runtime/engine.h"
#include "tests/bench/vector_libm.h"
#include "tests/engine/kernel/math_reference.h"

namespace tensord::runtime {
namespace {

using ir::ScalarOp;
using types::DType;

constexpr int64_t kChunk = 1 << 20;

// One function over kChunk floats, compiled once.
class Compiled {
 public:
  Compiled(Engine& engine, ScalarOp op) : engine_(engine) {
    types::Type type;
    type.dtype = DType::kF32;
    type.dims = {kChunk};
    ir::Function function;
    std::vector<ir::Ref> operands;
    for (int i = 0; i < ir::Row(op).arity; ++i) {
      operands.push_back(ops::AddParameter(function, type));
    }
    function.results = {ops::Build(*function.graph, ops::Op(op), operands)};
    auto executable = engine.Prepare(function);
    TENSORD_CHECK(executable.ok(), executable.status().ToString());
    executable_ = *executable;
  }

  std::vector<Value> Run(const std::vector<Value>& inputs) {
    std::promise<absl::Status> done;
    RunRequest request;
    request.executable = executable_;
    request.inputs = inputs;
    request.on_done = [&](absl::Status status) { done.set_value(std::move(status)); };
    auto results = engine_.Run(std::move(request));
    TENSORD_CHECK(results.ok(), results.status().ToString());
    const absl::Status status = done.get_future().get();
    TENSORD_CHECK(status.ok(), status.ToString());
    return *std::move(results);
  }

 private:
  Engine& engine_;
  ExecutableRef executable_;
};

// ---- exhaustive ----

struct Worst {
  double ulps = 0;
  float at = 0;
};

// Blocks that stay in the caches, on every thread of the pool.
void Judge(base::ThreadPool& pool, const VectorLibm& libm, absl::Span<const float> x,
           absl::Span<const float> got, Worst* worst) {
  constexpr int64_t kBlock = 4096;
  std::mutex mutex;
  pool.ParallelFor(kChunk / kBlock, [&](int64_t begin, int64_t end, int) {
    Worst mine;
    for (int64_t block = begin; block < end; ++block) {
      const auto arguments = x.subspan(static_cast<size_t>(block * kBlock), kBlock);
      const std::vector<double> exact = libm(arguments);
      for (size_t i = 0; i < arguments.size(); ++i) {
        const double ulps = kernel::UlpsOff(got[static_cast<size_t>(block * kBlock) + i], exact[i]);
        if (ulps > mine.ulps) mine = {ulps, arguments[i]};
      }
    }
    const std::scoped_lock lock(mutex);
    if (mine.ulps > worst->ulps) *worst = mine;
  });
}

enum class Symmetry { kNone, kEven, kOdd };

Symmetry SymmetryOf(ScalarOp op) {
  switch (op) {
    case ScalarOp::kCos:
    case ScalarOp::kCosh:
      return Symmetry::kEven;
    case ScalarOp::kSin:
    case ScalarOp::kTan:
    case ScalarOp::kAsin:
    case ScalarOp::kAtan:
    case ScalarOp::kSinh:
    case ScalarOp::kTanh:
    case ScalarOp::kAsinh:
    case ScalarOp::kAtanh:
    case ScalarOp::kErf:
      return Symmetry::kOdd;
    default:
      return Symmetry::kNone;
  }
}

// The results at the floats whose bits are first, first + 1, ...
types::HostTensor ResultsFrom(Engine& engine, Compiled& compiled, uint64_t first,
                              types::HostTensor& x) {
  for (uint64_t i = 0; i < kChunk; ++i) {
    x.as<float>()[i] = std::bit_cast<float>(static_cast<uint32_t>(first + i));
  }
  auto input = engine.Put(x);
  TENSORD_CHECK(input.ok(), input.status().ToString());
  auto got = engine.Fetch(compiled.Run({*input})[0]);
  TENSORD_CHECK(got.ok(), got.status().ToString());
  return *std::move(got);
}

// Judges the results at the negative arguments by those at the positive ones, bit for bit.
void JudgeMirrored(Symmetry symmetry, absl::Span<const float> x, absl::Span<const float> positive,
                   absl::Span<const float> negative, Worst* worst) {
  for (size_t i = 0; i < x.size(); ++i) {
    const float want = symmetry == Symmetry::kOdd ? -positive[i] : positive[i];
    const bool same = std::bit_cast<uint32_t>(want) == std::bit_cast<uint32_t>(negative[i]) ||
                      (std::isnan(want) && std::isnan(negative[i]));
    if (!same) *worst = {std::numeric_limits<double>::infinity(), x[i]};
  }
}

bool Exhaust(Engine& engine, base::ThreadPool& pool, const kernel::F32Expansion& row) {
  constexpr uint64_t kNegative = uint64_t{1} << 31;
  const Symmetry symmetry = SymmetryOf(row.op);
  const VectorLibm libm(row.op);
  Compiled compiled(engine, row.op);
  types::HostTensor x(DType::kF32, {kChunk});
  Worst worst;
  for (uint64_t first = 0; first < kNegative; first += kChunk) {
    const types::HostTensor positive = ResultsFrom(engine, compiled, first, x);
    Judge(pool, libm, x.as<float>(), positive.as<float>(), &worst);
    const types::HostTensor negative = ResultsFrom(engine, compiled, kNegative + first, x);
    if (symmetry == Symmetry::kNone) {
      Judge(pool, libm, x.as<float>(), negative.as<float>(), &worst);
    } else {
      JudgeMirrored(symmetry, x.as<float>(), positive.as<float>(), negative.as<float>(), &worst);
    }
  }
  const bool within = worst.ulps <= row.max_ulp;
  std::printf(
      "{\"name\": \"%s\", \"max_ulp\": %.4f, \"bound\": %.2f, \"at\": \"%a\", \"ok\": %s}\n",
      std::string(ir::Row(row.op).name).c_str(), worst.ulps, row.max_ulp, worst.at,
      within ? "true" : "false");
  std::fflush(stdout);
  return within;
}

// ---- time ----

double Seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Where each function is neither saturated nor NaN.
types::HostTensor Arguments(ScalarOp op, int operand) {
  const bool unit = op == ScalarOp::kAsin || op == ScalarOp::kAcos || op == ScalarOp::kAtanh;
  const bool above_one = op == ScalarOp::kAcosh;
  types::HostTensor x(DType::kF32, {kChunk});
  for (size_t i = 0; i < kChunk; ++i) {
    const double wave = std::fmod(static_cast<double>(i) * (operand == 0 ? 0.377 : 0.791), 1);
    x.as<float>()[i] = static_cast<float>(above_one ? 1 + 3 * wave : unit ? wave : 4 * wave);
  }
  return x;
}

void Time(Engine& engine, const kernel::F32Expansion& row) {
  constexpr int kRuns = 40;
  Compiled compiled(engine, row.op);
  std::vector<types::HostTensor> hosts;
  std::vector<Value> inputs;
  const std::byte* at[2] = {};
  for (int i = 0; i < ir::Row(row.op).arity; ++i) hosts.push_back(Arguments(row.op, i));
  for (size_t i = 0; i < hosts.size(); ++i) {
    inputs.push_back(engine.Put(hosts[i]).value());
    at[i] = hosts[i].bytes().data();
  }
  types::HostTensor out(DType::kF32, {kChunk});
  const ir::LaneFunction calls = ir::LaneFunctionFor(row.op, DType::kF32, DType::kF32);
  double ours = 1e9, libm = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    ours = std::min(ours, Seconds([&] { compiled.Run(inputs); }));
    libm =
        std::min(libm, Seconds([&] { calls(out.bytes().data(), at[0], at[1], nullptr, kChunk); }));
  }
  std::printf(
      "{\"name\": \"%s\", \"unit\": \"us\", \"threads\": 1, \"ours\": %.0f, \"libm\": %.0f, "
      "\"ratio\": %.2f}\n",
      std::string(ir::Row(row.op).name).c_str(), ours * 1e6, libm * 1e6, libm / ours);
}

int Main(absl::Span<char* const> arguments) {
  const bool exhaustive = !arguments.empty() && std::strcmp(arguments[0], "exhaustive") == 0;
  if (!exhaustive && (arguments.empty() || std::strcmp(arguments[0], "time") != 0)) {
    std::fprintf(stderr, "usage: bench_llvm_math exhaustive|time [OP...]\n");
    return 2;
  }
  const int threads = exhaustive ? 2 : 1;
  auto engine = Engine::Create({.devices = {"llvm"}, .threads = threads});
  TENSORD_CHECK(engine.ok(), engine.status().ToString());
  base::ThreadPool pool(threads);
  bool within = true;
  for (const kernel::F32Expansion& row : kernel::AllF32Expansions()) {
    const ir::ScalarOpRow& op = ir::Row(row.op);
    const auto chosen = arguments.subspan(1);
    const bool wanted = chosen.empty() || std::any_of(chosen.begin(), chosen.end(),
                                                      [&](const char* a) { return a == op.name; });
    if (!wanted) continue;
    if (!exhaustive) Time(**engine, row);
    if (exhaustive && op.arity == 1) within = Exhaust(**engine, pool, row) && within;
  }
  return within ? 0 : 1;
}

}  // namespace
}  // namespace tensord::runtime

int main(int argc, char** argv) {
  return tensord::runtime::Main(absl::MakeConstSpan(argv + 1, static_cast<size_t>(argc - 1)));
}
