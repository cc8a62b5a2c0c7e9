// LLVM in a worker: 200 oversized and odd kernels under a limit of 2 s. This process must live, and
// each kernel must end as an object or as a clear status; those of a common size must run right.
// TENSORD_ODD_KERNELS=full runs them at full size (50,000 instructions and more; minutes),
// otherwise at a tenth.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "engine/base/strings.h"
#include "engine/ir/scalar_lanes.h"
#include "engine/kernel/linear_builder.h"
#include "tests/device/llvm_test_util.h"

namespace tensord::device {
namespace cpu {
const DeviceDriver& Driver();
}
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using types::DType;

bool Full() {
  const char* setting = std::getenv("TENSORD_ODD_KERNELS");
  return setting != nullptr && std::string_view(setting) == "full";
}

// What a family makes of `variant` (0 to 9): kernels from small to absurd.
struct Family {
  const char* name;
  Linear (*make)(int variant, int scale);
};

constexpr int kOddLanes[] = {1, 3, 5, 7, 9, 17, 33, 63, 65, 127};
constexpr int64_t kMany = int64_t{1} << 20;

struct OneLoop {
  LinearBuilder b;
  int in, out, i;
  OneLoop(const char* name, VType type, DType result)
      : b(name),
        in(b.AddGlobal("x", type.dtype, kMany, Access::kIn)),
        out(b.AddGlobal("y", result, kMany, Access::kOut)),
        i(b.For(LoopKind::kParallel, b.I64(0), b.I64(kMany / type.lanes * type.lanes),
                type.lanes)) {}
  Linear Store(int value) {
    b.Store(out, i, value);
    b.End();
    return std::move(b).Finish();
  }
};

Linear LongChain(int variant, int scale) {
  const VType type = {DType::kF32, variant % 2 == 0 ? 16 : 1};
  OneLoop k("long_chain", type, type.dtype);
  int x = k.b.Load(k.in, type, k.i);
  for (int n = 0; n < 500 * (variant + 1) * scale; ++n) {
    x = k.b.Fma(x, x, k.b.Const(type, 1.0 / (n + 1)));
  }
  return k.Store(x);
}

Linear WideBlock(int variant, int scale) {
  const VType type = {DType::kF32, 16};
  OneLoop k("wide_block", type, type.dtype);
  std::vector<int> row;
  for (int n = 0; n < 100 * (variant + 1) * scale; ++n) {
    row.push_back(k.b.Load(k.in, type, k.b.I64(n * 16 % kMany)));
  }
  while (row.size() > 1) {
    std::vector<int> next;
    for (size_t n = 0; n + 1 < row.size(); n += 2) next.push_back(k.b.Add(row[n], row[n + 1]));
    row = std::move(next);
  }
  return k.Store(row[0]);
}

Linear ManyStores(int variant, int scale) {
  OneLoop k("many_stores", {DType::kI32, 1}, DType::kI32);
  for (int n = 0; n < 300 * (variant + 1) * scale; ++n) {
    const int x = k.b.Load(k.in, {DType::kI32, 1}, k.b.I64(n * 37 % kMany));
    k.b.Store(k.out, k.b.I64(n * 91 % kMany), k.b.FloorDiv(x, k.b.Const({DType::kI32, 1}, n)));
  }
  return k.Store(k.b.Const({DType::kI32, 1}, 0.0));
}

Linear DeepLoops(int variant, int scale) {
  LinearBuilder b("deep_loops");
  const int y = b.AddGlobal("y", DType::kI64, kMany, Access::kInOut);
  const int depth = 5 * (variant + 1) * scale;
  int sum = b.I64(0);
  for (int n = 0; n < depth; ++n) {
    sum = b.Add(sum, b.For(n == 0 ? LoopKind::kParallel : LoopKind::kSerial, b.I64(0), b.I64(2)));
  }
  b.Store(y, b.Min(b.Max(sum, b.I64(0)), b.I64(kMany - 1)), sum);
  for (int n = 0; n < depth; ++n) b.End();
  return std::move(b).Finish();
}

Linear DeepIfs(int variant, int scale) {
  OneLoop k("deep_ifs", {DType::kF32, 1}, DType::kF32);
  const VType f = {DType::kF32, 1};
  const int x = k.b.Load(k.in, f, k.i);
  const int depth = 20 * (variant + 1) * scale;
  const int acc = k.b.Acc(x);
  for (int n = 0; n < depth; ++n) {
    k.b.If(k.b.Lt(k.b.Get(acc), k.b.Const(f, n)));
    k.b.Set(acc, k.b.Add(acc, x));
  }
  for (int n = 0; n < depth; ++n) k.b.End();
  return k.Store(k.b.Get(acc));
}

Linear GiantArray(int variant, int) {
  OneLoop k("giant_array", {DType::kF64, 8}, DType::kF64);
  const VType type = {DType::kF64, 8};
  const int array = k.b.AddPrivate("p", DType::kF64, int64_t{1} << (10 + 3 * variant));
  k.b.Store(array, k.b.I64(8), k.b.Load(k.in, type, k.i));
  return k.Store(k.b.Load(array, type, k.b.I64(8)));
}

Linear EveryOp(DType dtype, int lanes) {
  const VType type = {dtype, lanes};
  OneLoop k("every_op", type, dtype);
  const int x = k.b.Load(k.in, type, k.i);
  int y = x;
  for (const ir::ScalarOpRow& row : ir::AllScalarOps()) {
    if (ir::LaneFunctionFor(row.op, dtype, dtype) == nullptr || row.arity > 2) continue;
    y = row.arity == 1 ? k.b.Alu(row.op, type, {y}) : k.b.Alu(row.op, type, {y, x});
  }
  return k.Store(y);
}

Linear OddFloats(int variant, int) { return EveryOp(DType::kF32, kOddLanes[variant]); }
Linear OddHalves(int variant, int) { return EveryOp(DType::kBF16, kOddLanes[variant]); }
Linear OddDoubles(int variant, int) { return EveryOp(DType::kF64, kOddLanes[variant]); }
Linear OddBytes(int variant, int) { return EveryOp(DType::kI8, kOddLanes[variant]); }
Linear OddLongs(int variant, int) { return EveryOp(DType::kI64, kOddLanes[variant]); }

Linear HugeVectors(int variant, int scale) {
  const VType type = {variant % 2 == 0 ? DType::kF32 : DType::kU8, (scale == 1 ? 16 : 64)
                                                                       << variant};
  OneLoop k("huge_vectors", type, type.dtype);
  const int x = k.b.Load(k.in, type, k.i);
  return k.Store(k.b.Max(k.b.Mul(x, x), k.b.Add(x, x)));
}

Linear RandomShuffles(int variant, int scale) {
  const VType type = {DType::kU8, 8 << (variant % 6)};
  OneLoop k("random_shuffles", type, type.dtype);
  std::mt19937 random(static_cast<unsigned>(variant));
  int x = k.b.Load(k.in, type, k.i), y = x;
  for (int n = 0; n < 10 * scale; ++n) {
    std::vector<int32_t> lanes;
    for (int l = 0; l < type.lanes; ++l) {
      lanes.push_back(static_cast<int32_t>(random() % static_cast<unsigned>(2 * type.lanes)));
    }
    const int z = k.b.Shuffle(x, y, lanes);
    y = x;
    x = z;
  }
  return k.Store(x);
}

Linear ManyAccumulators(int variant, int scale) {
  const VType type = {DType::kF32, 16};
  OneLoop k("many_accumulators", type, type.dtype);
  std::vector<int> accumulators;
  for (int n = 0; n < 20 * (variant + 1) * scale; ++n) {
    accumulators.push_back(k.b.Acc(k.b.Const(type, n)));
  }
  k.b.For(LoopKind::kSerial, k.b.I64(0), k.b.I64(100));
  const int x = k.b.Load(k.in, type, k.i);
  for (int acc : accumulators) k.b.Set(acc, k.b.Fma(x, x, acc));
  k.b.End();
  int sum = k.b.Get(accumulators[0]);
  for (int acc : accumulators) sum = k.b.Add(sum, k.b.Get(acc));
  return k.Store(sum);
}

Linear WeirdConstants(int variant, int) {
  const double values[] = {std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(),
                           -0.0,
                           4.9e-324,
                           1e-45,
                           1.7976931348623157e308,
                           0x1p63,
                           -0x1p63,
                           0x1.fffffffffffffp-1};
  const DType dtype = variant % 3 == 0 ? DType::kF64 : variant % 3 == 1 ? DType::kF32 : DType::kF16;
  const VType type = {dtype, 8};
  OneLoop k("weird_constants", type, DType::kI64);
  const int c = k.b.Const(type, values[variant]), x = k.b.Load(k.in, type, k.i);
  int y = k.b.Cast(c, DType::kI64);
  for (ScalarOp op : {ScalarOp::kAdd, ScalarOp::kFloorDiv, ScalarOp::kFloorMod, ScalarOp::kMin,
                      ScalarOp::kMax, ScalarOp::kPow}) {
    y = k.b.Add(y, k.b.Cast(k.b.Binary(op, c, k.b.Binary(op, x, c)), DType::kI64));
  }
  return k.Store(y);
}

Linear WeirdLoops(int variant, int) {
  LinearBuilder b("weird_loops");
  const int64_t big = int64_t{1} << 61;
  const int n = b.AddVariable("n", variant % 2 == 0 ? -big : 0, big);
  const int y = b.AddGlobal("y", DType::kI64, 1, Access::kInOut);
  const int lo = variant < 5 ? b.Var(n) : b.I64(-big), hi = variant % 3 == 0 ? b.I64(-5) : b.Var(n);
  const int i = b.For(LoopKind::kParallel, lo, hi, variant < 3 ? 1 : big / (variant + 1));
  const int j = b.For(LoopKind::kSerial, b.I64(0), b.I64(0));
  b.Store(y, b.I64(0), b.Add(i, j));
  b.End();
  b.Store(y, b.I64(0), i);
  b.End();
  return std::move(b).Finish();
}

Linear ManyRegions(int variant, int scale) {
  LinearBuilder b("many_regions");
  const int y = b.AddGlobal("y", DType::kF32, kMany, Access::kInOut);
  for (int n = 0; n < 10 * (variant + 1) * scale; ++n) {
    const int i =
        b.For(n % 3 == 0 ? LoopKind::kSerial : LoopKind::kParallel, b.I64(n), b.I64(kMany));
    b.Store(y, i, b.Load(y, {DType::kF32, 1}, b.I64(n)));
    b.End();
  }
  return std::move(b).Finish();
}

Linear ManyArguments(int variant, int scale) {
  LinearBuilder b("many_arguments");
  const VType type = {DType::kF32, 16};
  std::vector<int> buffers;
  for (int n = 0; n < 20 * (variant + 1) * scale; ++n) {
    buffers.push_back(b.AddGlobal(StrCat("g", n), DType::kF32, kMany, Access::kInOut));
  }
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(kMany), 16);
  for (size_t n = 1; n < buffers.size(); ++n) {
    b.Store(buffers[n], i, b.Load(buffers[n - 1], type, i), -1, /*non_temporal=*/true);
  }
  b.End();
  return std::move(b).Finish();
}

