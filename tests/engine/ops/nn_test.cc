// Convolutions and pools against their definitions on random shapes, and what they must reject.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/strings.h"
#include "engine/ops/compose.h"
#include "engine/ops/expand.h"
#include "engine/ops/gradient.h"
#include "engine/ops/rows.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;

class RandomShapes : public testing::Test {
 protected:
  int Below(int n) { return static_cast<int>(random_() % n); }
  // Whole numbers, so that sums are exact in any order.
  HostTensor Whole(const std::vector<int64_t>& shape) {
    HostTensor tensor(DType::kF64, shape);
    for (double& v : tensor.as<double>()) v = Below(9) - 4;
    return tensor;
  }
  Ints PerAxis(int axes, int low, int high) {
    Ints values;
    for (int i = 0; i < axes; ++i) values.push_back(low + Below(high - low + 1));
    return values;
  }
  std::mt19937 random_{11};
};

// A position in a shape, counted up in row-major order.
struct Odometer {
  std::vector<int64_t> shape, at;
  explicit Odometer(std::vector<int64_t> s) : shape(std::move(s)), at(shape.size(), 0) {}
  bool Next() {
    for (size_t i = shape.size(); i-- > 0;) {
      if (++at[i] < shape[i]) return true;
      at[i] = 0;
    }
    return false;
  }
};

int64_t Flat(const std::vector<int64_t>& shape, const std::vector<int64_t>& at) {
  int64_t p = 0;
  for (size_t i = 0; i < shape.size(); ++i) p = p * shape[i] + at[i];
  return p;
}

struct ConvCase {
  Ints stride, low, high, dilation;
  int64_t groups;

  std::string attrs() const {
    Ints padding;
    for (size_t i = 0; i < low.size(); ++i) padding.insert(padding.end(), {low[i], high[i]});
    return StrCat("stride=", ir::ToString(stride), ", padding=", ir::ToString(padding),
                  ", dilation=", ir::ToString(dilation), ", groups=", groups);
  }
  // Where tap k of the window at r reads along axis i.
  int64_t Source(int i, int64_t r, int64_t k) const {
    return r * stride[i] - low[i] + k * dilation[i];
  }
};

// The definition of a convolution: calls visit(position in y, in x, in w) for every product.
template <typename F>
void ForEachProduct(const ConvCase& c, const std::vector<int64_t>& x, const std::vector<int64_t>& w,
                    const std::vector<int64_t>& y, F visit) {
  const int64_t outputs = w[0] / c.groups, inputs = w[1];
  Odometer out(y);
  if (NumElements(types::Dims(y.begin(), y.end())) == Sym(0)) return;
  do {
    Odometer tap(std::vector<int64_t>(w.begin() + 1, w.end()));
    do {
      std::vector<int64_t> from = {out.at[0], out.at[1] / outputs * inputs + tap.at[0]},
                           weight = {out.at[1]};
      weight.insert(weight.end(), tap.at.begin(), tap.at.end());
      bool inside = true;
      for (size_t i = 0; i + 2 < x.size(); ++i) {
        from.push_back(c.Source(static_cast<int>(i), out.at[i + 2], tap.at[i + 1]));
        inside = inside && from.back() >= 0 && from.back() < x[i + 2];
      }
      if (inside) visit(Flat(y, out.at), Flat(x, from), Flat(w, weight));
    } while (tap.Next());
  } while (out.Next());
}

// The op's result, and its gradients in its first two inputs for `seed`.
std::vector<HostTensor> WithGradients(std::string_view op, std::vector<HostTensor> inputs,
                                      const std::string& attrs, const HostTensor& seed) {
  OpCall call = *OpCall::Make(op, std::move(inputs), *ParseAttrs(Op(op), attrs));
  const std::vector<Ref> parameters = call.function.parameters;
  Ref y = call.function.results[0], dy = AddParameter(call.function, y->type());
  call.arguments.push_back(seed);
  const auto gradients = Gradient(*call.function.graph, y, parameters, dy);
  TENSORD_CHECK(gradients.ok(), gradients.status().ToString());
  call.function.results.insert(call.function.results.end(), gradients->begin(), gradients->end());
  return *EvaluateFunction(call.function, call.arguments);
}

struct RandomConv {
  ConvCase c;
  std::vector<int64_t> x, w;
};

