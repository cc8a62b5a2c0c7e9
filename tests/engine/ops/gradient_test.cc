#include "engine/ops/gradient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/base/strings.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;
using types::Dims;
using types::DType;

HostTensor Random(std::vector<int64_t> shape, double low, double high, std::mt19937& random) {
  HostTensor t(DType::kF64, std::move(shape));
  std::uniform_real_distribution<double> draw(low, high);
  for (double& v : t.as<double>()) v = draw(random);
  return t;
}

// One op on f64 inputs within low..high, whose weighted sum is differentiated.
struct Case {
  std::string name, op;
  std::vector<std::vector<int64_t>> shapes;
  std::string attrs;
  double low = -2, high = 2;
};

// sum(op(inputs) * weights) and its gradients.
struct Weighed {
  ir::Function function;

  Weighed(const Case& c, const std::vector<HostTensor>& inputs, std::mt19937& random) {
    std::vector<Ref> parameters;
    for (const HostTensor& x : inputs) {
      parameters.push_back(
          AddParameter(function, {DType::kF64, {}, Dims(x.shape().begin(), x.shape().end())}));
    }
    Graph& g = *function.graph;
    const auto attrs = ParseAttrs(Op(c.op), c.attrs);
    const Ref node = Build(g, c.op, parameters, *attrs);
    Ref total = Constant(g, types::Scalar::Float(DType::kF64, 0));
    for (int i = 0; i < node->results(); ++i) {
      const Ref y = Get(g, node, i);
      if (!types::IsFloat(y->dtype())) continue;
      total = Add(g, total, Build(g, "sum", {Mul(g, y, Weights(y, random))}));
    }
    const auto gradients = Gradient(g, total, parameters);
    EXPECT_TRUE(gradients.ok()) << gradients.status();
    function.results = {total};
    function.results.insert(function.results.end(), gradients->begin(), gradients->end());
  }

  // Different for every element, so that no mistake cancels.
  Ref Weights(Ref like, std::mt19937& random) {
    Graph& g = *function.graph;
    Dims flat = {types::NumElements(like->dims())};
    const double phase = std::uniform_real_distribution<double>(0.5, 1)(random);
    const Ref at = Mul(g, Iota(g, flat, 0, DType::kF64),
                       Constant(g, types::Scalar::Float(DType::kF64, phase)));
    return Reshape(g, Unary(g, ir::ScalarOp::kCos, at), like->dims());
  }

  std::vector<HostTensor> Run(const std::vector<HostTensor>& inputs) const {
    auto results = EvaluateFunction(function, inputs);
    EXPECT_TRUE(results.ok()) << results.status();
    return *std::move(results);
  }
};

class GradientTest : public testing::TestWithParam<Case> {};

