// Copies that go past the cache: for bytes that nobody reads soon. An ordinary store reads the line
// that it writes first, so a copy moves three bytes for each; this one moves two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tensord::client {

// memcpy. Worth it from some 64 KiB on.
inline void StreamingCopy(char* to, const char* from, size_t count) {
#ifdef __SSE2__
  constexpr size_t kLine = 64, kVector = sizeof(__m128i);
  const size_t head = -reinterpret_cast<uintptr_t>(to) % kLine;
  if (count > head + kLine) {
    std::memcpy(to, from, head);
    to += head, from += head, count -= head;
    for (; count >= kLine; to += kLine, from += kLine, count -= kLine) {
      __m128i line[kLine / kVector];
      std::memcpy(line, from, kLine);
      for (size_t i = 0; i < kLine / kVector; ++i) {
        _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i, line[i]);
      }
    }
    _mm_sfence();
  }
#endif
  std::memcpy(to, from, count);
}

}  // namespace tensord::client
