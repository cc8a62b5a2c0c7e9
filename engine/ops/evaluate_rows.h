// The plain meaning of core rows that are not elementwise: what their `evaluate` points to. Dims
// are constants here; the results have the node's dtypes and dims.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "engine/ir/node.h"
#include "engine/types/tensor.h"

namespace tensord::ops {

using HostTensors = std::vector<types::HostTensor>;
using HostInputs = absl::Span<const types::HostTensor>;

// evaluate_movement.cc
HostTensors EvaluateReshape(ir::Ref node, HostInputs inputs);
HostTensors EvaluatePermute(ir::Ref node, HostInputs inputs);
HostTensors EvaluateExpand(ir::Ref node, HostInputs inputs);
HostTensors EvaluatePad(ir::Ref node, HostInputs inputs);
HostTensors EvaluateShrink(ir::Ref node, HostInputs inputs);
HostTensors EvaluateFlip(ir::Ref node, HostInputs inputs);
HostTensors EvaluateStride(ir::Ref node, HostInputs inputs);
HostTensors EvaluateWindow(ir::Ref node, HostInputs inputs);
HostTensors EvaluateDilate(ir::Ref node, HostInputs inputs);

// evaluate_reduce.cc: floats accumulate in double, integers wrap.
HostTensors EvaluateReduce(ir::Ref node, HostInputs inputs);

// evaluate_create.cc
HostTensors EvaluateConst(ir::Ref node, HostInputs inputs);
HostTensors EvaluateIota(ir::Ref node, HostInputs inputs);
HostTensors EvaluateDimValue(ir::Ref node, HostInputs inputs);
// detach, contiguous, copy, and any other row that gives its input as it is.
HostTensors EvaluateIdentity(ir::Ref node, HostInputs inputs);

}  // namespace tensord::ops
