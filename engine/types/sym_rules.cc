// Division by constants, minimum and maximum.
//
// floor(a / c) of a polynomial a, until nothing applies:
//   terms divisible by c leave;                        (4i + j)//4           -> i + j//4
//   one bucket is its number;                          j//4, 0 <= j < 4      -> 0
//   a factor of c cancels, and drops a remainder
//     that stays within one multiple of it;            (6i + 3 + j)//9       -> (2i + 1)//3
//   a few points may lie on a line;                    (i + 1)//2, 0<=i<=1   -> i
//   quotients merge;                                   (a//b + r)//c         -> (a + b*r)//(b*c)
// Each step lowers (number of quotients, divisor), so the loop ends. The second to fourth are tried
// on the forms with digits too (sym_display.cc), where x + 2*(x//18) is x%18 + 20*(x//18).
#include <algorithm>
#include <numeric>
#include <optional>

#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

constexpr int64_t kLargestMerged = int64_t{1} << 40;
constexpr int kDivisionSteps = 64;
constexpr size_t kMostFactors = 32;
constexpr int64_t kFitPoints = 16;
constexpr int64_t kLargestFit = int64_t{1} << 28;

// The value is done + sign * (a // c).
struct Division {
  SymPoly a;
  int64_t c;
  SymPoly done;
  const Mask* facts;
  int64_t sign = 1;
  uint32_t where = SamplesWhere(facts);

  void Done(const SymPoly& p) { AddScaled(done, p, sign); }
  void Done(int64_t constant) { done.constant += sign * constant; }
};

bool IsQuotient(const SymTerm& t) { return t.factors.size() == 1 && IsConstantDiv(t.factors[0]); }

// Moves multiples of c out of the numerator, whose coefficients are then in [0, c); only quotients
// that MergeQuotient takes may keep -1.
void SplitMultiples(Division& d) {
  SymPoly whole;
  whole.constant = FloorDivInt(d.a.constant, d.c);
  d.a.constant -= whole.constant * d.c;
  for (SymTerm& t : d.a.terms) {
    int64_t quotient = FloorDivInt(t.coefficient, d.c);
    const int64_t residue = t.coefficient - quotient * d.c;
    if (IsQuotient(t) && residue == d.c - 1 && (d.c > 2 || t.coefficient < 0)) ++quotient;
    if (quotient == 0) continue;
    whole.terms.push_back(SymTerm{quotient, t.factors});
    t.coefficient -= quotient * d.c;
  }
  std::erase_if(d.a.terms, [](const SymTerm& t) { return t.coefficient == 0; });
  d.Done(whole);
}

// When the numerator stays within one multiple of c, the quotient is its number.
bool OneBucket(Division& d) {
  if (SpansBuckets(d.a, d.c, d.where)) return false;
  const SymRange r = RangeUnder(d.a, d.facts);
  if (r.lo <= -kSymLimit || r.hi >= kSymLimit) return false;
  const int64_t bucket = FloorDivInt(r.lo, d.c);
  if (bucket != FloorDivInt(r.hi, d.c)) return false;
  d.Done(bucket);
  d.a = SymPoly{};
  return true;
}

// floor((g*y + rest) / (g*e)) with rest in [g*s, g*s + g) is floor((y + s) / e). The rest takes the
// smallest residues, of either sign: its range is then the narrowest.
bool CancelFactor(Division& d, const SymPoly& a, int64_t g) {
  SymPoly y, rest;
  rest.constant = a.constant;
  for (const SymTerm& t : a.terms) {
    int64_t quotient = t.coefficient / g, residue = t.coefficient % g;
    if (residue > g / 2) quotient += 1, residue -= g;
    if (residue < -(g / 2)) quotient -= 1, residue += g;
    if (quotient != 0) y.terms.push_back(SymTerm{quotient, t.factors});
    if (residue != 0) rest.terms.push_back(SymTerm{residue, t.factors});
  }
  if (SpansBuckets(rest, g, d.where)) return false;
  const SymRange r = RangeUnder(rest, d.facts);
  const int64_t bucket = FloorDivInt(r.lo, g);
  if (r.lo <= -kSymLimit || r.hi >= kSymLimit || bucket != FloorDivInt(r.hi, g)) return false;
  y.constant += bucket;
  d.a = std::move(y);
  d.c /= g;
  return true;
}

