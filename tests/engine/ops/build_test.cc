#include "engine/ops/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/base/strings.h"
#include "engine/ops/registry.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using testing::HasSubstr;
using types::Dims;
using types::DType;
using types::Scalar;
using types::Sym;
using types::Type;

class BuildTest : public testing::Test {
 protected:
  Ref Param(DType dtype, Dims dims, int device = 0) {
    return AddParameter(function_, {dtype, {static_cast<uint16_t>(device)}, std::move(dims)});
  }
  Ref Weak(int64_t value) { return Constant(graph_, Scalar::Int(DType::kWeakInt, value)); }
  Ref Weak(double value) { return Constant(graph_, Scalar::Float(DType::kWeakFloat, value)); }
  absl::StatusOr<Ref> Try(std::string_view op, std::vector<Ref> inputs,
                          std::vector<NamedAttr> attrs = {}) {
    return Make(graph_, Op(op), inputs, attrs);
  }
  Ref Done(std::string_view op, std::vector<Ref> inputs, std::vector<NamedAttr> attrs = {}) {
    const auto node = Try(op, std::move(inputs), std::move(attrs));
    EXPECT_TRUE(node.ok()) << node.status();
    return node.ok() ? *node : nullptr;
  }
  // The result's type in text, or why there is none.
  std::string Said(std::string_view op, std::vector<Ref> inputs,
                   std::vector<NamedAttr> attrs = {}) {
    const auto node = Try(op, std::move(inputs), std::move(attrs));
    if (!node.ok()) {
      EXPECT_EQ(node.status().code(), absl::StatusCode::kInvalidArgument);
      return std::string(FromAbsl(node.status().message()));
    }
    return (*node)->type().ToString();
  }

  ir::Function function_;
  Graph& graph_ = *function_.graph;
};

TEST_F(BuildTest, PromotesAndCasts) {
  const Ref x = Param(DType::kU8, {2}), y = Param(DType::kI8, {2});
  const Ref sum = Done("add", {x, y});
  EXPECT_EQ(sum->type().ToString(), "i16[2]");
  EXPECT_TRUE(sum->input(0)->is("cast"));
  EXPECT_EQ(Said("lt", {x, y}), "bool[2]");
  EXPECT_EQ(Said("div", {x, y}), "f32[2]");
  EXPECT_EQ(Said("exp", {x}), "f32[2]");
  EXPECT_EQ(Said("add", {Param(DType::kF16, {2}), Param(DType::kBF16, {2})}), "f32[2]");
  EXPECT_EQ(Said("add", {Param(DType::kU64, {2}), Param(DType::kI64, {2})}), "f32[2]");
}

TEST_F(BuildTest, WeakScalarsAdapt) {
  const Ref x = Param(DType::kU8, {2});
  const Ref sum = Done("add", {x, Weak(int64_t{1})});
  EXPECT_EQ(sum->type().ToString(), "u8[2]");
  EXPECT_EQ(sum->input(0), x);
  EXPECT_EQ(Said("add", {x, Weak(1.5)}), "f32[2]");
  EXPECT_EQ(Said("add", {Weak(1.5), Param(DType::kF16, {2})}), "f16[2]");
  EXPECT_EQ(Said("add", {Weak(int64_t{1}), Weak(int64_t{2})}), "i32[]");
  EXPECT_EQ(Said("add", {Weak(int64_t{1}), Weak(0.5)}), "f32[]");
  EXPECT_EQ(Said("neg", {Weak(int64_t{1})}), "i32[]");
  EXPECT_EQ(Said("cast", {Weak(300.7)}, {{"dtype", DType::kU8}}), "u8[]");
  EXPECT_EQ(Said("where", {Param(DType::kBool, {2}), Weak(int64_t{1}), Param(DType::kI8, {2})}),
            "i8[2]");
}

TEST_F(BuildTest, WeakScalarsGoWhereTheOthersAre) {
  const Ref x = Param(DType::kF32, {2}, 3);
  const Ref sum = Done("mul", {x, Weak(2.0)});
  EXPECT_EQ(sum->type().ToString(), "f32[2]@3");
}

