// Flat, versioned, pointer-free values as little-endian bytes: plans, cache entries, worker frames.
//
//   ByteWriter writer;
//   writer.Header("TPLN", kPlanVersion);
//   writer.Varint(steps.size());
//   for (const Step& step : steps) writer.String(step.kernel);
//
//   ByteReader reader(bytes);
//   RETURN_IF_ERROR(reader.Header("TPLN", kPlanVersion));
//   ASSIGN_OR_RETURN(size_t count, reader.Count(/*least_bytes_each=*/1));
//   ...
//   RETURN_IF_ERROR(reader.End());
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/status.h"

namespace tensord::base {

static_assert(std::endian::native == std::endian::little, "tensord runs on little-endian machines");

// What Fixed and FixedVector carry: numbers and enums of a width that no platform changes.
template <typename T>
concept FixedWidth = (std::is_arithmetic_v<T> || std::is_enum_v<T>) && !std::is_same_v<T, bool> &&
                     !std::is_same_v<T, long double>;

// Appends to a string that it owns. Not thread-safe.
class ByteWriter {
 public:
  // `magic` and a version, at the start of whatever outlives the process.
  void Header(std::string_view magic, uint32_t version);

  template <FixedWidth T>
  void Fixed(T value) {
    Raw(std::string_view(reinterpret_cast<const char*>(&value), sizeof(T)));
  }
  void Bool(bool value) { Fixed<uint8_t>(value ? 1 : 0); }
  void Varint(uint64_t value);       // LEB128: 1 byte below 128, 10 at most
  void SignedVarint(int64_t value);  // zigzag, so that small negatives are short
  void Raw(std::string_view bytes) { bytes_.append(bytes); }
  void String(std::string_view bytes);  // length, then bytes

  template <FixedWidth T>
  void FixedVector(const std::vector<T>& values) {
    Varint(values.size());
    Raw(std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }

  size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::exchange(bytes_, std::string()); }

 private:
  std::string bytes_;
};

// Reads what a ByteWriter wrote, from bytes that it does not own and does not trust: whatever is
// truncated, oversized or malformed is a DataLoss status, and no count makes it allocate more than
// the bytes at hand could fill. After an error its position is unspecified. Not thread-safe.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  absl::Status Header(std::string_view magic, uint32_t version);

  template <FixedWidth T>
  absl::StatusOr<T> Fixed() {
    T value;
    ASSIGN_OR_RETURN(std::string_view raw, Raw(sizeof(T)));
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }
  absl::StatusOr<bool> Bool();
  absl::StatusOr<uint64_t> Varint();
  absl::StatusOr<int64_t> SignedVarint();

  // The next `size` bytes, as a view into the reader's own.
  absl::StatusOr<std::string_view> Raw(size_t size);
  absl::StatusOr<std::string_view> StringView(size_t limit = kNoLimit);
  absl::StatusOr<std::string> String(size_t limit = kNoLimit);

  // A varint count of elements that take at least `least_bytes_each` bytes each: safe to reserve.
  absl::StatusOr<size_t> Count(size_t least_bytes_each = 1, size_t limit = kNoLimit);

  template <FixedWidth T>
  absl::StatusOr<std::vector<T>> FixedVector(size_t limit = kNoLimit) {
    ASSIGN_OR_RETURN(size_t count, Count(sizeof(T), limit));
    ASSIGN_OR_RETURN(std::string_view raw, Raw(count * sizeof(T)));
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }

  size_t remaining() const { return bytes_.size() - at_; }
  absl::Status End() const;  // an error when bytes are left

  static constexpr size_t kNoLimit = SIZE_MAX;

 private:
  absl::Status Truncated(size_t wanted) const;

  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace tensord::base
