// Parts of values: byte ranges, and the tickets that name them in a download.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/runtime/engine.h"

namespace tensord::server {

struct ByteRange {
  uint64_t offset = 0, length = 0;
};

// `length` 0: to the end. INVALID_ARGUMENT unless both are multiples of the element's size;
// OUT_OF_RANGE beyond the value.
absl::StatusOr<ByteRange> RangeOf(const types::Type& type, uint64_t offset, uint64_t length);
// A part of a part, by bytes.
absl::StatusOr<ByteRange> SubRange(const ByteRange& whole, uint64_t offset, uint64_t length);

// What Data.ticket holds. It proves nothing: the data token that comes with it does.
struct Ticket {
  runtime::Id id = 0;
  uint64_t offset = 0, length = 0;
};
std::string MakeTicket(const Ticket& ticket);
absl::StatusOr<Ticket> ReadTicket(const std::string& bytes);

}  // namespace tensord::server
