// Intervals of expressions.
//
// The interval of a sum is the meet of three: term by term; term by term of the displayed form,
// whose modulos bound x - c*(x//c) exactly; and the lifted one, which replaces each x//c by
// (x - r)/c with 0 <= r < c, so that quotients of one number by several divisors cancel.
#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

constexpr int64_t kLargestLift = int64_t{1} << 30;
constexpr int kLiftDepth = 3;
constexpr int64_t kLargestSearch = 128;  // nodes of a sum that is still worth a search

bool Unbounded(int64_t v) { return v <= -kSymLimit || v >= kSymLimit; }

int64_t Clamp(__int128 v) {
  return v <= -kSymLimit ? -kSymLimit : v >= kSymLimit ? kSymLimit : static_cast<int64_t>(v);
}

// Lower ends stay at -limit once there, upper ends at +limit.
int64_t AddLow(int64_t a, int64_t b) {
  if (a <= -kSymLimit || b <= -kSymLimit) return -kSymLimit;
  return Clamp(static_cast<__int128>(a) + b);
}
int64_t AddHigh(int64_t a, int64_t b) {
  if (a >= kSymLimit || b >= kSymLimit) return kSymLimit;
  return Clamp(static_cast<__int128>(a) + b);
}

int64_t Product(int64_t a, int64_t b) { return Clamp(static_cast<__int128>(a) * b); }

// floor(v / c) of an end of an interval, c > 0; unbounded ends stay.
int64_t DivideEnd(int64_t v, int64_t c) { return Unbounded(v) ? v : FloorDivInt(v, c); }

SymRange FloorDivRange(SymRange a, SymRange b) {
  if (b.lo > 0) {
    const int64_t corners[] = {DivideEnd(a.lo, b.lo), DivideEnd(a.lo, b.hi), DivideEnd(a.hi, b.lo),
                               DivideEnd(a.hi, b.hi)};
    return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
  }
  // |floor(a/b)| <= |a| for every b, and 0 for b == 0.
  const int64_t most = std::max({a.hi, a.lo == -kSymLimit ? kSymLimit : -a.lo, int64_t{0}});
  return {-most, most};
}

SymRange ModRange(SymRange a, SymRange b) {
  SymRange r = {b.lo < 0 ? std::min<int64_t>(b.lo + 1, 0) : 0,
                b.hi > 0 ? std::max<int64_t>(b.hi - 1, 0) : 0};
  if (b.lo >= 0 && a.lo >= 0) r.hi = std::min(r.hi, a.hi);
  return r;
}

// The index of a quotient by a constant in `factors`, or -1.
int QuotientIn(const SymFactors& factors) {
  for (size_t i = 0; i < factors.size(); ++i) {
    if (IsConstantDiv(factors[i])) return static_cast<int>(i);
  }
  return -1;
}

// The least common multiple of the divisors in `p`; 0 when too large.
int64_t LiftFactor(const SymPoly& p) {
  int64_t lift = 1;
  for (const SymTerm& t : p.terms) {
    const int at = QuotientIn(t.factors);
    if (at < 0) continue;
    const int64_t c = t.factors[static_cast<size_t>(at)].rep()->b.constant();
    if (c > kLargestLift) return 0;
    lift = std::lcm(lift, c);
    if (lift > kLargestLift) return 0;
  }
  return lift;
}

SymRange SumRange(const SymPoly& p, const Mask* facts, int depth);

// The interval of one term with each factor as narrow as the facts make it.
SymRange TermRange(const SymTerm& term, const Mask* facts) {
  SymRange r = {term.coefficient, term.coefficient};
  for (size_t i = 0; i < term.factors.size(); ++i) {
    const SymRange x = RangeUnder(term.factors[i], facts);
    if (i + 1 < term.factors.size() && term.factors[i] == term.factors[i + 1]) {
      SymRange square = MultiplyRanges(x, x);  // not negative
      square.lo = x.lo > 0 ? Product(x.lo, x.lo) : x.hi < 0 ? Product(x.hi, x.hi) : 0;
      r = MultiplyRanges(r, square);
      ++i;
    } else {
      r = MultiplyRanges(r, x);
    }
  }
  return r;
}