class ConvTest : public RandomShapes {
 protected:
  RandomConv Draw() {
    RandomConv r;
    const int axes = 1 + Below(2);
    r.c.groups = 1 + Below(2);
    r.c.stride = PerAxis(axes, 1, 3);
    r.c.dilation = PerAxis(axes, 1, 2);
    r.c.low = PerAxis(axes, 0, 3);
    r.c.high = PerAxis(axes, 0, 3);
    r.x = {1 + Below(2), r.c.groups * (1 + Below(2))};
    r.w = {r.c.groups * (1 + Below(2)), r.x[1] / r.c.groups};
    for (int i = 0; i < axes; ++i) {
      r.x.push_back(2 + Below(5));
      r.w.push_back(1 + Below(3));
    }
    return r;
  }
};

TEST_F(ConvTest, AgreesWithItsDefinitionAndSoDoItsGradients) {
  for (int round = 0; round < 120; ++round) {
    const RandomConv r = Draw();
    const HostTensor x = Whole(r.x), w = Whole(r.w);
    const auto y = RunOp("conv", {x, w}, r.c.attrs());
    ASSERT_TRUE(y.ok()) << r.c.attrs() << y.status();
    const HostTensor dy = Whole((*y)[0].shape());
    HostTensor value((*y)[0].dtype(), dy.shape()), dx(DType::kF64, r.x), dw(DType::kF64, r.w);
    ForEachProduct(r.c, r.x, r.w, dy.shape(), [&](int64_t at_y, int64_t at_x, int64_t at_w) {
      value.as<double>()[at_y] += x.as<double>()[at_x] * w.as<double>()[at_w];
      dx.as<double>()[at_x] += dy.as<double>()[at_y] * w.as<double>()[at_w];
      dw.as<double>()[at_w] += dy.as<double>()[at_y] * x.as<double>()[at_x];
    });
    const auto actual = WithGradients("conv", {x, w}, r.c.attrs(), dy);
    const std::string what = StrCat(r.c.attrs(), " of ", x.ToString(), " by ", w.ToString());
    EXPECT_EQ(Difference(actual[0], value, 1e-12), "") << what;
    EXPECT_EQ(Difference(actual[1], dx, 1e-12), "") << what;
    EXPECT_EQ(Difference(actual[2], dw, 1e-12), "") << what;
  }
}

TEST_F(ConvTest, TransposeIsTheAdjoint) {
  for (int round = 0; round < 80; ++round) {
    RandomConv r = Draw();
    Ints padding, more;
    for (size_t i = 0; i < r.c.stride.size(); ++i) {
      r.c.low[i] = r.c.high[i] = Below(2);
      padding.push_back(r.c.low[i]);
      more.push_back(Below(static_cast<int>(std::max(r.c.stride[i], r.c.dilation[i]))));
    }
    std::vector<int64_t> small = r.x;  // conv_transpose maps [N, O, *r] to [N, C, *d]
    small[1] = r.w[0];
    const std::string attrs =
        StrCat("stride=", ir::ToString(r.c.stride), ", padding=", ir::ToString(padding),
               ", dilation=", ir::ToString(r.c.dilation), ", output_padding=", ir::ToString(more),
               ", groups=", r.c.groups);
    const HostTensor y = Whole(small), w = Whole(r.w);
    const auto x = RunOp("conv_transpose", {y, w}, attrs);
    ASSERT_TRUE(x.ok()) << attrs << x.status();
    const HostTensor seed = Whole((*x)[0].shape());
    HostTensor value(DType::kF64, seed.shape()), dy(DType::kF64, small), dw(DType::kF64, r.w);
    ForEachProduct(r.c, seed.shape(), r.w, small, [&](int64_t at_y, int64_t at_x, int64_t at_w) {
      value.as<double>()[at_x] += y.as<double>()[at_y] * w.as<double>()[at_w];
      dy.as<double>()[at_y] += seed.as<double>()[at_x] * w.as<double>()[at_w];
      dw.as<double>()[at_w] += seed.as<double>()[at_x] * y.as<double>()[at_y];
    });
    const auto actual = WithGradients("conv_transpose", {y, w}, attrs, seed);
    EXPECT_EQ(Difference(actual[0], value, 1e-12), "") << attrs << y.ToString() << w.ToString();
    EXPECT_EQ(Difference(actual[1], dy, 1e-12), "") << attrs;
    EXPECT_EQ(Difference(actual[2], dw, 1e-12), "") << attrs;
  }
}

