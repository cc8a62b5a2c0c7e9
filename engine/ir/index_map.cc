#include "engine/ir/index_map.h"

#include <algorithm>
#include <numeric>

#include "engine/base/check.h"
#include "engine/types/sym_visit.h"

namespace tensord::ir {
namespace {

using types::Mask;
using types::Sym;

void SimplifyCoords(Access& access) {
  if (access.mask.always()) return;
  for (Sym& c : access.coords) c = types::SimplifyUnder(c, access.mask);
}

// ---- reshape ----

bool Divides(const Sym& divisor, const Sym& s) {
  return types::FloorDiv(s, divisor) * divisor == s;
}

// True when `a` is the smaller of two prefix products, which then takes the next dim.
bool Smaller(const Sym& a, const Sym& b) {
  if (a.is_constant() && b.is_constant()) return a.constant() < b.constant();
  return Divides(a, b);
}

// Axes whose dim isn't 1.
std::vector<size_t> WideAxes(absl::Span<const Sym> dims) {
  std::vector<size_t> axes;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != Sym(1)) axes.push_back(i);
  }
  return axes;
}

class Reshaper {
 public:
  Reshaper(const Access& out, absl::Span<const Sym> out_dims, absl::Span<const Sym> in_dims)
      : out_(out), out_dims_(out_dims), in_dims_(in_dims), facts_(out.mask) {
    in_.coords.resize(in_dims.size());
    in_.mask = out.mask;
    for (size_t i = 0; i < out_dims.size(); ++i) RequireBelow(out.coords[i], out_dims[i]);
  }

  Access Reshape() {
    const std::vector<size_t> from = WideAxes(out_dims_), to = WideAxes(in_dims_);
    size_t i = 0, j = 0;
    while (i < from.size() && j < to.size()) {
      size_t i_end = i + 1, j_end = j + 1;
      Sym out_size = out_dims_[from[i]], in_size = in_dims_[to[j]];
      while (out_size != in_size) {
        // Products that can't be compared meet at the very end.
        const bool extend_out = j_end == to.size() || Smaller(out_size, in_size);
        if (extend_out && i_end < from.size()) {
          out_size *= out_dims_[from[i_end++]];
        } else if (j_end < to.size()) {
          in_size *= in_dims_[to[j_end++]];
        } else {
          break;
        }
      }
      Regroup(absl::MakeConstSpan(from).subspan(i, i_end - i),
              absl::MakeConstSpan(to).subspan(j, j_end - j));
      i = i_end;
      j = j_end;
    }
    SimplifyCoords(in_);
    return std::move(in_);
  }

 private:
  // A coordinate stays below its dim: known to bounds unless the dim is symbolic.
  void RequireBelow(const Sym& coord, const Sym& dim) {
    if (!dim.is_constant()) facts_.Require(coord - dim, -types::kSymLimit, -1);
  }

  void Regroup(absl::Span<const size_t> from, absl::Span<const size_t> to) {
    Sym flat = 0;
    for (size_t axis : from) flat = flat * out_dims_[axis] + out_.coords[axis];
    for (size_t i = to.size(); i-- > 1;) {
      const Sym& dim = in_dims_[to[i]];
      const Sym rest = types::FloorDivUnder(flat, dim, &facts_);
      in_.coords[to[i]] =
          dim.is_constant() ? flat - rest * dim : types::ModUnder(flat, dim, &facts_);
      RequireBelow(in_.coords[to[i]], dim);
      flat = rest;
    }
    in_.coords[to[0]] = flat;
  }

  const Access& out_;
  const absl::Span<const Sym> out_dims_, in_dims_;
  Mask facts_;
  Access in_;
};

bool IsEmpty(absl::Span<const Sym> dims) {
  return std::any_of(dims.begin(), dims.end(), [](const Sym& d) { return d == Sym(0); });
}

}  // namespace

Access ReshapeIndex(const Access& out, absl::Span<const Sym> out_dims,
                    absl::Span<const Sym> in_dims) {
  TENSORD_CHECK(out.coords.size() == out_dims.size());
  if (IsEmpty(out_dims)) return {std::vector<Sym>(in_dims.size()), Mask::Never()};
  return Reshaper(out, out_dims, in_dims).Reshape();
}

Access PermuteIndex(const Access& out, absl::Span<const int64_t> order) {
  Access in = {std::vector<Sym>(order.size()), out.mask};
  for (size_t i = 0; i < order.size(); ++i)
    in.coords[static_cast<size_t>(order[i])] = out.coords[i];
  return in;
}

