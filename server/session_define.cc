// Items that define values, Programs and the end of both.
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <numeric>

#include "engine/base/log.h"
#include "engine/runtime/fault.h"
#include "server/convert.h"
#include "server/session_core.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;
using runtime::Origin;

constexpr absl::Duration kUploadTime = absl::Seconds(30);
// Faults of one batch; further failures share the last one.
constexpr size_t kMaxFaults = 64;

absl::Span<const uint64_t> SpanOf(const google::protobuf::RepeatedField<uint64_t>& list) {
  return absl::MakeConstSpan(list.data(), static_cast<size_t>(list.size()));
}

// The name of an item's kind, or the number of the field that is not known.
std::string KindName(const v1::Item& item) {
  const auto* descriptor = v1::Item::descriptor();
  if (const auto* field = descriptor->FindFieldByNumber(static_cast<int>(item.kind_case()))) {
    return field->name();
  }
  const auto& unknown = v1::Item::GetReflection()->GetUnknownFields(item);
  if (unknown.field_count() == 0) return "an item without a kind";
  return StrCat("an item of kind ", unknown.field(0).number());
}

uint64_t IdsOf(const v1::NodeBatch& batch) {
  if (batch.n_out().empty()) return static_cast<uint64_t>(batch.op_size());
  return std::accumulate(batch.n_out().begin(), batch.n_out().end(), uint64_t{0});
}

}  // namespace

void SessionCore::Apply(const v1::Item& item, const Origin& origin) {
  switch (item.kind_case()) {
    case v1::Item::kNodes:
      return OnNodes(item.nodes(), origin);
    case v1::Item::kGradient:
      return OnGradient(item.gradient(), origin);
    case v1::Item::kPut:
      return OnPut(item.put(), origin);
    case v1::Item::kBind:
      return OnBind(item.bind(), origin);
    case v1::Item::kProgram:
      return OnProgram(item.program(), origin);
    case v1::Item::kRelease:
      return OnRelease(item.release(), origin);
    case v1::Item::kFree:
      return OnFree(item.free(), origin);
    case v1::Item::kEvaluate:
      return OnEvaluate(item.evaluate(), origin);
    case v1::Item::kFetch:
      return OnFetch(item.fetch(), origin);
    case v1::Item::kExecute:
      return OnExecute(item, origin);
    case v1::Item::kBarrier:
      return OnBarrier(item.barrier(), origin);
    case v1::Item::kDescribe:
      return OnDescribe(item.describe(), origin);
    case v1::Item::kPublish:
      return OnPublish(item.publish(), origin);
    case v1::Item::kUnpublish:
      return OnUnpublish(item.unpublish(), origin);
    case v1::Item::kLookup:
      return OnLookup(item.lookup(), origin);
    case v1::Item::kPing:
      return OnPing(item.ping(), origin);
    case v1::Item::kCancel:
      return OnCancel(item.cancel());
    case v1::Item::kAuth:
      return OnAuth(item.auth(), origin);
    case v1::Item::kBye:
      return End();
    case v1::Item::kHello:
      if (origin.frame == 1 && origin.item == 0) return;
      return Fail(origin, Fault(StatusCode::kFailedPrecondition, "FRAMING",
                                "hello: the session has begun already"));
    default:
      return OnUnimplemented(item, origin);
  }
}

// A credential proves who the client still is; who the session acts for does not change.
void SessionCore::OnAuth(const v1::AuthRefresh& auth, const Origin& origin) {
  const absl::StatusOr<Principal> principal =
      env_.authenticator.Authenticate(peer_, auth.credentials());
  if (!principal.ok()) return Fail(origin, runtime::WithReason(principal.status(), "AUTH"));
  if (*principal == membership_->account().principal) return Trust(principal->expires);
  const absl::Status foreign =
      Fault(StatusCode::kPermissionDenied, "FORBIDDEN",
            "auth: the credentials are another principal's than the session's; begin a session of "
            "its own with Hello");
  env_.authenticator.CountRefusal(peer_, foreign);
  Fail(origin, foreign);
}

void SessionCore::OnUnimplemented(const v1::Item& item, const Origin& origin) {
  Fail(origin, Fault(StatusCode::kUnimplemented, "UNIMPLEMENTED", KindName(item),
                     " is not supported by this daemon"));
}

