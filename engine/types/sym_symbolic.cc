// Division by divisors that aren't constant: exact polynomial division, common factors, and what
// bounds prove. The rest stays an atom.
#include <algorithm>
#include <numeric>
#include <optional>

#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

constexpr int kDivisionSteps = 64;

bool NonZero(const Sym& s, const Mask* facts) {
  const SymRange r = RangeUnder(s, facts);
  return r.lo > 0 || r.hi < 0;
}

bool Positive(const Sym& s, const Mask* facts) { return RangeUnder(s, facts).lo > 0; }

// `factors` without `divisor`'s, when it has them all.
std::optional<SymFactors> DivideFactors(const SymFactors& factors, const SymFactors& divisor) {
  SymFactors rest = factors;
  for (const Sym& f : divisor) {
    const auto at = std::find(rest.begin(), rest.end(), f);
    if (at == rest.end()) return std::nullopt;
    rest.erase(at);
  }
  return rest;
}

// The term that leads in polynomial division: highest degree, then first in order.
const SymTerm& Leading(const SymPoly& p) {
  return *std::max_element(p.terms.begin(), p.terms.end(), [](const SymTerm& a, const SymTerm& b) {
    if (a.factors.size() != b.factors.size()) return a.factors.size() < b.factors.size();
    return CompareFactors(a.factors, b.factors) > 0;
  });
}

struct Quotient {
  SymPoly quotient, remainder;  // a = quotient * b + remainder
};

Quotient DividePolynomials(SymPoly a, const SymPoly& b) {
  Quotient q;
  const SymTerm lead = Leading(b);
  for (int step = 0; step < kDivisionSteps; ++step) {
    bool found = false;
    for (const SymTerm& t : a.terms) {
      const std::optional<SymFactors> rest = DivideFactors(t.factors, lead.factors);
      if (!rest || t.coefficient % lead.coefficient != 0) continue;
      SymPoly part;
      const int64_t k = t.coefficient / lead.coefficient;
      if (rest->empty()) {
        part.constant = k;
      } else {
        AddTerm(part, k, *rest);
      }
      AddScaled(q.quotient, part, 1);
      AddScaled(a, Multiply(part, b), -1);
      found = true;
      break;
    }
    if (!found) break;
  }
  q.remainder = std::move(a);
  return q;
}

// Divides r and b by the numbers and the non-zero atoms that all their terms share.
struct Common {
  int64_t number = 1;
  SymFactors factors;
};

SymPoly DivideByCommon(const SymPoly& p, const Common& common) {
  SymPoly result;
  result.constant = p.constant / common.number;
  for (const SymTerm& t : p.terms) {
    const SymFactors rest = *DivideFactors(t.factors, common.factors);
    if (rest.empty()) {
      result.constant += t.coefficient / common.number;
    } else {
      AddTerm(result, t.coefficient / common.number, rest);
    }
  }
  return result;
}

Common CommonFactor(const SymPoly& r, const SymPoly& b) {
  Common common;
  common.number = std::gcd(r.constant, b.constant);
  for (const SymPoly* p : {&r, &b}) {
    for (const SymTerm& t : p->terms) common.number = std::gcd(common.number, t.coefficient);
  }
  if (r.constant != 0 || b.constant != 0) return common;
  for (const Sym& f : b.terms[0].factors) {
    Common more = common;
    more.factors.push_back(f);
    std::sort(more.factors.begin(), more.factors.end());
    bool shared = true;
    for (const SymPoly* p : {&r, &b}) {
      for (const SymTerm& t : p->terms) {
        shared = shared && DivideFactors(t.factors, more.factors).has_value();
      }
    }
    if (shared) common = more;
  }
  return common;
}

Sym ProductOf(const Common& common) {
  SymPoly p;
  if (common.factors.empty()) return common.number;
  AddTerm(p, common.number, common.factors);
  return FromPoly(std::move(p));
}

// 0 when 0 <= r < b, -1 when -b <= r < 0, nothing otherwise.
std::optional<int64_t> SmallQuotient(const Sym& r, const Sym& b, const Mask* facts) {
  const SymRange range = RangeUnder(r, facts);
  if (range.lo >= 0 && RangeUnder(b - r, facts).lo >= 1) return 0;
  if (range.hi < 0 && RangeUnder(b + r, facts).lo >= 0) return -1;
  return std::nullopt;
}

}  // namespace

