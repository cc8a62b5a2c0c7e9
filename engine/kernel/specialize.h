// A loop kernel for some of its points: grid variables replaced, and what that decides simplified.
#pragma once

#include "engine/schedule/loop.h"

namespace tensord::kernel {

// `kernel` with its grid variables replaced and ranges `grid`: masks that always hold vanish, loads
// and choices under one that never does are constants, and folds run only over the elements for
// which the masks in their body can hold.
schedule::LoopKernel Specialize(const schedule::LoopKernel& kernel,
                                const types::Sym::Substitution& with,
                                std::vector<schedule::Range> grid);

// Where `body` may differ from the identity of `monoid`: elsewhere a mask in it fails, and a fold
// of it may skip the element. Products by a structural zero count as zero, whatever the factor.
types::Mask Support(ir::Ref body, std::string_view monoid);

}  // namespace tensord::kernel
