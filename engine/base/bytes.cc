#include "engine/base/bytes.h"

#include "absl/strings/escaping.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

template <typename... Args>
absl::Status Malformed(const Args&... args) {
  return absl::DataLossError(StrCat(args...));
}

}  // namespace

void ByteWriter::Header(std::string_view magic, uint32_t version) {
  Raw(magic);
  Fixed(version);
}

void ByteWriter::Varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) Fixed(static_cast<uint8_t>(value | 0x80));
  Fixed(static_cast<uint8_t>(value));
}

void ByteWriter::SignedVarint(int64_t value) {
  Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

void ByteWriter::String(std::string_view bytes) {
  Varint(bytes.size());
  Raw(bytes);
}

absl::Status ByteReader::Header(std::string_view magic, uint32_t version) {
  ASSIGN_OR_RETURN(std::string_view found_magic, Raw(magic.size()));
  if (found_magic != magic) {
    return Malformed("not a ", magic, " value: it starts with \"",
                     absl::CHexEscape(ToAbsl(found_magic)), "\"");
  }
  ASSIGN_OR_RETURN(uint32_t found, Fixed<uint32_t>());
  if (found != version) {
    return Malformed(magic, " version ", found, " found, version ", version, " expected");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ByteReader::Bool() {
  ASSIGN_OR_RETURN(uint8_t value, Fixed<uint8_t>());
  if (value > 1) return Malformed("a bool is 0 or 1, not ", value, ", at byte ", at_ - 1);
  return value == 1;
}

absl::StatusOr<uint64_t> ByteReader::Varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == bytes_.size()) return Truncated(1);
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return Malformed("a varint of more than 64 bits ends at byte ", at_);
}

absl::StatusOr<int64_t> ByteReader::SignedVarint() {
  ASSIGN_OR_RETURN(uint64_t value, Varint());
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

absl::StatusOr<std::string_view> ByteReader::Raw(size_t size) {
  if (size > remaining()) return Truncated(size);
  const std::string_view raw = bytes_.substr(at_, size);
  at_ += size;
  return raw;
}

absl::StatusOr<std::string_view> ByteReader::StringView(size_t limit) {
  ASSIGN_OR_RETURN(size_t size, Count(1, limit));
  return Raw(size);
}

absl::StatusOr<std::string> ByteReader::String(size_t limit) {
  ASSIGN_OR_RETURN(std::string_view view, StringView(limit));
  return std::string(view);
}

absl::StatusOr<size_t> ByteReader::Count(size_t least_bytes_each, size_t limit) {
  ASSIGN_OR_RETURN(uint64_t count, Varint());
  if (count > limit) {
    return Malformed("a count of ", count, " at byte ", at_, " is over its limit of ", limit);
  }
  if (least_bytes_each > 0 && count > remaining() / least_bytes_each) {
    return Malformed("a count of ", count, " at byte ", at_, " needs ", least_bytes_each,
                     " bytes each, but ", remaining(), " bytes are left");
  }
  return static_cast<size_t>(count);
}

absl::Status ByteReader::End() const {
  if (remaining() == 0) return absl::OkStatus();
  return Malformed(remaining(), " bytes are left over after byte ", at_);
}

absl::Status ByteReader::Truncated(size_t wanted) const {
  return Malformed("truncated: ", wanted, " bytes wanted at byte ", at_, " of ", bytes_.size());
}

}  // namespace tensord::base
