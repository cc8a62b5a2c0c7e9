// The displayed form: quotients of one number by a chain of divisors, written as its digits.
//
// With c1 | c2 | ... | ck a sum  a*x + b1*(x//c1) + ... + bk*(x//ck)  equals
//   w0*(x % c1) + w1*((x//c1) % (c2/c1)) + ... + wk*(x//ck),  wj = a*cj + sum_{i<=j} bi*(cj/ci).
// Digits are independent, so their intervals add up exactly; a digit of weight 0 vanishes. The
// smallest instance is x - c*(x//c) = x % c.
#include <algorithm>

#include "engine/types/sym_rep.h"
#include "engine/types/sym_visit.h"

namespace tensord::types {
namespace {

constexpr int kRounds = 8;

struct Part {
  Sym quotient;
  int64_t divisor, coefficient;
};

// The quotients of one numerator that share their cofactors.
struct Group {
  Sym numerator;
  SymFactors cofactors;
  std::vector<Part> parts;  // by divisor, each dividing the next
};

void AddPart(std::vector<Group>& groups, const Sym& numerator, const SymFactors& cofactors,
             Part part) {
  for (Group& g : groups) {
    if (g.numerator == numerator && CompareFactors(g.cofactors, cofactors) == 0) {
      g.parts.push_back(std::move(part));
      return;
    }
  }
  groups.push_back({numerator, cofactors, {std::move(part)}});
}

std::vector<Group> GroupsOf(const SymPoly& p) {
  std::vector<Group> groups;
  for (const SymTerm& t : p.terms) {
    for (size_t i = 0; i < t.factors.size(); ++i) {
      if (!IsConstantDiv(t.factors[i])) continue;
      const SymRep& q = *t.factors[i].rep();
      AddPart(groups, q.a, Without(t.factors, i), {t.factors[i], q.b.constant(), t.coefficient});
    }
  }
  for (Group& g : groups) {
    std::sort(g.parts.begin(), g.parts.end(),
              [](const Part& a, const Part& b) { return a.divisor < b.divisor; });
  }
  return groups;
}

// Chains of divisors within a group: the greedy one from each start.
std::vector<Group> ChainsOf(const Group& group) {
  std::vector<Group> chains;
  for (size_t start = 0; start < group.parts.size(); ++start) {
    Group chain = {group.numerator, group.cofactors, {group.parts[start]}};
    for (size_t i = start + 1; i < group.parts.size(); ++i) {
      if (group.parts[i].divisor % chain.parts.back().divisor == 0) {
        chain.parts.push_back(group.parts[i]);
      }
    }
    chains.push_back(std::move(chain));
  }
  return chains;
}

// x % modulus, with what ranges make plain left out.
Sym Digit(const Sym& x, int64_t modulus) {
  if (x.min() >= 0 && x.max() < modulus) return x;
  return MakeAtom(SymKind::kMod, x, modulus);
}

// `p` with a*numerator and the chain's quotients written as digits.
SymPoly ToDigits(const SymPoly& p, const Group& chain, int64_t a) {
  SymPoly digits;
  AddScaled(digits, PolyOf(chain.numerator), -a);
  const Sym* x = &chain.numerator;
  int64_t weight = a, divisor = 1;
  for (const Part& part : chain.parts) {
    const int64_t modulus = part.divisor / divisor;
    if (weight != 0) AddScaled(digits, PolyOf(Digit(*x, modulus)), weight);
    if (__builtin_mul_overflow(weight, modulus, &weight) ||
        __builtin_add_overflow(weight, part.coefficient, &weight)) {
      digits.saturated = true;
      return digits;
    }
    AddTerm(digits, -part.coefficient, {part.quotient});
    x = &part.quotient;
    divisor = part.divisor;
  }
  if (weight != 0) AddTerm(digits, weight, {*x});
  SymPoly result = p;
  AddScaled(result, MultiplyByFactors(digits, chain.cofactors), 1);
  return result;
}

// How many of the numerator to take into the digits: what p has, what cancels the first quotient,
// none. Empty where digits would change nothing.
absl::InlinedVector<int64_t, 3> Multiples(const SymPoly& p, const Group& chain) {
  absl::InlinedVector<int64_t, 3> multiples;
  const SymPoly x = MultiplyByFactors(PolyOf(chain.numerator), chain.cofactors);
  int64_t have = 0;
  for (const SymTerm& t : x.terms) {
    const int64_t coefficient = CoefficientOf(p, t.factors);
    if (coefficient == 0 || coefficient % t.coefficient != 0) continue;
    have = coefficient / t.coefficient;
    multiples.push_back(have);
    break;
  }
  const Part& first = chain.parts[0];
  if (have != 0 && first.coefficient % first.divisor == 0 &&
      have != -(first.coefficient / first.divisor)) {
    multiples.push_back(-(first.coefficient / first.divisor));
  }
  if (chain.parts.size() > 1) multiples.push_back(0);
  return multiples;
}

struct Score {
  unsigned __int128 width;
  int64_t cost;
  bool operator<(const Score& other) const {
    return width != other.width ? width < other.width : cost < other.cost;
  }
};

Score ScoreOf(const SymPoly& p) {
  const SymRange r = NaiveRange(p);
  const bool unbounded = r.lo <= -kSymLimit || r.hi >= kSymLimit;
  Score score = {unbounded ? ~static_cast<unsigned __int128>(0)
                           : static_cast<unsigned __int128>(static_cast<__int128>(r.hi) - r.lo),
                 p.constant != 0 ? 1 : 0};
  for (const SymTerm& t : p.terms) {
    score.cost += t.coefficient == 1 || t.coefficient == -1 ? 1 : 2;
    for (const Sym& f : t.factors) score.cost += f.Complexity();
  }
  return score;
}

// Calls `f` with `p` rewritten by each chain and each multiple of its numerator.
template <typename F>
void ForEachRewrite(const SymPoly& p, const F& f) {
  for (const Group& group : GroupsOf(p)) {
    for (const Group& chain : ChainsOf(group)) {
      for (int64_t a : Multiples(p, chain)) {
        SymPoly candidate = ToDigits(p, chain, a);
        if (!candidate.saturated) f(std::move(candidate));
      }
    }
  }
}

bool ImproveOnce(SymPoly& p, Score& score) {
  SymPoly best;
  bool improved = false;
  ForEachRewrite(p, [&](SymPoly candidate) {
    const Score s = ScoreOf(candidate);
    if (!(s < score)) return;
    score = s;
    best = std::move(candidate);
    improved = true;
  });
  if (improved) p = std::move(best);
  return improved;
}

}  // namespace

SymPoly Display(const SymPoly& p) {
  SymPoly shown = p;
  if (p.saturated || !HasCoupledQuotients(p)) return shown;
  Score score = ScoreOf(shown);
  for (int round = 0; round < kRounds && ImproveOnce(shown, score); ++round) {
  }
  return shown;
}

std::vector<SymPoly> DigitForms(const SymPoly& p) {
  std::vector<SymPoly> forms = {Display(p)};
  ForEachRewrite(p, [&forms](SymPoly form) { forms.push_back(std::move(form)); });
  return forms;
}

SymPoly Undisplay(const SymPoly& p, const Mask* facts) {
  SymPoly plain;
  plain.constant = p.constant;
  for (const SymTerm& t : p.terms) {
    SymPoly term;
    term.constant = t.coefficient;
    for (const Sym& f : t.factors) {
      const bool shown = IsAtom(f, SymKind::kMod) && f.rep()->b.is_constant();
      term = Multiply(term, PolyOf(shown ? ModUnder(f.rep()->a, f.rep()->b, facts) : f));
    }
    AddScaled(plain, term, 1);
  }
  return plain;
}

Sym::Cost Sym::CountOperators() const {
  Cost cost;
  const auto count = [](int* counter) { return [counter](int, int) { return ++*counter, 0; }; };
  SymAlgebra<int> counting;
  counting.constant = [](int64_t) { return 0; };
  counting.variable = [](const std::string&, int64_t, int64_t) { return 0; };
  counting.add = count(&cost.adds);
  counting.mul = count(&cost.muls);
  counting.floordiv = count(&cost.divs);
  counting.mod = count(&cost.mods);
  counting.min = counting.max = count(&cost.minmax);
  Visit(*this, counting);
  return cost;
}

}  // namespace tensord::types
