// Faults as tests expect them: IsFault(kNotFound, "NAME_UNKNOWN").
#pragma once

#include <gmock/gmock.h>

#include <cstdint>

#include "tensord/v1/session.pb.h"

namespace tensord::server {

// google.rpc.Code
inline constexpr uint32_t kCancelled = 1, kInvalidArgument = 3, kNotFound = 5, kAlreadyExists = 6,
                          kResourceExhausted = 8, kFailedPrecondition = 9, kUnimplemented = 12,
                          kInternal = 13, kDataLoss = 15;

MATCHER_P2(IsFault, code, reason, "") {
  *result_listener << arg.ShortDebugString();
  return arg.code() == static_cast<uint32_t>(code) && arg.reason() == reason;
}

}  // namespace tensord::server