std::vector<std::string_view> OpsOf(absl::Span<const Ref> roots) {
  std::vector<std::string_view> names;
  for (Ref node : ir::TopologicalOrder(roots)) names.push_back(node->op().name);
  return names;
}

TEST_F(ConvTest, GradientsAreContractionsOfMovementViews) {
  ir::Function f;
  Ref x = AddParameter(f, {DType::kF32, {}, {2, 3, 9, 9}}),
      w = AddParameter(f, {DType::kF32, {}, {4, 3, 3, 3}});
  Ref y = Build(*f.graph, "conv", {x, w}, {{"stride", Ints{2}}, {"padding", Ints{1}}});
  Ref dy = AddParameter(f, y->type());
  const auto gradients = *Gradient(*f.graph, y, {x, w}, dy);
  const auto expanded = ExpandComposites(*f.graph, gradients);
  for (Ref root : expanded) {
    int folds = 0;
    for (Ref node : ir::TopologicalOrder({root})) folds += node->is("reduce") ? 1 : 0;
    EXPECT_EQ(folds, 1);
  }
  EXPECT_THAT(OpsOf({expanded[0]}), testing::IsSupersetOf({"dilate", "window", "flip", "mul"}));
  EXPECT_THAT(OpsOf({expanded[1]}), testing::Not(testing::Contains("dilate")));
}

TEST_F(ConvTest, SizesMayBeVariables) {
  ir::Function f;
  const Sym n = Sym::Variable("n", 1, 4), d = Sym::Variable("d", 1, 16);
  f.variables = {{"n", 1, 4}, {"d", 1, 16}};
  Ref x = AddParameter(f, {DType::kF64, {}, {n, 2, d}}),
      w = AddParameter(f, {DType::kF64, {}, {2, 1, 3}});
  Ref y = Build(*f.graph, "conv", {x, w},
                {{"stride", Ints{2}}, {"padding", Ints{1, 2}}, {"groups", int64_t{2}}});
  Ref up = Build(*f.graph, "conv_transpose", {x, w}, {{"stride", Ints{2}}, {"groups", int64_t{2}}});
  Ref pooled =
      Build(*f.graph, "avg_pool", {x},
            {{"kernel", Ints{3}}, {"stride", Ints{2}}, {"padding", Ints{1}}, {"ceil_mode", true}});
  const auto total = [&](Ref v) {
    return Reduce(*f.graph, Square(Expr(*f.graph, v)), "sum", Range(0, 3));
  };
  f.results = {y, up, pooled};
  for (Ref v : {y, up, pooled}) {
    const std::vector<Ref> wrt = v == pooled ? std::vector<Ref>{x} : std::vector<Ref>{x, w};
    const std::vector<Ref> gradients = *Gradient(*f.graph, total(v), wrt);
    f.results.insert(f.results.end(), gradients.begin(), gradients.end());
  }
  for (int64_t extent : {1, 2, 5, 8}) {
    const HostTensor data = Whole({2, 2, extent}), weight = Whole({2, 1, 3});
    const auto results = EvaluateFunction(f, {data, weight}, {2, extent});
    ASSERT_TRUE(results.ok()) << results.status();
    const auto same = [&](int i, std::string_view op, std::vector<HostTensor> inputs,
                          const std::string& attrs) {
      const auto fixed = RunOp(op, std::move(inputs), attrs);
      EXPECT_EQ(Difference((*results)[i], (*fixed)[0], 1e-12), "") << op << " " << extent;
    };
    same(0, "conv", {data, weight}, "stride=[2], padding=[1,2], groups=2");
    same(1, "conv_transpose", {data, weight}, "stride=[2], groups=2");
    same(2, "avg_pool", {data}, "kernel=[3], stride=[2], padding=[1], ceil_mode=true");
    EXPECT_EQ((*results)[3].shape(), data.shape());
    EXPECT_EQ((*results)[4].shape(), weight.shape());
  }
}

TEST_F(ConvTest, KernelsLargerThanTheInputGiveNothing) {
  EXPECT_EQ(RunText("conv", {"f32[1,1,2] {1}", "f32[1,1,3] {1}"}), "f32[1,1,0] {}");
}