Access ExpandIndex(const Access& out, absl::Span<const Sym> in_dims) {
  Access in = out;
  for (size_t i = 0; i < in_dims.size(); ++i) {
    if (in_dims[i] == Sym(1)) in.coords[i] = 0;
  }
  return in;
}

Access PadIndex(const Access& out, absl::Span<const Sym> low, absl::Span<const Sym> in_dims) {
  Access in = out;
  for (size_t i = 0; i < in_dims.size(); ++i) {
    in.coords[i] = out.coords[i] - low[i];
    if (in_dims[i].is_constant()) {
      in.mask.Require(in.coords[i], 0, in_dims[i].constant() - 1);
    } else {
      in.mask.Require(in.coords[i], 0, types::kSymLimit);
      in.mask.Require(in.coords[i] - in_dims[i], -types::kSymLimit, -1);
    }
  }
  SimplifyCoords(in);
  return in;
}

Access ShrinkIndex(const Access& out, absl::Span<const Sym> low) {
  Access in = out;
  for (size_t i = 0; i < low.size(); ++i) in.coords[i] += low[i];
  return in;
}

Access FlipIndex(const Access& out, absl::Span<const Sym> in_dims, absl::Span<const int64_t> axes) {
  Access in = out;
  for (int64_t axis : axes) {
    const size_t i = static_cast<size_t>(axis);
    in.coords[i] = in_dims[i] - 1 - out.coords[i];
  }
  return in;
}

Access StrideIndex(const Access& out, absl::Span<const int64_t> steps) {
  Access in = out;
  for (size_t i = 0; i < steps.size(); ++i) in.coords[i] *= steps[i];
  return in;
}

Access WindowIndex(const Access& out, const Window& window) {
  const size_t rank = out.coords.size() - window.axes.size();
  Access in = {{out.coords.begin(), out.coords.begin() + static_cast<ptrdiff_t>(rank)}, out.mask};
  for (size_t i = 0; i < window.axes.size(); ++i) {
    const size_t axis = static_cast<size_t>(window.axes[i]);
    in.coords[axis] =
        in.coords[axis] * window.strides[i] + out.coords[rank + i] * window.dilations[i];
  }
  return in;
}

types::Dims WindowDims(absl::Span<const Sym> in_dims, const Window& window) {
  types::Dims dims(in_dims.begin(), in_dims.end());
  for (size_t i = 0; i < window.axes.size(); ++i) {
    Sym& dim = dims[static_cast<size_t>(window.axes[i])];
    const int64_t reach = (window.sizes[i] - 1) * window.dilations[i];
    dim = types::FloorDiv(dim - 1 - reach, window.strides[i]) + 1;
    dims.push_back(window.sizes[i]);
  }
  return dims;
}

Access DilateIndex(const Access& out, absl::Span<const int64_t> factors) {
  Access in = out;
  for (size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] == 1) continue;
    in.mask.Require(types::Mod(out.coords[i], factors[i]), 0, 0);
    in.coords[i] = types::FloorDivUnder(out.coords[i], factors[i], &in.mask);
  }
  SimplifyCoords(in);
  return in;
}

Sym Flatten(absl::Span<const Sym> coords, absl::Span<const Sym> dims) {
  Sym flat = 0;
  for (size_t i = 0; i < coords.size(); ++i) flat = flat * dims[i] + coords[i];
  return flat;
}

// ---- splitting loops ----

