// Errors: an absl::Status everywhere, with what the daemon said of a fault as its payload.
//
//   const absl::StatusOr<std::vector<float>> y = session->Fetch<float>(tensor);
//   if (const auto fault = FaultOf(y.status())) {
//     std::cerr << fault->reason << " in " << fault->op << " at " << fault->file << ":"
//               << fault->line;
//   }
#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {

// tensord.v1.Fault, and the place in this program that the failed node comes from.
struct FaultInfo {
  std::string reason;   // of the list in session.proto: SHAPE, DEADLINE …
  std::string message;  // as the daemon sent it
  std::string op;       // of the node that failed, or empty
  uint64_t node = 0;    // its id, or 0
  uint64_t cause = 0;   // the first poisoned id when the failure came in through an input, or 0
  std::vector<uint64_t> poisoned;  // ids that this fault poisoned directly, 4,096 at most
  std::string file;                // where the node was written; empty: not known
  uint32_t line = 0;
  std::string function;
  absl::Duration retry_after;  // RESOURCE_EXHAUSTED and UNAVAILABLE; 0: not said
  std::string limit;  // RESOURCE_EXHAUSTED: the field of Limits, what is used, what allowed
  uint64_t used = 0;
  uint64_t max = 0;
  bool fatal = false;  // the session is over
};

// What the daemon said, if this error comes from a fault.
std::optional<FaultInfo> FaultOf(const absl::Status& status);

// The error of a fault; its message ends with the place of the node, if that is known.
absl::Status StatusOf(const v1::Fault& fault);
// The error of a call. A message "REASON: text", as Run answers, becomes a fault's.
absl::Status StatusOf(const grpc::Status& status);

// "file.cc:12", or empty.
std::string PlaceOf(const FaultInfo& fault);

}  // namespace tensord::client
