// Visit: an expression built again in another algebra, from the displayed form (with modulos).
#pragma once

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "engine/types/sym.h"
#include "engine/types/sym_rep.h"

namespace tensord::types {

template <typename T>
class SymVisitor {
 public:
  explicit SymVisitor(const SymAlgebra<T>& algebra) : algebra_(algebra) {}

  T Of(const Sym& s) {
    if (s.is_constant()) return algebra_.constant(s.constant());
    const auto at = done_.find(s);
    if (at != done_.end()) return at->second;
    T value = OfRep(*s.rep());
    done_.emplace(s, value);
    return value;
  }

 private:
  T OfRep(const SymRep& rep) {
    switch (rep.kind) {
      case SymKind::kVariable:
        return algebra_.variable(rep.name, rep.min, rep.max);
      case SymKind::kSum:
        return OfSum(Display(rep.sum));
      default:
        break;
    }
    T a = Of(rep.a), b = Of(rep.b);
    switch (rep.kind) {
      case SymKind::kFloorDiv:
        return algebra_.floordiv(std::move(a), std::move(b));
      case SymKind::kMod:
        return algebra_.mod(std::move(a), std::move(b));
      case SymKind::kMin:
        return algebra_.min(std::move(a), std::move(b));
      default:
        return algebra_.max(std::move(a), std::move(b));
    }
  }

  // Terms in order, then the constant.
  T OfSum(const SymPoly& p) {
    if (p.terms.empty()) return algebra_.constant(p.constant);
    T sum = OfTerm(p.terms[0]);
    for (size_t i = 1; i < p.terms.size(); ++i) {
      sum = algebra_.add(std::move(sum), OfTerm(p.terms[i]));
    }
    if (p.constant == 0) return sum;
    return algebra_.add(std::move(sum), algebra_.constant(p.constant));
  }

  T OfTerm(const SymTerm& t) {
    T product = Of(t.factors[0]);
    for (size_t i = 1; i < t.factors.size(); ++i) {
      product = algebra_.mul(std::move(product), Of(t.factors[i]));
    }
    if (t.coefficient == 1) return product;
    return algebra_.mul(std::move(product), algebra_.constant(t.coefficient));
  }

  const SymAlgebra<T>& algebra_;
  absl::flat_hash_map<Sym, T> done_;
};

template <typename T>
T Visit(const Sym& sym, const SymAlgebra<T>& algebra) {
  return SymVisitor<T>(algebra).Of(sym);
}

}  // namespace tensord::types
