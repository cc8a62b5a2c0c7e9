// Broken invariants: prints where and what, then aborts. Never reachable from the wire.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "engine/base/strings.h"

namespace tensord {
[[noreturn]] inline void CheckFailed(const char* file, int line, const char* what,
                                     const std::string& detail = "") {
  std::fprintf(stderr, "%s:%d: check failed: %s %s\n", file, line, what, detail.c_str());
  std::fflush(stderr);
  std::abort();
}
}  // namespace tensord

// TENSORD_CHECK(i < n, "index ", i, " of ", n);
#define TENSORD_CHECK(cond, ...)                                                \
  do {                                                                          \
    if (!(cond)) [[unlikely]]                                                   \
      ::tensord::CheckFailed(__FILE__, __LINE__, #cond,                         \
                             ::tensord::StrCat("" __VA_OPT__(, ) __VA_ARGS__)); \
  } while (false)
