#include "engine/types/sym.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

constexpr size_t kMaxProductTerms = 256;  // larger products stay unexpanded

uint64_t Mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h ^ (h >> 29);
}

uint64_t HashName(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325u;
  for (unsigned char c : name) h = (h ^ c) * 0x100000001b3u;
  return Mix(h, name.size());
}

int64_t Clamp(__int128 value, bool* saturated) {
  if (value > -kSymLimit && value < kSymLimit) return static_cast<int64_t>(value);
  *saturated = true;
  return value < 0 ? -kSymLimit : kSymLimit;
}

int Order(int64_t a, int64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

// Hash, complexity and variables of a finished representation.
void Seal(SymRep& rep) {
  uint64_t h = Mix(static_cast<uint64_t>(rep.kind), HashName(rep.name));
  int64_t complexity = 1;
  const auto include = [&](const Sym& s) {
    h = Mix(h, s.hash());
    complexity += s.Complexity();
    rep.variables |= VariablesOf(s);
    rep.linear = rep.linear && (s.is_constant() || s.rep()->linear);
  };
  if (rep.kind == SymKind::kVariable) {
    h = Mix(Mix(h, static_cast<uint64_t>(rep.min.load())), static_cast<uint64_t>(rep.max.load()));
    rep.variables = VariableBit(rep.name);
  } else if (rep.kind == SymKind::kSum) {
    h = Mix(h, static_cast<uint64_t>(rep.sum.constant));
    for (const SymTerm& t : rep.sum.terms) {
      h = Mix(h, static_cast<uint64_t>(t.coefficient));
      complexity += 1;
      for (const Sym& f : t.factors) include(f);
    }
  } else {
    include(rep.a);
    include(rep.b);
    rep.linear = false;
  }
  rep.hash = h;
  rep.samples = SamplesOfRep(rep);
  rep.complexity = static_cast<int>(std::min<int64_t>(complexity, 1 << 30));
}

}  // namespace

uint64_t VariablesOf(const Sym& s) { return s.rep() == nullptr ? 0 : s.rep()->variables; }

uint64_t VariableBit(std::string_view name) { return uint64_t{1} << (HashName(name) & 63u); }

// ---- lifetime ----

void Sym::Ref(const SymRep* rep) noexcept {
  rep->references.fetch_add(1, std::memory_order_relaxed);
}

