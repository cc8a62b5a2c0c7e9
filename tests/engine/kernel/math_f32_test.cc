// Every row of AllF32Expansions against libm in double: the bound it states, and special values.
// The run over all floats is tests/bench/llvm_math_exhaustive.cc.
#include "engine/kernel/math_f32.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>

#include "engine/base/strings.h"
#include "engine/kernel/lower_math.h"
#include "engine/ops/build.h"
#include "engine/ops/registry.h"
#include "tests/engine/kernel/math_reference.h"

namespace tensord::kernel {
namespace {

using ir::Ref;
using ir::ScalarOp;
using types::DType;

using Array = std::vector<std::byte>;

// Evaluates rank-0 nodes at n points at once, `arguments` standing for parameters.
class Evaluator {
 public:
  explicit Evaluator(size_t n) : n_(n) {}
  void Bind(Ref node, absl::Span<const float> values) {
    Array array(values.size() * sizeof(float));
    std::memcpy(array.data(), values.data(), array.size());
    arrays_[node] = std::move(array);
  }
  std::vector<float> Run(Ref result) {
    for (Ref node : ir::TopologicalOrder({&result, 1})) {
      if (!arrays_.contains(node)) arrays_[node] = Step(node);
    }
    std::vector<float> values(n_);
    std::memcpy(values.data(), arrays_[result].data(), n_ * sizeof(float));
    return values;
  }

 private:
  Array Step(Ref node) {
    const auto bytes = static_cast<size_t>(types::Bytes(node->dtype()));
    Array to(n_ * bytes);
    if (node->is("const")) {
      const auto value = node->attr<types::Scalar>("value");
      for (size_t i = 0; i < n_; ++i) value.ToBytes(&to[i * bytes]);
      return to;
    }
    const std::byte* at[3] = {};
    for (size_t i = 0; i < node->inputs().size(); ++i) at[i] = arrays_[node->input(i)].data();
    ir::LaneFunctionFor(*node->op().scalar, node->inputs().back()->dtype(), node->dtype())(
        to.data(), at[0], at[1], at[2], static_cast<int64_t>(n_));
    return to;
  }

  size_t n_;
  std::map<Ref, Array> arrays_;
};

std::vector<float> Expanded(const F32Expansion& row, absl::Span<const float> x,
                            absl::Span<const float> y = {}) {
  ir::Function function;
  types::Type type;
  type.dtype = DType::kF32;
  Evaluator evaluator(x.size());
  std::vector<Ref> operands;
  for (int i = 0; i < ir::Row(row.op).arity; ++i) {
    operands.push_back(ops::AddParameter(function, type));
    evaluator.Bind(operands.back(), i == 0 ? x : y);
  }
  return evaluator.Run(row.expand(*function.graph, operands));
}

// In blocks that stay in the caches.
void ExpectWithinBound(const F32Expansion& row, absl::Span<const float> x,
                       absl::Span<const float> y = {}) {
  constexpr size_t kBlock = 1 << 12;
  double worst = 0;
  std::string where;
  for (size_t begin = 0; begin < x.size(); begin += kBlock) {
    const auto a = x.subspan(begin, kBlock), b = y.empty() ? y : y.subspan(begin, kBlock);
    const std::vector<float> got = Expanded(row, a, b);
    const std::vector<double> exact = ExactValues(row.op, a, b);
    for (size_t i = 0; i < a.size(); ++i) {
      const double ulps = UlpsOff(got[i], exact[i]);
      if (ulps <= worst) continue;
      worst = ulps;
      where = StrCat(a[i], ", ", b.empty() ? 0 : b[i], " is ", got[i], ", not ", exact[i]);
    }
  }
  EXPECT_LE(worst, row.max_ulp) << ir::Row(row.op).name << " of " << where;
}

std::string NameOf(const testing::TestParamInfo<F32Expansion>& info) {
  return std::string(ir::Row(info.param.op).name);
}

class UnaryRow : public testing::TestWithParam<F32Expansion> {};
class BinaryRow : public testing::TestWithParam<F32Expansion> {};

TEST_P(UnaryRow, KeepsItsBoundOnASampleOfAllFloats) {
  constexpr uint64_t kStride = 7001;
  std::vector<float> x;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += kStride) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  ExpectWithinBound(GetParam(), x);
}

TEST_P(UnaryRow, KeepsItsBoundAtSpecialArguments) {
  ExpectWithinBound(GetParam(), SpecialArguments());
}

TEST_P(BinaryRow, KeepsItsBoundAtPairsOfSpecialArguments) {
  const std::vector<float> special = SpecialArguments();
  std::vector<float> x, y;
  for (float a : special) {
    for (float b : special) x.push_back(a), y.push_back(b);
  }
  ExpectWithinBound(GetParam(), x, y);
}

TEST_P(BinaryRow, KeepsItsBoundAtRandomBits) {
  std::mt19937 random(1);
  std::vector<float> x(1 << 20), y(x.size());
  for (float& value : x) value = std::bit_cast<float>(static_cast<uint32_t>(random()));
  for (float& value : y) value = std::bit_cast<float>(static_cast<uint32_t>(random()));
  ExpectWithinBound(GetParam(), x, y);
}

TEST_P(BinaryRow, KeepsItsBoundNearOneAndOverTheWholeRangeOfResults) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> exponent(-150, 128), size(-120, 120), near(0.9, 1.1);
  std::vector<float> x(1 << 20), y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i % 2 == 0 ? near(random) : std::exp2(size(random)));
    // x^y is about 2^exponent.
    y[i] = static_cast<float>(exponent(random) / std::log2(static_cast<double>(x[i])));
  }
  ExpectWithinBound(GetParam(), x, y);
}