TEST_F(BuildTest, AWeakScalarThatDoesNotFitIsRefused) {
  EXPECT_EQ(Said("add", {Param(DType::kU8, {}), Weak(int64_t{300})}),
            "add: 300 does not fit u8; cast the other input to a wider dtype first");
  EXPECT_EQ(Said("add", {Param(DType::kU64, {}), Weak(int64_t{-1})}),
            "add: -1 does not fit u64; cast the other input to a wider dtype first");
}

TEST_F(BuildTest, BroadcastsElementwiseInputs) {
  const Ref sum = Done("add", {Param(DType::kF32, {2, 1}), Param(DType::kF32, {3})});
  EXPECT_EQ(sum->type().ToString(), "f32[2,3]");
  EXPECT_EQ(sum->input(0)->type().ToString(), "f32[2,3]");
  EXPECT_EQ(sum->input(1)->type().ToString(), "f32[2,3]");
  const Sym n = Sym::Variable("n", 1, 64);
  EXPECT_EQ(Said("add", {Param(DType::kF32, {n, 1}), Param(DType::kF32, {n, 3})}), "f32[n,3]");
}

TEST_F(BuildTest, EqualNodesAreOne) {
  const Ref x = Param(DType::kF32, {2, 3});
  EXPECT_EQ(Done("add", {x, x}), Done("add", {x, x}));
  EXPECT_EQ(Done("flip", {x}, {{"axes", Ints{-1, 0}}}), Done("flip", {x}, {{"axes", Ints{0, 1}}}));
}

TEST_F(BuildTest, WhatChangesNothingIsItsInput) {
  const Ref x = Param(DType::kF32, {2, 3}), i = Param(DType::kI32, {2});
  EXPECT_EQ(Done("reshape", {x}, {{"dims", Dims{2, 3}}}), x);
  EXPECT_EQ(Done("permute", {x}, {{"order", Ints{0, 1}}}), x);
  EXPECT_EQ(Done("cast", {x}, {{"dtype", DType::kF32}}), x);
  EXPECT_EQ(Done("pad", {x}, {{"low", Dims{0, 0}}, {"high", Dims{0, 0}}}), x);
  EXPECT_EQ(Done("stride", {x}, {{"steps", Ints{1, 1}}}), x);
  EXPECT_EQ(Done("floor", {i}), i);
}

TEST_F(BuildTest, BoolArithmeticIsLogic) {
  const Ref b = Param(DType::kBool, {2});
  EXPECT_TRUE(Done("add", {b, b})->is("bitor"));
  EXPECT_TRUE(Done("mul", {b, b})->is("bitand"));
  EXPECT_TRUE(Done("maximum", {b, b})->is("bitor"));
  EXPECT_THAT(Said("sub", {b, b}), HasSubstr("sub: has no meaning for bool"));
  EXPECT_THAT(Said("neg", {b}), HasSubstr("neg: has no meaning for bool"));
}

TEST_F(BuildTest, BitOperationsRefuseFloats) {
  const Ref x = Param(DType::kF32, {2});
  EXPECT_EQ(Said("bitand", {x, x}),
            "bitand: needs integers or bools, got f32; cast or bitcast first");
  EXPECT_EQ(Said("not", {x}), "not: needs integers or bools, got f32; cast or bitcast first");
}

TEST_F(BuildTest, SaysWhatIsWrongWithInputs) {
  const Ref x = Param(DType::kF32, {2, 3});
  EXPECT_EQ(Said("add", {x}), "add: 1 inputs given, expected 2");
  EXPECT_EQ(Said("cat", {}), "cat: 0 inputs given, expected at least 1");
  EXPECT_EQ(
      Said("add", {x, Param(DType::kF32, {4})}),
      "add: shapes [2,3] and [4] do not broadcast: axis 1 has 3 and 4; they must be equal or 1");
  EXPECT_EQ(Said("add", {x, Param(DType::kF32, {2, 3}, 1)}),
            "add: inputs live on devices 0 and 1; copy one of them first");
  EXPECT_EQ(Said("neg", {Done("var_mean", {x})}),
            "neg: input 0 has 2 results; select one with get");
}

