// `simplify` on random graphs full of what its rules look for: the evaluator finds the same bits
// before and after.
#include <cmath>
#include <random>

#include "engine/ops/build.h"
#include "engine/ops/evaluator.h"
#include "engine/passes/passes.h"
#include "gtest/gtest.h"

namespace tensord::passes {
namespace {

using ir::Ref;
using types::DType;
using types::HostTensor;
using types::Scalar;
using S = ir::ScalarOp;

constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kI8, DType::kU8, DType::kI32};
constexpr int64_t kRows = 2, kColumns = 3;

// All nodes are of 2 x 3 elements.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  ir::Function Make() {
    for (DType dtype : kDTypes) {
      for (int i = 0; i < 2; ++i) nodes_.push_back(Parameter(dtype));
      for (double value : {0.0, -0.0, 1.0, -1.0}) nodes_.push_back(Constant(dtype, value));
    }
    nodes_.push_back(Parameter(DType::kBool));
    for (double value : {0.0, 1.0}) nodes_.push_back(Constant(DType::kBool, value));
    for (int i = 0; i < 60; ++i) nodes_.push_back(Next());
    for (int i = 0; i < 8; ++i) f_.results.push_back(nodes_[nodes_.size() - 1 - i]);
    return std::move(f_);
  }

 private:
  ir::Graph& g() { return *f_.graph; }
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  Ref Parameter(DType dtype) {
    types::Type type;
    type.dtype = dtype;
    type.dims = {kRows, kColumns};
    return ops::AddParameter(f_, type);
  }
  Ref Constant(DType dtype, double value) {
    const Scalar scalar = Scalar::Float(DType::kF64, value).Cast(dtype);
    return ops::Expand(g(), ops::Constant(g(), scalar), types::Dims{kRows, kColumns});
  }

  // A late node more often than an early one, of one kind of dtype.
  template <typename Fits>
  Ref Pick(const Fits& fits) {
    for (;;) {
      const int n = static_cast<int>(nodes_.size());
      Ref node = nodes_[Below(2) == 0 ? Below(n) : n - 1 - Below(std::min(n, 12))];
      if (fits(node->dtype())) return node;
    }
  }
  Ref PickLike(Ref other) {
    if (Below(4) == 0) return other;
    return Pick([&](DType dtype) { return dtype == other->dtype(); });
  }

  Ref Next() {
    switch (Below(6)) {
      case 0:
        return Move(Pick([](DType) { return true; }));
      case 1:
        return ops::Cast(g(), Pick([](DType) { return true; }), kDTypes[Below(5)]);
      case 2: {
        Ref a = Pick([](DType) { return true; });
        return ops::Where(g(), Pick(types::IsBool), a, PickLike(a));
      }
      case 3:
        return Unary();
      default:
        return Binary();
    }
  }

  Ref Unary() {
    Ref x = Pick([](DType) { return true; });
    constexpr S kRounding[] = {S::kFloor, S::kCeil, S::kTrunc, S::kRound};
    if (types::IsFloat(x->dtype()) && Below(2) == 0) return ops::Unary(g(), kRounding[Below(4)], x);
    if (types::IsBool(x->dtype())) return ops::Unary(g(), S::kNot, x);
    if (types::IsInteger(x->dtype()) && Below(2) == 0) return ops::Unary(g(), S::kNot, x);
    return ops::Unary(g(), Below(2) == 0 ? S::kNeg : S::kAbs, x);
  }

  Ref Binary() {
    Ref a = Pick([](DType) { return true; });
    Ref b = PickLike(a);
    constexpr S kCompare[] = {S::kEq, S::kNe, S::kLt, S::kLe}, kBits[] = {S::kAnd, S::kOr, S::kXor},
                kInts[] = {S::kAdd,      S::kSub,      S::kMul, S::kFloorDiv, S::kFloorMod,
                           S::kTruncDiv, S::kTruncRem, S::kMin, S::kMax,      S::kShl,
                           S::kShr,      S::kAnd,      S::kOr,  S::kXor},
                kFloats[] = {S::kAdd, S::kSub, S::kMul, S::kDiv, S::kMin, S::kMax};
    if (Below(5) == 0) return ops::Binary(g(), kCompare[Below(4)], a, b);
    if (types::IsBool(a->dtype())) return ops::Binary(g(), kBits[Below(3)], a, b);
    if (types::IsFloat(a->dtype())) return ops::Binary(g(), kFloats[Below(6)], a, b);
    return ops::Binary(g(), kInts[Below(14)], a, b);
  }

  // There and back, or within the shape.
  Ref Move(Ref x) {
    switch (Below(5)) {
      case 0: {
        Ref turned = ops::Permute(g(), x, {1, 0});
        return ops::Permute(g(), Below(2) == 0 ? turned : ops::Flip(g(), turned, {0}), {1, 0});
      }
      case 1:
        return ops::Flip(g(), x, {Below(2)});
      case 2:
        return ops::Reshape(g(), ops::Reshape(g(), x, types::Dims{kRows * kColumns}),
                            types::Dims{kRows, kColumns});
      case 3: {
        const types::Dims one = {1, 1}, low = {Below(2), Below(3)};
        return ops::Shrink(g(), ops::Pad(g(), x, one, one), low, types::Dims{kRows, kColumns});
      }
      default: {
        const ir::Ints two = {2, 2};
        return ops::Build(g(), "stride", {ops::Build(g(), "dilate", {x}, {{"factors", two}})},
                          {{"steps", two}});
      }
    }
  }

  std::mt19937_64 random_;
  ir::Function f_;
  std::vector<Ref> nodes_;
};

