// Between messages of tensord.v1 and the engine's values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/function_builder.h"
#include "tensord/v1/compute.pb.h"
#include "tensord/v1/session.pb.h"

namespace tensord::server {

// What a dtype, a shape or a device of a message means. `bounds` are of the variables that
// expressions may use. Errors carry their reason (engine/runtime/fault.h).
absl::StatusOr<types::DType> ToDType(int number);
absl::StatusOr<types::Dims> ToDims(const v1::Dims& dims, const runtime::VariableBounds& bounds);
// Also: a storable dtype, a device that exists.
absl::StatusOr<types::Type> ToType(const v1::TensorType& type,
                                   const runtime::VariableBounds& bounds, int devices);

void FromType(const types::Type& type, v1::TensorType* out);

// Calls `each` for every id of the spans until it returns false.
template <typename Spans, typename Each>
void ForEachId(const Spans& spans, Each each) {
  for (const v1::IdSpan& span : spans) {
    const uint64_t count = span.count() == 0 ? 1 : span.count();
    for (uint64_t i = 0; i < count; ++i) {
      if (!each(span.first() + i)) return;
    }
  }
}
template <typename Spans>
uint64_t CountIds(const Spans& spans) {
  uint64_t count = 0;
  for (const v1::IdSpan& span : spans) count += span.count() == 0 ? 1 : span.count();
  return count;
}

// How a device appears in Welcome and ListDevices; `index` from 0.
v1::Device FromDevice(const runtime::DeviceInfo& info, int index, bool with_use);

// Why `bytes` are not the elements of a value of `type`: their number, or a bool that is not 0
// or 1.
absl::Status CheckBytes(const types::Type& type, std::string_view bytes);

}  // namespace tensord::server