SymRange NaiveRange(const SymPoly& p, const Mask* facts) {
  SymRange r = {p.constant, p.constant};
  for (const SymTerm& t : p.terms) r = AddRanges(r, TermRange(t, facts));
  return r;
}

// lift * p with lift * (x//c) = (lift/c) * (x - r), 0 <= r < c.
SymRange LiftedRange(const SymPoly& p, const Mask* facts, int depth) {
  const int64_t lift = LiftFactor(p);
  if (lift <= 1 || p.saturated) return {};
  SymPoly lifted, direct;
  SymRange slack = {0, 0};
  for (const SymTerm& t : p.terms) {
    const int at = QuotientIn(t.factors);
    if (at < 0) {
      direct.terms.push_back(t);
      continue;
    }
    const SymRep& quotient = *t.factors[static_cast<size_t>(at)].rep();
    const int64_t c = quotient.b.constant();
    const SymFactors others = Without(t.factors, static_cast<size_t>(at));
    if (t.coefficient > kLargestLift || t.coefficient < -kLargestLift) return {};
    const int64_t k = t.coefficient * (lift / c);
    AddScaled(lifted, MultiplyByFactors(PolyOf(quotient.a), others), k);
    slack = AddRanges(slack, MultiplyRanges({0, c - 1}, TermRange(SymTerm{-k, others}, facts)));
  }
  direct.constant = p.constant;
  AddScaled(lifted, direct, lift);
  if (lifted.saturated) return {};
  const SymRange r = AddRanges(SumRange(lifted, facts, depth - 1), slack);
  return {r.lo <= -kSymLimit ? r.lo : -FloorDivInt(-r.lo, lift), DivideEnd(r.hi, lift)};
}

SymRange SumRange(const SymPoly& p, const Mask* facts, int depth) {
  const SymRange naive = NaiveRange(p, facts);
  if (depth == 0 || !HasCoupledQuotients(p)) return naive;
  return Intersect(naive, LiftedRange(p, facts, depth));
}

// True when j*p - k*fact is shorter than p.
bool Shortens(const SymPoly& p, int64_t j, const SymPoly& fact, int64_t k) {
  int balance = 0;
  for (const SymTerm& t : fact.terms) {
    const __int128 have = static_cast<__int128>(CoefficientOf(p, t.factors)) * j;
    balance += have == 0 ? -1 : have == static_cast<__int128>(t.coefficient) * k ? 1 : 0;
  }
  return balance > 0;
}

// The interval of `p` given that `known` is in [fact.lo, fact.hi]: j*p = k*known + rest. Without
// `thorough` only where the rest is shorter than p.
SymRange RangeByFact(const SymPoly& p, const SymPoly& known, const Bound& fact, const Mask* facts,
                     bool thorough) {
  SymRange best;
  int64_t tried_j = 0, tried_k = 0;
  for (const SymTerm& t : known.terms) {
    const int64_t have = CoefficientOf(p, t.factors);
    if (have == 0) continue;
    const int64_t g = std::gcd(have, t.coefficient);
    const int64_t j = std::abs(t.coefficient / g), k = (t.coefficient < 0 ? -have : have) / g;
    if (j == tried_j && k == tried_k) continue;
    tried_j = j;
    tried_k = k;
    if (!thorough && !Shortens(p, j, known, k)) continue;
    SymPoly rest;
    AddScaled(rest, p, j);
    AddScaled(rest, known, -k);
    if (rest.saturated) continue;
    const SymRange r =
        AddRanges(ScaleRange({fact.lo, fact.hi}, k), SumRange(rest, facts, thorough ? 1 : 0));
    best =
        Intersect(best, {r.lo <= -kSymLimit ? r.lo : -FloorDivInt(-r.lo, j), DivideEnd(r.hi, j)});
  }
  return best;
}

// The interval of an atom other than a sum.
SymRange AtomRangeUnder(const Sym& atom, const Mask* facts) {
  SymRange r = RangeOf(atom);
  if (IsConstantDiv(atom)) {
    const SymRep& quotient = *atom.rep();
    const int64_t c = quotient.b.constant();
    const SymRange x = IsAtom(quotient.a, SymKind::kSum) ? NaiveRange(quotient.a.rep()->sum, facts)
                                                         : RangeUnder(quotient.a, facts);
    r = Intersect(r, {DivideEnd(x.lo, c), DivideEnd(x.hi, c)});
  }
  for (const Bound& fact : facts->bounds()) {
    if (fact.expr == atom) r = Intersect(r, {fact.lo, fact.hi});
  }
  return r;
}

}  // namespace

