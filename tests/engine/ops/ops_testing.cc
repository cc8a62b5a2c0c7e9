#include "tests/engine/ops/ops_testing.h"

#include <cmath>

#include "engine/base/status.h"

namespace tensord::ops {
namespace {

bool Close(double actual, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  if (expected == 0 && actual == 0) return std::signbit(actual) == std::signbit(expected);
  return std::abs(actual - expected) <= tolerance * std::max(1.0, std::abs(expected));
}

}  // namespace

HostTensor Tensor(std::string_view literal) {
  const absl::StatusOr<HostTensor> tensor = ParseTensor(literal);
  TENSORD_CHECK(tensor.ok(), tensor.status().ToString());
  return *tensor;
}

absl::StatusOr<OpCall> OpCall::Make(std::string_view op, std::vector<HostTensor> arguments,
                                    absl::Span<const NamedAttr> attrs) {
  OpCall call;
  std::vector<Ref> inputs;
  for (const HostTensor& argument : arguments) {
    const types::Dims dims(argument.shape().begin(), argument.shape().end());
    inputs.push_back(AddParameter(call.function, {argument.dtype(), {}, dims}));
  }
  call.arguments = std::move(arguments);
  Graph& graph = *call.function.graph;
  ASSIGN_OR_RETURN(const Ref node, ops::Make(graph, Op(op), inputs, attrs));
  for (int i = 0; i < node->results(); ++i) call.function.results.push_back(Get(graph, node, i));
  return call;
}

absl::StatusOr<std::vector<HostTensor>> RunOp(std::string_view op,
                                              std::vector<HostTensor> arguments,
                                              std::string_view attrs) {
  ASSIGN_OR_RETURN(const std::vector<NamedAttr> named, ParseAttrs(Op(op), attrs));
  ASSIGN_OR_RETURN(const OpCall call, OpCall::Make(op, std::move(arguments), named));
  return EvaluateFunction(call.function, call.arguments);
}

std::string RunText(std::string_view op, std::vector<std::string_view> arguments,
                    std::string_view attrs) {
  std::vector<HostTensor> tensors;
  for (std::string_view literal : arguments) tensors.push_back(Tensor(literal));
  const auto results = RunOp(op, std::move(tensors), attrs);
  if (!results.ok()) return std::string(FromAbsl(results.status().message()));
  return (*results)[0].ToString();
}

std::string Difference(const HostTensor& actual, const HostTensor& expected, double tolerance) {
  if (actual.dtype() != expected.dtype() || actual.shape() != expected.shape()) {
    return StrCat("got ", actual.ToString(), ", expected ", expected.ToString());
  }
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const types::Scalar a = actual.At(i), e = expected.At(i);
    const bool same = types::IsFloat(e.dtype) ? Close(a.f, e.f, tolerance) : a == e;
    if (same) continue;
    return StrCat("element ", i, " is ", a.ToString(), ", expected ", e.ToString(), " within ",
                  tolerance, " of ", expected.ToString());
  }
  return "";
}

}  // namespace tensord::ops