Linear Gathers(int variant, int) {
  const int lanes = variant < 8 ? kOddLanes[variant] : 64 << variant % 8;
  const VType type = {variant % 2 == 0 ? DType::kU8 : DType::kBool, lanes};
  OneLoop k("gathers", type, type.dtype);
  const int index = k.b.FloorMod(k.b.Mul(k.b.Iota({DType::kI64, lanes}), k.i), k.b.I64(kMany));
  const int mask = k.b.Lt(index, k.b.I64(1000));
  k.b.Scatter(k.out, index, k.b.Gather(k.in, type, index, mask), mask);
  return k.Store(k.b.Load(k.in, type, k.i, mask));
}

Linear LibraryCalls(int variant, int scale) {
  const VType type = {DType::kF64, 8};
  OneLoop k("library_calls", type, type.dtype);
  int x = k.b.Load(k.in, type, k.i);
  for (int n = 0; n < (variant + 1) * 3 * scale; ++n) {
    const auto op = static_cast<ScalarOp>(static_cast<int>(ScalarOp::kExp) + n % 20);
    x = k.b.Alu(op, type, {x});
  }
  return k.Store(x);
}

Linear Nothing(int variant, int) {
  LinearBuilder b("nothing");
  const int y = b.AddGlobal("y", DType::kF32, 1, Access::kInOut);
  if (variant % 2 == 0) {
    b.For(variant % 4 == 0 ? LoopKind::kParallel : LoopKind::kSerial, b.I64(5), b.I64(variant));
    if (variant > 4) b.Store(y, b.I64(0), b.Const({DType::kF32, 1}, variant));
    b.End();
  }
  return std::move(b).Finish();
}

