// Renderers: a linear kernel as the text of some language. Pure functions: no device, no SDK.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "engine/kernel/linear.h"

namespace tensord::codegen {

class Renderer {
 public:
  virtual ~Renderer() = default;
  // The kernel's text. The same kernel gives the same text. UNIMPLEMENTED names what the target
  // can't express. Thread-safe. REQUIRES: kernel::Verify(kernel) is OK.
  virtual absl::StatusOr<std::string> Render(const kernel::Linear& kernel) const = 0;
};

}  // namespace tensord::codegen