// The factors of the divisor worth cancelling: itself and those shared with coefficients.
bool CancelFactors(Division& d, const SymPoly& a) {
  absl::InlinedVector<int64_t, 8> factors = {d.c};
  for (const SymTerm& t : a.terms) {
    const int64_t g = std::gcd(t.coefficient, d.c);
    if (g > 1 && factors.size() < kMostFactors) factors.push_back(g);
  }
  std::sort(factors.begin(), factors.end(), std::greater<>());
  factors.erase(std::unique(factors.begin(), factors.end()), factors.end());
  return std::any_of(factors.begin(), factors.end(),
                     [&](int64_t g) { return CancelFactor(d, a, g); });
}

// floor((x//b + r) / c) = floor((x + b*r) / (b*c)); for -(x//b) read (b - 1 - x)//b.
bool MergeQuotient(Division& d) {
  for (const SymTerm& t : d.a.terms) {
    if (!IsQuotient(t) || (t.coefficient != 1 && t.coefficient != -1)) continue;
    const SymRep& quotient = *t.factors[0].rep();
    const int64_t b = quotient.b.constant();
    if (b > kLargestMerged / d.c) continue;
    SymPoly merged, rest = d.a;
    AddScaled(merged, PolyOf(quotient.a), t.coefficient);
    if (t.coefficient < 0) merged.constant += b - 1;
    AddTerm(rest, -t.coefficient, t.factors);
    AddScaled(merged, rest, b);
    if (merged.saturated) continue;
    d.a = std::move(merged);
    d.c *= b;
    return true;
  }
  return false;
}

// Over a handful of points a quotient may be affine: (i + 1)//2 with i in [0, 1] is i. Atoms count
// as independent.
class AffineFit {
 public:
  AffineFit(const SymPoly& a, int64_t c, const Mask* facts) : a_(a), c_(c), facts_(facts) {}

  std::optional<SymPoly> Fit() {
    if (!SmallBox()) return std::nullopt;
    const int64_t base = At(0);
    absl::InlinedVector<int64_t, 4> slopes;
    int64_t stride = 1;
    for (int64_t extent : extents_) {
      slopes.push_back(extent > 1 ? At(stride) - base : 0);
      stride *= extent;
    }
    for (int64_t point = 0; point < points_; ++point) {
      int64_t value = base, rest = point;
      for (size_t i = 0; i < slopes.size(); ++i) {
        value += slopes[i] * (rest % extents_[i]);
        rest /= extents_[i];
      }
      if (value != At(point)) return std::nullopt;
    }
    SymPoly fit;
    fit.constant = base;
    for (size_t i = 0; i < slopes.size(); ++i) {
      fit.constant -= slopes[i] * lows_[i];
      if (slopes[i] != 0) fit.terms.push_back(SymTerm{slopes[i], a_.terms[i].factors});
    }
    return fit;
  }

 private:
  static bool Small(int64_t v) { return v > -kLargestFit && v < kLargestFit; }

  bool SmallBox() {
    for (const SymTerm& t : a_.terms) {
      if (t.factors.size() != 1 || !Small(t.coefficient)) return false;
      const SymRange r = RangeUnder(t.factors[0], facts_);
      if (!Small(r.lo) || !Small(r.hi) || r.lo > r.hi) return false;
      lows_.push_back(r.lo);
      extents_.push_back(r.hi - r.lo + 1);
      if (extents_.back() > kFitPoints / points_) return false;
      points_ *= extents_.back();
    }
    return Small(a_.constant);
  }

  // The quotient at the point of this mixed-radix number.
  int64_t At(int64_t point) const {
    int64_t sum = a_.constant;
    for (size_t i = 0; i < extents_.size(); ++i) {
      sum += a_.terms[i].coefficient * (lows_[i] + point % extents_[i]);
      point /= extents_[i];
    }
    return FloorDivInt(sum, c_);
  }

