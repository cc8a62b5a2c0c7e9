// Random kernels full of index arithmetic and masks that are right, nearly right or wrong. What the
// verifier lets pass must stay inside its buffers on hostile data, and the cpu device must agree
// with the plain interpreter. TENSORD_RANDOM_KERNELS sets how many.
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/kernel/linear_builder.h"
#include "gtest/gtest.h"
#include "tests/device/plain_interpreter.h"

namespace tensord::device {
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using types::DType;
using types::Scalar;

constexpr VType kI64{DType::kI64, 1};
constexpr int64_t kMaxVariable = 12;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Linear Make() {
    n_ = b_.Var(b_.AddVariable("n", 1, kMaxVariable));
    const types::Sym n = b_.VariableSym(0);
    const types::Sym sizes[] = {n, n * 4, n + 3, types::Sym(16), n * n};
    for (int i = 0; i < 3; ++i) {
      const types::Sym size = sizes[Pick(5)];
      sizes_.push_back(size);
      buffers_.push_back(
          b_.AddGlobal(StrCat("b", i), DType::kI64, size, i == 2 ? Access::kInOut : Access::kIn));
    }
    narrow_ = b_.AddGlobal("narrow", DType::kI16, 8, Access::kIn);
    ints_ = {n_, b_.I64(0), b_.I64(1), b_.I64(Pick(20) - 4)};
    sum_ = b_.Acc(b_.I64(0));
    Statements(0);
    b_.Store(buffers_[2], b_.I64(0), sum_);
    return std::move(b_).Finish();
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  bool Chance(int percent) { return Pick(100) < percent; }
  int AnyInt() { return ints_[static_cast<size_t>(Pick(static_cast<int>(ints_.size())))]; }

  int Arithmetic(int a, int b) {
    switch (Pick(12)) {
      case 0:
        return b_.Add(a, b);
      case 1:
        return b_.Sub(a, b);
      case 2:
        return b_.Mul(a, b_.I64(Pick(6) - 1));
      case 3:
        return b_.FloorDiv(a, b_.I64(1 + Pick(5)));
      case 4:
        return b_.FloorMod(a, b_.I64(1 + Pick(9)));
      case 5:
        return b_.Min(a, b);
      case 6:
        return b_.Max(a, b);
      case 7:
        return b_.FloorMod(a, n_);
      case 8:
        return b_.Where(b_.Lt(a, b), a, b);
      case 9:
        return b_.Cast(b_.Cast(a, Chance(50) ? DType::kI16 : DType::kU32), DType::kI64);
      case 10:
        return b_.Binary(Chance(50) ? ScalarOp::kAnd : ScalarOp::kXor, a, b_.I64(Pick(16)));
      default:
        return b_.Binary(Chance(50) ? ScalarOp::kTruncRem : ScalarOp::kTruncDiv, a, b);
    }
  }

  // Something like 0 <= index && index < size, perhaps off by a little or without a side.
  int MaskOf(int index, int64_t extent, int size) {
    if (Chance(8)) size = b_.Add(size, b_.I64(1));
    if (extent > 1) size = b_.Sub(size, b_.I64(extent - 1));
    const int upper =
        Chance(50) ? b_.Lt(index, size) : b_.Unary(ScalarOp::kNot, b_.Le(size, index));
    const int low = b_.I64(Chance(8) ? -1 : 0);
    if (Chance(10)) return upper;
    int mask = b_.And(b_.Le(low, index), upper);
    if (Chance(20)) mask = b_.And(mask, b_.Lt(index, b_.Add(size, b_.I64(Pick(5)))));
    return Chance(5) ? b_.Or(mask, b_.Eq(index, b_.I64(0))) : mask;
  }

  void Access1() {
    const int which = Pick(3), buffer = buffers_[static_cast<size_t>(which)];
    const int size = b_.EmitSym(sizes_[static_cast<size_t>(which)]);
    const int32_t lanes = Chance(50) ? 1 : 1 << (1 + Pick(3));
    int index = AnyInt();
    const bool gathers = lanes > 1 && Chance(60);
    if (gathers) {
      index = b_.Add(index, b_.Mul(b_.Iota({DType::kI64, lanes}), b_.I64(Pick(4))));
      if (Chance(30)) index = Arithmetic(index, b_.Splat(AnyInt(), lanes));
    }
    const bool lanewise = !gathers && lanes > 1 && Chance(50);
    int mask = -1;
    if (Chance(75)) {
      const int lane_index = lanewise ? b_.Add(index, b_.Iota({DType::kI64, lanes})) : index;
      mask = MaskOf(lane_index, gathers || lanewise ? 1 : lanes, size);
      if (Chance(30) && !ints_.empty()) index = gathers ? index : AnyInt();  // of another index
    }
    const VType type{DType::kI64, lanes};
    const bool blocks = mask >= 0 && b_.TypeOf(mask).lanes == 1 && Chance(30);
    if (blocks) {
      b_.If(mask);
      mask = -1;
    }
    if (mask >= 0 && b_.TypeOf(mask).lanes != lanes) mask = b_.Splat(mask, lanes);
    const size_t outside = ints_.size();
    if (which == 2 && Chance(60)) {
      const int value = b_.Splat(AnyInt(), lanes);
      if (gathers) {
        b_.Scatter(buffer, index, value, mask);
      } else {
        b_.Store(buffer, index, value, mask);
      }
    } else {
      const int loaded =
          gathers ? b_.Gather(buffer, type, index, mask) : b_.Load(buffer, type, index, mask);
      ints_.push_back(lanes == 1 ? loaded : b_.Extract(loaded, Pick(lanes)));
      b_.Set(sum_, b_.Binary(ScalarOp::kXor, sum_, ints_.back()));  // so the load is used
    }
    if (blocks) {
      b_.End();
      ints_.resize(outside);
    }
  }

  void Loop(int depth) {
    const size_t outside = ints_.size();
    const int acc = Chance(40) ? b_.Acc(AnyInt()) : -1;
    int hi = Chance(60) ? AnyInt() : b_.Add(n_, b_.I64(Pick(4) - 2));
    hi = b_.Max(b_.Min(hi, b_.I64(30)), b_.I64(-30));
    const int i = b_.For(LoopKind::kSerial, b_.I64(Pick(3)), hi, 1 + Pick(5));
    ints_.push_back(i);
    if (acc >= 0) ints_.push_back(acc);
    Statements(depth + 1);
    if (acc >= 0) b_.Set(acc, b_.Add(acc, AnyInt()));
    if (Chance(50)) Access1();
    b_.End();
    ints_.resize(outside);
  }

  void Statements(int depth) {
    for (int k = 2 + Pick(5); k > 0; --k) {
      const int choice = Pick(10);
      if (choice < 4) {
        ints_.push_back(Arithmetic(AnyInt(), AnyInt()));
      } else if (choice < 5) {
        const int at = b_.FloorMod(AnyInt(), b_.I64(8));
        ints_.push_back(b_.Cast(b_.Load(narrow_, {DType::kI16, 1}, at), DType::kI64));
      } else if (choice < 8 || depth > 2) {
        Access1();
      } else {
        Loop(depth);
      }
    }
  }

  std::mt19937_64 random_;
  LinearBuilder b_{"random"};
  std::vector<int> buffers_, ints_;
  std::vector<types::Sym> sizes_;
  int n_ = -1, narrow_ = -1, sum_ = -1;
};

// Small numbers, large ones and the largest.
Scalar AnyElement(std::mt19937_64& random, DType dtype) {
  const int64_t choices[] = {0,
                             1,
                             -1,
                             3,
                             7,
                             11,
                             12,
                             15,
                             16,
                             40,
                             -5,
                             1000,
                             INT64_MAX,
                             INT64_MIN,
                             int64_t{1} << 61,
                             static_cast<int64_t>(random())};
  return Scalar::Int(dtype, choices[random() % std::size(choices)]);
}

class CpuRandom : public testing::Test {
 protected:
  using Lanes = PlainInterpreter::Lanes;

