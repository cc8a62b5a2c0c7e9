// The sliding window of convolutions and pools: attributes read once, one entry per spatial axis.
#pragma once

#include "absl/status/statusor.h"
#include "engine/ir/node.h"
#include "engine/types/sym.h"

namespace tensord::ops {

struct WindowSpec {
  ir::Ints sizes, strides, dilations, low, high;
  bool ceil_mode = false;

  int axes() const { return static_cast<int>(sizes.size()); }
  // dilation * (size - 1): the reach of a window beyond its first element.
  int64_t reach(int i) const { return dilations[i] * (sizes[i] - 1); }
  // The number of windows along spatial axis i of extent d.
  types::Sym Count(int i, const types::Sym& d) const;
};

// From attributes stride, padding, dilation and ceil_mode, as far as the row has them.
// InvalidArgument names what does not fit.
absl::StatusOr<WindowSpec> ReadWindow(const ir::RuleInput& in, ir::Ints sizes);
// The same of a node that passed its checks.
WindowSpec WindowOf(ir::Ref node, ir::Ints sizes);

// The kernel dims of a convolution's weight: all after the first two. REQUIRES: constants.
ir::Ints KernelSizes(absl::Span<const types::Sym> weight_dims);

}  // namespace tensord::ops