  const SymPoly& a_;
  const int64_t c_;
  const Mask* const facts_;
  absl::InlinedVector<int64_t, 4> lows_, extents_;
  int64_t points_ = 1;
};

// Ends the division when the quotient is affine in the atoms of `a`.
bool FitLine(Division& d, const SymPoly& a) {
  std::optional<SymPoly> line = AffineFit(a, d.c, d.facts).Fit();
  if (!line) return false;
  d.Done(Undisplay(*line, d.facts));
  d.a = SymPoly{};
  return true;
}

// Cancels or ends, on the numerator as it is or on one of its forms with digits.
bool Reduce(Division& d) {
  if (CancelFactors(d, d.a) || FitLine(d, d.a)) return true;
  if (!HasCoupledQuotients(d.a)) return false;
  for (const SymPoly& form : DigitForms(d.a)) {
    if (CancelFactors(d, form)) {
      d.a = Undisplay(d.a, d.facts);
      return true;
    }
    if (FitLine(d, form)) return true;
  }
  return false;
}

// Whether c - 1 - x is the canonical numerator rather than x, all of whose coefficients are in
// [1, c): the one with the smaller sum of coefficients, then constant, then first coefficient.
bool IsMirrored(const SymPoly& x, int64_t c) {
  __int128 balance = 0;
  for (const SymTerm& t : x.terms) balance += 2 * static_cast<__int128>(t.coefficient) - c;
  if (balance != 0) return balance > 0;
  if (2 * x.constant != c - 1) return 2 * x.constant > c - 1;
  for (const SymTerm& t : x.terms) {
    if (2 * t.coefficient != c) return 2 * t.coefficient > c;
  }
  return false;
}

// x//c is -((c - 1 - x)//c).
bool Mirror(Division& d) {
  if (!IsMirrored(d.a, d.c)) return false;
  SymPoly mirrored;
  mirrored.constant = d.c - 1;
  AddScaled(mirrored, d.a, -1);
  d.a = std::move(mirrored);
  d.sign = -d.sign;
  return true;
}

// a // c in which no rule applies any more.
Sym Quotient(const Sym& a, int64_t c, const Mask* facts) {
  // (x//n)//c, n positive but not constant.
  if (IsAtom(a, SymKind::kFloorDiv) && !a.rep()->b.is_constant() && a.rep()->b.min() > 0) {
    return FloorDivUnder(a.rep()->a, a.rep()->b * c, facts);
  }
  return MakeAtom(SymKind::kFloorDiv, a, c);
}

Sym FloorDivConstant(const Sym& a, int64_t c, const Mask* facts) {
  Division d = {PolyOf(a), c, {}, facts};
  if (d.a.saturated) return MakeAtom(SymKind::kFloorDiv, a, c);
  for (int step = 0; step < kDivisionSteps && !d.a.terms.empty() && d.c > 1; ++step) {
    if (OneBucket(d)) break;
    SplitMultiples(d);
    if (d.a.terms.empty() || OneBucket(d)) break;
    if (!Reduce(d) && !MergeQuotient(d) && !Mirror(d)) break;
  }
  if (d.a.terms.empty()) {
    d.Done(FloorDivInt(d.a.constant, d.c));
  } else if (d.c == 1) {
    d.Done(d.a);
  } else {
    d.Done(PolyOf(Quotient(FromPoly(std::move(d.a)), d.c, facts)));
  }
  return FromPoly(std::move(d.done));
}

}  // namespace

Sym DivideAgain(const Sym& quotient, const Mask* facts) {
  // Only a fact whose variables all occur here can help.
  const uint64_t variables = VariablesOf(quotient);
  const bool hopeless =
      std::all_of(facts->bounds().begin(), facts->bounds().end(),
                  [=](const Bound& b) { return (VariablesOf(b.expr) & ~variables) != 0; });
  if (hopeless) return quotient;
  Division d = {PolyOf(quotient.rep()->a), quotient.rep()->b.constant(), {}, facts};
  if (OneBucket(d)) return FromPoly(std::move(d.done));
  if (!CancelFactors(d, d.a) && !FitLine(d, d.a)) return quotient;
  return FloorDivUnder(FromPoly(std::move(d.a)), d.c, facts) + FromPoly(std::move(d.done));
}

