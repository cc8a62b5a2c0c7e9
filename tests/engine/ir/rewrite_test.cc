#include "engine/ir/rewrite.h"

#include "gtest/gtest.h"

namespace tensord::ir {
namespace {

using S = ScalarOp;

OpRow ScalarRow(std::string_view name, S op) {
  OpRow row;
  row.name = name;
  row.scalar = op;
  return row;
}
OpRow NamedRow(std::string_view name, AttrKind kind) {
  OpRow row;
  row.name = name;
  row.attrs = {{.name = "value", .kind = kind}};
  return row;
}
const OpRow kAdd = ScalarRow("add", S::kAdd), kSub = ScalarRow("sub", S::kSub),
            kMul = ScalarRow("mul", S::kMul), kNeg = ScalarRow("neg", S::kNeg),
            kParam = NamedRow("param", AttrKind::kInt),
            kConst = NamedRow("const", AttrKind::kScalar);

types::Type F32() {
  types::Type type;
  type.dtype = types::DType::kF32;
  return type;
}

class RewriteTest : public ::testing::Test {
 protected:
  Ref Param(int64_t number) {
    const AttrValue value[] = {number};
    return graph_.Intern(kParam, {}, value, F32());
  }
  Ref Number(double number) {
    const AttrValue value[] = {types::Scalar::Float(types::DType::kF32, number)};
    return graph_.Intern(kConst, {}, value, F32());
  }
  Ref Make(const OpRow& row, std::initializer_list<Ref> inputs) {
    return graph_.Intern(row, absl::MakeConstSpan(inputs.begin(), inputs.size()), {}, F32());
  }

  Graph graph_;
  Ref x_ = Param(0), y_ = Param(1);
};

constexpr Pattern kTimesOne = Op(S::kMul, Any(0), ir::Number(1));

TEST_F(RewriteTest, CommutativeOperandsMatchInEitherOrder) {
  const auto right = MatchPattern(kTimesOne, Make(kMul, {x_, Number(1)}));
  const auto left = MatchPattern(kTimesOne, Make(kMul, {Number(1), x_}));

  ASSERT_TRUE(right.has_value());
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ((*right)[0], x_);
  EXPECT_EQ((*left)[0], x_);
}

TEST_F(RewriteTest, OtherOperandsKeepTheirOrder) {
  constexpr Pattern kMinusOne = Op(S::kSub, Any(0), ir::Number(1));
  EXPECT_TRUE(MatchPattern(kMinusOne, Make(kSub, {x_, Number(1)})).has_value());
  EXPECT_FALSE(MatchPattern(kMinusOne, Make(kSub, {Number(1), x_})).has_value());
}

TEST_F(RewriteTest, AFailedOrderLeavesNoBinding) {
  // (a * 1) + a: the first order binds a to y, and only the second one fits.
  constexpr Pattern kSum = Op(S::kAdd, Op(S::kMul, Any(0), ir::Number(1)), Any(0));
  Ref product = Make(kMul, {Number(1), y_});
  const auto match = MatchPattern(kSum, Make(kAdd, {y_, product}));
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ((*match)[0], y_);
}

TEST_F(RewriteTest, ASlotUsedTwiceIsOneNode) {
  constexpr Pattern kDifference = Op(S::kSub, Any(0), Any(0));
  EXPECT_TRUE(MatchPattern(kDifference, Make(kSub, {x_, x_})).has_value());
  EXPECT_FALSE(MatchPattern(kDifference, Make(kSub, {x_, y_})).has_value());
}

TEST_F(RewriteTest, ANumberIsToldFromItsNegativeZero) {
  constexpr Pattern kPlusZero = Op(S::kAdd, Any(0), ir::Number(0));
  EXPECT_TRUE(MatchPattern(kPlusZero, Make(kAdd, {x_, Number(0)})).has_value());
  EXPECT_FALSE(MatchPattern(kPlusZero, Make(kAdd, {x_, Number(-0.0)})).has_value());
}

constexpr Rule kRules[] = {
    {"x * 1 -> x", kTimesOne, [](Graph&, const Match& m) { return m[0]; }},
    {"-(-x) -> x", Op(S::kNeg, Op(S::kNeg, Any(0))), [](Graph&, const Match& m) { return m[0]; }},
};

TEST_F(RewriteTest, GoesOnUntilNoRuleApplies) {
  Ref hidden = Make(kNeg, {Make(kMul, {Number(1), Make(kNeg, {x_})})});
  std::vector<Ref> roots = {Make(kAdd, {hidden, y_})};

  const RewriteCounts counts = Rewrite(graph_, roots, kRules);

  EXPECT_EQ(roots[0], Make(kAdd, {x_, y_}));
  EXPECT_EQ(counts.applied, (std::vector<int>{1, 1}));
  EXPECT_FALSE(counts.exhausted);
}

TEST_F(RewriteTest, MeetsASharedNodeOnce) {
  Ref shared = Make(kMul, {x_, Number(1)});
  for (int i = 0; i < 40; ++i) shared = Make(kAdd, {shared, shared});
  std::vector<Ref> roots = {shared};

  const RewriteCounts counts = Rewrite(graph_, roots, kRules);

  EXPECT_EQ(counts.applied[0], 1);
  EXPECT_EQ(counts.nodes, 43);  // x, 1, the product and the sums
}

TEST_F(RewriteTest, StopsAtItsBudget) {
  Ref node = x_;
  for (int i = 0; i < 10; ++i) node = Make(kAdd, {Make(kMul, {node, Number(1)}), y_});
  std::vector<Ref> roots = {node};

  const RewriteCounts counts = Rewrite(graph_, roots, kRules, {.budget = 4});

  EXPECT_EQ(counts.total(), 4);
  EXPECT_TRUE(counts.exhausted);
  EXPECT_EQ(TopologicalOrder(roots).size(), 19u);  // x, y, 1, ten sums and six products that stay
}

TEST_F(RewriteTest, RulesThatUndoEachOtherEndWithTheBudget) {
  static constexpr Rule kCircle[] = {
      {"a * b -> b * a", Op(S::kMul, Any(0), Any(1)), [](Graph& graph, const Match& m) {
         const Ref swapped[] = {m.root->input(1), m.root->input(0)};
         return graph.WithInputs(m.root, swapped);
       }}};
  std::vector<Ref> roots = {Make(kMul, {x_, y_})};

  const RewriteCounts counts = Rewrite(graph_, roots, kCircle, {.budget = 7});

  EXPECT_EQ(counts.total(), 7);
  EXPECT_TRUE(counts.exhausted);
}

TEST_F(RewriteTest, DeepGraphsNeedNoStack) {
  Ref node = x_;
  for (int i = 0; i < 200'000; ++i) node = Make(kAdd, {node, node});
  std::vector<Ref> roots = {node};

  const RewriteCounts counts = Rewrite(graph_, roots, kRules);

  EXPECT_EQ(counts.total(), 0);
  EXPECT_EQ(roots[0], node);
}

}  // namespace
}  // namespace tensord::ir