  std::vector<Lanes> AnyData(const Linear& kernel, int64_t n, std::mt19937_64& random) {
    std::vector<Lanes> data;
    for (const kernel::Buffer& buffer : kernel.buffers) {
      Lanes elements(static_cast<size_t>(buffer.elements.Evaluate({{"n", n}})));
      for (Scalar& e : elements) e = AnyElement(random, buffer.dtype);
      data.push_back(std::move(elements));
    }
    return data;
  }

  // What the device leaves in buffer `which`.
  Lanes RunOnCpu(const Linear& kernel, const std::vector<Lanes>& data, int64_t n, size_t which) {
    auto program = device_->Load(kernel, *device_->Compile(kernel));
    EXPECT_TRUE(program.ok()) << program.status();
    std::vector<std::unique_ptr<Memory>> memory;
    std::vector<Argument> arguments;
    for (size_t i = 0; i < data.size(); ++i) {
      const int bytes = types::Bytes(kernel.buffers[i].dtype);
      memory.push_back(
          *device_->allocator().Allocate(static_cast<int64_t>(data[i].size()) * bytes));
      for (size_t e = 0; e < data[i].size(); ++e) data[i][e].ToBytes(memory[i]->host() + e * bytes);
      arguments.push_back({memory[i].get(), 0});
    }
    device_->queue().Launch(**program, arguments, {n});
    EXPECT_TRUE(device_->queue().Wait(device_->queue().Last().value).ok());
    Lanes result(data[which].size());
    for (size_t e = 0; e < result.size(); ++e) {
      result[e] =
          Scalar::FromBytes(kernel.buffers[which].dtype,
                            memory[which]->host() + e * types::Bytes(kernel.buffers[which].dtype));
    }
    return result;
  }