HostTensor Argument(DType dtype, std::mt19937_64& random) {
  constexpr double kValues[] = {0,   -0.0, 1,   -1,       0.5,       -2.5, 3,
                                127, -128, 300, INFINITY, -INFINITY, NAN};
  HostTensor tensor(dtype, {kRows, kColumns});
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    tensor.Set(i, Scalar::Float(DType::kF64, kValues[random() % std::size(kValues)]));
  }
  return tensor;
}

// The same bits, but that any NaN is as good as another.
::testing::AssertionResult SameBits(const HostTensor& a, const HostTensor& b) {
  for (int64_t i = 0; i < a.elements(); ++i) {
    const Scalar x = a.At(i), y = b.At(i);
    const bool nans = types::IsFloat(x.dtype) && std::isnan(x.f) && std::isnan(y.f);
    if (x == y || nans) continue;
    return ::testing::AssertionFailure()
           << "element " << i << ": " << x.ToString() << " became " << y.ToString();
  }
  return ::testing::AssertionSuccess();
}

TEST(Simplify, KeepsTheBitsOfRandomGraphs) {
  size_t before = 0, after = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    ir::Function function = Generator(seed).Make();
    std::mt19937_64 random(seed);
    std::vector<HostTensor> arguments;
    for (Ref parameter : function.parameters) {
      arguments.push_back(Argument(parameter->dtype(), random));
    }
    const auto expected = ops::EvaluateFunction(function, arguments);
    ASSERT_TRUE(expected.ok()) << expected.status();
    before += ir::TopologicalOrder(function.results).size();

    ASSERT_TRUE(Simplify(function).ok());

    after += ir::TopologicalOrder(function.results).size();
    const auto found = ops::EvaluateFunction(function, arguments);
    ASSERT_TRUE(found.ok()) << found.status();
    for (size_t i = 0; i < expected->size(); ++i) {
      ASSERT_TRUE(SameBits((*expected)[i], (*found)[i])) << "result " << i;
    }
  }
  EXPECT_LT(after, before * 9 / 10) << "the graphs give the rules too little to do";
}

}  // namespace
}  // namespace tensord::passes
