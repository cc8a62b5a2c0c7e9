// Random expressions against plain evaluation: values, bounds, text, masks.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "engine/types/sym.h"
#include "engine/types/sym_visit.h"

namespace tensord::types {
namespace {

// An expression as written, evaluated without any rule.
struct Plain {
  Sym sym;
  std::function<int64_t(const std::vector<int64_t>&)> value;
};

int64_t PlainDiv(int64_t a, int64_t b) {
  if (b == 0) return 0;
  int64_t q = a / b;
  if (q * b != a && (a < 0) != (b < 0)) --q;
  return q;
}

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {
    const int count = Pick(1, 4);
    for (int i = 0; i < count; ++i) {
      const int64_t lo = Pick(0, 3) == 0 ? Pick(-5, 3) : 0;
      ranges_.push_back({lo, lo + Pick(0, 3) * Pick(0, 8) + Pick(0, 3)});
      vars_.push_back(
          Sym::Variable(std::string(1, static_cast<char>('i' + i)), lo, ranges_.back().second));
    }
  }

  int Pick(int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(random_); }

  Plain Leaf() {
    if (Pick(0, 3) == 0) {
      const int64_t c = Pick(-6, 14);
      return {Sym(c), [c](const std::vector<int64_t>&) { return c; }};
    }
    const size_t v = static_cast<size_t>(Pick(0, static_cast<int>(vars_.size()) - 1));
    return {vars_[v], [v](const std::vector<int64_t>& at) { return at[v]; }};
  }

  // An operation on two earlier expressions.
  Plain Combine(const Plain& a, const Plain& b) {
    const auto f = a.value, g = b.value;
    const int64_t divisors[] = {2, 3, 4, 6, 8, 12, 5, 24, -3, 1, 0, -4, 7};
    const int64_t c = divisors[Pick(0, Pick(0, 1) == 0 ? 5 : 12)], k = Pick(-4, 9);
    switch (Pick(0, 13)) {
      case 0:
      case 1:
      case 2:
        return {a.sym + b.sym, [=](const auto& at) { return f(at) + g(at); }};
      case 3:
        return {a.sym - b.sym, [=](const auto& at) { return f(at) - g(at); }};
      case 4:
      case 5:
        return {a.sym * k, [=](const auto& at) { return f(at) * k; }};
      case 6:
      case 7:
        return {FloorDiv(a.sym, c), [=](const auto& at) { return PlainDiv(f(at), c); }};
      case 8:
      case 9:
        return {Mod(a.sym, c),
                [=](const auto& at) { return c == 0 ? 0 : f(at) - c * PlainDiv(f(at), c); }};
      case 10:
        if (Pick(0, 2) != 0) return Combine(a, b);
        return {FloorDiv(a.sym, b.sym), [=](const auto& at) { return PlainDiv(f(at), g(at)); }};
      case 11:
        if (Pick(0, 2) != 0) return Combine(a, b);
        return {Mod(a.sym, b.sym), [=](const auto& at) {
                  return g(at) == 0 ? 0 : f(at) - g(at) * PlainDiv(f(at), g(at));
                }};
      case 12:
        if (Pick(0, 1) != 0) return Combine(a, b);
        return {Min(a.sym, b.sym), [=](const auto& at) { return std::min(f(at), g(at)); }};
      default:
        if (Pick(0, 1) != 0) return {a.sym * b.sym, [=](const auto& at) { return f(at) * g(at); }};
        return {Max(a.sym, b.sym), [=](const auto& at) { return std::max(f(at), g(at)); }};
    }
  }

  Plain Expression() {
    std::vector<Plain> pool;
    for (int i = 0; i < 3; ++i) pool.push_back(Leaf());
    const int steps = Pick(1, 12);
    for (int i = 0; i < steps; ++i) {
      const int n = static_cast<int>(pool.size()) - 1;
      const Plain a = pool[static_cast<size_t>(Pick(std::max(0, n - 3), n))];
      const Plain b = Pick(0, 3) == 0 ? Leaf() : pool[static_cast<size_t>(Pick(0, n))];
      Plain made = Combine(a, b);
      if (made.sym.max() < (1 << 24) && made.sym.min() > -(1 << 24)) pool.push_back(made);
    }
    return pool.back();
  }

  // Every point of the box, or `limit` random ones.
  std::vector<std::vector<int64_t>> Points(int limit) {
    int64_t volume = 1;
    for (const auto& [lo, hi] : ranges_) volume *= hi - lo + 1;
    std::vector<std::vector<int64_t>> points;
    for (int64_t p = 0; p < std::min<int64_t>(volume, limit); ++p) {
      std::vector<int64_t> at;
      int64_t rest = p;
      for (const auto& [lo, hi] : ranges_) {
        const int64_t extent = hi - lo + 1;
        at.push_back(lo +
                     (volume <= limit ? rest % extent : Pick(0, static_cast<int>(extent) - 1)));
        rest /= extent;
      }
      points.push_back(at);
    }
    return points;
  }

  Sym::Assignment Assign(const std::vector<int64_t>& at) const {
    Sym::Assignment values;
    for (size_t i = 0; i < at.size(); ++i) values[Name(i)] = at[i];
    return values;
  }
  std::map<std::string, std::pair<int64_t, int64_t>> Bounds() const {
    std::map<std::string, std::pair<int64_t, int64_t>> bounds;
    for (size_t i = 0; i < ranges_.size(); ++i) bounds[Name(i)] = ranges_[i];
    return bounds;
  }
  static std::string Name(size_t i) { return std::string(1, static_cast<char>('i' + i)); }
  const std::vector<Sym>& vars() const { return vars_; }

