// Object files into this process's memory, linked and ready to call. One of the two files whose .cc
// includes LLVM's headers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tensord::device::llvm {

// Machine code of one object file. Its destructor unmaps it: nothing of it may be running.
class LoadedCode {
 public:
  virtual ~LoadedCode() = default;
  virtual const void* entry() const = 0;  // the address of the symbol asked for
};

// Thread-safe. Loaded code keeps the loader alive.
class Jit {
 public:
  static absl::StatusOr<std::shared_ptr<Jit>> Create();
  virtual ~Jit() = default;

  // Links `object` and finds `symbol` in it. The object may refer to the functions of libm and to
  // memcpy, memmove and memset, to nothing else. INVALID_ARGUMENT for what can't be linked.
  virtual absl::StatusOr<std::unique_ptr<LoadedCode>> Load(std::string_view object,
                                                           const std::string& symbol) = 0;
};

}  // namespace tensord::device::llvm
