// Integer expressions over bounded variables, always in canonical form.
//
// One representation serves tensor dims, movement, buffer indices, masks and launch sizes: a sum of
// coefficient * product of atoms, an atom being a variable, a floor division, a modulo, a minimum
// or a maximum of canonical expressions. Two expressions that the rules can prove equal have the
// same form, so equality is structural. Division floors and the modulo has the divisor's sign; both
// are 0 for a divisor of 0.
//
//   Sym n = Sym::Variable("n", 1, 4096), i = Sym::Variable("i", 0, 63);
//   FloorDiv(i * 16 + 3, 16)       // i
//   Mod(i + 64 * n, 64)            // i
//   (n * 4).max()                  // 16384
//
// A constant costs two words and no allocation; anything else is a shared immutable representation.
// Thread-safe as a value type.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tensord::types {

struct SymRep;  // sym_rep.h

// Values and bounds are exact below this magnitude and saturate at it. An expression whose bounds
// reach it may overflow: a door refuses it.
inline constexpr int64_t kSymLimit = int64_t{1} << 62;

class Sym {
 public:
  Sym() = default;                       // 0
  Sym(int64_t value) : value_(value) {}  // NOLINT: a constant is an expression
  Sym(int value) : value_(value) {}      // NOLINT
  Sym(const Sym& other) : rep_(other.rep_), value_(other.value_) {
    if (rep_ != nullptr) Ref(rep_);
  }
  Sym(Sym&& other) noexcept
      : rep_(std::exchange(other.rep_, nullptr)), value_(std::exchange(other.value_, 0)) {}
  Sym& operator=(const Sym& other) {
    if (this != &other) *this = Sym(other);
    return *this;
  }
  Sym& operator=(Sym&& other) noexcept {
    std::swap(rep_, other.rep_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~Sym() {
    if (rep_ != nullptr) Unref(rep_);
  }

  // A variable is its name and bounds (both inclusive). REQUIRES: min <= max. One with min == max
  // is that constant.
  static Sym Variable(std::string_view name, int64_t min, int64_t max);

  bool is_constant() const { return rep_ == nullptr; }
  int64_t constant() const { return value_; }  // REQUIRES: is_constant()
  bool is_variable() const;
  bool is_polynomial() const;                // no div, mod, min or max in it
  const std::string& variable_name() const;  // REQUIRES: is_variable()

  // Sound bounds, saturating at +-2^62: min() <= value <= max() for every value of the variables.
  int64_t min() const { return rep_ == nullptr ? value_ : RepMin(); }
  int64_t max() const { return rep_ == nullptr ? value_ : RepMax(); }

  // Nodes of the expression written as a tree, saturating; 0 for a constant. Every operation is
  // correct at any size, but recurses as deep as the expression nests: what a client can grow is
  // refused above kMaxComplexity, after each operation.
  static constexpr int kMaxComplexity = 4096;
  int Complexity() const;

  friend Sym operator+(const Sym& a, const Sym& b);
  friend Sym operator-(const Sym& a, const Sym& b);
  friend Sym operator*(const Sym& a, const Sym& b);
  Sym operator-() const { return Sym(0) - *this; }
  Sym& operator+=(const Sym& b) { return *this = *this + b; }
  Sym& operator*=(const Sym& b) { return *this = *this * b; }
  friend bool operator==(const Sym& a, const Sym& b) {
    return a.rep_ == b.rep_ ? a.value_ == b.value_ : Compare(a, b) == 0;
  }
  friend bool operator!=(const Sym& a, const Sym& b) { return !(a == b); }
  // A total order (not by value): for sorting and maps.
  friend bool operator<(const Sym& a, const Sym& b) { return Compare(a, b) < 0; }
  size_t hash() const;  // the same in every process
  template <typename H>
  friend H AbslHashValue(H h, const Sym& s) {
    return H::combine(std::move(h), s.hash());
  }

  // True when a value of the variables may make it negative, zero, ... as far as bounds tell.
  bool IsNonNegative() const { return min() >= 0; }

  // Every variable in it, each once, sorted by name.
  struct VariableInfo {
    std::string name;
    int64_t min, max;
  };
  std::vector<VariableInfo> Variables() const;
  bool DependsOn(std::string_view variable) const;

  // The expression split as `coefficient * variable + rest` where neither part mentions the
  // variable; {false, ...} when the variable also occurs inside a div, mod, min, max or a product.
  struct Linear;
  Linear LinearIn(std::string_view variable) const;

  // Replaces variables and re-canonicalises.
  using Substitution = absl::flat_hash_map<std::string, Sym>;
  Sym Substitute(const Substitution& with) const;

  // Value under an assignment. REQUIRES: every variable is assigned.
  using Assignment = absl::flat_hash_map<std::string, int64_t>;
  int64_t Evaluate(const Assignment& values) const;

  // Operators left in the canonical form, for tests and cost models.
  struct Cost {
    int adds = 0, muls = 0, divs = 0, mods = 0, minmax = 0;
  };
  Cost CountOperators() const;

  // "n*4 + i//3 - 1"; Parse reads it back given the bounds of its variables.
  std::string ToString() const;

  // Structure, for lowering to instructions: calls `visitor` bottom-up; see sym_visit.h.
  const SymRep* rep() const { return rep_; }

 private:
  friend struct SymRep;
  explicit Sym(const SymRep* adopted) : rep_(adopted) {}
  static void Ref(const SymRep* rep) noexcept;
  static void Unref(const SymRep* rep) noexcept;
  int64_t RepMin() const;
  int64_t RepMax() const;
  void Tighten() const;
  static int Compare(const Sym& a, const Sym& b);
  static int64_t Saturated(__int128 value) {
    return value >= kSymLimit ? kSymLimit : value <= -kSymLimit ? -kSymLimit : int64_t(value);
  }
  static Sym SlowAdd(const Sym& a, const Sym& b, int64_t scale_of_b);
  static Sym SlowMul(const Sym& a, const Sym& b);
  const SymRep* rep_ = nullptr;  // counted reference; nullptr: the constant value_
  int64_t value_ = 0;
};

struct Sym::Linear {
  bool ok = false;
  Sym coefficient, rest;
};

inline Sym operator+(const Sym& a, const Sym& b) {
  if (a.is_constant() && b.is_constant()) {
    return Sym::Saturated(static_cast<__int128>(a.value_) + b.value_);
  }
  return Sym::SlowAdd(a, b, 1);
}
inline Sym operator-(const Sym& a, const Sym& b) {
  if (a.is_constant() && b.is_constant()) {
    return Sym::Saturated(static_cast<__int128>(a.value_) - b.value_);
  }
  return Sym::SlowAdd(a, b, -1);
}
inline Sym operator*(const Sym& a, const Sym& b) {
  if (a.is_constant() && b.is_constant()) {
    return Sym::Saturated(static_cast<__int128>(a.value_) * b.value_);
  }
  return Sym::SlowMul(a, b);
}

Sym FloorDiv(const Sym& a, const Sym& b);
Sym Mod(const Sym& a, const Sym& b);
Sym Min(const Sym& a, const Sym& b);
Sym Max(const Sym& a, const Sym& b);
inline Sym CeilDiv(const Sym& a, const Sym& b) { return FloorDiv(a + b - 1, b); }

// Builds the expression again with another algebra (instructions, text, intervals): bottom-up, each
// shared part once per call. T is the caller's value.
template <typename T>
struct SymAlgebra {
  std::function<T(int64_t)> constant;
  std::function<T(const std::string& name, int64_t min, int64_t max)> variable;
  std::function<T(T, T)> add, mul, floordiv, mod, min, max;
};
template <typename T>
T Visit(const Sym& sym, const SymAlgebra<T>& algebra);  // defined in sym_visit.h

// Parses ToString's form. `bounds` gives the declared variables; an undeclared name, an overflow or
// a syntax error is InvalidArgument naming the place.
absl::StatusOr<Sym> ParseSym(std::string_view text,
                             const std::map<std::string, std::pair<int64_t, int64_t>>& bounds);

// The condition lo <= expr <= hi.
struct Bound {
  Sym expr;
  int64_t lo = 0, hi = 0;
  friend bool operator==(const Bound&, const Bound&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Bound& b) {
    return H::combine(std::move(h), b.expr, b.lo, b.hi);
  }
};

// A conjunction of bounds, canonical: sorted, without implied members. Empty: always true.
//
// In a canonical bound no side is looser than the expression's own range, so a side that equals
// expr.min() or expr.max() needs no test.
class Mask {
 public:
  Mask() = default;
  static Mask Never();
  // this and lo <= expr <= hi. Bounds that always hold vanish; one that can't hold makes it Never.
  void Require(const Sym& expr, int64_t lo, int64_t hi);
  void RequireAll(const Mask& other);
  bool always() const { return !never_ && bounds_.empty(); }
  bool never() const { return never_; }
  absl::Span<const Bound> bounds() const { return bounds_; }
  Mask Substitute(const Sym::Substitution& with) const;
  bool Holds(const Sym::Assignment& values) const;
  bool DependsOn(std::string_view variable) const;
  std::string ToString() const;
  size_t hash() const;
  friend bool operator==(const Mask&, const Mask&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Mask& m) {
    return H::combine(std::move(h), m.hash());
  }

 private:
  bool RequireSimpler(const Bound& bound);
  void Insert(Bound bound);
  bool Tighten(Bound& bound);
  void InsertPlain(Bound bound);
  void DropImpliedBy(const Sym& newest);

  bool never_ = false;
  std::vector<Bound> bounds_;
};

// `expr` simplified under the knowledge that `mask` holds: equal to `expr` wherever it does, and
// anything elsewhere. When the mask never holds, `expr` itself.
Sym SimplifyUnder(const Sym& expr, const Mask& mask);

// a // b and a % b where `facts` (may be null) holds.
Sym FloorDivUnder(const Sym& a, const Sym& b, const Mask* facts);
Sym ModUnder(const Sym& a, const Sym& b, const Mask* facts);

using Dims = absl::InlinedVector<Sym, 4>;

// Product of the dims (1 for a scalar).
Sym NumElements(absl::Span<const Sym> dims);

}  // namespace tensord::types
