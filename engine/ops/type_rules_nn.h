// Shape rules of the index, linalg and nn ops: one function for each of these ir::ShapeRule values;
// shape_rules.cc has the others and the table of them all. Each client implements these rules too,
// so what they read and accept is written here in full.
#pragma once

#include "absl/status/statusor.h"
#include "engine/ir/op.h"
#include "engine/types/sym.h"

namespace tensord::ops {

// kMatmul: numpy.matmul. [...,m,k] x [...,k,n] -> [...,m,n], leading dims broadcast; an operand of
// rank 1 is a row (left) or a column (right) whose dim of 1 vanishes from the result.
absl::StatusOr<types::Dims> InferMatmul(const ir::RuleInput& in);

// kEinsum: equation: string; see einsum.h.
absl::StatusOr<types::Dims> InferEinsum(const ir::RuleInput& in);

// kConv: x [N,C,*d], w [O,C/groups,*k], optional bias [O] -> [N,O,*r], one or more spatial axes,
// with r = (d + low + high - dilation*(k-1) - 1) // stride + 1, at least 0. stride, dilation: ints,
// one for all spatial axes or one each; padding: ints, one for all, one each, or low and high of
// each axis in turn; groups: int.
absl::StatusOr<types::Dims> InferConv(const ir::RuleInput& in);

// kConvTranspose: x [N,C,*d], w [C,O/groups,*k], optional bias [O] -> [N,O,*r]; the attributes of
// conv and output_padding: ints, one for all or one each, less than stride or dilation, with r =
// (d-1)*stride - low - high + dilation*(k-1) + output_padding + 1.
absl::StatusOr<types::Dims> InferConvTranspose(const ir::RuleInput& in);

// kPool: x [...,*d] -> [...,*r] over the last axes, as many as kernel (ints) has values. An empty
// stride is the kernel. r as of conv; with ceil_mode (bool) the division rounds up and windows that
// would start beyond d + low are left out. Padding is less than a window.
absl::StatusOr<types::Dims> InferPool(const ir::RuleInput& in);

// kGather: x, index of the same rank -> the dims of index; except along axis (int), index is no
// longer than x.
absl::StatusOr<types::Dims> InferGather(const ir::RuleInput& in);

// kTake: x, index -> x's dims with dim axis (int) replaced by all of index's.
absl::StatusOr<types::Dims> InferTake(const ir::RuleInput& in);

// kOneHot: index -> its dims, then classes (int).
absl::StatusOr<types::Dims> InferOneHot(const ir::RuleInput& in);

// kAttention: query [...,L,E], key [...,S,E], value [...,S,V], optional mask that broadcasts to
// [...,L,S] -> [...,L,V]. Leading dims are equal; with enable_gqa (bool) axis -3 of query is a
// multiple of that of key and value.
absl::StatusOr<types::Dims> InferAttention(const ir::RuleInput& in);

// kEmbedding: weight [V,D], index [*i] -> [*i,D].
absl::StatusOr<types::Dims> InferEmbedding(const ir::RuleInput& in);

}  // namespace tensord::ops
