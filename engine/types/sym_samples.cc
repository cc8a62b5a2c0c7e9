// Values of expressions at fixed points, kept beside each part.
#include "engine/types/sym_rep.h"

namespace tensord::types {
namespace {

constexpr SymSamples kZeros = {};

// Wraps: a value that does not fit refutes nothing wrongly, it only loses its use.
int64_t MulAdd(int64_t sum, int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(sum) +
                              static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

int64_t At(const Sym& s, size_t k) {
  return s.rep() == nullptr ? s.constant() : s.rep()->samples[k];
}

// The corners first, then points that spread over the box, other ones for each variable.
SymSamples VariableSamples(const SymRep& rep) {
  const int64_t lo = rep.min, hi = rep.max;
  const uint64_t extent = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo) + 1;
  SymSamples samples = {lo, hi};
  uint64_t state = rep.hash;
  for (size_t k = 2; k < samples.size(); ++k) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    samples[k] = MulAdd(lo, static_cast<int64_t>((state >> 20) % extent), 1);
  }
  return samples;
}

}  // namespace

SymSamples SamplesOf(const SymPoly& p) {
  SymSamples samples;
  samples.fill(p.constant);
  for (const SymTerm& t : p.terms) {
    for (size_t k = 0; k < samples.size(); ++k) {
      int64_t product = t.coefficient;
      for (const Sym& f : t.factors) product = MulAdd(0, product, At(f, k));
      samples[k] = MulAdd(samples[k], product, 1);
    }
  }
  return samples;
}

SymSamples SamplesOfRep(const SymRep& rep) {
  if (rep.kind == SymKind::kVariable) return VariableSamples(rep);
  if (rep.kind == SymKind::kSum) return SamplesOf(rep.sum);
  SymSamples samples = kZeros;
  for (size_t k = 0; k < samples.size(); ++k) {
    const int64_t a = At(rep.a, k), b = At(rep.b, k);
    switch (rep.kind) {
      case SymKind::kFloorDiv:
        samples[k] = FloorDivInt(a, b);
        break;
      case SymKind::kMod:
        samples[k] = ModInt(a, b);
        break;
      case SymKind::kMin:
        samples[k] = a < b ? a : b;
        break;
      default:
        samples[k] = a < b ? b : a;
    }
  }
  return samples;
}

uint32_t SamplesWhere(const Mask* facts) {
  uint32_t where = (1u << kSymSamples) - 1;
  if (facts == nullptr) return where;
  for (const Bound& b : facts->bounds()) {
    for (size_t k = 0; k < kSymSamples; ++k) {
      const int64_t v = At(b.expr, k);
      if (v < b.lo || v > b.hi) where &= ~(1u << k);
    }
  }
  return where;
}

bool SpansBuckets(const SymPoly& p, int64_t g, uint32_t where) {
  const SymSamples samples = SamplesOf(p);
  bool any = false;
  int64_t bucket = 0;
  for (size_t k = 0; k < samples.size(); ++k) {
    if (((where >> k) & 1u) == 0) continue;
    const int64_t b = FloorDivInt(samples[k], g);
    if (any && b != bucket) return true;
    any = true;
    bucket = b;
  }
  return false;
}

}  // namespace tensord::types