Sym FloorDivSymbolic(const Sym& a, const Sym& b, const Mask* facts) {
  if (a.is_constant() && a.constant() == 0) return 0;
  const SymPoly numerator = PolyOf(a), divisor = PolyOf(b);
  if (numerator.saturated || divisor.saturated || !NonZero(b, facts)) {
    return MakeAtom(SymKind::kFloorDiv, a, b);
  }
  if (IsAtom(a, SymKind::kFloorDiv) && Positive(a.rep()->b, facts) && Positive(b, facts)) {
    return FloorDivUnder(a.rep()->a, a.rep()->b * b, facts);
  }
  Quotient q = DividePolynomials(numerator, divisor);
  Sym whole = FromPoly(std::move(q.quotient));
  const Sym r = FromPoly(std::move(q.remainder));
  if (r.is_constant() && r.constant() == 0) return whole;
  if (const std::optional<int64_t> small = SmallQuotient(r, b, facts)) return whole + *small;
  const SymPoly rest = PolyOf(r);
  const Common common = CommonFactor(rest, divisor);
  if (common.number == 1 && common.factors.empty()) {
    return whole + MakeAtom(SymKind::kFloorDiv, r, b);
  }
  return whole + FloorDivUnder(FromPoly(DivideByCommon(rest, common)),
                               FromPoly(DivideByCommon(divisor, common)), facts);
}

Sym ModSymbolic(const Sym& a, const Sym& b, const Mask* facts) {
  if (a.is_constant() && a.constant() == 0) return 0;
  const SymPoly numerator = PolyOf(a), divisor = PolyOf(b);
  if (numerator.saturated || divisor.saturated) return MakeAtom(SymKind::kMod, a, b);
  // (q*b + r) % b is r % b, for b == 0 too.
  const Sym r = FromPoly(DividePolynomials(numerator, divisor).remainder);
  if (r.is_constant() && r.constant() == 0) return 0;
  if (const std::optional<int64_t> small = SmallQuotient(r, b, facts)) return r - b * *small;
  const SymPoly rest = PolyOf(r);
  const Common common = CommonFactor(rest, divisor);
  if (common.number == 1 && common.factors.empty()) return MakeAtom(SymKind::kMod, r, b);
  return ProductOf(common) * ModUnder(FromPoly(DivideByCommon(rest, common)),
                                      FromPoly(DivideByCommon(divisor, common)), facts);
}

namespace {

// p with k*(b*(x//b) + x%b) replaced by k*x at this modulo, when that shortens it.
bool RecombineAt(SymPoly& p, const SymTerm& term, size_t index) {
  const SymRep& mod = *term.factors[index].rep();
  if (mod.b.min() <= 0 && mod.b.max() >= 0) return false;
  const SymFactors others = Without(term.factors, index);
  SymPoly step = PolyOf(mod.a);  // x - x%b - b*(x//b)
  AddTerm(step, -1, {term.factors[index]});
  const Sym quotient = MakeAtom(SymKind::kFloorDiv, mod.a, mod.b);
  AddScaled(step, Multiply(PolyOf(quotient), PolyOf(mod.b)), -1);
  SymPoly joined = p;
  AddScaled(joined, MultiplyByFactors(step, others), term.coefficient);
  if (joined.saturated || joined.terms.size() >= p.terms.size()) return false;
  p = std::move(joined);
  return true;
}

bool RecombineOnce(SymPoly& p) {
  for (const SymTerm& t : p.terms) {
    for (size_t i = 0; i < t.factors.size(); ++i) {
      if (!IsAtom(t.factors[i], SymKind::kMod) || t.factors[i].rep()->b.is_constant()) continue;
      const SymTerm term = t;
      if (RecombineAt(p, term, i)) return true;
    }
  }
  return false;
}

}  // namespace

void RecombineSymbolic(SymPoly& p) {
  while (RecombineOnce(p)) {
  }
}

}  // namespace tensord::types
