// Launching compiled kernels: regions, frames, scratch memory, threads, alignment, binaries.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "engine/base/strings.h"
#include "engine/kernel/linear_builder.h"
#include "tests/device/llvm_test_util.h"

namespace tensord::device {
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using types::DType;
using types::HostTensor;

constexpr VType kI64{DType::kI64, 1};

HostTensor Iota(int64_t n) {
  HostTensor t(DType::kI64, {n});
  std::iota(t.as<int64_t>().begin(), t.as<int64_t>().end(), 0);
  return t;
}

absl::Status RunKernel(const Linear& kernel, std::vector<HostTensor*> buffers,
                       std::vector<int64_t> variables = {}) {
  return RunOn(LlvmDeviceForTests(), kernel, buffers, variables);
}

// Fills in parallel, sums serially into an accumulator, adds the sum to all in parallel.
TEST(LlvmLaunch, RegionsRunInOrderAndHandOverAccumulators) {
  constexpr int64_t kN = 100'000;
  LinearBuilder b("sum_all");
  const int x = b.AddGlobal("x", DType::kI64, kN, Access::kInOut);
  const int zero = b.I64(0), n = b.I64(kN);
  int i = b.For(LoopKind::kParallel, zero, n);
  b.Store(x, i, b.Mul(i, b.I64(2)));
  b.End();
  const int sum = b.Acc(zero);
  const int j = b.For(LoopKind::kSerial, zero, n);
  b.Set(sum, b.Add(sum, b.Load(x, kI64, j)));
  b.End();
  i = b.For(LoopKind::kParallel, zero, n);
  b.Store(x, i, b.Add(b.Load(x, kI64, i), sum));
  b.End();
  HostTensor values(DType::kI64, {kN});
  const absl::Status status = RunKernel(std::move(b).Finish(), {&values});
  ASSERT_TRUE(status.ok()) << status;
  for (int64_t k = 0; k < kN; ++k) ASSERT_EQ(values.as<int64_t>()[k], 2 * k + kN * (kN - 1));
}

TEST(LlvmLaunch, AnAccumulatorLivesOnAcrossParallelLoops) {
  LinearBuilder b("live_on");
  const int x = b.AddGlobal("x", DType::kI64, 64, Access::kInOut);
  const int zero = b.I64(0), n = b.I64(64);
  const int sum = b.Acc(b.Load(x, kI64, b.I64(3)));
  for (int round = 0; round < 3; ++round) {
    const int i = b.For(LoopKind::kParallel, zero, n);
    b.Store(x, i, b.Add(b.Load(x, kI64, i), sum));
    b.End();
    b.Set(sum, b.Add(sum, b.Load(x, kI64, b.I64(round))));
  }
  HostTensor values = Iota(64);
  const absl::Status status = RunKernel(std::move(b).Finish(), {&values});
  ASSERT_TRUE(status.ok()) << status;
  int64_t want[64], total = 3;
  std::iota(want, want + 64, 0);
  for (int round = 0; round < 3; ++round) {
    for (int64_t& v : want) v += total;
    total += want[round];
  }
  for (int k = 0; k < 64; ++k) EXPECT_EQ(values.as<int64_t>()[k], want[k]);
}

TEST(LlvmLaunch, SerialRegionsShareAPrivateArrayAcrossAParallelLoop) {
  LinearBuilder b("shared_array");
  const int x = b.AddGlobal("x", DType::kI64, 64, Access::kInOut);
  const int p = b.AddPrivate("p", DType::kI64, 4);
  for (int k = 0; k < 4; ++k) b.Store(p, b.I64(k), b.Load(x, kI64, b.I64(k * 10)));
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(64));
  b.Store(x, i, b.I64(-1));
  b.End();
  for (int k = 0; k < 4; ++k) b.Store(x, b.I64(k), b.Load(p, kI64, b.I64(k)));
  HostTensor values = Iota(64);
  const absl::Status status = RunKernel(std::move(b).Finish(), {&values});
  ASSERT_TRUE(status.ok()) << status;
  for (int k = 0; k < 64; ++k) EXPECT_EQ(values.as<int64_t>()[k], k < 4 ? 10 * k : -1);
}

// Every iteration writes all of a large array and reads it back: threads must not share it.
TEST(LlvmLaunch, EachThreadHasItsOwnScratchMemory) {
  constexpr int64_t kRows = 64, kArray = 50'000;
  LinearBuilder b("scratch");
  const int x = b.AddGlobal("x", DType::kI64, kRows, Access::kOut);
  const int p = b.AddPrivate("p", DType::kI64, kArray);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(kRows));
  int j = b.For(LoopKind::kSerial, b.I64(0), b.I64(kArray));
  b.Store(p, j, b.Add(i, j));
  b.End();
  const int sum = b.Acc(b.I64(0));
  j = b.For(LoopKind::kSerial, b.I64(0), b.I64(kArray));
  b.Set(sum, b.Add(sum, b.Load(p, kI64, j)));
  b.End();
  b.Store(x, i, sum);
  b.End();
  HostTensor sums(DType::kI64, {kRows});
  const absl::Status status = RunKernel(std::move(b).Finish(), {&sums});
  ASSERT_TRUE(status.ok()) << status;
  for (int64_t k = 0; k < kRows; ++k) {
    EXPECT_EQ(sums.as<int64_t>()[k], kArray * (kArray - 1) / 2 + k * kArray);
  }
}

