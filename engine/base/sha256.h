// SHA-256, the name of everything that reaches disk or the wire: programs, plans, kernels.
//
//   Digest name = Sha256(program_bytes);
//   LOG_INFO("program stored", {"sha256", ToHex(name)});
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tensord::base {

using Digest = std::array<uint8_t, 32>;

Digest Sha256(std::string_view bytes);

// 64 lower-case hex digits.
std::string ToHex(const Digest& digest);

// The digest that ToHex printed (upper case is read too); InvalidArgument for any other text.
absl::StatusOr<Digest> DigestFromHex(std::string_view hex);

// For hash tables keyed by digests: a digest is already well mixed.
struct DigestHash {
  size_t operator()(const Digest& digest) const {
    uint64_t word;
    std::memcpy(&word, digest.data(), sizeof(word));
    return word;
  }
};

// The digest of bytes that arrive in pieces. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  Sha256Stream& Add(std::string_view bytes);

  // The digest of what was added; the stream then starts anew.
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tensord::base