namespace {

// True when a <= b whenever the facts hold.
bool NotAbove(const Sym& a, const Sym& b, const Mask* facts) {
  SymPoly difference = PolyOf(a);
  AddScaled(difference, PolyOf(b), -1);
  return !difference.saturated && RangeUnder(difference, facts).hi <= 0;
}

// One of `a` and `b` when it is provably the smaller (or larger, for kMax).
std::optional<Sym> Pick(SymKind kind, const Sym& a, const Sym& b, const Mask* facts) {
  if (NotAbove(a, b, facts)) return kind == SymKind::kMin ? a : b;
  if (NotAbove(b, a, facts)) return kind == SymKind::kMin ? b : a;
  return std::nullopt;
}

// min(min(p, q), b) and min(max(p, q), b) where two of the three are comparable.
std::optional<Sym> Absorb(SymKind kind, const Sym& a, const Sym& b, const Mask* facts) {
  if (!IsAtom(a, SymKind::kMin) && !IsAtom(a, SymKind::kMax)) return std::nullopt;
  const SymRep& inner = *a.rep();
  const Sym operands[] = {inner.a, inner.b};
  for (int i = 0; i < 2; ++i) {
    const std::optional<Sym> picked = Pick(kind, operands[i], b, facts);
    if (!picked) continue;
    const bool kept = *picked == operands[i];
    if (inner.kind == kind) {
      if (kept) return a;
      return kind == SymKind::kMin ? MinUnder(operands[1 - i], b, facts)
                                   : MaxUnder(operands[1 - i], b, facts);
    }
    if (!kept || operands[i] == b) return b;  // min(max(p, q), b) with b <= p
  }
  return std::nullopt;
}

Sym Extreme(SymKind kind, const Sym& a, const Sym& b, const Mask* facts) {
  if (a == b) return a;
  if (std::optional<Sym> picked = Pick(kind, a, b, facts)) return *picked;
  if (std::optional<Sym> picked = Absorb(kind, a, b, facts)) return *picked;
  if (std::optional<Sym> picked = Absorb(kind, b, a, facts)) return *picked;
  return a < b ? MakeAtom(kind, a, b) : MakeAtom(kind, b, a);
}

}  // namespace

Sym FloorDivUnder(const Sym& a, const Sym& b, const Mask* facts) {
  if (!b.is_constant()) return FloorDivSymbolic(a, b, facts);
  const int64_t c = b.constant();
  if (c == 0) return 0;
  if (a.is_constant()) return FloorDivInt(a.constant(), c);
  if (c == 1) return a;
  if (c < 0) return FloorDivUnder(-a, -std::max(c, -kSymLimit), facts);
  return FloorDivConstant(a, c, facts);
}

Sym ModUnder(const Sym& a, const Sym& b, const Mask* facts) {
  if (!b.is_constant()) return ModSymbolic(a, b, facts);
  if (b.constant() == 0) return 0;
  if (a.is_constant()) return ModInt(a.constant(), b.constant());
  return a - b * FloorDivUnder(a, b, facts);
}

Sym MinUnder(const Sym& a, const Sym& b, const Mask* facts) {
  if (a.is_constant() && b.is_constant()) return std::min(a.constant(), b.constant());
  return Extreme(SymKind::kMin, a, b, facts);
}

Sym MaxUnder(const Sym& a, const Sym& b, const Mask* facts) {
  if (a.is_constant() && b.is_constant()) return std::max(a.constant(), b.constant());
  return Extreme(SymKind::kMax, a, b, facts);
}

Sym FloorDiv(const Sym& a, const Sym& b) { return FloorDivUnder(a, b, nullptr); }
Sym Mod(const Sym& a, const Sym& b) { return ModUnder(a, b, nullptr); }
Sym Min(const Sym& a, const Sym& b) { return MinUnder(a, b, nullptr); }
Sym Max(const Sym& a, const Sym& b) { return MaxUnder(a, b, nullptr); }

}  // namespace tensord::types
