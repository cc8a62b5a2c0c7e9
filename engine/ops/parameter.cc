#include "engine/ops/build.h"
#include "engine/ops/registry.h"

namespace tensord::ops {

Ref AddParameter(ir::Function& function, const types::Type& type) {
  const ir::AttrValue attrs[] = {static_cast<int64_t>(function.parameters.size()), type.dtype,
                                 type.dims};
  function.parameters.push_back(function.graph->Intern(Op("param"), {}, attrs, type));
  return function.parameters.back();
}

}  // namespace tensord::ops
