#include "server/ticket.h"

#include <cstring>

#include "engine/runtime/fault.h"

namespace tensord::server {

using absl::StatusCode;
using runtime::Fault;

absl::StatusOr<ByteRange> RangeOf(const types::Type& type, uint64_t offset, uint64_t length) {
  const auto bytes = static_cast<uint64_t>(type.max_bytes());
  const auto element = static_cast<uint64_t>(std::max(types::Bytes(type.dtype), 1));
  if (offset % element != 0 || length % element != 0) {
    return Fault(StatusCode::kInvalidArgument, "SHAPE", "bytes ", offset, " + ", length, " of ",
                 type.ToString(), ": elements have ", element, " bytes");
  }
  return SubRange({0, bytes}, offset, length);
}

absl::StatusOr<ByteRange> SubRange(const ByteRange& whole, uint64_t offset, uint64_t length) {
  if (offset > whole.length || length > whole.length - offset) {
    return Fault(StatusCode::kOutOfRange, "SHAPE", "bytes ", offset, " + ", length, " of ",
                 whole.length);
  }
  return ByteRange{whole.offset + offset, length == 0 ? whole.length - offset : length};
}

std::string MakeTicket(const Ticket& ticket) {
  std::string bytes(sizeof(Ticket), '\0');
  std::memcpy(bytes.data(), &ticket, sizeof(Ticket));
  return bytes;
}

absl::StatusOr<Ticket> ReadTicket(const std::string& bytes) {
  Ticket ticket;
  if (bytes.size() != sizeof(Ticket)) {
    return Fault(StatusCode::kInvalidArgument, "UNKNOWN_ID", "this is no ticket of this session");
  }
  std::memcpy(&ticket, bytes.data(), sizeof(Ticket));
  return ticket;
}

}  // namespace tensord::server