TEST(LlvmLaunch, BoundsMayComeFromVariablesAndFromMemory) {
  LinearBuilder b("bounds");
  const int n = b.AddVariable("n", 0, 1000);
  const int limit = b.AddGlobal("limit", DType::kI64, 1, Access::kIn);
  const int x = b.AddGlobal("x", DType::kI64, 1000, Access::kInOut);
  int i = b.For(LoopKind::kParallel, b.I64(0), b.Var(n), 3);
  b.Store(x, i, b.I64(7));
  b.End();
  const int end = b.Max(b.Min(b.Load(limit, kI64, b.I64(0)), b.I64(1000)), b.I64(0));
  i = b.For(LoopKind::kParallel, b.I64(1), end, 5);
  b.Store(x, i, b.I64(8), b.Lt(i, b.I64(1000)));
  b.End();
  const Linear kernel = std::move(b).Finish();
  for (int64_t count : {0, 1, 3, 4, 1000}) {
    HostTensor bound(DType::kI64, {1}), values(DType::kI64, {1000});
    bound.as<int64_t>()[0] = 1000 - count;
    const absl::Status status = RunKernel(kernel, {&bound, &values}, {count});
    ASSERT_TRUE(status.ok()) << status;
    for (int64_t k = 0; k < 1000; ++k) {
      const bool second = k % 5 == 1 && k < 1000 - count, first = k % 3 == 0 && k < count;
      EXPECT_EQ(values.as<int64_t>()[k], second ? 8 : first ? 7 : 0) << count << " " << k;
    }
  }
}

TEST(LlvmLaunch, AMaskedScalarTouchesNothing) {
  LinearBuilder b("masked");
  const int x = b.AddGlobal("x", DType::kI64, 4, Access::kInOut);
  const int i = b.For(LoopKind::kSerial, b.I64(-8), b.I64(12));
  const int inside = b.And(b.Le(b.I64(0), i), b.Lt(i, b.I64(4)));
  b.Store(x, i, b.Add(b.Load(x, kI64, i, inside), b.I64(100)), inside);
  b.End();
  HostTensor values = Iota(4);
  const absl::Status status = RunKernel(std::move(b).Finish(), {&values});
  ASSERT_TRUE(status.ok()) << status;
  for (int k = 0; k < 4; ++k) EXPECT_EQ(values.as<int64_t>()[k], 100 + k);
}

Linear Increment(int32_t align) {
  LinearBuilder b("increment");
  const int x = b.AddGlobal("x", DType::kI64, 16, Access::kInOut, align);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(16), 8);
  b.Store(x, i, b.Add(b.Load(x, {DType::kI64, 8}, i), b.I64(1)));
  b.End();
  return std::move(b).Finish();
}

TEST(LlvmLaunch, RefusesAnArgumentAlignedLessThanTheKernelSays) {
  Device& device = LlvmDeviceForTests();
  auto memory = device.allocator().Allocate(256);
  ASSERT_TRUE(memory.ok());
  for (int32_t align : {64, 8}) {
    const Linear kernel = Increment(align);
    auto program = device.Load(kernel, *device.Compile(kernel));
    ASSERT_TRUE(program.ok()) << program.status();
    const Argument argument = {memory->get(), 8};
    const Point point = device.queue().Launch(**program, {&argument, 1}, {});
    const absl::Status status = device.queue().Wait(point.value);
    EXPECT_EQ(status.ok(), align == 8) << status;
  }
}

TEST(LlvmLaunch, RefusesDamagedBinaries) {
  Device& device = LlvmDeviceForTests();
  const Linear kernel = Increment(64);
  const std::string good = *device.Compile(kernel);
  for (size_t at : {size_t{0}, size_t{5}, size_t{20}, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(device.Load(kernel, bad).ok()) << at;
    EXPECT_FALSE(device.Load(kernel, good.substr(0, at)).ok()) << at;
  }
  EXPECT_TRUE(device.Load(kernel, good).ok());
}

TEST(LlvmLaunch, CompilingTwiceGivesTheSameBytes) {
  Device& device = LlvmDeviceForTests();
  EXPECT_EQ(*device.Compile(Increment(64)), *device.Compile(Increment(64)));
}

TEST(LlvmLaunch, TheCompileKeyNamesTheProcessorAndTheCompiler) {
  const std::string key = LlvmDeviceForTests().compile_key();
  EXPECT_NE(key.find(LlvmDeviceForTests().capabilities().target_cpu), std::string::npos) << key;
  EXPECT_NE(key.find("llvm 19"), std::string::npos) << key;
}

}  // namespace
}  // namespace tensord::device
