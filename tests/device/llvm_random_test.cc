// Random linear kernels: the llvm device must leave the same bits as the interpreter of the cpu
// device. TENSORD_RANDOM_KERNELS sets how many, TENSORD_RANDOM_SEED the first seed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
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
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using types::DType;
using types::HostTensor;
using types::Scalar;

constexpr int64_t kElements = 192;
constexpr DType kDTypes[] = {DType::kF32, DType::kI32,  DType::kF16, DType::kU8,
                             DType::kI64, DType::kBF16, DType::kF64, DType::kBool};

// Bits that no device promises: the sign and payload of NaN.
bool ShowsNan(ScalarOp op) {
  return op == ScalarOp::kBitcast || op == ScalarOp::kCopySign ||
         (ir::Row(op).traits & ir::kTranscendental) != 0;
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed), b_(StrCat("random_", seed)) {}

  kernel::Linear Make();
  const std::vector<DType>& buffer_dtypes() const { return dtypes_; }

 private:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  bool Chance(int percent) { return Pick(100) < percent; }
  void Region();
  void Body(int depth);
  void Statement(int depth);
  int Any(VType type);
  int Index();
  int Mask(int index);
  void OpStatement();
  void AccumulatorLoop(int depth);
  void StoreSomething();
  VType AnyType() { return {kDTypes[Pick(8)], Chance(60) ? lanes_ : 1}; }
  void Push(int reg) { scope_.push_back(reg); }

  std::mt19937_64 random_;
  LinearBuilder b_;
  std::vector<DType> dtypes_;
  std::vector<int> inputs_, outputs_, scratch_, scope_;
  int lanes_ = 1, row_ = -1, region_ = 0;
};

// A register of `type` in scope, or a new one made from a constant or by a cast.
int Generator::Any(VType type) {
  std::vector<int> fitting;
  for (int reg : scope_) {
    if (b_.TypeOf(reg) == type) fitting.push_back(reg);
  }
  if (!fitting.empty() && Chance(85))
    return fitting[static_cast<size_t>(Pick(static_cast<int>(fitting.size())))];
  if (!scope_.empty() && Chance(70)) {
    const int reg = scope_[static_cast<size_t>(Pick(static_cast<int>(scope_.size())))];
    if (b_.TypeOf(reg).lanes == type.lanes) return b_.Cast(reg, type.dtype);
    if (b_.TypeOf(reg).lanes == 1) return b_.Splat(b_.Cast(reg, type.dtype), type.lanes);
  }
  return b_.Const(type, static_cast<double>(Pick(9)) - 3.5);
}

// An index of the row's own elements: row * lanes, whatever the mask.
int Generator::Index() {
  return Chance(80) ? b_.Mul(row_, b_.I64(lanes_))
                    : b_.I64(Pick(static_cast<int>(kElements / lanes_)));
}

int Generator::Mask(int lanes) { return Chance(30) ? Any({DType::kBool, lanes}) : -1; }

void Generator::OpStatement() {
  const VType type = AnyType();
  const auto op = static_cast<ScalarOp>(Pick(static_cast<int>(ScalarOp::kCount)));
  const bool compare = (ir::Row(op).traits & ir::kCompare) != 0;
  const DType result = compare                 ? DType::kBool
                       : op == ScalarOp::kCast ? kDTypes[Pick(8)]
                                               : type.dtype;
  if (ShowsNan(op) || ir::LaneFunctionFor(op, type.dtype, result) == nullptr) return;
  std::vector<int> operands;
  for (int i = 0; i < ir::Row(op).arity; ++i) {
    const bool condition = op == ScalarOp::kWhere && i == 0;
    operands.push_back(Any(condition ? VType{DType::kBool, type.lanes} : type));
  }
  Push(b_.Alu(op, {result, type.lanes}, operands));
}

void Generator::AccumulatorLoop(int depth) {
  const VType type = AnyType();
  const int acc = b_.Acc(Any(type));
  const size_t outside = scope_.size();
  const int lo = b_.I64(Pick(3)), hi = Chance(70) ? b_.I64(Pick(6)) : b_.FloorMod(row_, b_.I64(5));
  const int j = b_.For(LoopKind::kSerial, lo, hi, 1 + Pick(2));
  Push(j);
  Push(b_.Get(acc));
  Body(depth + 1);
  b_.Set(acc, Any(type));
  b_.End();
  scope_.resize(outside);
  Push(b_.Get(acc));
}

void Generator::StoreSomething() {
  const int output = outputs_[static_cast<size_t>(Pick(static_cast<int>(outputs_.size())))];
  const DType dtype = dtypes_[static_cast<size_t>(output)];
  const int value = Any({dtype, lanes_});
  const int at = b_.Mul(row_, b_.I64(lanes_));
  if (Chance(20)) {
    // Scattered within the row, some lanes onto one element: the last one counts.
    const int lane = b_.FloorMod(b_.Cast(Any({DType::kI32, lanes_}), DType::kI64), b_.I64(lanes_));
    b_.Scatter(output, b_.Add(at, lane), value, Mask(lanes_));
  } else {
    b_.Store(output, at, value, Mask(lanes_), Chance(30));
  }
}