 private:
  std::mt19937 random_;
  std::vector<std::pair<int64_t, int64_t>> ranges_;
  std::vector<Sym> vars_;
};

TEST(SymProperty, RandomExpressionsKeepTheirValue) {
  for (uint32_t seed = 0; seed < 20000; ++seed) {
    Generator generator(seed);
    const Plain e = generator.Expression();
    for (const auto& at : generator.Points(200)) {
      const int64_t want = e.value(at);
      ASSERT_EQ(e.sym.Evaluate(generator.Assign(at)), want) << seed << ": " << e.sym.ToString();
      ASSERT_LE(e.sym.min(), want) << seed << ": " << e.sym.ToString();
      ASSERT_GE(e.sym.max(), want) << seed << ": " << e.sym.ToString();
    }
  }
}

// The same value always; the same form too, but for rare ones with divisors that aren't constant,
// which depend on the order in which they were built.
TEST(SymProperty, TextRoundTrips) {
  int different = 0;
  for (uint32_t seed = 0; seed < 10000; ++seed) {
    Generator generator(seed);
    const Plain e = generator.Expression();
    const absl::StatusOr<Sym> parsed = ParseSym(e.sym.ToString(), generator.Bounds());
    ASSERT_TRUE(parsed.ok()) << seed << ": " << parsed.status();
    for (const auto& at : generator.Points(20)) {
      ASSERT_EQ(parsed->Evaluate(generator.Assign(at)), e.value(at))
          << seed << ": " << e.sym.ToString() << " read as " << parsed->ToString();
    }
    if (*parsed != e.sym) ++different;
  }
  EXPECT_LE(different, 1);
}

SymAlgebra<int64_t> EvaluationAt(const Sym::Assignment& values) {
  SymAlgebra<int64_t> a;
  a.constant = [](int64_t v) { return v; };
  a.variable = [&values](const std::string& name, int64_t, int64_t) { return values.at(name); };
  a.add = [](int64_t x, int64_t y) { return x + y; };
  a.mul = [](int64_t x, int64_t y) { return x * y; };
  a.floordiv = PlainDiv;
  a.mod = [](int64_t x, int64_t y) { return y == 0 ? 0 : x - y * PlainDiv(x, y); };
  a.min = [](int64_t x, int64_t y) { return std::min(x, y); };
  a.max = [](int64_t x, int64_t y) { return std::max(x, y); };
  return a;
}

TEST(SymProperty, VisitingTheDisplayedFormKeepsTheValue) {
  for (uint32_t seed = 0; seed < 10000; ++seed) {
    Generator generator(seed);
    const Plain e = generator.Expression();
    for (const auto& at : generator.Points(20)) {
      const Sym::Assignment values = generator.Assign(at);
      ASSERT_EQ(Visit(e.sym, EvaluationAt(values)), e.value(at))
          << seed << ": " << e.sym.ToString();
    }
  }
}

TEST(SymProperty, SubstitutionIsComposition) {
  for (uint32_t seed = 0; seed < 5000; ++seed) {
    Generator generator(seed);
    const Plain e = generator.Expression(), inner = generator.Expression();
    if (inner.sym.max() - inner.sym.min() > 1000) continue;
    // i stands for an inner expression wherever its value stays in i's range.
    const Sym replaced = e.sym.Substitute({{"i", inner.sym}});
    for (auto at : generator.Points(40)) {
      const int64_t v = inner.value(at);
      const Sym i = generator.vars()[0];
      if (i.is_constant() || v < i.min() || v > i.max()) continue;
      const int64_t got = replaced.Evaluate(generator.Assign(at));
      at[0] = v;
      ASSERT_EQ(got, e.value(at)) << seed << ": " << e.sym.ToString()
                                  << " with i = " << inner.sym.ToString();
    }
  }
}

TEST(SymProperty, MasksHoldExactlyWhereTheirBoundsDo) {
  for (uint32_t seed = 0; seed < 10000; ++seed) {
    Generator generator(seed);
    Mask mask;
    std::vector<std::pair<Plain, std::pair<int64_t, int64_t>>> bounds;
    const int count = generator.Pick(1, 4);
    for (int i = 0; i < count; ++i) {
      const Plain e = generator.Expression();
      const int64_t lo = e.sym.min() + generator.Pick(-2, 4), hi = lo + generator.Pick(-1, 12);
      bounds.push_back({e, {lo, hi}});
      mask.Require(e.sym, lo, hi);
    }
    const Plain e = generator.Expression();
    const Sym under = SimplifyUnder(e.sym, mask);
    for (const auto& at : generator.Points(100)) {
      bool want = true;
      for (const auto& [b, ends] : bounds) {
        want = want && b.value(at) >= ends.first && b.value(at) <= ends.second;
      }
      const Sym::Assignment values = generator.Assign(at);
      ASSERT_EQ(mask.Holds(values), want) << seed << ": " << mask.ToString();
      if (want) {
        ASSERT_EQ(under.Evaluate(values), e.value(at))
            << seed << ": " << e.sym.ToString() << " under " << mask.ToString() << " is "
            << under.ToString();
      }
    }
  }
}

}  // namespace
}  // namespace tensord::types
