// Helpers of the op tests: literals in, one op run by the plain evaluator, values compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/ops/build.h"
#include "engine/ops/evaluator.h"
#include "engine/ops/literals.h"
#include "engine/ops/registry.h"

namespace tensord::ops {

using types::HostTensor;

// "f32[2] {1, 2}" as a tensor. CHECKs.
HostTensor Tensor(std::string_view literal);

// A function whose parameters have the types of `arguments`.
struct OpCall {
  ir::Function function;
  std::vector<HostTensor> arguments;
  // Parameters for the arguments, an op over them, its results as the function's.
  static absl::StatusOr<OpCall> Make(std::string_view op, std::vector<HostTensor> arguments,
                                     absl::Span<const NamedAttr> attrs);
};

// The results of one op on host tensors; `attrs` as in an example: "axes=[1], keepdims=true".
absl::StatusOr<std::vector<HostTensor>> RunOp(std::string_view op,
                                              std::vector<HostTensor> arguments,
                                              std::string_view attrs = "");
// The same of literals, the first result as text. CHECKs.
std::string RunText(std::string_view op, std::vector<std::string_view> arguments,
                    std::string_view attrs = "");

// Empty when the tensors agree: dtype and shape, integers exactly, floats within `tolerance`
// (relative to the expected value, absolute below 1), NaN with NaN, infinities and zeros by sign.
// Else what differs.
std::string Difference(const HostTensor& actual, const HostTensor& expected, double tolerance);

}  // namespace tensord::ops