// ------------------------------------------------------------------ nodes

bool SessionCore::timeless() const {
  return over_ || (welcomed() && detached_since_ == absl::InfiniteFuture() &&
                   trusted_until_ == absl::InfiniteFuture() && !parking_.has_value() &&
                   binds_.empty() && scheduler_->in_flight() == 0);
}

// The principal's ledger learns what lives now, or nothing any more.
void SessionCore::ChargeNodes() {
  if (membership_ == nullptr) return;
  const int64_t nodes = over_ || graph_ == nullptr ? 0 : graph_->nodes();
  membership_->account().nodes->Charge(nodes - std::exchange(charged_nodes_, nodes));
}

absl::Status SessionCore::CheckNodes(const v1::NodeBatch& batch) {
  ChargeNodes();
  return membership_->account().nodes->Allow(batch.op_size(), "max_nodes",
                                             "nodes of the principal");
}

void SessionCore::OnNodes(const v1::NodeBatch& batch, const Origin& origin) {
  static const runtime::VariableBounds no_variables;
  env_.metrics.Add(Metric::nodes, batch.op_size());
  if (absl::Status status = CheckNodes(batch); !status.ok()) {
    return FailIds(batch.first_id(), IdsOf(batch), "nodes", status, origin);
  }
  const auto find = [&](const std::string& bytes) -> ir::FunctionRef {
    const absl::StatusOr<base::Digest> digest = ToDigest(bytes);
    if (!digest.ok()) return nullptr;
    const SessionProgramRef found = programs_.FindDigest(*digest);
    return found == nullptr || found->program == nullptr ? nullptr : found->program->function_ref();
  };
  size_t failures = 0;
  v1::Reply last;
  const auto on_failure = [&](const NodeFailure& failure, bool undefined) {
    const Origin at{origin.frame, origin.item, failure.source};
    if (undefined) {
      graph_->DefinePoison(
          failure.first_id, failure.count,
          MakePoison(failure.status, failure.first_id, std::string(failure.op), at));
    }
    ++failures;
    if (failures <= kMaxFaults) {
      if (last.has_fault()) AddReply(std::move(last));
      last = FaultReply(at, failure.status);
      last.mutable_fault()->set_node(failure.first_id);
      last.mutable_fault()->set_op(std::string(failure.op));
    }
    for (uint64_t i = 0; i < failure.count; ++i) {
      const runtime::CellRef cell = graph_->CellOf(failure.first_id + i);
      if (cell && cell->poisoned() && cell->poison()->cause == failure.first_id) {
        AddPoisoned({failure.first_id + i, 1}, last.mutable_fault());
      }
    }
    return true;
  };
  NodeDecoder::Ids unsound;
  const absl::Status status =
      decoder_.Apply(batch, {strings_, no_variables, find}, origin, *graph_, on_failure, &unsound);
  failures_ += failures;
  if (failures > kMaxFaults) {
    StrAppend(last.mutable_fault()->mutable_message(), "; and ", failures - kMaxFaults,
              " more nodes of the batch failed");
  }
  if (last.has_fault()) AddReply(std::move(last));
  if (!status.ok()) FailIds(unsound.first, unsound.count, "nodes", status, origin);
}

void SessionCore::OnGradient(const v1::Gradient& gradient, Origin origin) {
  origin.source = gradient.source();
  const auto count = static_cast<uint64_t>(gradient.wrt_size());
  if (gradient.targets_size() == 0 ||
      (gradient.seeds_size() != 0 && gradient.seeds_size() != gradient.targets_size())) {
    return FailIds(gradient.first_out(), count, "gradient",
                   Fault(StatusCode::kInvalidArgument, "ARITY", "gradient: ",
                         gradient.targets_size(), " targets and ", gradient.seeds_size(), " seeds"),
                   origin);
  }
  const absl::Status status =
      graph_->AddGradient({gradient.first_out(), SpanOf(gradient.targets()), SpanOf(gradient.wrt()),
                           SpanOf(gradient.seeds())},
                          origin);
  if (!status.ok()) FailIds(gradient.first_out(), count, "gradient", status, origin);
}

// ------------------------------------------------------------------ values by content

