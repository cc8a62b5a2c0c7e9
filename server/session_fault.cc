#include "server/session_fault.h"

#include "engine/runtime/fault.h"

namespace tensord::server {
namespace {

constexpr int kMaxSpans = 64;
constexpr uint64_t kRetryAfterMs = 200;
constexpr size_t kMaxMessage = 4096;

}  // namespace

void FillFault(const absl::Status& status, v1::Fault* fault) {
  fault->set_code(static_cast<uint32_t>(status.code()));
  fault->set_reason(runtime::ReasonOf(status));
  fault->set_message(std::string(status.message().substr(0, kMaxMessage)));
  if (const auto limit = runtime::LimitOf(status)) {
    fault->set_limit(limit->name);
    fault->set_used(limit->used);
    fault->set_max(limit->max);
  }
  if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
    fault->set_retry_after_ms(kRetryAfterMs);
  }
}

void FillFault(const runtime::Poison& poison, v1::Fault* fault) {
  FillFault(poison.status, fault);
  fault->set_of_seq(poison.origin.frame);
  fault->set_of_item(poison.origin.item);
  fault->set_source(poison.origin.source);
  fault->set_cause(poison.cause);
  fault->set_op(poison.op);
}

void AddPoisoned(const Span& span, v1::Fault* fault) {
  if (fault->poisoned_size() > 0) {
    v1::IdSpan& last = *fault->mutable_poisoned(fault->poisoned_size() - 1);
    const uint64_t count = last.count() == 0 ? 1 : last.count();
    if (last.first() + count == span.first && count + span.count <= UINT32_MAX) {
      last.set_count(static_cast<uint32_t>(count + span.count));
      return;
    }
  }
  if (fault->poisoned_size() == kMaxSpans) return;
  v1::IdSpan& added = *fault->add_poisoned();
  added.set_first(span.first);
  if (span.count != 1) added.set_count(static_cast<uint32_t>(span.count));
}

v1::Reply ReplyTo(const runtime::Origin& origin) {
  v1::Reply reply;
  reply.set_of_seq(origin.frame);
  reply.set_of_item(origin.item);
  return reply;
}

v1::Reply FaultReply(const runtime::Origin& origin, const absl::Status& status) {
  v1::Reply reply = ReplyTo(origin);
  FillFault(status, reply.mutable_fault());
  reply.mutable_fault()->set_of_seq(origin.frame);
  reply.mutable_fault()->set_of_item(origin.item);
  reply.mutable_fault()->set_source(origin.source);
  return reply;
}

v1::Reply FaultReply(const runtime::Origin& origin, const runtime::Poison& poison) {
  v1::Reply reply = ReplyTo(origin);
  FillFault(poison, reply.mutable_fault());
  return reply;
}

runtime::PoisonRef MakePoison(absl::Status status, runtime::Id id, std::string op,
                              const runtime::Origin& origin) {
  return std::make_shared<runtime::Poison>(
      runtime::Poison{std::move(status), id, std::move(op), origin});
}

}  // namespace tensord::server
