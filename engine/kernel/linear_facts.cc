#include "engine/kernel/linear_facts.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "engine/types/sym_rep.h"

namespace tensord::kernel {
namespace {

using types::PolyOf;
using types::Sym;
using types::SymFactors;
using types::SymPoly;
using types::SymTerm;

constexpr int kSearchDepth = 5;    // facts taken together
constexpr int kSearchBudget = 64;  // steps for one fact, four times as many for each further one
constexpr size_t kMaxFacts = 256;
constexpr int64_t kMaxScale = int64_t{1} << 40;

// `whole` without `part`, when every factor of `part` is one of `whole`.
std::optional<SymFactors> Quotient(const SymFactors& whole, const SymFactors& part) {
  SymFactors rest = whole;
  for (const Sym& factor : part) {
    auto at = std::find(rest.begin(), rest.end(), factor);
    if (at == rest.end()) return std::nullopt;
    rest.erase(at);
  }
  return rest;
}

// goal - k * fact for the k >= 0 that cancels `ours` of the goal against `theirs` of the fact; the
// goal is scaled up when k would be a fraction. If that is >= 0, so is the goal.
std::optional<Sym> Cancel(const SymPoly& goal, const SymTerm& ours, const SymPoly& fact,
                          const SymTerm& theirs) {
  if ((ours.coefficient < 0) != (theirs.coefficient < 0)) return std::nullopt;
  auto factors = Quotient(ours.factors, theirs.factors);
  if (!factors) return std::nullopt;
  for (const Sym& factor : *factors) {
    if (factor.min() < 0) return std::nullopt;
  }
  int64_t k = ours.coefficient, scale = 1;
  if (k % theirs.coefficient == 0) {
    k /= theirs.coefficient;
  } else {
    scale = theirs.coefficient < 0 ? -theirs.coefficient : theirs.coefficient;
    k = k < 0 ? -k : k;
  }
  if (k > kMaxScale || scale > kMaxScale) return std::nullopt;
  SymPoly rest;
  AddScaled(rest, goal, scale);
  AddScaled(rest, factors->empty() ? fact : MultiplyByFactors(fact, *factors), -k);
  if (rest.saturated) return std::nullopt;
  return FromPoly(std::move(rest));
}

bool IsSaturated(const Sym& s) {
  return s.rep() != nullptr && s.rep()->kind == types::SymKind::kSum && s.rep()->sum.saturated;
}

// c + g * x >= 0 for integers is floor(c / g) + x >= 0.
Sym DivideByCommonFactor(const Sym& expr) {
  SymPoly p = PolyOf(expr);
  int64_t g = 0;
  for (const SymTerm& term : p.terms) g = std::gcd(g, term.coefficient);
  if (g <= 1) return expr;
  for (SymTerm& term : p.terms) term.coefficient /= g;
  p.constant = types::FloorDivInt(p.constant, g);
  return FromPoly(std::move(p));
}

// g - a // b >= 0 is (g + 1) * b - 1 - a >= 0, and a // b - g >= 0 is a - g * b >= 0, for a
// constant b > 0: the same fact of a, or 0.
Sym WithoutQuotient(const Sym& fact) {
  const SymPoly poly = PolyOf(fact);
  for (size_t i = 0; i < poly.terms.size(); ++i) {
    const SymTerm& term = poly.terms[i];
    if (term.factors.size() != 1 || (term.coefficient != 1 && term.coefficient != -1)) continue;
    const types::SymRep* atom = term.factors[0].rep();
    if (atom->kind != types::SymKind::kFloorDiv || !atom->b.is_constant() || atom->b.min() < 1)
      continue;
    SymPoly others = poly;
    others.terms.erase(others.terms.begin() + static_cast<ptrdiff_t>(i));
    const Sym rest = FromPoly(std::move(others));
    return term.coefficient < 0 ? (rest + 1) * atom->b - 1 - atom->a : rest * atom->b + atom->a;
  }
  return 0;
}

}  // namespace

void Facts::Add(const Sym& expr) {
  if (IsSaturated(expr)) return;
  if (expr.max() < 0) impossible_ = true;
  if (expr.min() >= 0 || facts_.size() >= kMaxFacts) return;
  facts_.push_back(DivideByCommonFactor(expr));
  if (const Sym whole = WithoutQuotient(facts_.back()); whole.min() < 0) facts_.push_back(whole);
}

bool Facts::Imply(const Sym& goal) const {
  if (goal.min() >= 0 || impossible_) return !IsSaturated(goal);
  if (SearchDeeper(goal)) return true;
  // Quotients and remainders are bounded by their own intervals: try again with every variable
  // declared as narrow as the facts alone tell.
  const Sym::Substitution narrow = NarrowedVariables();
  if (narrow.empty()) return false;
  Facts narrowed;
  for (const Sym& fact : facts_) narrowed.Add(fact.Substitute(narrow));
  const Sym narrowed_goal = goal.Substitute(narrow);
  return narrowed.impossible_ || narrowed_goal.min() >= 0 || narrowed.SearchDeeper(narrowed_goal);
}

bool Facts::SearchDeeper(const Sym& goal) const {
  int budget = kSearchBudget;
  for (int depth = 1; depth <= kSearchDepth; ++depth, budget *= 4) {
    int left = budget;
    if (Search(goal, depth, &left)) return true;
    if (left >= 0 && left == budget - 1) return false;  // nothing to try
  }
  return false;
}

// The variables that a fact of the form v - c >= 0 or c - v >= 0 bounds more tightly than their own
// declaration, redeclared.
Sym::Substitution Facts::NarrowedVariables() const {
  struct Range {
    int64_t min, max;
  };
  std::map<std::string, Range> ranges;
  for (const Sym& fact : facts_) {
    const std::vector<Sym::VariableInfo> variables = fact.Variables();
    if (variables.size() != 1) continue;
    const Sym::Linear linear = fact.LinearIn(variables[0].name);
    if (!linear.ok || !linear.rest.is_constant()) continue;
    const int64_t c = linear.rest.constant();
    Range& range = ranges.try_emplace(variables[0].name, Range{variables[0].min, variables[0].max})
                       .first->second;
    if (linear.coefficient == Sym(1)) range.min = std::max(range.min, -c);
    if (linear.coefficient == Sym(-1)) range.max = std::min(range.max, c);
  }
  Sym::Substitution narrow;
  for (const auto& [name, range] : ranges) {
    if (range.min <= range.max) narrow[name] = Sym::Variable(name, range.min, range.max);
  }
  return narrow;
}

bool Facts::Search(const Sym& goal, int depth, int* budget) const {
  if (IsSaturated(goal) || --*budget < 0) return false;
  if (goal.min() >= 0) return true;
  if (depth == 0 || goal.is_constant()) return false;
  return SearchAtoms(goal, depth, budget) || SearchFacts(goal, depth, budget);
}

// The first atom that stands alone in a term gives way to what bounds it.
bool Facts::SearchAtoms(const Sym& goal, int depth, int* budget) const {
  const SymPoly poly = PolyOf(goal);
  for (size_t i = 0; i < poly.terms.size(); ++i) {
    const int64_t c = poly.terms[i].coefficient;
    if (poly.terms[i].factors.size() != 1) continue;
    const types::SymRep& atom = *poly.terms[i].factors[0].rep();
    SymPoly others = poly;
    others.terms.erase(others.terms.begin() + static_cast<ptrdiff_t>(i));
    const Sym rest = FromPoly(std::move(others));
    auto with = [&](const Sym& value) { return Search(rest + value * Sym(c), depth - 1, budget); };
    switch (atom.kind) {
      case types::SymKind::kMin:
        return c > 0 ? with(atom.a) && with(atom.b) : with(atom.a) || with(atom.b);
      case types::SymKind::kMax:
        return c > 0 ? with(atom.a) || with(atom.b) : with(atom.a) && with(atom.b);
      case types::SymKind::kMod:
        if (atom.b.min() >= 1 && with(c > 0 ? Sym(0) : atom.b - 1)) return true;
        break;
      case types::SymKind::kFloorDiv:
        // a // b <= g exactly when a < (g + 1) * b, and -g <= a // b when -g * b <= a.
        if (atom.b.min() < 1 || (c != 1 && c != -1)) break;
        if (Search(c < 0 ? (rest + 1) * atom.b - 1 - atom.a : rest * atom.b + atom.a, depth - 1,
                   budget)) {
          return true;
        }
        break;
      default:
        break;
    }
  }
  return false;
}

bool Facts::SearchFacts(const Sym& goal, int depth, int* budget) const {
  const SymPoly poly = PolyOf(goal);
  for (auto fact = facts_.rbegin(); fact != facts_.rend(); ++fact) {  // the nearest first
    const SymPoly known = PolyOf(*fact);
    for (const SymTerm& theirs : known.terms) {
      for (const SymTerm& ours : poly.terms) {
        auto rest = Cancel(poly, ours, known, theirs);
        if (rest && Search(*rest, depth - 1, budget)) return true;
        if (*budget < 0) return false;
      }
    }
  }
  return false;
}

}  // namespace tensord::kernel
