// Ids as spans of consecutive ones, in their order.
#pragma once

#include <cstdint>
#include <span>

#include "tensord/v1/types.pb.h"

namespace tensord::client {

// `spans` is a repeated IdSpan; what is in it stays in front.
template <typename Spans>
void AppendIds(std::span<const uint64_t> ids, Spans* spans) {
  for (const uint64_t id : ids) {
    if (!spans->empty()) {
      v1::IdSpan& last = *spans->rbegin();
      const uint64_t count = last.count() == 0 ? 1 : last.count();
      if (last.first() + count == id && count < UINT32_MAX) {
        last.set_count(static_cast<uint32_t>(count + 1));
        continue;
      }
    }
    spans->Add()->set_first(id);
  }
}

}  // namespace tensord::client
