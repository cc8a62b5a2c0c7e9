// Constants, coordinates, and rows that pass their input on.
#include "engine/ops/evaluate_rows.h"

namespace tensord::ops {
namespace {

using types::HostTensor;
using types::Scalar;

std::vector<int64_t> ShapeOf(ir::Ref node) {
  std::vector<int64_t> shape;
  for (const types::Sym& d : node->dims()) shape.push_back(d.constant());
  return shape;
}

}  // namespace

HostTensors EvaluateConst(ir::Ref node, HostInputs) {
  HostTensor t(types::Strong(node->dtype()), {});
  t.Set(0, node->attr<Scalar>("value"));
  return {t};
}

HostTensors EvaluateIota(ir::Ref node, HostInputs) {
  HostTensor t(node->dtype(), ShapeOf(node));
  const int64_t axis = node->attr<int64_t>("axis");
  int64_t inner = 1;
  for (size_t i = axis + 1; i < t.shape().size(); ++i) inner *= t.shape()[i];
  for (int64_t i = 0; i < t.elements(); ++i) {
    t.Set(i, Scalar::Int(types::DType::kI64, i / inner % t.shape()[axis]));
  }
  return {t};
}

HostTensors EvaluateDimValue(ir::Ref node, HostInputs) {
  HostTensor t(node->dtype(), {});
  t.Set(0, Scalar::Int(types::DType::kI64, node->attr<types::Dims>("value")[0].constant()));
  return {t};
}

HostTensors EvaluateIdentity(ir::Ref, HostInputs inputs) { return {inputs[0]}; }

}  // namespace tensord::ops