// Defines `id` as what a command will receive.
absl::Status SessionCore::Receive(runtime::Id id, const v1::TensorType& type, std::string digest,
                                  std::string_view what, const Origin& origin, uint64_t* command) {
  ASSIGN_OR_RETURN(types::Type to, ToType(type, {}, env_.devices));
  if (digest.size() != 0 && digest.size() != 32) {
    return Fault(StatusCode::kInvalidArgument, "DIGEST", what, ": a digest of ", digest.size(),
                 " bytes, a SHA-256 has 32");
  }
  RETURN_IF_ERROR(CheckInFlight());
  runtime::CellRef cell = runtime::Cell::Make(std::move(to));
  RETURN_IF_ERROR(graph_->Define(id, cell));
  Terms terms = TermsOf(origin, 0, 0);
  terms.counts = false;
  *command = scheduler_->Add(std::make_unique<ReceiveCommand>(
      terms, ReceiveCommand::What{id, std::move(cell), std::move(digest)}));
  return absl::OkStatus();
}

void SessionCore::OnPut(const v1::Put& put, const Origin& origin) {
  absl::Status status;
  uint64_t command = 0;
  if (put.data().size() > env_.limits.max_inline_bytes()) {
    status = runtime::OverLimit("max_inline_bytes", put.data().size(),
                                env_.limits.max_inline_bytes(), "bytes of a put");
  } else {
    const absl::StatusOr<types::Type> type = ToType(put.type(), {}, env_.devices);
    status = type.ok() ? CheckBytes(*type, put.data()) : type.status();
    if (status.ok()) status = Receive(put.id(), put.type(), "", "put", origin, &command);
  }
  if (!status.ok()) return FailIds(put.id(), 1, "put", status, origin);
  const auto bytes = std::make_shared<const std::string>(put.data());
  static_cast<ReceiveCommand*>(scheduler_->Find(command))->Receive(*bytes, bytes);
}

void SessionCore::OnBind(const v1::BindUpload& bind, const Origin& origin) {
  const auto wanted = wanted_blobs_.find(bind.id());
  uint64_t command = 0;
  if (wanted != wanted_blobs_.end() && bind.upload() != 0) {  // the answer to NeedBlob
    command = wanted->second;
    wanted_blobs_.erase(wanted);
  } else if (binds_.contains(bind.upload()) ||
             (bind.upload() != 0 && uploads_->StateOf(bind.upload()) == Uploads::State::kTaken)) {
    return FailIds(bind.id(), 1, "bind",
                   Fault(StatusCode::kAlreadyExists, "UPLOAD", "bind: upload ", bind.upload(),
                         " is bound already; one upload binds once"),
                   origin);
  } else {
    const absl::Status status =
        Receive(bind.id(), bind.type(), bind.digest(), "bind", origin, &command);
    if (!status.ok()) return FailIds(bind.id(), 1, "bind", status, origin);
  }
  if (bind.upload() == 0) {
    if (bind.digest().empty()) {
      auto* receive = static_cast<ReceiveCommand*>(scheduler_->Find(command));
      return receive->Fail(Fault(StatusCode::kInvalidArgument, "UPLOAD",
                                 "bind: neither an upload nor a digest is given"));
    }
    wanted_blobs_[bind.id()] = command;
    binds_[~bind.id()] = {command, received_};  // for its deadline; no upload has such a number
    v1::Reply reply = ReplyTo(origin);
    reply.mutable_need_blob()->set_digest(bind.digest());
    return AddReply(std::move(reply));
  }
  binds_.erase(~bind.id());
  binds_[bind.upload()] = {command, received_};
  if (uploads_->StateOf(bind.upload()) == Uploads::State::kComplete) FeedBind(bind.upload());
}

// An upload that something waits for is whole.
void SessionCore::FeedBind(uint64_t number) {
  const auto it = binds_.find(number);
  if (it == binds_.end()) return;
  auto* receive = static_cast<ReceiveCommand*>(scheduler_->Find(it->second.command));
  binds_.erase(it);
  std::shared_ptr<Uploads::Content> content = uploads_->Take(number);
  if (receive == nullptr || content == nullptr) return;
  receive->ReceiveStaged(content->buffer, content->view(), content);
}

