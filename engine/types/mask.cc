// Masks and what they imply.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "engine/types/sym.h"
#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

bool Unbounded(int64_t v) { return v <= -kSymLimit || v >= kSymLimit; }

// A bound in the making: lo <= p <= hi, an end at +-kSymLimit being open.
struct Draft {
  SymPoly p;
  int64_t lo, hi;
};

// Opens the ends that hold anyway. True when both do.
bool OpenImpliedEnds(Draft& d) {
  const SymRange r = RangeOf(d.p);
  if (r.lo >= d.lo) d.lo = -kSymLimit;
  if (r.hi <= d.hi) d.hi = kSymLimit;
  return d.lo == -kSymLimit && d.hi == kSymLimit;
}

// lo <= x//c + r <= hi says lo*c <= x + c*r <= hi*c + c - 1: quotients with coefficient 1 go.
// For -(x//c) the whole bound is negated first.
bool DropQuotient(Draft& d) {
  for (const SymTerm& t : d.p.terms) {
    if ((t.coefficient != 1 && t.coefficient != -1) || t.factors.size() != 1 ||
        !IsConstantDiv(t.factors[0])) {
      continue;
    }
    const SymRep& quotient = *t.factors[0].rep();
    const int64_t c = quotient.b.constant(), sign = t.coefficient;
    SymPoly rest = d.p;
    AddTerm(rest, -sign, t.factors);
    SymPoly next = PolyOf(quotient.a);
    AddScaled(next, rest, sign * c);
    if (next.saturated || c > (int64_t{1} << 30)) continue;
    int64_t lo = d.lo, hi = d.hi;
    if (sign < 0) {
      lo = -d.hi;
      hi = -d.lo;
    }
    const __int128 low = static_cast<__int128>(lo) * c;
    const __int128 high = static_cast<__int128>(hi) * c + c - 1;
    if (!Unbounded(lo) && low <= -kSymLimit) continue;
    if (!Unbounded(hi) && high >= kSymLimit) continue;
    d = {std::move(next), Unbounded(lo) ? lo : static_cast<int64_t>(low),
         Unbounded(hi) ? hi : static_cast<int64_t>(high)};
    return true;
  }
  return false;
}

// lo <= x - c*(x//c) <= hi where only one multiple of c can carry x there: a bound of x itself.
bool DropModulo(Draft& d) {
  for (const SymTerm& t : d.p.terms) {
    if (t.factors.size() != 1 || !IsConstantDiv(t.factors[0])) continue;
    const SymPoly x = PolyOf(t.factors[0].rep()->a);
    const int64_t c = t.factors[0].rep()->b.constant();
    if (t.coefficient != c && t.coefficient != -c) continue;
    const int64_t sign = t.coefficient == -c ? 1 : -1;
    SymPoly rest = d.p;  // sign * (x % c) + constant
    AddScaled(rest, x, -sign);
    AddTerm(rest, sign * c, t.factors);
    if (!rest.terms.empty() || rest.saturated) continue;
    int64_t lo = sign > 0 ? d.lo : -d.hi, hi = sign > 0 ? d.hi : -d.lo;
    lo = Unbounded(lo) ? 0 : std::max<int64_t>(lo - sign * rest.constant, 0);
    hi = Unbounded(hi) ? c - 1 : std::min(hi - sign * rest.constant, c - 1);
    const SymRange r = RangeOf(x);
    if (Unbounded(r.lo) || Unbounded(r.hi)) continue;
    const int64_t first = FloorDivInt(r.lo - hi + c - 1, c), last = FloorDivInt(r.hi - lo, c);
    if (first < last) continue;
    d = first > last ? Draft{x, 1, 0} : Draft{x, first * c + lo, first * c + hi};
    return true;
  }
  return false;
}

// Moves the constant to the ends, divides by the common factor, makes the first sign positive.
void Normalise(Draft& d) {
  const int64_t shift = d.p.constant;
  d.p.constant = 0;
  if (!Unbounded(d.lo)) d.lo -= shift;
  if (!Unbounded(d.hi)) d.hi -= shift;
  int64_t g = 0;
  for (const SymTerm& t : d.p.terms) g = std::gcd(g, t.coefficient);
  if (d.p.terms[0].coefficient < 0) g = -g;
  for (SymTerm& t : d.p.terms) t.coefficient /= g;
  if (g < 0) {
    std::swap(d.lo, d.hi);
    d.lo = -d.lo;
    d.hi = -d.hi;
    g = -g;
  }
  if (!Unbounded(d.lo)) d.lo = -FloorDivInt(-d.lo, g);
  if (!Unbounded(d.hi)) d.hi = FloorDivInt(d.hi, g);
}

constexpr int64_t kTried = 32;
constexpr size_t kManyBounds = 24;  // beyond, masks are kept without looking for what is implied