// Frees without recursion, however deep the expression.
void Sym::Unref(const SymRep* rep) noexcept {
  if (rep->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  absl::InlinedVector<const SymRep*, 16> dead = {rep};
  const auto release = [&dead](Sym& child) {
    const SymRep* r = std::exchange(child.rep_, nullptr);
    if (r != nullptr && r->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      dead.push_back(r);
    }
  };
  while (!dead.empty()) {
    SymRep* r = const_cast<SymRep*>(dead.back());
    dead.pop_back();
    release(r->a);
    release(r->b);
    for (SymTerm& t : r->sum.terms) {
      for (Sym& f : t.factors) release(f);
    }
    delete r;
  }
}

int64_t Sym::RepMin() const {
  Tighten();
  return rep_->min.load(std::memory_order_relaxed);
}

int64_t Sym::RepMax() const {
  Tighten();
  return rep_->max.load(std::memory_order_relaxed);
}

// Threads that race here store the same numbers.
void Sym::Tighten() const {
  if (!rep_->loose.load(std::memory_order_acquire)) return;
  const SymRange range = RangeOf(rep_->sum);
  rep_->min.store(range.lo, std::memory_order_relaxed);
  rep_->max.store(range.hi, std::memory_order_relaxed);
  rep_->loose.store(false, std::memory_order_release);
}
int Sym::Complexity() const { return rep_ == nullptr ? 0 : rep_->complexity; }

size_t Sym::hash() const {
  return rep_ == nullptr ? Mix(0x5eed, static_cast<uint64_t>(value_)) : rep_->hash;
}

// ---- order ----

// Constants, then atoms by kind; variables by name, others by size and hash, which is the same in
// every process. Structure decides between equal hashes.
int Sym::Compare(const Sym& a, const Sym& b) {
  if (a.rep_ == b.rep_) return Order(a.value_, b.value_);
  if (a.rep_ == nullptr || b.rep_ == nullptr) return a.rep_ == nullptr ? -1 : 1;
  const SymRep &x = *a.rep_, &y = *b.rep_;
  if (x.kind != y.kind) return x.kind < y.kind ? -1 : 1;
  if (x.kind == SymKind::kVariable) {
    if (const int c = x.name.compare(y.name); c != 0) return c;
    const int c = Order(x.min, y.min);
    return c != 0 ? c : Order(x.max, y.max);
  }
  if (x.complexity != y.complexity) return x.complexity < y.complexity ? -1 : 1;
  if (x.hash != y.hash) return x.hash < y.hash ? -1 : 1;
  if (x.kind == SymKind::kSum) return ComparePolys(x.sum, y.sum);
  const int c = Compare(x.a, y.a);
  return c != 0 ? c : Compare(x.b, y.b);
}

int ComparePolys(const SymPoly& a, const SymPoly& b) {
  const size_t shared = std::min(a.terms.size(), b.terms.size());
  for (size_t i = 0; i < shared; ++i) {
    const SymTerm &s = a.terms[i], &t = b.terms[i];
    if (const int c = CompareFactors(s.factors, t.factors); c != 0) return c;
    if (const int c = Order(s.coefficient, t.coefficient); c != 0) return c;
  }
  if (a.terms.size() != b.terms.size()) return a.terms.size() < b.terms.size() ? -1 : 1;
  return Order(a.constant, b.constant);
}

int CompareFactors(const SymFactors& a, const SymFactors& b) {
  const size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return Order(static_cast<int64_t>(a.size()), static_cast<int64_t>(b.size()));
}

// ---- building ----

Sym Sym::Variable(std::string_view name, int64_t min, int64_t max) {
  TENSORD_CHECK(min <= max, "variable ", std::string(name), " in [", min, ", ", max, "]");
  min = std::clamp(min, -kSymLimit, kSymLimit);
  max = std::clamp(max, -kSymLimit, kSymLimit);
  if (min == max) return Sym(min);
  SymRep* rep = new SymRep;
  rep->kind = SymKind::kVariable;
  rep->name = std::string(name);
  rep->min = min;
  rep->max = max;
  Seal(*rep);
  return Sym(rep);
}

bool Sym::is_polynomial() const { return IsLinear(*this); }
bool Sym::is_variable() const { return IsAtom(*this, SymKind::kVariable); }
const std::string& Sym::variable_name() const { return rep_->name; }

Sym MakeAtom(SymKind kind, Sym a, Sym b) {
  const SymRange range = AtomRange(kind, a, b);
  if (range.IsPoint()) return Sym(range.lo);
  SymRep* rep = new SymRep;
  rep->kind = kind;
  rep->a = std::move(a);
  rep->b = std::move(b);
  rep->min = range.lo;
  rep->max = range.hi;
  Seal(*rep);
  return SymRep::Adopt(rep);
}

SymPoly PolyOf(const Sym& s) {
  if (s.is_constant()) return SymPoly{s.constant(), {}, false};
  if (s.rep()->kind == SymKind::kSum) return s.rep()->sum;
  SymPoly p;
  p.terms.push_back(SymTerm{1, {s}});
  return p;
}

Sym FromPoly(SymPoly p) {
  if (p.terms.empty()) return Sym(p.constant);
  RecombineSymbolic(p);
  if (p.terms.size() > 1 && !p.saturated && HasCoupledQuotients(p)) {
    SymPoly expanded = p;
    if (ExpandHalves(expanded) && expanded.terms.size() < p.terms.size()) p = std::move(expanded);
  }
  if (p.terms.empty()) return Sym(p.constant);
  if (p.constant == 0 && p.terms.size() == 1 && p.terms[0].coefficient == 1 &&
      p.terms[0].factors.size() == 1) {
    return p.terms[0].factors[0];
  }
  const SymRange range = QuickRange(p);
  if (range.IsPoint()) return Sym(range.lo);
  SymRep* rep = new SymRep;
  rep->kind = SymKind::kSum;
  rep->loose = HasCoupledQuotients(p);
  rep->sum = std::move(p);
  rep->min = range.lo;
  rep->max = range.hi;
  Seal(*rep);
  return SymRep::Adopt(rep);
}

// ---- polynomials ----

void AddTerm(SymPoly& into, int64_t coefficient, const SymFactors& factors) {
  SymPoly one;
  one.terms.push_back(SymTerm{coefficient, factors});
  AddScaled(into, one, 1);
}

void AddScaled(SymPoly& into, const SymPoly& p, int64_t k) {
  if (k == 0) return;
  bool saturated = into.saturated || p.saturated;
  into.constant = Clamp(static_cast<__int128>(p.constant) * k + into.constant, &saturated);
  std::vector<SymTerm> merged;
  merged.reserve(into.terms.size() + p.terms.size());
  size_t i = 0, j = 0;
  while (i < into.terms.size() || j < p.terms.size()) {
    const int order = i == into.terms.size() ? 1
                      : j == p.terms.size()
                          ? -1
                          : CompareFactors(into.terms[i].factors, p.terms[j].factors);
    __int128 coefficient = 0;
    if (order <= 0) coefficient += into.terms[i].coefficient;
    if (order >= 0) coefficient += static_cast<__int128>(p.terms[j].coefficient) * k;
    if (coefficient != 0) {
      SymTerm term = order <= 0 ? into.terms[i] : p.terms[j];
      term.coefficient = Clamp(coefficient, &saturated);
      merged.push_back(std::move(term));
    }
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  into.terms = std::move(merged);
  into.saturated = saturated;
}

namespace {

SymFactors Join(const SymFactors& a, const SymFactors& b) {
  SymFactors joined;
  joined.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(joined));
  return joined;
}

// Sorts terms and adds those with equal factors.
void Collect(SymPoly& p) {
  std::sort(p.terms.begin(), p.terms.end(), [](const SymTerm& a, const SymTerm& b) {
    return CompareFactors(a.factors, b.factors) < 0;
  });
  std::vector<SymTerm> unique;
  for (SymTerm& t : p.terms) {
    if (!unique.empty() && CompareFactors(unique.back().factors, t.factors) == 0) {
      unique.back().coefficient =
          Clamp(static_cast<__int128>(unique.back().coefficient) + t.coefficient, &p.saturated);
    } else {
      unique.push_back(std::move(t));
    }
  }
  std::erase_if(unique, [](const SymTerm& t) { return t.coefficient == 0; });
  p.terms = std::move(unique);
}

}  // namespace

SymPoly Multiply(const SymPoly& p, const SymPoly& q) {
  SymPoly product;
  if (p.terms.empty() || q.terms.empty()) {
    const SymPoly& sum = p.terms.empty() ? q : p;
    AddScaled(product, sum, p.terms.empty() ? p.constant : q.constant);
    return product;
  }
  if ((p.terms.size() + 1) * (q.terms.size() + 1) > kMaxProductTerms) {
    SymFactors factors = {FromPoly(p), FromPoly(q)};
    std::sort(factors.begin(), factors.end());
    AddTerm(product, 1, factors);
    return product;
  }
  product.saturated = p.saturated || q.saturated;
  for (const SymTerm& s : p.terms) {
    for (const SymTerm& t : q.terms) {
      product.terms.push_back(
          SymTerm{Clamp(static_cast<__int128>(s.coefficient) * t.coefficient, &product.saturated),
                  Join(s.factors, t.factors)});
    }
  }
  Collect(product);
  SymPoly linear = p;
  linear.constant = 0;
  AddScaled(product, linear, q.constant);
  AddScaled(product, q, p.constant);
  return product;
}

SymPoly MultiplyByFactors(const SymPoly& p, const SymFactors& factors) {
  if (factors.empty()) return p;
  SymPoly product;
  product.saturated = p.saturated;
  for (const SymTerm& t : p.terms) {
    product.terms.push_back(SymTerm{t.coefficient, Join(t.factors, factors)});
  }
  if (p.constant != 0) product.terms.push_back(SymTerm{p.constant, factors});
  Collect(product);
  return product;
}

SymFactors Without(const SymFactors& factors, size_t index) {
  SymFactors rest = factors;
  rest.erase(rest.begin() + static_cast<ptrdiff_t>(index));
  return rest;
}

int64_t CoefficientOf(const SymPoly& p, const SymFactors& factors) {
  const auto at = std::lower_bound(
      p.terms.begin(), p.terms.end(), factors,
      [](const SymTerm& t, const SymFactors& f) { return CompareFactors(t.factors, f) < 0; });
  return at != p.terms.end() && CompareFactors(at->factors, factors) == 0 ? at->coefficient : 0;
}

uint64_t VariablesOf(const SymFactors& factors) {
  uint64_t variables = 0;
  for (const Sym& f : factors) variables |= VariablesOf(f);
  return variables;
}

Sym Sym::SlowAdd(const Sym& a, const Sym& b, int64_t scale_of_b) {
  if (b.is_constant() && b.constant() == 0) return a;
  if (a.is_constant() && a.constant() == 0 && scale_of_b == 1) return b;
  SymPoly sum = PolyOf(a);
  AddScaled(sum, PolyOf(b), scale_of_b);
  return FromPoly(std::move(sum));
}

Sym Sym::SlowMul(const Sym& a, const Sym& b) {
  if (a.is_constant() && a.constant() == 1) return b;
  if (b.is_constant() && b.constant() == 1) return a;
  return FromPoly(Multiply(PolyOf(a), PolyOf(b)));
}

}  // namespace tensord::types
