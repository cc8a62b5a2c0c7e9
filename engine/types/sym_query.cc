// What an expression can be asked: its variables, its value, its linear part, itself with others.
#include <algorithm>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "engine/base/check.h"
#include "engine/types/sym.h"
#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

// Calls `f` on each operand of `rep`.
template <typename F>
void ForEachOperand(const SymRep& rep, const F& f) {
  if (rep.kind == SymKind::kSum) {
    for (const SymTerm& t : rep.sum.terms) {
      for (const Sym& factor : t.factors) f(factor);
    }
  } else if (rep.kind != SymKind::kVariable) {
    f(rep.a);
    f(rep.b);
  }
}

// Every representation in `s`, each once, without recursion.
template <typename F>
void Walk(const Sym& s, const F& f) {
  if (s.rep() == nullptr) return;
  absl::flat_hash_set<const SymRep*> seen = {s.rep()};
  std::vector<const SymRep*> stack = {s.rep()};
  while (!stack.empty()) {
    const SymRep* rep = stack.back();
    stack.pop_back();
    f(*rep);
    ForEachOperand(*rep, [&](const Sym& operand) {
      if (operand.rep() != nullptr && seen.insert(operand.rep()).second) {
        stack.push_back(operand.rep());
      }
    });
  }
}

// Wraps, so that a sum whose value fits is right whatever its parts.
int64_t WrappingMulAdd(int64_t sum, int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(sum) +
                              static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

int64_t EvaluateRep(const SymRep& rep, const Sym::Assignment& values) {
  if (rep.kind == SymKind::kVariable) {
    const auto at = values.find(rep.name);
    TENSORD_CHECK(at != values.end(), "no value for ", rep.name);
    return at->second;
  }
  if (rep.kind == SymKind::kSum) {
    int64_t sum = rep.sum.constant;
    for (const SymTerm& t : rep.sum.terms) {
      int64_t product = t.coefficient;
      for (const Sym& f : t.factors) product = WrappingMulAdd(0, product, f.Evaluate(values));
      sum = WrappingMulAdd(sum, product, 1);
    }
    return sum;
  }
  const int64_t a = rep.a.Evaluate(values), b = rep.b.Evaluate(values);
  switch (rep.kind) {
    case SymKind::kFloorDiv:
      return FloorDivInt(a, b);
    case SymKind::kMod:
      return ModInt(a, b);
    case SymKind::kMin:
      return std::min(a, b);
    default:
      return std::max(a, b);
  }
}

class Rebuilder {
 public:
  Rebuilder(const Sym::Substitution& with, const Mask* facts) : with_(with), facts_(facts) {
    for (const auto& [name, value] : with) replaced_ |= VariableBit(name);
    if (facts == nullptr) return;
    for (const Bound& b : facts->bounds()) known_ |= VariablesOf(b.expr);
  }

  Sym Of(const Sym& s) {
    if (!Affected(s)) return s;
    const bool shared = s.Complexity() > 1 && s.rep()->references.load() > 1;
    if (shared) {
      const auto at = memo_.find(s.rep());
      if (at != memo_.end()) return at->second;
    }
    Sym built = OfRep(*s.rep(), s);
    if (shared) memo_.emplace(s.rep(), built);
    return built;
  }

 private:
  // Facts say something about divisions only.
  bool Affected(const Sym& s) const {
    const uint64_t variables = VariablesOf(s);
    return (variables & replaced_) != 0 || (!IsLinear(s) && (variables & known_) != 0);
  }

  Sym OfRep(const SymRep& rep, const Sym& s) {
    if (rep.kind == SymKind::kVariable) {
      const auto at = with_.find(rep.name);
      return at == with_.end() ? s : at->second;
    }
    if (rep.kind == SymKind::kSum) return OfSum(rep.sum);
    const Sym a = Of(rep.a), b = Of(rep.b);
    switch (rep.kind) {
      case SymKind::kFloorDiv:
        if (!IsConstantDiv(s) || a != rep.a) return FloorDivUnder(a, b, facts_);
        return facts_ == nullptr ? s : DivideAgain(s, facts_);
      case SymKind::kMod:
        return ModUnder(a, b, facts_);
      case SymKind::kMin:
        return MinUnder(a, b, facts_);
      default:
        return MaxUnder(a, b, facts_);
    }
  }

  Sym OfSum(const SymPoly& p) {
    SymPoly sum;
    sum.constant = p.constant;
    for (const SymTerm& t : p.terms) {
      Sym product = Of(t.factors[0]);
      for (size_t i = 1; i < t.factors.size(); ++i) product *= Of(t.factors[i]);
      AddScaled(sum, PolyOf(product), t.coefficient);
    }
    return FromPoly(std::move(sum));
  }

  const Sym::Substitution& with_;
  const Mask* const facts_;
  uint64_t replaced_ = 0, known_ = 0;
  absl::flat_hash_map<const SymRep*, Sym> memo_;
};

}  // namespace

Sym Rebuild(const Sym& s, const Sym::Substitution& with, const Mask* facts) {
  return s.is_constant() ? s : Rebuilder(with, facts).Of(s);
}

std::vector<Sym::VariableInfo> Sym::Variables() const {
  std::vector<VariableInfo> found;
  Walk(*this, [&found](const SymRep& rep) {
    if (rep.kind == SymKind::kVariable) found.push_back({rep.name, rep.min, rep.max});
  });
  std::sort(found.begin(), found.end(), [](const VariableInfo& a, const VariableInfo& b) {
    return std::tie(a.name, a.min, a.max) < std::tie(b.name, b.min, b.max);
  });
  const auto same = [](const VariableInfo& a, const VariableInfo& b) { return a.name == b.name; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

bool Sym::DependsOn(std::string_view variable) const {
  if (rep_ == nullptr || (rep_->variables & VariableBit(variable)) == 0) return false;
  if (is_variable()) return variable_name() == variable;
  bool found = false;
  Walk(*this, [&](const SymRep& rep) {
    found = found || (rep.kind == SymKind::kVariable && rep.name == variable);
  });
  return found;
}

Sym::Linear Sym::LinearIn(std::string_view variable) const {
  if (!DependsOn(variable)) return {true, 0, *this};
  SymPoly coefficient, rest;
  const SymPoly whole = PolyOf(*this);
  rest.constant = whole.constant;
  for (const SymTerm& t : whole.terms) {
    int at = -1, uses = 0;
    for (size_t i = 0; i < t.factors.size(); ++i) {
      if (!t.factors[i].DependsOn(variable)) continue;
      ++uses;
      if (t.factors[i].is_variable()) at = static_cast<int>(i);
    }
    if (uses == 0) {
      AddTerm(rest, t.coefficient, t.factors);
    } else if (uses != 1 || at < 0) {
      return {};
    } else if (t.factors.size() == 1) {
      coefficient.constant += t.coefficient;
    } else {
      AddTerm(coefficient, t.coefficient, Without(t.factors, static_cast<size_t>(at)));
    }
  }
  return {true, FromPoly(std::move(coefficient)), FromPoly(std::move(rest))};
}

Sym Sym::Substitute(const Substitution& with) const { return Rebuild(*this, with, nullptr); }

int64_t Sym::Evaluate(const Assignment& values) const {
  return rep_ == nullptr ? value_ : EvaluateRep(*rep_, values);
}

}  // namespace tensord::types
