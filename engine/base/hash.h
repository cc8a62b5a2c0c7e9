// 64-bit hashing for tables in memory: interning, memoised passes, cache lookups. Deterministic (no
// seed), fast and well mixed, but not collision-proof: whatever reaches disk or the wire is keyed
// by sha256.h, and a table hit compares structure.
//
//   uint64_t h = HashOf(row_id, type_hash, absl::string_view("k=3"));
//   for (const Node* input : inputs) h = HashCombine(h, input->hash());
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace tensord::base {

inline constexpr uint64_t kHashSeed = 0x9e3779b97f4a7c15ULL;

// The two halves of a * b folded together: one multiply mixes every bit of both.
constexpr uint64_t FoldMultiply(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A bijection of 64-bit words in which every input bit reaches every output bit.
constexpr uint64_t HashMix(uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93ULL;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93ULL;
  return value ^ (value >> 32);
}

// Order matters: combining (a, b) differs from (b, a).
constexpr uint64_t HashCombine(uint64_t hash, uint64_t value) {
  return FoldMultiply(hash ^ 0xa0761d6478bd642fULL, HashMix(value) ^ 0xe7037ed1a0b428dbULL) + hash;
}

// The hash of bytes; the length takes part, so "" + "a" never looks like "a" + "".
inline uint64_t HashBytes(const void* data, size_t size, uint64_t seed = kHashSeed) {
  const char* at = static_cast<const char*>(data);
  uint64_t hash = HashCombine(seed, size);
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = FoldMultiply(hash ^ word ^ 0x8ebc6af09c88c6e3ULL, 0x589965cc75374cc3ULL) + word;
  }
  uint64_t tail = 0;
  if (size > 0) std::memcpy(&tail, at, size);
  return HashCombine(hash, tail);
}

inline uint64_t HashValue(std::string_view text) { return HashBytes(text.data(), text.size()); }

template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>)
uint64_t HashValue(T value) {
  if constexpr (std::is_pointer_v<T>) {
    static_assert(!std::is_same_v<std::remove_cv_t<std::remove_pointer_t<T>>, char>,
                  "hash text through std::string_view");
    return HashMix(reinterpret_cast<uintptr_t>(value));
  } else {
    return HashMix(static_cast<uint64_t>(value));
  }
}

// The bits of the float: 0.0 and -0.0 differ, and a NaN equals itself.
inline uint64_t HashValue(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return HashMix(bits);
}

// The hash of a list of values, in order.
template <typename... Values>
uint64_t HashOf(const Values&... values) {
  uint64_t hash = kHashSeed;
  ((hash = HashCombine(hash, HashValue(values))), ...);
  return hash;
}

// The hash of a range of values for which HashValue exists, its length included.
template <typename Range>
uint64_t HashRange(const Range& range, uint64_t seed = kHashSeed) {
  uint64_t hash = seed;
  uint64_t count = 0;
  for (const auto& value : range) {
    hash = HashCombine(hash, HashValue(value));
    ++count;
  }
  return HashCombine(hash, count);
}

}  // namespace tensord::base