  std::unique_ptr<Device> device_ = *OpenDevice("cpu");
};

TEST_F(CpuRandom, VerifiedKernelsStayInside) {
  const char* count = std::getenv("TENSORD_RANDOM_KERNELS");
  const int kernels = count != nullptr ? std::atoi(count) : 2000;
  int verified = 0, refused_rightly = 0;
  for (int seed = 0; seed < kernels; ++seed) {
    const Linear kernel = Generator(static_cast<uint64_t>(seed)).Make();
    const absl::Status status = kernel::Verify(kernel);
    std::mt19937_64 random(static_cast<uint64_t>(seed) + 1);
    bool left = false;
    for (int64_t n : {int64_t{1}, int64_t{2}, int64_t{7}, kMaxVariable}) {
      const std::vector<Lanes> data = AnyData(kernel, n, random);
      PlainInterpreter plain(kernel, data, {n});
      const bool inside = plain.Run(20000);
      left = left || !inside;
      if (!status.ok()) continue;
      ASSERT_TRUE(inside) << seed << ": " << plain.error() << "\n" << kernel::Print(kernel);
      if (plain.finished()) {
        ASSERT_EQ(RunOnCpu(kernel, data, n, 2), plain.buffer(2)) << seed << kernel::Print(kernel);
      }
    }
    verified += status.ok() ? 1 : 0;
    refused_rightly += !status.ok() && left ? 1 : 0;
  }
  // Both sides of the line are explored.
  EXPECT_GT(verified, kernels / 20);
  EXPECT_GT(refused_rightly, kernels / 20);
  RecordProperty("verified", verified);
  RecordProperty("refused_rightly", refused_rightly);
  std::printf("%d kernels: %d verified, %d refused and seen to leave\n", kernels, verified,
              refused_rightly);
}

}  // namespace
}  // namespace tensord::device
