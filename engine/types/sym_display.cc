// The displayed form: quotients of one number by a chain of divisors, written as its digits.
//
// With c1 | c2 | ... | ck a sum  a*x + b1*(x//c1) + ... + bk*(x//ck)  equals
//   w0*(x % c1) + w1*((x//c1) % (c2/c1)) + ... + wk*(x//ck),  wj = a*cj + sum_{i<=j} bi*(cj/ci).
// Digits are independent, so their intervals add up exactly; a digit of weight 0 vanishes. The
// smallest instance is x - c*(x//c) = x % c. What is shown is found greedily: each rewrite must
// narrow the interval of the sum, term by term, or keep it and make the sum cheaper.
#include <algorithm>
#include <optional>

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

// True for (x + c/2)//c with an even c.
bool IsHalf(const Sym& s) {
  if (!IsConstantDiv(s) || !IsAtom(s.rep()->a, SymKind::kSum)) return false;
  const int64_t c = s.rep()->b.constant();
  return c % 2 == 0 && s.rep()->a.rep()->sum.constant == c / 2;
}

}  // namespace

bool ExpandHalves(SymPoly& p) {
  SymPoly expanded = p;
  for (const SymTerm& t : p.terms) {
    for (size_t i = 0; i < t.factors.size(); ++i) {
      if (!IsHalf(t.factors[i])) continue;
      const SymRep& q = *t.factors[i].rep();
      const int64_t c = q.b.constant();
      const Sym x = q.a - c / 2;
      SymPoly step = PolyOf(FloorDiv(x, c / 2) - FloorDiv(x, c));
      AddTerm(step, -1, {t.factors[i]});
      AddScaled(expanded, MultiplyByFactors(step, Without(t.factors, i)), t.coefficient);
      break;
    }
  }
  if (expanded.saturated || ComparePolys(expanded, p) == 0) return false;
  p = std::move(expanded);
  return true;
}

namespace {

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

// m*(x//c) + terms divisible by m, of variables of x: m*((x + c*terms/m)//c), mirrored if m < 0.
// Canonical numerators have coefficients in [0, c), which this undoes where it reads better.
std::optional<SymPoly> Absorbed(const SymPoly& p, size_t index) {
  const SymTerm& t = p.terms[index];
  const SymRep& quotient = *t.factors[0].rep();
  const int64_t c = quotient.b.constant();
  SymPoly rest, numerator = PolyOf(quotient.a);
  rest.constant = p.constant;
  for (size_t i = 0; i < p.terms.size(); ++i) {
    const SymTerm& u = p.terms[i];
    const bool fits = u.factors.size() == 1 && u.factors[0].is_variable() &&
                      u.coefficient % t.coefficient == 0 &&
                      (VariablesOf(u.factors) & quotient.variables) != 0;
    if (i == index) continue;
    if (fits) {
      SymPoly moved;
      moved.terms.push_back(SymTerm{u.coefficient / t.coefficient, u.factors});
      AddScaled(numerator, moved, c);
    } else {
      rest.terms.push_back(u);
    }
  }
  if (rest.terms.size() + 1 == p.terms.size()) return std::nullopt;
  if (t.coefficient < 0) {
    SymPoly mirrored;
    mirrored.constant = c - 1;
    AddScaled(mirrored, numerator, -1);
    numerator = std::move(mirrored);
  }
  const int64_t weight = t.coefficient < 0 ? -t.coefficient : t.coefficient;
  if (numerator.saturated) return std::nullopt;
  AddScaled(rest, PolyOf(MakeAtom(SymKind::kFloorDiv, FromPoly(std::move(numerator)), c)), weight);
  return rest;
}

enum class Rewrites { kDigits, kAll };

bool ImproveOnce(SymPoly& p, Score& score, Rewrites allowed) {
  SymPoly best;
  bool improved = false;
  const auto consider = [&](SymPoly candidate) {
    const Score s = ScoreOf(candidate);
    if (!(s < score)) return;
    score = s;
    best = std::move(candidate);
    improved = true;
  };
  ForEachRewrite(p, consider);
  if (SymPoly expanded = p; ExpandHalves(expanded)) ForEachRewrite(expanded, consider);
  for (size_t i = 0; allowed == Rewrites::kAll && i < p.terms.size(); ++i) {
    if (p.terms[i].factors.size() != 1 || !IsConstantDiv(p.terms[i].factors[0])) continue;
    if (std::optional<SymPoly> absorbed = Absorbed(p, i)) consider(*std::move(absorbed));
  }
  if (improved) p = std::move(best);
  return improved;
}

}  // namespace

namespace {

SymPoly Improved(const SymPoly& p, Rewrites allowed) {
  SymPoly shown = p;
  if (p.saturated || !HasCoupledQuotients(p)) return shown;
  Score score = ScoreOf(shown);
  for (int round = 0; round < kRounds && ImproveOnce(shown, score, allowed); ++round) {
  }
  return shown;
}

}  // namespace

SymPoly Display(const SymPoly& p) { return Improved(p, Rewrites::kAll); }

std::vector<SymPoly> DigitForms(const SymPoly& p) {
  std::vector<SymPoly> forms = {Improved(p, Rewrites::kDigits)};
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

Sym Canonical(const SymPoly& shown) {
  SymPoly divided;
  divided.constant = shown.constant;
  for (const SymTerm& t : shown.terms) {
    SymPoly term;
    term.constant = t.coefficient;
    for (const Sym& f : t.factors) {
      const Sym divided_again = IsConstantDiv(f) ? FloorDiv(f.rep()->a, f.rep()->b) : f;
      term = Multiply(term, PolyOf(divided_again));
    }
    AddScaled(divided, term, 1);
  }
  return FromPoly(Undisplay(divided, nullptr));
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