TEST_F(BuildTest, SaysWhatIsWrongWithAttributes) {
  const Ref x = Param(DType::kF32, {2, 3});
  EXPECT_EQ(Said("permute", {x}), "permute: attribute order (ints) is missing");
  EXPECT_EQ(Said("permute", {x}, {{"order", 1.5}}),
            "permute: attribute order is 1.5, expected ints");
  EXPECT_EQ(Said("permute", {x}, {{"odor", Ints{}}}), "permute: no attribute named \"odor\"");
  EXPECT_EQ(Said("sum", {x}, {{"axes", Ints{2}}}),
            "sum: axis 2 is out of range for rank 2; expected -2..1");
  EXPECT_EQ(Said("sum", {x}, {{"axes", Ints{1, -1}}}), "sum: axes [1,-1] name an axis twice");
  EXPECT_EQ(Said("reshape", {x}, {{"dims", Dims{4}}}),
            "reshape: [2,3] has 6 elements, [4] has 4; the counts must be equal");
  EXPECT_THAT(Said("cast", {x}, {{"dtype", DType::kWeakInt}}),
              HasSubstr("for client scalars only"));
}

TEST_F(BuildTest, RefusesNegativeAndHugeSizes) {
  constexpr int64_t kHuge = int64_t{1} << 60;
  EXPECT_THAT(Said("zeros", {}, {{"dims", Dims{-1}}}), HasSubstr("negative"));
  EXPECT_THAT(Said("zeros", {}, {{"dims", Dims{kHuge}}}), HasSubstr("beyond the limit"));
  EXPECT_THAT(Said("zeros", {}, {{"dims", Dims{1 << 30, 1 << 30}}}), HasSubstr("over the limit"));
  EXPECT_THAT(Said("zeros", {}, {{"dims", Dims(17, Sym(1))}}), HasSubstr("rank 17"));
  const Ref x = Param(DType::kF32, {2});
  EXPECT_THAT(Said("tile", {x}, {{"repeats", Ints{int64_t{1} << 46}}}),
              HasSubstr("over the limit"));
  EXPECT_THAT(Said("pad", {x}, {{"low", Dims{kHuge}}, {"high", Dims{0}}}), HasSubstr("beyond"));
  EXPECT_THAT(Said("dilate", {x}, {{"factors", Ints{std::numeric_limits<int64_t>::max()}}}),
              HasSubstr("beyond"));
  EXPECT_THAT(Said("expand", {Param(DType::kF32, {1, 1})}, {{"dims", Dims{1 << 24, 1 << 24}}}),
              HasSubstr("over the limit"));
}

TEST_F(BuildTest, PositionalAttributesTakeDefaults) {
  const Ref x = Param(DType::kF32, {2, 3});
  const ir::AttrValue attrs[] = {ir::AttrValue(Ints{1})};
  const auto node = MakePositional(graph_, Op("sum"), {x}, attrs);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ((*node)->type().ToString(), "f32[2]");
  EXPECT_FALSE((*node)->attr<bool>("keepdims"));
}

TEST_F(BuildTest, DtypeRules) {
  const auto of = [&](std::string_view op, DType dtype) { return Said(op, {Param(dtype, {2})}); };
  EXPECT_EQ(of("sum", DType::kBool), "i32[]");
  EXPECT_EQ(of("sum", DType::kU8), "u32[]");
  EXPECT_EQ(of("sum", DType::kF16), "f16[]");
  EXPECT_EQ(of("prod", DType::kU8), "u8[]");
  EXPECT_EQ(of("mean", DType::kI64), "f32[]");
  EXPECT_EQ(of("mean", DType::kBF16), "bf16[]");
  EXPECT_EQ(of("argmax", DType::kF64), "i32[]");
  EXPECT_EQ(of("any", DType::kF64), "bool[]");
  EXPECT_EQ(Said("sum", {Param(DType::kU8, {2})}, {{"dtype", DType::kF64}}), "f64[]");
}

TEST_F(BuildTest, HelpersBroadcastAndUndoIt) {
  const Ref x = Param(DType::kF32, {3});
  const Dims wide = {2, 3};
  EXPECT_EQ(Expand(graph_, x, wide)->dims(), wide);
  EXPECT_EQ(SumTo(graph_, Expand(graph_, x, wide), x->dims())->dims(), x->dims());
  const Ref reduced = Reduce(graph_, Expand(graph_, x, wide), "sum", {1});
  EXPECT_EQ(Unreduce(graph_, reduced, {1})->dims(), (Dims{2, 1}));
}

}  // namespace
}  // namespace tensord::ops
