// Tells ThreadSanitizer of hand-overs between threads that happen inside gRPC, which is built
// without it: what was written before HandOver(p) is visible after TakeOver(p). No code otherwise.
#pragma once

#include "absl/base/config.h"

#ifdef ABSL_HAVE_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace tensord::server::transport {

#ifdef ABSL_HAVE_THREAD_SANITIZER
inline void HandOver(const void* p) { __tsan_release(const_cast<void*>(p)); }
inline void TakeOver(const void* p) { __tsan_acquire(const_cast<void*>(p)); }
#else
inline void HandOver(const void*) {}
inline void TakeOver(const void*) {}
#endif

}  // namespace tensord::server::transport
