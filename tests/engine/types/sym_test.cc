#include "engine/types/sym.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "engine/types/sym_visit.h"

namespace tensord::types {
namespace {

class SymTest : public ::testing::Test {
 protected:
  const Sym i = Sym::Variable("i", 0, 63), j = Sym::Variable("j", 0, 7);
  const Sym k = Sym::Variable("k", 0, 2), x = Sym::Variable("x", 0, 1000);
  const Sym y = Sym::Variable("y", -100, 100), n = Sym::Variable("n", 1, 4096);
  const Sym m = Sym::Variable("m", 0, 16);
};

TEST_F(SymTest, Polynomials) {
  EXPECT_EQ(i + j, j + i);
  EXPECT_EQ((i + 1) * (i - 1), i * i - 1);
  EXPECT_EQ(i - i, Sym(0));
  EXPECT_EQ((n + j) * 2 - n, n + 2 * j);
  EXPECT_EQ((n + 1) * i - i, n * i);
  EXPECT_TRUE((i - i).is_constant());
  EXPECT_EQ(Sym::Variable("p", 5, 5), Sym(5));
  EXPECT_NE(i, Sym::Variable("i", 0, 31));
}

TEST_F(SymTest, ConstantsDivideTotally) {
  EXPECT_EQ(FloorDiv(-7, 2), Sym(-4));
  EXPECT_EQ(Mod(-7, 2), Sym(1));
  EXPECT_EQ(Mod(7, -2), Sym(-1));
  EXPECT_EQ(FloorDiv(7, 0), Sym(0));
  EXPECT_EQ(Mod(7, 0), Sym(0));
  EXPECT_EQ(FloorDiv(x, 0), Sym(0));
  EXPECT_EQ(CeilDiv(7, 2), Sym(4));
  EXPECT_EQ(FloorDiv(std::numeric_limits<int64_t>::min(), -1).is_constant(), true);
}

TEST_F(SymTest, QuotientsSplitAndDrop) {
  EXPECT_EQ(FloorDiv(i * 16 + 3, 16), i);
  EXPECT_EQ(FloorDiv(i * 8 + j, 8), i);
  EXPECT_EQ(FloorDiv(i * 8 + j, 4), i * 2 + FloorDiv(j, 4));
  EXPECT_EQ(FloorDiv(j, 8), Sym(0));
  EXPECT_EQ(FloorDiv(j - 8, 8), Sym(-1));
  EXPECT_EQ(FloorDiv(7 * x, 4) - x, FloorDiv(3 * x, 4));
  EXPECT_EQ(FloorDiv(-x, 1), -x);
  EXPECT_EQ(FloorDiv(-(i * 8 + j), 8), -i + FloorDiv(-j, 8));
}

TEST_F(SymTest, CommonFactorsCancel) {
  EXPECT_EQ(FloorDiv(6 * i + 3, 9), FloorDiv(2 * i + 1, 3));
  EXPECT_EQ(FloorDiv(6 * i + 5, 9), FloorDiv(2 * i + 1, 3));
  EXPECT_EQ(FloorDiv(6 * i + k, 9), FloorDiv(2 * i, 3));
  EXPECT_EQ(FloorDiv(12 * j + Mod(x, 12), 24), FloorDiv(j, 2));
}

TEST_F(SymTest, NestedQuotientsMerge) {
  EXPECT_EQ(FloorDiv(FloorDiv(x, 3), 4), FloorDiv(x, 12));
  EXPECT_EQ(FloorDiv(FloorDiv(x, 3) + 4 * k, 12), FloorDiv(x + 12 * k, 36));
  EXPECT_EQ(Mod(Mod(x, 12), 4), Mod(x, 4));
  EXPECT_EQ(FloorDiv(Mod(x, 12), 4), Mod(FloorDiv(x, 4), 3));
}

TEST_F(SymTest, DigitsRecombine) {
  EXPECT_EQ(FloorDiv(x, 7) * 7 + Mod(x, 7), x);
  EXPECT_EQ(n * (FloorDiv(x, 7) * 7) + n * Mod(x, 7) + j, n * x + j);
  EXPECT_EQ(FloorDiv(x, 12) * 12 + Mod(FloorDiv(x, 4), 3) * 4 + Mod(x, 4), x);
  EXPECT_EQ(5 * (3 * FloorDiv(y, 3)) + 5 * Mod(y, 3), 5 * y);
  EXPECT_EQ(FloorDiv(x, 4) + FloorDiv(x + 2, 4), FloorDiv(x, 2));
}

TEST_F(SymTest, MirroredQuotientsAreOne) {
  EXPECT_EQ(FloorDiv(7 - x, 8), -FloorDiv(x, 8));
  EXPECT_EQ(Mod(8 - (3 * i + 2 * j), 9) + Mod(3 * i + 2 * j, 9), Sym(8));
}

TEST_F(SymTest, ModulosOfSmallAndNegativeNumbers) {
  EXPECT_EQ(Mod(j, 8), j);
  EXPECT_EQ(Mod(i * 4, 4), Sym(0));
  EXPECT_EQ(Mod(i + 64 * n, 64), i);
  EXPECT_EQ(Mod(j - 8, 8), j);
  EXPECT_EQ(Mod(y, -4), -Mod(-y, 4));
  EXPECT_EQ(Mod(7 * x, 4), Mod(-x, 4));
}

TEST_F(SymTest, AFewPointsMayLieOnALine) {
  const Sym b = Sym::Variable("b", 0, 1);
  EXPECT_EQ(FloorDiv(b + 1, 2), b);
  EXPECT_EQ(FloorDiv(3 * b + 1, 4), b);
}

TEST_F(SymTest, SymbolicDivisors) {
  EXPECT_EQ(FloorDiv(n * i + n, n), i + 1);
  EXPECT_EQ(Mod(n * i + n, n), Sym(0));
  EXPECT_EQ(FloorDiv(n * i + j, n), i + FloorDiv(j, n));
  EXPECT_EQ(n * FloorDiv(x, n) + Mod(x, n), x);
  EXPECT_EQ(FloorDiv((n + 1) * i + k, n + 1), i + FloorDiv(k, n + 1));
  EXPECT_EQ(FloorDiv(n * i * 4 + n * j, n * 2), FloorDiv(i * 4 + j, 2));
  EXPECT_EQ(FloorDiv(j, Sym::Variable("p", 8, 99)), Sym(0));
  EXPECT_EQ(FloorDiv(FloorDiv(x, n), 4), FloorDiv(x, n * 4));
  // m may be 0, where 0 // 0 is 0 and not 1.
  EXPECT_NE(FloorDiv(m, m), Sym(1));
  EXPECT_EQ(Mod(m * i, m), Sym(0));
}

TEST_F(SymTest, SymbolicDivisorsUnderFacts) {
  Mask mask;
  mask.Require(j - n, -kSymLimit, -1);
  EXPECT_EQ(FloorDivUnder(n * i + j, n, &mask), i);
  EXPECT_EQ(ModUnder(n * i + j, n, &mask), j);
}

TEST_F(SymTest, MinimumAndMaximum) {
  EXPECT_EQ(Min(i, 100), i);
  EXPECT_EQ(Max(i, i + 1), i + 1);
  EXPECT_EQ(Min(Min(i, 5), 3), Min(i, 3));
  EXPECT_EQ(Max(Min(i, j), j), j);
  EXPECT_EQ(Min(i, j), Min(j, i));
  EXPECT_EQ(Min(Max(i, j), i), i);
  EXPECT_EQ(Min(i, 20).max(), 20);
}

TEST_F(SymTest, BoundsAreTight) {
  EXPECT_EQ((n * 4).max(), 16384);
  EXPECT_EQ((x - 7 * FloorDiv(x, 7)).max(), 6);
  EXPECT_EQ((FloorDiv(x, 4) - 3 * FloorDiv(x, 12)).max(), 2);
  EXPECT_EQ((FloorDiv(Mod(x, 8) + 3, 4)).max(), 2);
  // Transposed digits.
  const Sym t = FloorDiv(i, 16) + Mod(FloorDiv(i, 4), 4) * 4 + Mod(i, 4) * 16;
  EXPECT_EQ(t.min(), 0);
  EXPECT_EQ(t.max(), 63);
  EXPECT_EQ((y * y).min(), 0);
  EXPECT_EQ((n * 0).max(), 0);
}

TEST_F(SymTest, HugeValuesSaturate) {
  const Sym huge = Sym::Variable("h", 0, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(huge.max(), kSymLimit);
  EXPECT_EQ((huge * huge).max(), kSymLimit);
  EXPECT_EQ((huge * huge - huge).min(), -kSymLimit);
  EXPECT_EQ(Sym(int64_t{1} << 61) * 4, Sym(kSymLimit));
  const Sym scaled = huge * (int64_t{1} << 61) * 8;
  EXPECT_EQ(scaled.max(), kSymLimit);
  EXPECT_GE(FloorDiv(scaled, 3).max(), 0);
  EXPECT_EQ(Mod(scaled, 7).min() >= -kSymLimit, true);
}

TEST_F(SymTest, LinearPart) {
  const Sym::Linear l = (n * i + 3 * i + j).LinearIn("i");
  ASSERT_TRUE(l.ok);
  EXPECT_EQ(l.coefficient, n + 3);
  EXPECT_EQ(l.rest, j);
  EXPECT_FALSE((i * i).LinearIn("i").ok);
  EXPECT_FALSE((Mod(x, 3) + j).LinearIn("x").ok);
  EXPECT_EQ((Mod(x, 3) + j).LinearIn("j").rest, Mod(x, 3));
  EXPECT_EQ((x + 1).LinearIn("q").coefficient, Sym(0));
}

TEST_F(SymTest, VariablesAndSubstitution) {
  const Sym e = FloorDiv(x + n, 3) * j;
  ASSERT_EQ(e.Variables().size(), 3u);
  EXPECT_EQ(e.Variables()[0].name, "j");
  EXPECT_EQ(e.Variables()[1].max, 4096);
  EXPECT_TRUE(e.DependsOn("x"));
  EXPECT_FALSE(e.DependsOn("i"));
  EXPECT_EQ(e.Substitute({{"x", 3 * i - n}}), i * j);
  EXPECT_EQ(e.Substitute({{"x", 5}, {"n", 1}, {"j", 2}}), Sym(4));
}

TEST_F(SymTest, Text) {
  EXPECT_EQ((n * 4 + FloorDiv(i, 3) - 1).ToString(), "n*4 + i//3 - 1");
  EXPECT_EQ(Mod(x, 12).ToString(), "x%12");
  EXPECT_EQ((-i).ToString(), "-i");
  EXPECT_EQ((-FloorDiv(i, 3)).ToString(), "-(i//3)");
  EXPECT_EQ((n * Mod(x, 4)).ToString(), "n*(x%4)");
  EXPECT_EQ(FloorDiv(7 * x, 4).ToString(), "(x*7)//4");
  EXPECT_EQ(Min(4, n).ToString(), "min(4, n)");
  EXPECT_EQ(Sym(-3).ToString(), "-3");
}

TEST_F(SymTest, OperatorsOfTheDisplayedForm) {
  const Sym::Cost cost = (Mod(x, 12) * 5 + FloorDiv(x, 12) * n + 1).CountOperators();
  EXPECT_EQ(cost.divs, 1);
  EXPECT_EQ(cost.mods, 1);
  EXPECT_EQ(cost.muls, 2);
  EXPECT_EQ(cost.adds, 2);
  EXPECT_EQ((i * 3).CountOperators().divs, 0);
}

TEST_F(SymTest, ComplexityGrowsAndDeepExpressionsFree) {
  EXPECT_EQ(Sym(7).Complexity(), 0);
  EXPECT_EQ(i.Complexity(), 1);
  Sym deep = x;
  for (int step = 0; step < 2000; ++step) deep = Max(deep * deep - step, y + step);
  EXPECT_GT(deep.Complexity(), Sym::kMaxComplexity);
}

TEST_F(SymTest, LargeProductsStayUnexpanded) {
  Sym a = 1, b = 1;
  for (int v = 0; v < 40; ++v) {
    a += Sym::Variable("a" + std::to_string(v), 0, 3);
    b += Sym::Variable("b" + std::to_string(v), 0, 3) * v;
  }
  const Sym product = a * b;
  EXPECT_LT(product.Complexity(), 400);
  EXPECT_EQ(product, b * a);
  Sym::Assignment values;
  for (const Sym::VariableInfo& v : product.Variables()) values[v.name] = 2;
  EXPECT_EQ(product.Evaluate(values), a.Evaluate(values) * b.Evaluate(values));
}

TEST_F(SymTest, ParseRefusesWithAPlace) {
  const std::map<std::string, std::pair<int64_t, int64_t>> bounds = {{"n", {1, 64}}};
  const auto error = [&](std::string_view text) {
    const absl::StatusOr<Sym> parsed = ParseSym(text, bounds);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(parsed.status().message());
  };
  EXPECT_EQ(error("n + q"), "'n + q': unknown variable 'q' at character 5");
  EXPECT_EQ(error("n +"), "'n +': expected a number, a name or '(' at character 4");
  EXPECT_EQ(error("(n"), "'(n': expected ')' at character 3");
  EXPECT_EQ(error("n n"), "'n n': expected an operator at character 3");
  error("");
  error("99999999999999999999");
  error("4611686018427387904");
  error("n*4611686018427387903");
  error("n/2");
  error("min(n)");
  error(std::string(100000, '('));
  error(std::string(4000, '('));
  error(std::string("n") + std::string(3000, '-'));
}

TEST_F(SymTest, ParseRefusesWhatGrowsTooLarge) {
  // Each modulo writes its operand twice.
  std::map<std::string, std::pair<int64_t, int64_t>> bounds = {{"v", {0, 1000}}, {"w", {0, 1000}}};
  std::string text = "v";
  for (int step = 0; step < 30; ++step) {
    text = absl::StrCat("max(w, (", text, " + v*", step + 2, ")%", 1009 + step, ")");
  }
  const absl::StatusOr<Sym> parsed = ParseSym(text, bounds);
  EXPECT_FALSE(parsed.ok());
  EXPECT_NE(parsed.status().message().find("the expression is too large"), std::string::npos)
      << parsed.status();
}

TEST_F(SymTest, ParseReadsPythonsPrecedence) {
  const std::map<std::string, std::pair<int64_t, int64_t>> bounds = {{"n", {1, 64}}};
  EXPECT_EQ(*ParseSym("-7//2", bounds), Sym(-4));
  EXPECT_EQ(*ParseSym(" 2*n//4%3 ", bounds), Mod(FloorDiv(2 * Sym::Variable("n", 1, 64), 4), 3));
  EXPECT_EQ(*ParseSym("max(n, 3) - min(2, 1)", bounds), Max(Sym::Variable("n", 1, 64), 3) - 1);
  EXPECT_EQ(*ParseSym("--5", bounds), Sym(5));
}

TEST_F(SymTest, SharedBetweenThreads) {
  const Sym e = FloorDiv(x, 12) * 100 + Mod(FloorDiv(x, 4), 3) * 1000 + Mod(x, 4) * 10;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int step = 0; step < 200; ++step) {
        const Sym copy = e;
        if (copy.max() != 8300 + 2000 + 30 || (copy + step).min() != step) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tensord::types