TEST_F(ConvTest, ErrorsSayWhatFits) {
  const auto error = [](std::string_view attrs) {
    return RunText("conv", {"f32[1,4,5,5] {0}", "f32[2,2,3,3] {0}"}, attrs);
  };
  EXPECT_THAT(error(""),
              HasSubstr("has 4 channels, but weight f32[2,2,3,3] with groups = 1 takes 2"));
  EXPECT_THAT(error("groups=3"), HasSubstr("must be >= 1 and divide 2"));
  EXPECT_THAT(error("groups=2, stride=[0]"), HasSubstr("stride [0] must hold numbers from 1"));
  EXPECT_THAT(error("groups=2, stride=[1,1,1]"),
              HasSubstr("has 3 values; expected 1 or one for each of 2"));
  EXPECT_THAT(error("groups=2, padding=[-1]"), HasSubstr("padding [-1] must hold numbers from 0"));
  EXPECT_THAT(error("groups=2, padding=[1,1,1]"), HasSubstr("3 values"));
  EXPECT_THAT(error("groups=2, dilation=[4000000000]"), HasSubstr("dilation"));
  EXPECT_THAT(RunText("conv", {"f32[4,5] {0}", "f32[2,2] {0}"}),
              HasSubstr("[batch, channels, spatial axes...]"));
  EXPECT_THAT(RunText("conv", {"f32[1,2,5] {0}", "f32[2,2,3] {0}", "f32[3] {0}"}),
              HasSubstr("expected [2]"));
  EXPECT_THAT(RunText("conv_transpose", {"f32[1,2,5] {0}", "f32[2,2,3] {0}"}, "output_padding=[1]"),
              HasSubstr("must be less than stride"));
}

// ---- pools ----

class PoolTest : public RandomShapes {};

TEST_F(PoolTest, AgreesWithItsDefinition) {
  for (int round = 0; round < 120; ++round) {
    const int axes = 1 + Below(2);
    const Ints kernel = PerAxis(axes, 1, 3), stride = PerAxis(axes, 1, 3),
               dilation = PerAxis(axes, 1, 2);
    ConvCase c{stride, {}, {}, dilation, 1};
    std::vector<int64_t> shape = {2};
    for (int i = 0; i < axes; ++i) {
      const int reach = static_cast<int>(dilation[i] * (kernel[i] - 1));
      c.low.push_back(Below(reach + 1));
      c.high.push_back(Below(reach + 1));
      shape.push_back(3 + Below(6));
    }
    const bool ceil = Below(2) == 0, include = Below(2) == 0;
    const std::string attrs =
        StrCat(c.attrs().substr(0, c.attrs().rfind(", ")), ", kernel=", ir::ToString(kernel),
               ", ceil_mode=", ceil ? "true" : "false");
    const HostTensor x = Whole(shape);
    const auto most = RunOp("max_pool", {x}, attrs);
    ASSERT_TRUE(most.ok()) << attrs << most.status();
    const auto mean = RunOp("avg_pool", {x}, attrs + (include ? "" : ", count_include_pad=false"));
    ASSERT_TRUE(mean.ok()) << attrs << mean.status();
    Odometer out((*most)[0].shape());
    do {
      double largest = -INFINITY, sum = 0, count = 0;
      Odometer tap(kernel);
      do {
        std::vector<int64_t> from = {out.at[0]};
        bool inside = true, padded = true;
        for (int i = 0; i < axes; ++i) {
          const int64_t at = c.Source(i, out.at[i + 1], tap.at[i]);
          from.push_back(at);
          inside = inside && at >= 0 && at < shape[i + 1];
          padded = padded && at >= -c.low[i] && at < shape[i + 1] + c.high[i];
        }
        if (inside) largest = std::max(largest, x.as<double>()[Flat(shape, from)]);
        if (inside) sum += x.as<double>()[Flat(shape, from)];
        count += (include ? padded : inside) ? 1 : 0;
      } while (tap.Next());
      const int64_t at = Flat(out.shape, out.at);
      EXPECT_EQ((*most)[0].as<double>()[at], largest) << attrs << x.ToString();
      EXPECT_DOUBLE_EQ((*mean)[0].as<double>()[at], sum / std::max(count, 1.0))
          << attrs << x.ToString();
    } while (out.Next());
  }
}