SymRange Intersect(SymRange a, SymRange b) { return {std::max(a.lo, b.lo), std::min(a.hi, b.hi)}; }

SymRange AddRanges(SymRange a, SymRange b) { return {AddLow(a.lo, b.lo), AddHigh(a.hi, b.hi)}; }

SymRange ScaleRange(SymRange a, int64_t k) { return MultiplyRanges(a, {k, k}); }

SymRange MultiplyRanges(SymRange a, SymRange b) {
  const int64_t corners[] = {Product(a.lo, b.lo), Product(a.lo, b.hi), Product(a.hi, b.lo),
                             Product(a.hi, b.hi)};
  SymRange r = {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
  // 0 * unbounded is 0 for every finite value, which the corners give.
  return r;
}

SymRange RangeOf(const Sym& s) { return {s.min(), s.max()}; }

SymRange AtomRange(SymKind kind, const Sym& a, const Sym& b) {
  const SymRange x = RangeOf(a), y = RangeOf(b);
  switch (kind) {
    case SymKind::kFloorDiv:
      return FloorDivRange(x, y);
    case SymKind::kMod:
      return ModRange(x, y);
    case SymKind::kMin:
      return {std::min(x.lo, y.lo), std::min(x.hi, y.hi)};
    case SymKind::kMax:
      return {std::max(x.lo, y.lo), std::max(x.hi, y.hi)};
    default:
      return {};
  }
}

SymRange NaiveRange(const SymPoly& p) { return NaiveRange(p, nullptr); }

bool HasCoupledQuotients(const SymPoly& p) {
  int64_t size = 0;
  for (const SymTerm& t : p.terms) {
    for (const Sym& f : t.factors) size += f.Complexity();
  }
  if (size > kLargestSearch) return false;
  for (size_t i = 0; i < p.terms.size(); ++i) {
    if (QuotientIn(p.terms[i].factors) < 0) continue;
    const uint64_t variables = VariablesOf(p.terms[i].factors);
    for (size_t j = 0; j < p.terms.size(); ++j) {
      if (i != j && (VariablesOf(p.terms[j].factors) & variables) != 0) return true;
    }
  }
  return false;
}

SymRange QuickRange(const SymPoly& p) { return SumRange(p, nullptr, kLiftDepth); }

SymRange RangeOf(const SymPoly& p) {
  const SymRange range = QuickRange(p);
  return HasCoupledQuotients(p) ? Intersect(range, NaiveRange(Display(p))) : range;
}

SymRange RangeUnder(const Sym& s, const Mask* facts) {
  if (facts == nullptr || s.is_constant()) return RangeOf(s);
  return IsAtom(s, SymKind::kSum) ? RangeUnder(s.rep()->sum, facts) : AtomRangeUnder(s, facts);
}

SymRange ThoroughRangeUnder(const SymPoly& p, const Mask& facts) {
  SymRange range = SumRange(p, &facts, kLiftDepth);
  for (const Bound& fact : facts.bounds()) {
    SymPoly one_term;
    const SymPoly& known = IsAtom(fact.expr, SymKind::kSum)
                               ? fact.expr.rep()->sum
                               : (one_term = PolyOf(fact.expr), one_term);
    range = Intersect(range, RangeByFact(p, known, fact, &facts, true));
  }
  return range;
}

SymRange RangeUnder(const SymPoly& p, const Mask* facts) {
  SymRange range = SumRange(p, facts, kLiftDepth);
  if (facts == nullptr || p.terms.empty()) return range;
  uint64_t variables = 0;
  for (const SymTerm& t : p.terms) variables |= VariablesOf(t.factors);
  for (const Bound& fact : facts->bounds()) {
    // Facts on atoms are in SumRange already.
    const bool brings_in_others = (VariablesOf(fact.expr) & ~variables) != 0;
    if (!IsAtom(fact.expr, SymKind::kSum) || brings_in_others) continue;
    range = Intersect(range, RangeByFact(p, fact.expr.rep()->sum, fact, facts, false));
  }
  return range;
}

}  // namespace tensord::types
