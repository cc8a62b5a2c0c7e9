#include "engine/kernel/monoid.h"

#include <limits>

#include "engine/base/check.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;
using types::Scalar;

Scalar Extreme(DType dtype, bool least) {
  const double inf = std::numeric_limits<double>::infinity();
  if (types::IsFloat(dtype)) return Scalar::Float(dtype, least ? -inf : inf);
  if (types::IsBool(dtype)) return Scalar::Int(dtype, least ? 0 : 1);
  if (types::IsUnsigned(dtype)) return Scalar::Int(dtype, least ? 0 : -1);
  const int bits = types::Row(dtype).bits;
  const int64_t min = std::numeric_limits<int64_t>::min() >> (64 - bits);
  return Scalar::Int(dtype, least ? min : ~min);
}

Scalar Number(DType dtype, int value) {
  return types::IsFloat(dtype) ? Scalar::Float(dtype, value) : Scalar::Int(dtype, value);
}

}  // namespace

ScalarOp MonoidOp(std::string_view monoid) {
  if (monoid == "sum") return ScalarOp::kAdd;
  if (monoid == "prod") return ScalarOp::kMul;
  if (monoid == "max") return ScalarOp::kMax;
  if (monoid == "min") return ScalarOp::kMin;
  if (monoid == "and") return ScalarOp::kAnd;
  TENSORD_CHECK(monoid == "or", "monoid ", monoid);
  return ScalarOp::kOr;
}

Scalar MonoidIdentity(std::string_view monoid, DType dtype) {
  if (monoid == "sum" || monoid == "or") return Number(dtype, 0);
  if (monoid == "prod") return Number(dtype, 1);
  if (monoid == "and") return types::IsBool(dtype) ? Number(dtype, 1) : Scalar::Int(dtype, -1);
  return Extreme(dtype, monoid == "max");
}

}  // namespace tensord::kernel
