// The core reduction, one element after the other in ascending order.
#include <cmath>
#include <limits>

#include "engine/ops/evaluate_rows.h"

namespace tensord::ops {
namespace {

using types::DType;
using types::HostTensor;
using types::Scalar;

// The least or greatest value of a dtype, infinities included.
Scalar Extreme(DType dtype, bool least) {
  if (types::IsFloat(dtype)) return Scalar::Float(dtype, least ? -INFINITY : INFINITY);
  if (types::IsBool(dtype)) return Scalar::Int(dtype, least ? 0 : 1);
  const int bits = types::Row(dtype).bits;
  if (types::IsUnsigned(dtype)) return Scalar::Int(dtype, least ? 0 : -1);
  const int64_t top = std::numeric_limits<int64_t>::max() >> (64 - bits);
  return Scalar::Int(dtype, least ? -top - 1 : top);
}

struct Monoid {
  std::string_view name;
  ir::ScalarOp op;
  Scalar (*identity)(DType dtype);
};
const Monoid kMonoids[] = {
    {"sum", ir::ScalarOp::kAdd, [](DType d) { return Scalar::Int(d, 0); }},
    {"prod", ir::ScalarOp::kMul, [](DType d) { return Scalar::Int(d, 1); }},
    {"max", ir::ScalarOp::kMax, [](DType d) { return Extreme(d, true); }},
    {"min", ir::ScalarOp::kMin, [](DType d) { return Extreme(d, false); }},
    {"and", ir::ScalarOp::kAnd, [](DType d) { return Scalar::Int(d, -1); }},
    {"or", ir::ScalarOp::kOr, [](DType d) { return Scalar::Int(d, 0); }},
};

const Monoid& FindMonoid(std::string_view name) {
  for (const Monoid& monoid : kMonoids) {
    if (monoid.name == name) return monoid;
  }
  return kMonoids[0];
}

// For each axis of x, how far a step along it moves in the result: 0 where the axis is folded.
std::vector<int64_t> ResultStrides(const std::vector<int64_t>& shape, const ir::Ints& axes) {
  std::vector<int64_t> strides(shape.size(), 0);
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end()) continue;
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

}  // namespace

HostTensors EvaluateReduce(ir::Ref node, HostInputs inputs) {
  const HostTensor& x = inputs[0];
  const Monoid& monoid = FindMonoid(node->attr<std::string>("monoid"));
  const DType wide = types::IsFloat(x.dtype()) ? DType::kF64 : x.dtype();
  std::vector<int64_t> shape;
  for (const types::Sym& d : node->dims()) shape.push_back(d.constant());
  HostTensor out(x.dtype(), shape);
  std::vector<Scalar> totals(out.elements(), monoid.identity(wide));
  const std::vector<int64_t> strides = ResultStrides(x.shape(), node->attr<ir::Ints>("axes"));
  const int64_t n = x.elements();
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, to = 0;
    for (size_t d = x.shape().size(); d-- > 0; rest /= x.shape()[d]) {
      to += rest % x.shape()[d] * strides[d];
    }
    const Scalar pair[] = {totals[to], x.At(i).Cast(wide)};
    totals[to] = ir::Evaluate(monoid.op, wide, pair);
  }
  for (int64_t i = 0; i < out.elements(); ++i) out.Set(i, totals[i]);
  return {out};
}

}  // namespace tensord::ops