TEST_P(GradientTest, AgreesWithFiniteDifferences) {
  const Case& c = GetParam();
  std::mt19937 random(7);
  std::vector<HostTensor> inputs;
  for (const auto& shape : c.shapes) inputs.push_back(Random(shape, c.low, c.high, random));
  const Weighed weighed(c, inputs, random);
  const std::vector<HostTensor> exact = weighed.Run(inputs);
  constexpr double kStep = 1e-5;
  for (size_t input = 0; input < inputs.size(); ++input) {
    for (int64_t i = 0; i < inputs[input].elements(); ++i) {
      const auto at = [&](double shift) {
        std::vector<HostTensor> moved = inputs;
        moved[input].as<double>()[i] += shift;
        return weighed.Run(moved)[0].as<double>()[0];
      };
      const double numeric = (at(kStep) - at(-kStep)) / (2 * kStep);
      const double gradient = exact[input + 1].as<double>()[i];
      EXPECT_NEAR(gradient, numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
          << c.op << " input " << input << " element " << i;
    }
  }
}

std::vector<Case> ElementwiseCases() {
  std::vector<Case> cases;
  for (const char* op :
       {"neg",   "abs",     "exp",     "exp2",  "expm1", "sin",  "cos",    "tan",        "atan",
        "sinh",  "cosh",    "tanh",    "asinh", "erf",   "erfc", "square", "reciprocal", "cbrt",
        "exp10", "degrees", "radians", "frac",  "sinc",  "modf", "frexp",  "nan_to_num"}) {
    cases.push_back({op, op, {{5}}, "", 0.1, 1.4});
  }
  for (const char* op : {"sqrt", "log", "log2", "log10", "log1p", "rsqrt"}) {
    cases.push_back({op, op, {{5}}, "", 0.2, 3});
  }
  for (const char* op : {"asin", "acos", "atanh"}) cases.push_back({op, op, {{5}}, "", -0.9, 0.9});
  cases.push_back({"acosh", "acosh", {{5}}, "", 1.1, 3});
  for (const char* op : {"add", "sub", "mul", "div", "floormod", "truncrem", "minimum", "maximum",
                         "copysign", "atan2", "logaddexp", "logaddexp2", "fmax", "fmin", "hypot"}) {
    cases.push_back({op, op, {{2, 3}, {3}}, "", 0.3, 2.9});
  }
  cases.push_back({"pow", "pow", {{4}, {4}}, "", 0.3, 2});
  cases.push_back({"heaviside", "heaviside", {{4}, {4}}, "", 0.3, 2});
  cases.push_back({"lerp", "lerp", {{3}, {3}, {1}}, ""});
  cases.push_back({"fma", "fma", {{3}, {3}, {}}, ""});
  cases.push_back({"clamp", "clamp", {{6}, {}, {}}, ""});
  return cases;
}

const std::vector<Case>& ShapedCases() {
  static const std::vector<Case> cases = {
      {"sum", "sum", {{2, 3, 2}}, "axes=[0,2]"},
      {"prod", "prod", {{2, 3}}, "axes=[1]"},
      {"max", "max", {{3, 4}}, "axes=[0]"},
      {"min", "min", {{3, 4}}, "axes=[1], keepdims=true"},
      {"mean", "mean", {{2, 3}}, ""},
      {"var", "var", {{2, 4}}, "axes=[1]"},
      {"std", "std", {{2, 4}}, "axes=[1], correction=0"},
      {"var_mean", "var_mean", {{2, 4}}, "axes=[0]"},
      {"std_mean", "std_mean", {{2, 4}}, ""},
      {"logsumexp", "logsumexp", {{2, 4}}, "axes=[1]"},
      {"reshape", "reshape", {{2, 3}}, "dims=[3,2]"},
      {"permute", "permute", {{2, 3, 2}}, "order=[2,0,1]"},
      {"expand", "expand", {{2, 1}}, "dims=[2,3]"},
      {"pad", "pad", {{2, 3}}, "low=[1,0], high=[0,2]"},
      {"shrink", "shrink", {{3, 4}}, "low=[1,0], dims=[2,3]"},
      {"flip", "flip", {{2, 3}}, "axes=[1]"},
      {"stride", "stride", {{5, 4}}, "steps=[2,3]"},
      {"dilate", "dilate", {{3, 2}}, "factors=[2,3]"},
      {"window", "window", {{7}}, "axes=[0], sizes=[3]"},
      {"window_strided", "window", {{9}}, "axes=[0], sizes=[3], strides=[2], dilations=[2]"},
      {"window_apart", "window", {{9}}, "axes=[0], sizes=[2], strides=[3]"},
      {"window_two",
       "window",
       {{2, 6, 5}},
       "axes=[2,1], sizes=[2,3], strides=[1,2], dilations=[2,1]"},
      {"window_whole", "window", {{4}}, "axes=[0], sizes=[4]"},
      {"window_exact", "window", {{6, 2}}, "axes=[0], sizes=[2], strides=[2]"},
      {"window_spread", "window", {{12}}, "axes=[0], sizes=[2], strides=[5], dilations=[3]"},
      {"window_large", "window", {{40}}, "axes=[0], sizes=[17], strides=[2]"},
      {"broadcast_to", "broadcast_to", {{3}}, "dims=[2,3]"},
      {"transpose", "transpose", {{2, 3}}, ""},
      {"squeeze", "squeeze", {{1, 3, 1}}, ""},
      {"unsqueeze", "unsqueeze", {{3}}, "axes=[0,-1]"},
      {"flatten", "flatten", {{2, 3}}, ""},
      {"cat", "cat", {{1, 2}, {2, 2}, {3, 2}}, "axis=0"},
      {"stack", "stack", {{2, 2}, {2, 2}}, "axis=1"},
      {"pad_value", "pad_value", {{2, 2}}, "low=[1,0], high=[0,1], value=3.5"},
      {"pad_reflect", "pad_mode", {{4}}, "low=[2], high=[3], mode=reflect"},
      {"pad_circular", "pad_mode", {{3, 2}}, "low=[2,1], high=[3,1], mode=circular"},
      {"pad_replicate", "pad_mode", {{3}}, "low=[2], high=[1], mode=replicate"},
      {"roll", "roll", {{3, 4}}, "shifts=[1,-2], axes=[0,1]"},
      {"tile", "tile", {{2, 3}}, "repeats=[2,1,2]"},
      {"repeat_interleave", "repeat_interleave", {{2, 3}}, "repeats=2, axis=1"},
      {"triu", "triu", {{3, 4}}, "diagonal=1"},
      {"tril", "tril", {{3, 4}}, "diagonal=-1"},
      {"diag", "diag", {{3}}, ""},
      {"diagonal", "diagonal", {{3, 4, 2}}, "offset=1"},
      {"diagonal_below", "diagonal", {{4, 3}}, "offset=-2"},
      {"contiguous", "contiguous", {{3}}, ""},
      {"cast", "cast", {{3}}, "dtype=f64"},
  };
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Elementwise, GradientTest, testing::ValuesIn(ElementwiseCases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Shaped, GradientTest, testing::ValuesIn(ShapedCases()),
                         [](const auto& info) { return info.param.name; });

// The gradient of sum(op(arguments)) as text, for f32 literals.
std::string GradientText(std::string_view op, std::vector<std::string_view> arguments, int wrt = 0,
                         std::string_view attrs = "") {
  ir::Function f;
  std::vector<HostTensor> inputs;
  std::vector<Ref> parameters;
  for (std::string_view literal : arguments) {
    inputs.push_back(Tensor(literal));
    const auto& shape = inputs.back().shape();
    parameters.push_back(
        AddParameter(f, {inputs.back().dtype(), {}, Dims(shape.begin(), shape.end())}));
  }
  const Ref y = Build(*f.graph, op, parameters, *ParseAttrs(Op(op), attrs));
  const auto gradient = Gradient(*f.graph, Build(*f.graph, "sum", {y}), {parameters[wrt]});
  if (!gradient.ok()) return std::string(FromAbsl(gradient.status().message()));
  f.results = *gradient;
  return (*EvaluateFunction(f, inputs))[0].ToString();
}

TEST(GradientConventionTest, TiesShareEqually) {
  EXPECT_EQ(GradientText("maximum", {"f32[3] {1, 2, 3}", "f32[3] {1, 3, 2}"}),
            "f32[3] {0.5, 0, 1}");
  EXPECT_EQ(GradientText("max", {"f32[4] {3, 1, 3, 2}"}), "f32[4] {0.5, 0, 0.5, 0}");
}

TEST(GradientConventionTest, SafeAtZero) {
  EXPECT_EQ(GradientText("abs", {"f32[3] {-1, 0, 2}"}), "f32[3] {-1, 0, 1}");
  EXPECT_EQ(GradientText("pow", {"f32[3] {0, 0, 2}", "f32[3] {0, 2, 3}"}), "f32[3] {0, 0, 12}");
  EXPECT_EQ(GradientText("pow", {"f32[3] {0, 0, 1}", "f32[3] {2, -1, 3}"}, 1),
            "f32[3] {0, -inf, 0}");
  EXPECT_EQ(GradientText("prod", {"f32[3] {0, 2, 3}"}), "f32[3] {6, 0, 0}");
  EXPECT_EQ(GradientText("prod", {"f32[3] {0, 2, 0}"}), "f32[3] {0, 0, 0}");
  EXPECT_EQ(GradientText("std", {"f32[2] {3, 3}"}), "f32[2] {0, 0}");
  EXPECT_EQ(GradientText("hypot", {"f32[] {0}", "f32[] {0}"}), "f32[] {0}");
  EXPECT_EQ(GradientText("ldexp", {"f32[2] {1, 0}", "i32[] {3}"}), "f32[2] {8, 8}");
}

TEST(GradientConventionTest, NothingFlowsThroughStepsAndDetach) {
  EXPECT_EQ(GradientText("floor", {"f32[2] {1.5, 2}"}), "f32[2] {0, 0}");
  EXPECT_EQ(GradientText("detach", {"f32[2] {1.5, 2}"}), "f32[2] {0, 0}");
}

TEST(GradientConventionTest, HalvesKeepTheirDtype) {
  EXPECT_EQ(GradientText("mean", {"f16[4] {1, 2, 3, 4}"}), "f16[4] {0.25, 0.25, 0.25, 0.25}");
  EXPECT_EQ(GradientText("var", {"bf16[2] {1, 3}"}), "bf16[2] {-2, 2}");
}

TEST(GradientTest, OfWhatIsNotReachedIsZero) {
  ir::Function f;
  const Ref x = AddParameter(f, {DType::kF32, {}, {2}}), y = AddParameter(f, {DType::kF32, {}, {}});
  const auto gradients = Gradient(*f.graph, y, {x, y});
  ASSERT_TRUE(gradients.ok());
  EXPECT_EQ((*gradients)[0], ZerosLike(*f.graph, x));
  EXPECT_EQ((*gradients)[1], ConstantLike(*f.graph, y, 1));
}

TEST(GradientTest, StopsAtLeaves) {
  ir::Function f;
  Graph& g = *f.graph;
  const Ref x = AddParameter(f, {DType::kF32, {}, {}}), y = Mul(g, x, x), z = Mul(g, y, y);
  const absl::flat_hash_set<Ref> leaves = {y};
  const auto gradients = Gradient(g, z, {x, y}, nullptr, &leaves);
  ASSERT_TRUE(gradients.ok());
  EXPECT_EQ((*gradients)[0], ZerosLike(g, x));
  f.results = {(*gradients)[1]};
  EXPECT_EQ((*EvaluateFunction(f, {Tensor("f32[] {3}")}))[0].ToString(), "f32[] {18}");
}

TEST(GradientTest, AnExpansionDoesNotReachUsersNodes) {
  // square(x) expands to the very node x * x; its gradient is not that of the user's product.
  ir::Function f;
  Graph& g = *f.graph;
  const Ref x = AddParameter(f, {DType::kF32, {}, {}});
  const Ref product = Mul(g, x, x), y = Build(g, "lerp", {x, x, product});
  EXPECT_TRUE(Gradient(g, y, {product}).ok());
  const Ref z = Build(g, "clamp", {x, x, x});
  EXPECT_EQ((*Gradient(g, z, {Build(g, "maximum", {x, x})}))[0], ZerosLike(g, x));
}

TEST(GradientTest, SaysWhatItCanNotDo) {
  ir::Function f;
  Graph& g = *f.graph;
  const Ref x = AddParameter(f, {DType::kF32, {}, {2}}), i = AddParameter(f, {DType::kI32, {}, {}});
  const auto said = [&](Ref target, Ref wrt, Ref seed = nullptr) {
    return std::string(FromAbsl(Gradient(g, target, {wrt}, seed).status().message()));
  };
  EXPECT_THAT(said(x, x), HasSubstr("target f32[2] has more than one element"));
  EXPECT_THAT(said(i, x), HasSubstr("target is i32[]"));
  EXPECT_THAT(said(Build(g, "sum", {x}), i), HasSubstr("an input is i32[]"));
  EXPECT_THAT(said(x, x, Build(g, "sum", {x})), HasSubstr("seed is f32[]"));
}

TEST(GradientTest, OfAGradient) {
  ir::Function f;
  Graph& g = *f.graph;
  const Ref x = AddParameter(f, {DType::kF64, {}, {}});
  const Ref y = Build(g, "pow", {x, Constant(g, types::Scalar::Float(DType::kWeakFloat, 3))});
  const Ref first = (*Gradient(g, y, {x}))[0];
  f.results = *Gradient(g, first, {x});
  EXPECT_EQ((*EvaluateFunction(f, {Tensor("f64[] {2}")}))[0].ToString(), "f64[] {12}");
}

TEST(GradientTest, DeepGraphsDoNotRecurse) {
  ir::Function f;
  Graph& g = *f.graph;
  const Ref x = AddParameter(f, {DType::kF64, {}, {}});
  Ref y = x;
  for (int i = 0; i < 100'000; ++i) y = Add(g, y, x);
  const auto gradient = Gradient(g, y, {x});
  ASSERT_TRUE(gradient.ok());
  f.results = *gradient;
  EXPECT_EQ((*EvaluateFunction(f, {Tensor("f64[] {1}")}))[0].ToString(), "f64[] {100001}");
}

}  // namespace
}  // namespace tensord::ops