namespace {

// The period, in `variable`, of the modulos and quotients of `mask`: least common multiple of
// c / gcd(c, k) over the p // c in it, k being the coefficient of the variable in p.
int64_t PeriodOf(const Mask& mask, const std::string& variable) {
  int64_t period = 1;
  types::SymAlgebra<Sym> rebuild;
  const auto note = [&](const Sym& p, const Sym& c) {
    const Sym::Linear linear = p.LinearIn(variable);
    if (!c.is_constant() || !linear.ok || !linear.coefficient.is_constant()) return;
    const int64_t k = linear.coefficient.constant();
    if (k == 0) return;
    const int64_t wanted = std::lcm(period, c.constant() / std::gcd(c.constant(), k));
    if (wanted <= kMostResidues) period = wanted;
  };
  rebuild.constant = [](int64_t v) { return Sym(v); };
  rebuild.variable = [](const std::string& name, int64_t min, int64_t max) {
    return Sym::Variable(name, min, max);
  };
  rebuild.add = [](Sym a, Sym b) { return a + b; };
  rebuild.mul = [](Sym a, Sym b) { return a * b; };
  rebuild.floordiv = [&](Sym a, Sym b) { return note(a, b), FloorDiv(a, b); };
  rebuild.mod = [&](Sym a, Sym b) { return note(a, b), Mod(a, b); };
  rebuild.min = [](Sym a, Sym b) { return Min(a, b); };
  rebuild.max = [](Sym a, Sym b) { return Max(a, b); };
  for (const types::Bound& b : mask.bounds()) Visit(b.expr, rebuild);
  return period;
}

// The first integer v with k*v >= bound, k > 0.
int64_t FirstAtLeast(int64_t k, int64_t bound) {
  return types::FloorDiv(Sym(bound + k - 1), Sym(k)).constant();
}

// Where lo <= k*v + rest <= hi may start or stop to hold for sure or at all, within (0, count).
void AddPoints(const types::Bound& bound, const std::string& variable, int64_t count,
               std::vector<int64_t>& points) {
  const Sym::Linear linear = bound.expr.LinearIn(variable);
  if (!linear.ok || !linear.coefficient.is_constant() || linear.coefficient.constant() == 0) return;
  int64_t k = linear.coefficient.constant();
  int64_t lo = bound.lo, hi = bound.hi, low = linear.rest.min(), high = linear.rest.max();
  if (k < 0) {
    k = -k;
    std::swap(lo, hi);
    lo = -lo;
    hi = -hi;
    std::swap(low, high);
    low = -low;
    high = -high;
  }
  for (int64_t threshold : {lo - high, lo - low, hi - high + 1, hi - low + 1}) {
    const int64_t point = FirstAtLeast(k, threshold);
    if (point > 0 && point < count) points.push_back(point);
  }
}

LoopPiece::Truth TruthOf(const Mask& mask) {
  if (mask.never()) return LoopPiece::Truth::kNever;
  return mask.always() ? LoopPiece::Truth::kAlways : LoopPiece::Truth::kSometimes;
}

// Appends the pieces of v = residue + step*w, given the mask of w in [0, count).
void SplitClass(const Mask& mask, const std::string& w, LoopPiece whole,
                std::vector<LoopPiece>& pieces) {
  const int64_t count = whole.count();
  std::vector<int64_t> points = {0, count};
  for (const types::Bound& b : mask.bounds()) AddPoints(b, w, count, points);
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  const size_t first = pieces.size();
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    const Sym part = Sym::Variable(w, points[i], points[i + 1] - 1);
    const LoopPiece::Truth truth = TruthOf(mask.Substitute({{w, part}}));
    const int64_t end = std::min(whole.begin + points[i + 1] * whole.step, whole.end);
    if (pieces.size() > first && pieces.back().truth == truth &&
        truth != LoopPiece::Truth::kSometimes) {
      pieces.back().end = end;
    } else {
      pieces.push_back({whole.begin + points[i] * whole.step, end, whole.step, truth});
    }
  }
}

}  // namespace

std::vector<LoopPiece> SplitPoints(const Mask& mask, const std::string& variable, int64_t extent) {
  std::vector<LoopPiece> pieces;
  if (extent <= 0) return pieces;
  const int64_t step = std::min(PeriodOf(mask, variable), extent);
  const std::string w = variable + ".piece";
  for (int64_t residue = 0; residue < step; ++residue) {
    const LoopPiece whole = {residue, extent, step, LoopPiece::Truth::kSometimes};
    const Sym value = Sym::Variable(w, 0, whole.count() - 1) * step + residue;
    SplitClass(mask.Substitute({{variable, value}}), w, whole, pieces);
  }
  return pieces;
}

namespace {

// The least period of `expr` in `variable`, up to kMostResidues; 1: it has none.
int64_t PeriodOf(const Sym& expr, const Sym::VariableInfo& variable) {
  const Sym v = Sym::Variable(variable.name, variable.min, variable.max);
  for (int64_t period = 2; period <= kMostResidues; ++period) {
    if (expr.Substitute({{variable.name, v + period}}) == expr) return period;
  }
  return 1;
}

}  // namespace

int64_t ResiduePeriod(const Mask& mask, const std::string& variable) {
  int64_t period = 1;
  for (const types::Bound& bound : mask.bounds()) {
    const Sym::Cost cost = bound.expr.CountOperators();
    if (bound.lo != bound.hi || cost.divs + cost.mods == 0) continue;
    for (const Sym::VariableInfo& v : bound.expr.Variables()) {
      if (v.name == variable) period = std::lcm(period, PeriodOf(bound.expr, v));
    }
  }
  return period <= kMostResidues ? period : 1;
}

}  // namespace tensord::ir
