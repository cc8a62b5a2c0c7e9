// libm's functions in double over vectors, where the machine has them (glibc's libmvec, AVX2): off
// by at most 4 units in the last place of f64, which is nothing beside f32, and some ten times
// faster.
#pragma once

#include <dlfcn.h>

#include <vector>

#include "engine/base/strings.h"
#include "tests/engine/kernel/math_reference.h"

namespace tensord {

class VectorLibm {
 public:
  explicit VectorLibm(ir::ScalarOp op) : op_(op) {
#if defined(__x86_64__)
    void* const library = dlopen("libmvec.so.1", RTLD_NOW);
    if (library == nullptr || !__builtin_cpu_supports("avx2")) return;
    const std::string name = StrCat("_ZGVdN4v_", ir::Row(op).name);
    function_ = reinterpret_cast<Function>(dlsym(library, name.c_str()));
#endif
  }

  // The unary op of each element; the library's scalar function where there is no other.
  // REQUIRES: a multiple of 4 elements.
  std::vector<double> operator()(absl::Span<const float> x) const {
    return function_ != nullptr ? Vectors(x) : kernel::ExactValues(op_, x);
  }

 private:
  using Vector = double __attribute__((vector_size(32)));
  using Function = Vector (*)(Vector);

#if defined(__x86_64__)
  [[gnu::target("avx2")]]
#endif
  std::vector<double> Vectors(absl::Span<const float> x) const {
    std::vector<double> exact(x.size());
    for (size_t i = 0; i < x.size(); i += 4) {
      const Vector values = function_(Vector{x[i], x[i + 1], x[i + 2], x[i + 3]});
      for (size_t lane = 0; lane < 4; ++lane) exact[i + lane] = values[lane];
    }
    return exact;
  }

  ir::ScalarOp op_;
  Function function_ = nullptr;
};

}  // namespace tensord
