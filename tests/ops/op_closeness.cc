#include "tests/ops/op_closeness.h"

#include <cmath>
#include <cstring>

#include "engine/base/strings.h"

namespace tensord::testing_support {
namespace {

using types::DType;
using types::HostTensor;

// The unit in the last place of x.
double Ulp(DType dtype, double x) {
  const int least = dtype == DType::kF16 ? -14 : dtype == DType::kF64 ? -1022 : -126;
  const int exponent = x == 0 ? least : std::max(least, std::ilogb(x));
  return std::ldexp(Epsilon(dtype), exponent);
}

template <typename Allowed>
std::string FirstDifference(const HostTensor& got, const HostTensor& want, bool signed_zeros,
                            Allowed allowed) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape())
    return StrCat("got ", got.ToString(), ", expected ", want.ToString());
  if (std::memcmp(got.bytes().data(), want.bytes().data(), want.bytes().size()) == 0) return "";
  const bool floats = types::IsFloat(want.dtype());
  for (int64_t i = 0; i < want.elements(); ++i) {
    const types::Scalar g = got.At(i), w = want.At(i);
    if (g == w) continue;
    if (floats) {
      if (std::isnan(g.f) && std::isnan(w.f)) continue;
      if (g.f == w.f && !(signed_zeros && w.f == 0)) continue;
      if (std::isfinite(g.f) && std::isfinite(w.f) && g.f != w.f &&
          std::abs(g.f - w.f) <= allowed(i, w.f))
        continue;
    }
    return StrCat("element ", i, " of ", want.elements(), " is ", g.ToString(), ", expected ",
                  w.ToString(), floats ? StrCat(" within ", allowed(i, w.f)) : "");
  }
  return "";
}

}  // namespace

double Epsilon(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return std::ldexp(1, -10);
    case DType::kBF16:
      return std::ldexp(1, -7);
    case DType::kF32:
      return std::ldexp(1, -23);
    default:
      return std::ldexp(1, -52);
  }
}

std::string Disagreement(const HostTensor& got, const HostTensor& want, const Tolerance& tolerance,
                         const SumScale& sum) {
  const double eps = Epsilon(want.dtype());
  const double wide = types::IsHalf(want.dtype()) ? Epsilon(DType::kF32) : eps;
  const bool exact = tolerance.kind == Closeness::kExact;
  return FirstDifference(
      got, want, exact || tolerance.kind == Closeness::kUlps, [&](int64_t i, double w) {
        switch (tolerance.kind) {
          case Closeness::kExact:
            return 0.0;
          case Closeness::kUlps:
            return tolerance.amount * Ulp(want.dtype(), w);
          case Closeness::kMixed:
            return tolerance.amount * eps * std::sqrt(sum.terms) * std::max(1.0, std::abs(w));
          case Closeness::kRelative:
            return tolerance.amount * sum.terms * eps * std::abs(w);
          case Closeness::kSum:
            return eps * std::abs(w) +
                   4 * wide * std::sqrt(sum.terms) * sum.magnitude.At(i).AsDouble();
        }
        return 0.0;
      });
}

std::string GradientDisagreement(const HostTensor& got, const HostTensor& want, double eps) {
  double largest = 1;
  for (int64_t i = 0; i < want.elements(); ++i) {
    const double w = std::abs(want.At(i).AsDouble());
    if (std::isfinite(w)) largest = std::max(largest, w);
  }
  return FirstDifference(got, want, false,
                         [&](int64_t, double) { return eps * Epsilon(want.dtype()) * largest; });
}

}  // namespace tensord::testing_support
