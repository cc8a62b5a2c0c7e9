// Copies of bulk bytes, for both ends of the wire in C++. A processor core copies memory below what
// memory gives; these ways are nearer to it. Worth it from some 64 KiB on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tensord::wire {

inline constexpr size_t kLine = 64;

// memcpy past the cache: for bytes that nobody reads soon. An ordinary store reads the line that it
// writes first, so a copy moves three bytes for each; this one moves two.
inline void StreamingCopy(char* to, const char* from, size_t count) {
#ifdef __SSE2__
  constexpr size_t kVector = sizeof(__m128i);
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

// Several pages side by side, a line of each in turn: a prefetcher stops at the end of its page, so
// one that starts alone is waited for at each page. The idea is glibc's (large_memcpy).
[[gnu::always_inline]] inline void CopySideBySide(char* to, const char* from, size_t count) {
  constexpr size_t kPage = 4096, kPages = 8, kVector = 32;
  using Vector [[gnu::vector_size(kVector), gnu::aligned(1), gnu::may_alias]] = char;
  for (; count >= kPages * kPage; to += kPages * kPage, from += kPages * kPage) {
    for (size_t line = 0; line < kPage; line += kLine) {
      for (size_t at = line; at < kPages * kPage; at += kPage) {
        for (size_t i = at; i < at + kLine; i += kVector) {
          *reinterpret_cast<Vector*>(to + i) = *reinterpret_cast<const Vector*>(from + i);
        }
      }
    }
    count -= kPages * kPage;
  }
  std::memcpy(to, from, count);
}

#ifdef __x86_64__
[[gnu::target("avx2")]] inline void CopySideBySideAvx2(char* to, const char* from, size_t count) {
  CopySideBySide(to, from, count);
}
#endif

// How many slots of a ring of shared memory are best filled and not yet emptied: as many as are
// still in the cache of the core that has written them. All are used in turn all the same: those
// that both cores have touched last are the slowest to write.
inline uint32_t SlotsUnderWay(uint32_t slots, uint32_t slot_bytes) {
  constexpr uint32_t kBytes = 3 << 19;
  return std::clamp<uint32_t>(kBytes / slot_bytes, 1, slots);
}

// memcpy through the cache: from memory to where another core reads soon.
inline void HandOverCopy(char* to, const char* from, size_t count) {
#ifdef __x86_64__
  static const bool avx2 = __builtin_cpu_supports("avx2") != 0;
  if (avx2) return CopySideBySideAvx2(to, from, count);
#endif
  CopySideBySide(to, from, count);
}

}  // namespace tensord::wire