// A bound on a function of one variable that can take few values: the interval of those for which
// it holds, if they are one.
bool SolveForVariable(Draft& d) {
  const Sym expr = FromPoly(d.p);
  if (IsLinear(expr)) return false;
  const std::vector<Sym::VariableInfo> variables = expr.Variables();
  if (variables.size() != 1 || variables[0].max - variables[0].min >= kTried) return false;
  const Sym::VariableInfo& v = variables[0];
  int64_t first = v.max + 1, last = v.min - 1, count = 0;
  for (int64_t value = v.min; value <= v.max; ++value) {
    const int64_t got = expr.Evaluate({{v.name, value}});
    if (got < d.lo || got > d.hi) continue;
    first = std::min(first, value);
    last = value;
    ++count;
  }
  if (count > 0 && count != last - first + 1) return false;
  d = {PolyOf(Sym::Variable(v.name, v.min, v.max)), first, last};
  return true;
}

enum class Outcome { kBound, kAlways, kNever };

// The canonical form of lo <= expr <= hi.
Outcome MakeBound(const Sym& expr, int64_t lo, int64_t hi, Bound* bound) {
  Draft d = {PolyOf(expr), std::clamp(lo, -kSymLimit, kSymLimit),
             std::clamp(hi, -kSymLimit, kSymLimit)};
  for (;;) {
    const SymRange r = RangeOf(d.p);
    if (d.lo > d.hi || r.lo > d.hi || r.hi < d.lo) return Outcome::kNever;
    if (OpenImpliedEnds(d)) return Outcome::kAlways;
    if (d.p.saturated) break;
    Normalise(d);
    if (!DropQuotient(d) && !DropModulo(d) && !SolveForVariable(d)) break;
  }
  const SymRange r = RangeOf(d.p);
  if (r.lo > d.hi || r.hi < d.lo || d.lo > d.hi) return Outcome::kNever;
  if (OpenImpliedEnds(d)) return Outcome::kAlways;
  bound->lo = std::max(d.lo, r.lo);
  bound->hi = std::min(d.hi, r.hi);
  bound->expr = FromPoly(std::move(d.p));
  return Outcome::kBound;
}

}  // namespace

Mask Mask::Never() {
  Mask mask;
  mask.never_ = true;
  return mask;
}

void Mask::Require(const Sym& expr, int64_t lo, int64_t hi) {
  if (never_) return;
  Bound bound;
  const Outcome outcome = MakeBound(expr, lo, hi, &bound);
  if (outcome == Outcome::kAlways) return;
  if (outcome == Outcome::kNever) return void(*this = Never());
  if (bounds_.size() > kManyBounds) return InsertPlain(std::move(bound));
  if (RequireSimpler(bound)) return;
  const uint64_t fresh = VariablesOf(bound.expr);
  Insert(std::move(bound));
  // What is known now may simplify an older bound.
  for (size_t i = 0; i < bounds_.size() && bounds_.size() > 1; ++i) {
    if ((VariablesOf(bounds_[i].expr) & fresh) == 0) continue;
    Mask others = *this;
    others.bounds_.erase(others.bounds_.begin() + static_cast<ptrdiff_t>(i));
    if (others.RequireSimpler(bounds_[i])) return void(*this = std::move(others));
  }
}

// Adds the bound in a simpler form that the others allow, if there is one.
bool Mask::RequireSimpler(const Bound& bound) {
  if (bounds_.empty()) return false;
  const Sym simpler = SimplifyUnder(bound.expr, *this);
  if (simpler.Complexity() >= bound.expr.Complexity()) return false;
  Require(simpler, bound.lo <= bound.expr.min() ? -kSymLimit : bound.lo,
          bound.hi >= bound.expr.max() ? kSymLimit : bound.hi);
  return true;
}

void Mask::Insert(Bound bound) {
  if (!Tighten(bound)) return;
  const Sym expr = bound.expr;
  InsertPlain(std::move(bound));
  if (!never_) DropImpliedBy(expr);
}

// Adds the bound in its place, without looking at what the others imply.
void Mask::InsertPlain(Bound bound) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), bound,
                                   [](const Bound& a, const Bound& b) { return a.expr < b.expr; });
  if (at == bounds_.end() || at->expr != bound.expr) {
    bounds_.insert(at, std::move(bound));
    return;
  }
  at->lo = std::max(at->lo, bound.lo);
  at->hi = std::min(at->hi, bound.hi);
  if (at->lo > at->hi) *this = Never();
}

// Narrows `bound` to what the others leave. False when that is all it allows anyway, or nothing:
// then the mask is already what it becomes.
bool Mask::Tighten(Bound& bound) {
  const SymRange known = ThoroughRangeUnder(PolyOf(bound.expr), *this);
  if (known.Inside(bound.lo, bound.hi)) return false;
  bound.lo = std::max(bound.lo, known.lo);
  bound.hi = std::min(bound.hi, known.hi);
  if (bound.lo <= bound.hi) return true;
  *this = Never();
  return false;
}