TEST_F(PoolTest, IntegersPadWithTheirLeast) {
  EXPECT_EQ(RunText("max_pool", {"i8[2] {-100, -128}"}, "kernel=[2], padding=[1]"),
            "i8[2] {-100, -128}");
  EXPECT_EQ(RunText("max_pool", {"u8[2] {0, 3}"}, "kernel=[2], padding=[1]"), "u8[2] {0, 3}");
  EXPECT_EQ(RunText("max_pool", {"bool[2] {false, true}"}, "kernel=[2]"), "bool[1] {true}");
}

TEST_F(PoolTest, ErrorsSayWhatFits) {
  EXPECT_THAT(RunText("max_pool", {"f32[4] {0}"}, "kernel=[2], padding=[2]"),
              HasSubstr("less than a window"));
  EXPECT_THAT(RunText("max_pool", {"f32[4] {0}"}, "kernel=[2,2]"),
              HasSubstr("needs 1 to 1 values"));
  EXPECT_THAT(RunText("avg_pool", {"f32[4] {0}"}, "kernel=[0]"), HasSubstr("from 1 to"));
}

// ---- layers ----

TEST(LayerTest, DropoutKeepsTheExpectedShareAndItsGradientUsesTheSameElements) {
  const HostTensor x = Tensor("f32[4000] {1}"), key = Tensor("u32[2] {1, 2}"),
                   counter = Tensor("u64[] {5}");
  OpCall call = *OpCall::Make("dropout", {x, key, counter}, *ParseAttrs(Op("dropout"), "p=0.25"));
  Graph& g = *call.function.graph;
  Ref y = call.function.results[0];
  call.function.results.push_back(
      (*Gradient(g, Reduce(g, y, "sum", {0}), {call.function.parameters[0]}))[0]);
  const auto results = *EvaluateFunction(call.function, call.arguments);
  double sum = 0;
  for (float v : results[0].as<float>()) sum += v;
  EXPECT_NEAR(sum / 4000, 1, 0.05);
  EXPECT_EQ(Difference(results[1], results[0], 0), "");
}

TEST(LayerTest, DropoutNamesWhatDoesNotFit) {
  EXPECT_THAT(RunText("dropout", {"f32[1] {1}", "u32[2] {0}", "u64[] {0}"}, "p=1.5"),
              HasSubstr("from 0 to 1"));
  EXPECT_THAT(RunText("dropout", {"f32[1] {1}", "u32[3] {0}", "u64[] {0}"}), HasSubstr("u32[2]"));
  EXPECT_THAT(RunText("dropout", {"i32[1] {1}", "u32[2] {0}", "u64[] {0}"}),
              HasSubstr("must be a float"));
}

TEST(LayerTest, AttentionOfNothingIsZero) {
  EXPECT_EQ(
      RunText("scaled_dot_product_attention", {"f32[2,1] {1}", "f32[2,1] {1, 2}", "f32[2,1] {3, 5}",
                                               "bool[2,2] {false, false, false, true}"}),
      "f32[2,1] {0, 5}");
}

TEST(LayerTest, AttentionNamesWhatDoesNotFit) {
  const auto error = [](std::vector<std::string_view> inputs, std::string_view attrs = "") {
    return RunText("scaled_dot_product_attention", std::move(inputs), attrs);
  };
  EXPECT_THAT(error({"f32[2,3] {0}", "f32[2,4] {0}", "f32[2,3] {0}"}), HasSubstr("[...,S,E]"));
  EXPECT_THAT(error({"f32[2,3] {0}", "f32[2,3] {0}", "f32[2,3] {0}", "i32[2,2] {0}"}),
              HasSubstr("expected bool"));
  EXPECT_THAT(error({"f32[2,3] {0}", "f32[2,3] {0}", "f32[2,3] {0}", "f32[3,2] {0}"}),
              HasSubstr("broadcasting to"));
  EXPECT_THAT(error({"f32[3,2,3] {0}", "f32[2,2,3] {0}", "f32[2,2,3] {0}"}, "enable_gqa=true"),
              HasSubstr("multiple"));
  EXPECT_THAT(error({"f32[3] {0}", "f32[2,3] {0}", "f32[2,3] {0}"}),
              HasSubstr("[..., length, features]"));
}

}  // namespace
}  // namespace tensord::ops