constexpr Family kFamilies[] = {
    {"long chain", LongChain},     {"wide block", WideBlock},
    {"many stores", ManyStores},   {"deep loops", DeepLoops},
    {"deep ifs", DeepIfs},         {"giant array", GiantArray},
    {"odd f32", OddFloats},        {"odd bf16", OddHalves},
    {"odd f64", OddDoubles},       {"odd i8", OddBytes},
    {"odd i64", OddLongs},         {"huge vectors", HugeVectors},
    {"shuffles", RandomShuffles},  {"accumulators", ManyAccumulators},
    {"constants", WeirdConstants}, {"weird loops", WeirdLoops},
    {"many regions", ManyRegions}, {"arguments", ManyArguments},
    {"gathers", Gathers},          {"library calls", LibraryCalls},
};
constexpr int kVariants = 10;
static_assert(std::size(kFamilies) * kVariants == 200);

// The outcome of each kernel, over two threads.
std::vector<absl::Status> CompileAll(Device& device, const std::vector<Linear>& kernels) {
  std::vector<absl::Status> statuses(kernels.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < kernels.size();)
      statuses[i] = device.Compile(kernels[i]).status();
  };
  std::thread other(work);
  work();
  other.join();
  return statuses;
}

TEST(LlvmOddKernels, EndAsAnObjectOrAStatusAndNeverTakeTheProcessDown) {
  DeviceOptions options;
  options.threads = 1;
  options.compile_workers = 2;
  options.compile_timeout_ms = 2000;
  auto device = llvm::Driver().open(0, options);
  ASSERT_TRUE(device.ok()) << device.status();
  std::vector<Linear> kernels;
  for (const Family& family : kFamilies) {
    for (int v = 0; v < kVariants; ++v) kernels.push_back(family.make(v, Full() ? 10 : 1));
  }
  const auto start = std::chrono::steady_clock::now();
  const std::vector<absl::Status> statuses = CompileAll(**device, kernels);
  for (size_t f = 0; f < std::size(kFamilies); ++f) {
    std::map<std::string, int> outcomes;
    for (size_t i = f * kVariants; i < (f + 1) * kVariants; ++i) {
      ++outcomes[absl::StatusCodeToString(statuses[i].code())];
      const bool clear = statuses[i].ok() || statuses[i].message().size() > 20;
      EXPECT_TRUE(clear) << kFamilies[f].name << ": " << statuses[i];
      if (!statuses[i].ok()) std::printf("    %s\n", statuses[i].ToString().substr(0, 150).c_str());
    }
    std::string line;
    for (const auto& [code, count] : outcomes) StrAppend(&line, " ", count, " ", code);
    std::printf("%-14s%s\n", kFamilies[f].name, line.c_str());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%zu kernels in %.1f s\n", kernels.size(), seconds.count());
  EXPECT_TRUE((*device)->Compile(Nothing(4, 1)).ok());
}

TEST(LlvmOddKernels, NothingAtAllCompilesAndRuns) {
  for (int v = 0; v < kVariants; ++v) {
    types::HostTensor y(DType::kF32, {1});
    types::HostTensor* const buffers[] = {&y};
    const absl::Status status = RunOn(LlvmDeviceForTests(), Nothing(v, 1), buffers);
    EXPECT_TRUE(status.ok()) << v << ": " << status;
    EXPECT_EQ(y.At(0).f, v > 5 && v % 2 == 0 ? v : 0) << v;
  }
}

// Odd, but of a size that compiles: these must. (Points of "gathers" store over each other.)
std::vector<std::pair<const char*, Linear>> HarmlessKernels() {
  std::vector<std::pair<const char*, Linear>> kernels;
  const auto add = [&](const char* name, Linear (*make)(int, int), std::initializer_list<int> of) {
    for (int variant : of) kernels.emplace_back(name, make(variant, 1));
  };
  add("constants", WeirdConstants, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  add("shuffles", RandomShuffles, {0, 1, 2, 3});
  add("odd f32", OddFloats, {0, 1, 4});
  add("odd bf16", OddHalves, {1, 4});
  add("odd f64", OddDoubles, {0, 2});
  add("odd i8", OddBytes, {1, 5});
  add("odd i64", OddLongs, {0, 3});
  add("huge vectors", HugeVectors, {0, 1, 2});
  add("accumulators", ManyAccumulators, {0});
  add("deep ifs", DeepIfs, {0, 1});
  add("giant array", GiantArray, {0, 1});
  add("library calls", LibraryCalls, {0, 1});
  return kernels;
}

types::HostTensor Varied(const kernel::Buffer& buffer) {
  types::HostTensor tensor(buffer.dtype, {buffer.elements.constant()});
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    tensor.Set(
        i, types::Scalar::Float(DType::kF64, static_cast<double>(i % 97) - 31).Cast(buffer.dtype));
  }
  return tensor;
}

bool SameElement(const types::Scalar& x, const types::Scalar& y) {
  return x == y || (types::IsFloat(x.dtype) && std::isnan(x.f) && std::isnan(y.f));
}

TEST(LlvmOddKernels, HarmlessOnesCompileAndLeaveTheBitsThatTheInterpreterLeaves) {
  auto cpu = cpu::Driver().open(0, {});
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  for (const auto& [name, kernel] : HarmlessKernels()) {
    std::vector<types::HostTensor> want;
    for (const kernel::Buffer& buffer : kernel.buffers) {
      if (buffer.space == kernel::Space::kGlobal) want.push_back(Varied(buffer));
    }
    std::vector<types::HostTensor> got = want;
    std::vector<types::HostTensor*> want_buffers, got_buffers;
    for (types::HostTensor& t : want) want_buffers.push_back(&t);
    for (types::HostTensor& t : got) got_buffers.push_back(&t);
    const absl::Status expected = RunOn(**cpu, kernel, want_buffers);
    const absl::Status actual = RunOn(LlvmDeviceForTests(), kernel, got_buffers);
    ASSERT_TRUE(expected.ok()) << name << ": " << expected;
    ASSERT_TRUE(actual.ok()) << name << ": " << actual;
    for (size_t t = 0; t < want.size(); ++t) {
      for (int64_t i = 0; i < want[t].elements(); ++i) {
        ASSERT_TRUE(SameElement(want[t].At(i), got[t].At(i)))
            << name << ", buffer " << t << "[" << i << "]: llvm " << got[t].At(i).ToString()
            << ", cpu " << want[t].At(i).ToString();
      }
    }
  }
}

}  // namespace
}  // namespace tensord::device
