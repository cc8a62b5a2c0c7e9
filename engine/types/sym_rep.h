// The representation behind Sym, shared by the files that implement it (and sym_visit.h).
//
// An expression is a constant, an atom, or a sum of constant + coefficient * product of atoms. In a
// canonical form a modulo by a constant does not occur: x % c is x - c*(x//c), so that quotients
// and remainders of one number recombine by plain addition, under any coefficients. Display() turns
// such pairs back into modulos, for reading and for lowering.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "engine/types/sym.h"

namespace tensord::types {

// In the order in which atoms are sorted. kMod has a divisor that isn't constant, or occurs in a
// displayed form only.
enum class SymKind : uint8_t { kVariable, kFloorDiv, kMod, kMin, kMax, kSum };

using SymFactors = absl::InlinedVector<Sym, 2>;

struct SymTerm {
  int64_t coefficient = 0;
  SymFactors factors;  // sorted, not empty; atoms, or a sum too large to multiply out
};

// A sum being worked on. Terms are sorted by factors, which differ; no coefficient is 0.
struct SymPoly {
  int64_t constant = 0;
  std::vector<SymTerm> terms;
  bool saturated = false;  // a coefficient was clamped: only good for a result, not for a proof
};

// Values at a few fixed points of the variables' box: its two extreme corners, and others. They
// cost little and refute most of what rules would else try in vain to prove.
inline constexpr int kSymSamples = 8;
using SymSamples = std::array<int64_t, kSymSamples>;

struct SymRep {
  mutable std::atomic<uint32_t> references{1};
  SymKind kind = SymKind::kSum;
  int complexity = 0;
  bool linear = true;      // products of variables only: no div, mod, min or max
  uint64_t variables = 0;  // a bit per variable name (hashed to 64)
  size_t hash = 0;
  // A sum's bounds are tightened when first asked for (Sym::min).
  mutable std::atomic<int64_t> min{0}, max{0};
  mutable std::atomic<bool> loose{false};
  SymSamples samples{};
  std::string name;  // kVariable
  Sym a, b;          // operands of div, mod, min and max
  SymPoly sum;       // kSum

  static Sym Adopt(const SymRep* rep) { return Sym(rep); }
};

// Closed interval; an end at +-kSymLimit is unbounded and stays so.
struct SymRange {
  int64_t lo = -kSymLimit, hi = kSymLimit;
  bool Inside(int64_t low, int64_t high) const { return lo >= low && hi <= high; }
  bool IsPoint() const { return lo == hi && lo > -kSymLimit && lo < kSymLimit; }
};

// Floored, total: 0 for a divisor of 0, and the most negative number over -1 wraps.
inline int64_t FloorDivInt(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  return a / b - ((a % b != 0 && ((a < 0) != (b < 0))) ? 1 : 0);
}
inline int64_t ModInt(int64_t a, int64_t b) {
  if (b == 0 || b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}

inline bool IsAtom(const Sym& s, SymKind kind) {
  return s.rep() != nullptr && s.rep()->kind == kind;
}
inline bool IsLinear(const Sym& s) { return s.rep() == nullptr || s.rep()->linear; }
// p // c with a constant c > 1.
inline bool IsConstantDiv(const Sym& s) {
  return IsAtom(s, SymKind::kFloorDiv) && s.rep()->b.is_constant();
}

// sym.cc: building and polynomial arithmetic.
int ComparePolys(const SymPoly& a, const SymPoly& b);
int CompareFactors(const SymFactors& a, const SymFactors& b);
SymPoly PolyOf(const Sym& s);
Sym FromPoly(SymPoly p);  // canonical, unless it holds displayed atoms
Sym MakeAtom(SymKind kind, Sym a, Sym b);
void AddScaled(SymPoly& into, const SymPoly& p, int64_t k);
void AddTerm(SymPoly& into, int64_t coefficient, const SymFactors& factors);
SymPoly Multiply(const SymPoly& p, const SymPoly& q);
SymPoly MultiplyByFactors(const SymPoly& p, const SymFactors& factors);
// `factors` without the one at `index`.
SymFactors Without(const SymFactors& factors, size_t index);
// The coefficient of exactly these factors, 0 if absent.
int64_t CoefficientOf(const SymPoly& p, const SymFactors& factors);
uint64_t VariablesOf(const Sym& s);
uint64_t VariablesOf(const SymFactors& factors);
// The bit of this name in SymRep::variables.
uint64_t VariableBit(std::string_view name);

// sym_samples.cc.
SymSamples SamplesOf(const SymPoly& p);
SymSamples SamplesOfRep(const SymRep& rep);
// Bit k: every fact holds at point k.
uint32_t SamplesWhere(const Mask* facts);
// True when p // g has several values at the points in `where`.
bool SpansBuckets(const SymPoly& p, int64_t g, uint32_t where);

// sym_bounds.cc.
SymRange RangeOf(const Sym& s);
SymRange NaiveRange(const SymPoly& p);
SymRange QuickRange(const SymPoly& p);  // without the displayed form: sound, rarely looser
SymRange RangeOf(const SymPoly& p);
SymRange AtomRange(SymKind kind, const Sym& a, const Sym& b);
SymRange Intersect(SymRange a, SymRange b);
SymRange AddRanges(SymRange a, SymRange b);
SymRange ScaleRange(SymRange a, int64_t k);
SymRange MultiplyRanges(SymRange a, SymRange b);
// QuickRange when `facts` (may be null) holds.
SymRange RangeUnder(const Sym& s, const Mask* facts);
SymRange RangeUnder(const SymPoly& p, const Mask* facts);
// Tries harder, for masks.
SymRange ThoroughRangeUnder(const SymPoly& p, const Mask& facts);
// True when some quotient in `p` shares a variable with the rest of `p`, which is not too large to
// search.
bool HasCoupledQuotients(const SymPoly& p);

// sym_display.cc: the form with modulos, the cheapest whose interval, term by term, is tightest.
SymPoly Display(const SymPoly& p);
// Rewrites each (x + c/2)//c as x//(c/2) - x//c, which joins it with other quotients of x. False
// when there is none.
bool ExpandHalves(SymPoly& p);
// Forms of `p` with digits and canonical quotients, for rules to look at, the best first.
std::vector<SymPoly> DigitForms(const SymPoly& p);
// One of those in canonical form.
SymPoly Undisplay(const SymPoly& form, const Mask* facts);
// What Display gave in canonical form.
Sym Canonical(const SymPoly& shown);

// sym_rules.cc and sym_symbolic.cc: the operations, when `facts` (may be null) holds.
// A quotient in canonical form, after learning `facts`.
Sym DivideAgain(const Sym& quotient, const Mask* facts);
Sym MinUnder(const Sym& a, const Sym& b, const Mask* facts);
Sym MaxUnder(const Sym& a, const Sym& b, const Mask* facts);
Sym FloorDivSymbolic(const Sym& a, const Sym& b, const Mask* facts);
Sym ModSymbolic(const Sym& a, const Sym& b, const Mask* facts);
// Joins b*(a//b) and a%b in `p`, for divisors that aren't constant.
void RecombineSymbolic(SymPoly& p);

// sym.cc: the expression built again, its variables replaced, under `facts` (may be null).
Sym Rebuild(const Sym& s, const Sym::Substitution& with, const Mask* facts);

}  // namespace tensord::types