void Generator::Statement(int depth) {
  const int choice = Pick(100);
  if (choice < 55) return OpStatement();
  if (choice < 70) {
    const int input = inputs_[static_cast<size_t>(Pick(static_cast<int>(inputs_.size())))];
    const VType type = {dtypes_[static_cast<size_t>(input)], Chance(70) ? lanes_ : 1};
    if (Chance(25)) {
      const int wild = b_.Cast(Any({DType::kI32, type.lanes}), DType::kI64);
      Push(b_.Gather(input, type, b_.FloorMod(wild, b_.I64(kElements)), Mask(type.lanes)));
    } else {
      Push(b_.Load(input, type, Index(), Mask(type.lanes)));
    }
    return;
  }
  if (choice < 80) return StoreSomething();
  if (choice < 86 && lanes_ > 1) {
    const VType type = {kDTypes[Pick(8)], lanes_};
    const int x = Any(type), y = Any(type);
    std::vector<int32_t> order;
    for (int i = 0; i < lanes_; ++i) order.push_back(Pick(2 * lanes_));
    Push(Chance(50) ? b_.Shuffle(x, y, order) : b_.Insert(x, Pick(lanes_), Any({type.dtype, 1})));
    Push(b_.Extract(x, Pick(lanes_)));
    if ((lanes_ & (lanes_ - 1)) == 0) Push(b_.Horizontal(ScalarOp::kMax, x));
    return;
  }
  if (depth >= 3) return;
  if (choice < 93) return AccumulatorLoop(depth);
  const size_t outside = scope_.size();
  b_.If(Any({DType::kBool, 1}));
  Body(depth + 1);
  b_.End();
  scope_.resize(outside);
}

void Generator::Body(int depth) {
  for (int n = 2 + Pick(depth == 1 ? 12 : 5); n > 0; --n) Statement(depth);
}

// A parallel loop over rows, sometimes with a scratch array, or the same serially.
void Generator::Region() {
  scope_.clear();
  const LoopKind kind = Chance(75) ? LoopKind::kParallel : LoopKind::kSerial;
  row_ = b_.For(kind, b_.I64(0), b_.I64(kElements / lanes_));
  Push(row_);
  if (Chance(40)) {
    const int array = scratch_[static_cast<size_t>(region_)];
    const VType type = {DType::kF32, lanes_};
    b_.Store(array, b_.I64(0), Any(type));
    b_.Store(array, b_.I64(lanes_), Any(type));
    Push(b_.Load(array, type, b_.I64(Chance(50) ? 0 : lanes_)));
  }
  Body(1);
  StoreSomething();
  b_.End();
  ++region_;
}

kernel::Linear Generator::Make() {
  const int choices[] = {1, 2, 3, 4, 8, 16, 32, 7};
  lanes_ = choices[Pick(8)];
  for (int i = 0; i < 8; ++i) {
    const bool input = i < 4;
    dtypes_.push_back(input ? kDTypes[Pick(8)] : kDTypes[i % 8 == 4 ? 0 : Pick(8)]);
    const int buffer = b_.AddGlobal(StrCat("g", i), dtypes_.back(), kElements,
                                    input ? Access::kIn : Access::kInOut);
    (input ? inputs_ : outputs_).push_back(buffer);
  }
  for (int i = 0; i < 3; ++i) {
    scratch_.push_back(b_.AddPrivate(StrCat("s", i), DType::kF32, i == 0 ? 64 : 20000));
  }
  for (int n = 1 + Pick(3); n > 0; --n) Region();
  return std::move(b_).Finish();
}

std::vector<HostTensor> Inputs(const std::vector<DType>& dtypes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<HostTensor> tensors;
  for (DType dtype : dtypes) {
    HostTensor t(dtype, {kElements});
    for (int64_t i = 0; i < kElements; ++i) {
      const double small = static_cast<double>(random() % 64) / 4 - 8;
      t.Set(i, types::IsFloat(dtype)
                   ? Scalar::Float(dtype, random() % 16 == 0 ? std::exp(small * 9) : small)
                   : Scalar::Int(dtype, static_cast<int64_t>(random() >> (random() % 63))));
    }
    tensors.push_back(std::move(t));
  }
  return tensors;
}

bool Same(const Scalar& x, const Scalar& y) {
  return x == y || (types::IsFloat(x.dtype) && std::isnan(x.f) && std::isnan(y.f));
}

int64_t Setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

TEST(LlvmRandom, KernelsLeaveTheBitsThatTheInterpreterLeaves) {
  auto cpu = cpu::Driver().open(0, {});
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  const int64_t first = Setting("TENSORD_RANDOM_SEED", 1);
  const int64_t count = Setting("TENSORD_RANDOM_KERNELS", 150);
  int64_t ran = 0;
  for (int64_t seed = first; seed < first + count; ++seed) {
    Generator generator(static_cast<uint64_t>(seed));
    const kernel::Linear kernel = generator.Make();
    ASSERT_TRUE(kernel::Verify(kernel).ok()) << seed << ": " << kernel::Verify(kernel) << "\n"
                                             << kernel::Print(kernel);
    std::vector<HostTensor> want = Inputs(generator.buffer_dtypes(), static_cast<uint64_t>(seed));
    std::vector<HostTensor> got = want;
    std::vector<HostTensor*> want_buffers, got_buffers;
    for (HostTensor& t : want) want_buffers.push_back(&t);
    for (HostTensor& t : got) got_buffers.push_back(&t);
    const absl::Status expected = RunOn(**cpu, kernel, want_buffers);
    const absl::Status actual = RunOn(LlvmDeviceForTests(), kernel, got_buffers);
    ASSERT_TRUE(expected.ok()) << seed << ": " << expected;
    ASSERT_TRUE(actual.ok()) << seed << ": " << actual;
    ++ran;
    for (size_t t = 0; t < want.size(); ++t) {
      for (int64_t i = 0; i < kElements; ++i) {
        ASSERT_TRUE(Same(want[t].At(i), got[t].At(i)))
            << "seed " << seed << ", g" << t << "[" << i << "]: llvm " << got[t].At(i).ToString()
            << ", cpu " << want[t].At(i).ToString() << "\n"
            << kernel::Print(kernel);
      }
    }
  }
  EXPECT_EQ(ran, count);
}

}  // namespace
}  // namespace tensord::device
