// Text of expressions: Python's spelling, so that // floors and % has the divisor's sign.
#include "absl/strings/str_cat.h"
#include "engine/types/sym.h"
#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

std::string Operand(const Sym& s);

// An atom as it may stand first in a product.
std::string AtomText(const SymRep& rep) {
  switch (rep.kind) {
    case SymKind::kVariable:
      return rep.name;
    case SymKind::kFloorDiv:
      return absl::StrCat(Operand(rep.a), "//", Operand(rep.b));
    case SymKind::kMod:
      return absl::StrCat(Operand(rep.a), "%", Operand(rep.b));
    case SymKind::kMin:
      return absl::StrCat("min(", rep.a.ToString(), ", ", rep.b.ToString(), ")");
    case SymKind::kMax:
      return absl::StrCat("max(", rep.a.ToString(), ", ", rep.b.ToString(), ")");
    default:
      break;
  }
  return "";
}

bool NeedsParentheses(const Sym& s) {
  if (s.is_constant()) return s.constant() < 0;
  const SymKind kind = s.rep()->kind;
  return kind == SymKind::kFloorDiv || kind == SymKind::kMod || kind == SymKind::kSum;
}

std::string Operand(const Sym& s) {
  const std::string text = s.ToString();
  return NeedsParentheses(s) ? absl::StrCat("(", text, ")") : text;
}

// coefficient * factors without the sign; `tight`: a sign stands right before it.
std::string TermText(const SymTerm& t, bool tight) {
  std::string text;
  for (const Sym& f : t.factors) {
    const bool bare = text.empty() && !tight && !IsAtom(f, SymKind::kSum);
    absl::StrAppend(&text, text.empty() ? "" : "*", bare ? AtomText(*f.rep()) : Operand(f));
  }
  const int64_t k = t.coefficient < 0 ? -t.coefficient : t.coefficient;
  if (k != 1) absl::StrAppend(&text, "*", k);
  return text;
}

// Positive terms first, so that a leading sign is rare; then negative ones, then the constant.
std::string SumText(const SymPoly& p) {
  std::string text;
  for (const bool negative : {false, true}) {
    for (const SymTerm& t : p.terms) {
      if ((t.coefficient < 0) != negative) continue;
      const bool first = text.empty();
      absl::StrAppend(&text, first ? (negative ? "-" : "") : (negative ? " - " : " + "),
                      TermText(t, first && negative));
    }
  }
  if (p.constant > 0) absl::StrAppend(&text, text.empty() ? "" : " + ", p.constant);
  if (p.constant < 0) absl::StrAppend(&text, text.empty() ? "-" : " - ", -p.constant);
  return text;
}

}  // namespace

std::string Sym::ToString() const {
  if (rep_ == nullptr) return absl::StrCat(value_);
  if (rep_->kind != SymKind::kSum) return AtomText(*rep_);
  // With modulos, if they are read back as the same expression.
  const SymPoly shown = Display(rep_->sum);
  return SumText(Canonical(shown) == *this ? shown : rep_->sum);
}

}  // namespace tensord::types