std::vector<F32Expansion> RowsOfArity(int arity) {
  std::vector<F32Expansion> rows;
  for (const F32Expansion& row : AllF32Expansions()) {
    if (ir::Row(row.op).arity == arity) rows.push_back(row);
  }
  return rows;
}
INSTANTIATE_TEST_SUITE_P(All, UnaryRow, testing::ValuesIn(RowsOfArity(1)), NameOf);
INSTANTIATE_TEST_SUITE_P(All, BinaryRow, testing::ValuesIn(RowsOfArity(2)), NameOf);

TEST(MathF32, EveryTranscendentalHasARowOfOneOrTwoUlp) {
  for (const ir::ScalarOpRow& op : ir::AllScalarOps()) {
    if ((op.traits & ir::kTranscendental) == 0) continue;
    const F32Expansion* row = FindF32Expansion(op.op);
    ASSERT_NE(row, nullptr) << op.name;
    const bool tight = op.op == ScalarOp::kExp || op.op == ScalarOp::kLog;
    EXPECT_LE(row->max_ulp, tight ? 1 : 2) << op.name;
    EXPECT_FALSE(row->source.empty()) << op.name;
  }
}

class LoweredDType : public testing::TestWithParam<DType> {};

TEST_P(LoweredDType, LeavesNoTranscendental) {
  for (const F32Expansion& row : AllF32Expansions()) {
    ir::Function function;
    types::Type type;
    type.dtype = GetParam();
    std::vector<Ref> operands;
    for (int i = 0; i < ir::Row(row.op).arity; ++i) {
      operands.push_back(ops::AddParameter(function, type));
    }
    schedule::LoopKernel kernel;
    kernel.graph = std::move(function.graph);
    kernel.outputs = {{.value = ops::Build(*kernel.graph, ops::Op(row.op), operands)}};

    LowerMath(kernel);

    EXPECT_EQ(kernel.outputs[0].value->dtype(), GetParam());
    for (Ref node : ir::TopologicalOrder({&kernel.outputs[0].value, 1})) {
      if (!node->op().scalar.has_value()) continue;
      EXPECT_EQ(ir::Row(*node->op().scalar).traits & ir::kTranscendental, 0)
          << ir::Row(row.op).name;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(All, LoweredDType, testing::Values(DType::kF32, DType::kF16, DType::kBF16),
                         [](const auto& info) { return std::string(types::Name(info.param)); });

}  // namespace
}  // namespace tensord::kernel
