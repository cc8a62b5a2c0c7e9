// Statuses and poison as the Faults of the wire.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "engine/runtime/engine.h"
#include "tensord/v1/session.pb.h"

namespace tensord::server {

// Consecutive ids.
struct Span {
  runtime::Id first = 0;
  uint64_t count = 1;

  bool Contains(runtime::Id id) const { return id >= first && id - first < count; }
  bool Meets(const Span& other) const { return Contains(other.first) || other.Contains(first); }
};

// Code, reason, message and limit of a status.
void FillFault(const absl::Status& status, v1::Fault* fault);
// Also what failed first, and where it came from.
void FillFault(const runtime::Poison& poison, v1::Fault* fault);

// Adds a span, joined to the last one if it follows it; at most 64 are kept.
void AddPoisoned(const Span& span, v1::Fault* fault);

// A reply to the item at `origin`.
v1::Reply ReplyTo(const runtime::Origin& origin);
v1::Reply FaultReply(const runtime::Origin& origin, const absl::Status& status);
v1::Reply FaultReply(const runtime::Origin& origin, const runtime::Poison& poison);

// A poison whose first cause is `id`.
runtime::PoisonRef MakePoison(absl::Status status, runtime::Id id, std::string op,
                              const runtime::Origin& origin);

}  // namespace tensord::server