// Tightens the bounds by the others, and removes those implied, now that the one on `newest` is
// new.
void Mask::DropImpliedBy(const Sym& newest) {
  for (size_t i = 0; i < bounds_.size() && bounds_.size() > 1;) {
    if (bounds_[i].expr == newest) {
      ++i;
      continue;
    }
    Bound candidate = std::move(bounds_[i]);
    bounds_.erase(bounds_.begin() + static_cast<ptrdiff_t>(i));
    if (!Tighten(candidate)) {
      if (never_) return;
      continue;
    }
    bounds_.insert(bounds_.begin() + static_cast<ptrdiff_t>(i), std::move(candidate));
    ++i;
  }
}

void Mask::RequireAll(const Mask& other) {
  if (other.never_) *this = Never();
  for (const Bound& b : other.bounds_) Require(b.expr, b.lo, b.hi);
}

Mask Mask::Substitute(const Sym::Substitution& with) const {
  if (never_) return *this;
  Mask mask;
  for (const Bound& b : bounds_) mask.Require(b.expr.Substitute(with), b.lo, b.hi);
  return mask;
}

bool Mask::Holds(const Sym::Assignment& values) const {
  if (never_) return false;
  return std::all_of(bounds_.begin(), bounds_.end(), [&](const Bound& b) {
    const int64_t v = b.expr.Evaluate(values);
    return b.lo <= v && v <= b.hi;
  });
}

bool Mask::DependsOn(std::string_view variable) const {
  return std::any_of(bounds_.begin(), bounds_.end(),
                     [&](const Bound& b) { return b.expr.DependsOn(variable); });
}

std::string Mask::ToString() const {
  if (never_) return "never";
  if (bounds_.empty()) return "always";
  std::string text;
  for (const Bound& b : bounds_) {
    // The displayed form may have a constant, which reads better on the other side.
    const int64_t shift = Display(PolyOf(b.expr)).constant;
    const std::string shown = (b.expr - shift).ToString();
    const int64_t lo = b.lo - shift, hi = b.hi - shift;
    absl::StrAppend(&text, text.empty() ? "" : " && ");
    if (lo == hi) {
      absl::StrAppend(&text, shown, " == ", lo);
    } else if (b.lo <= b.expr.min()) {
      absl::StrAppend(&text, shown, " <= ", hi);
    } else if (b.hi >= b.expr.max()) {
      absl::StrAppend(&text, lo, " <= ", shown);
    } else {
      absl::StrAppend(&text, lo, " <= ", shown, " <= ", hi);
    }
  }
  return text;
}

size_t Mask::hash() const {
  size_t h = never_ ? 1 : 0;
  for (const Bound& b : bounds_) {
    h = (h ^ b.expr.hash()) * 0x9e3779b97f4a7c15u + static_cast<size_t>(b.lo);
    h = (h ^ static_cast<size_t>(b.hi)) * 0x9e3779b97f4a7c15u;
  }
  return h;
}

namespace {

// The variables that have one value left: those of a sum that is at its least or greatest.
Sym::Substitution PinnedVariables(const Mask& mask) {
  Sym::Substitution pinned;
  for (const Bound& b : mask.bounds()) {
    const SymPoly p = PolyOf(b.expr);
    const SymRange range = NaiveRange(p);
    if (b.hi > range.lo && b.lo < range.hi && (b.lo != b.hi || !b.expr.is_variable())) continue;
    for (const SymTerm& t : p.terms) {
      if (t.factors.size() != 1 || !t.factors[0].is_variable()) continue;
      const Sym& v = t.factors[0];
      const bool least = (b.hi <= range.lo) == (t.coefficient > 0);
      pinned[v.variable_name()] = b.expr.is_variable() ? b.lo : least ? v.min() : v.max();
    }
  }
  return pinned;
}

int64_t WeightOf(const SymPoly& p) {
  int64_t weight = 0;
  for (const SymTerm& t : p.terms) {
    weight += 1;
    for (const Sym& f : t.factors) weight += f.Complexity();
  }
  return weight;
}

// A bound with lo == hi is an equation: subtracts the multiple of it that makes `s` cheaper.
Sym UseEquations(const Sym& s, const Mask& mask) {
  if (IsLinear(s)) return s;
  SymPoly best = PolyOf(s);
  if (best.terms.empty()) return s;
  int64_t weight = WeightOf(best);
  for (const Bound& b : mask.bounds()) {
    if (b.lo != b.hi) continue;
    SymPoly zero = PolyOf(b.expr);
    zero.constant -= b.lo;
    for (const SymTerm& t : zero.terms) {
      const int64_t have = CoefficientOf(best, t.factors);
      if (have == 0 || have % t.coefficient != 0) continue;
      SymPoly candidate = best;
      AddScaled(candidate, zero, -(have / t.coefficient));
      const int64_t w = candidate.saturated ? weight : WeightOf(candidate);
      if (w >= weight) continue;
      weight = w;
      best = std::move(candidate);
    }
  }
  return FromPoly(std::move(best));
}

}  // namespace

Sym SimplifyUnder(const Sym& expr, const Mask& mask) {
  if (expr.is_constant() || mask.always() || mask.never()) return expr;
  return UseEquations(Rebuild(expr, PinnedVariables(mask), &mask), mask);
}

}  // namespace tensord::types