void SessionCore::OnUploaded(uint64_t number) {
  if (over_) return;
  FeedBind(number);
  if (const SessionProgramRef program = programs_.FindUpload(number)) {
    if (const std::unique_ptr<Uploads::Content> content = uploads_->Take(number)) {
      programs_.Fill(*program, content->view());
      if (!program->failure.ok()) Fail({}, program->failure);
      OnProgramKnown(program);
    }
  }
}

// Uploads that did not begin, or stopped half way.
void SessionCore::CheckBinds(absl::Time now) {
  for (auto it = binds_.begin(); it != binds_.end();) {
    const auto at = it++;
    const auto [number, bind] = *at;
    const absl::Time progress = uploads_->LastProgress(number);
    if (std::max(progress, bind.since) + kUploadTime > now) continue;
    auto* receive = static_cast<ReceiveCommand*>(scheduler_->Find(bind.command));
    binds_.erase(at);
    uploads_->Drop(number);
    if (receive == nullptr) continue;
    wanted_blobs_.erase(receive->id());
    receive->Fail(progress == absl::InfinitePast()
                      ? Fault(StatusCode::kNotFound, "UPLOAD", "bind: the upload did not begin in ",
                              absl::FormatDuration(kUploadTime))
                      : Fault(StatusCode::kDataLoss, "TRUNCATED", "bind: upload ", number,
                              " stopped before its end"));
  }
}

// ------------------------------------------------------------------ Programs

void SessionCore::OnProgram(const v1::Program& item, const Origin& origin) {
  const absl::StatusOr<base::Digest> digest = ToDigest(item.digest());
  if (!digest.ok()) return Fail(origin, digest.status());
  if (item.body().size() > env_.limits.max_program_bytes()) {
    return Fail(origin, runtime::OverLimit("max_program_bytes", item.body().size(),
                                           env_.limits.max_program_bytes(), "bytes of a body"));
  }
  const absl::StatusOr<SessionProgramRef> found = programs_.FindOrAdd(*digest);
  if (!found.ok()) return Fail(origin, found.status());
  const SessionProgramRef& program = *found;
  programs_.SetSlot(item.slot(), program);
  if (program->program == nullptr && !item.body().empty()) {
    programs_.Fill(*program, item.body());
    if (!program->failure.ok()) Fail(origin, program->failure);
  } else if (program->awaited() && item.upload() != 0) {
    program->upload = item.upload();
    if (uploads_->StateOf(item.upload()) == Uploads::State::kComplete) OnUploaded(item.upload());
    return;
  }
  if (!program->awaited()) return OnProgramKnown(program);
  if (std::exchange(program->asked, true)) return;
  v1::Reply reply = ReplyTo(origin);
  reply.mutable_need_program()->set_digest(item.digest());
  AddReply(std::move(reply));
}

void SessionCore::OnRelease(const v1::ReleaseProgram& release, const Origin& origin) {
  bool released = false;
  if (release.p_case() == v1::ReleaseProgram::kSlot) {
    released = programs_.ReleaseSlot(release.slot());
  } else if (const absl::StatusOr<base::Digest> digest = ToDigest(release.digest()); digest.ok()) {
    released = programs_.ReleaseDigest(*digest);
  }
  if (released) return;
  Fail(origin,
       Fault(StatusCode::kNotFound, "PROGRAM_UNKNOWN", "release: the session has no such Program"));
}

// ------------------------------------------------------------------ the end of names

void SessionCore::OnFree(const v1::Free& free, const Origin& origin) {
  if (absl::Status status = CheckSpans(free.ids()); !status.ok()) return Fail(origin, status);
  absl::Status first;
  uint64_t failed = 0;
  ForEachId(free.ids(), [&](runtime::Id id) {
    absl::Status status = graph_->Free(id);
    if (!status.ok() && failed++ == 0) first = std::move(status);
    return true;
  });
  if (failed == 0) return;
  v1::Reply reply = FaultReply(origin, first);
  if (failed > 1) {
    StrAppend(reply.mutable_fault()->mutable_message(), "; and ", failed - 1, " more ids");
  }
  ++failures_;
  AddReply(std::move(reply));
}

absl::Time SessionCore::next_deadline() const {
  if (over_ || scheduler_ == nullptr) return absl::InfiniteFuture();
  const absl::Time parked = parking_.has_value() ? parking_->deadline : absl::InfiniteFuture();
  return std::min(parked, scheduler_->earliest_deadline());
}

}  // namespace tensord::server
