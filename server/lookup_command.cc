#include "server/lookup_command.h"

#include "engine/runtime/fault.h"
#include "server/convert.h"

namespace tensord::server {

absl::Status ReadPublication(const Publication& publication, const LookupWork& work,
                             std::vector<runtime::Value>* values, v1::Found* found) {
  found->set_name(publication.full_name());
  found->set_generation(publication.generation);
  const auto add = [&](const std::string& path, runtime::Id id, const runtime::Value& value) {
    v1::FoundEntry& entry = *found->add_entries();
    entry.set_path(path);
    entry.set_id(id);
    FromType(value.type, entry.mutable_type());
  };
  if (work.paths.empty()) {
    for (const auto& [path, value] : publication.entries) add(path, 0, value);
  }
  for (const std::string& path : work.paths) {
    const auto entry = publication.entries.find(path);
    if (entry == publication.entries.end()) {
      return runtime::Fault(absl::StatusCode::kNotFound, "NAME_UNKNOWN", "lookup: generation ",
                            publication.generation, " of \"", publication.full_name(),
                            "\" has no entry \"", path, "\"; a Lookup without paths lists them");
    }
    add(path, work.first_id + values->size(), entry->second);
    values->push_back(entry->second);
  }
  return absl::OkStatus();
}

LookupCommand::~LookupCommand() {
  if (waiter_ != 0) scheduler().env().publications.Forget(waiter_);
}

bool LookupCommand::MakesAny(const Span& ids) const {
  return !cells_.empty() && ids.Meets({work_.first_id, cells_.size()});
}

void LookupCommand::Prepare() {
  if (after_) AwaitSettled(after_);
  if (work_.min_generation == 0) return;
  Owe();
  const SessionEnv& env = scheduler().env();
  waiter_ = env.publications.Await(work_.reader, work_.name, work_.min_generation, env.now(),
                                   Callback(&LookupCommand::OnPublished));
}

void LookupCommand::OnPublished(PublicationRef found) {
  found_ = std::move(found);
  Arrive();
}

// What there is now, unless that ended since it was waited for.
absl::Status LookupCommand::Bind() {
  const SessionEnv& env = scheduler().env();
  PublicationRef now = env.publications.Find(work_.reader, work_.name, env.now());
  if (now != nullptr && now->generation >= work_.min_generation) found_ = std::move(now);
  if (found_ == nullptr) return UnknownPublication(work_.name);
  v1::Reply reply = ReplyTo(origin());
  std::vector<runtime::Value> values;
  RETURN_IF_ERROR(ReadPublication(*found_, work_, &values, reply.mutable_found()));
  for (size_t i = 0; i < cells_.size(); ++i) {
    cells_[i]->SubmitTyped(std::move(values[i]));
    cells_[i]->Settle();
  }
  scheduler().host().AddReply(std::move(reply));
  Finish();
  return absl::OkStatus();
}

void LookupCommand::Start() {
  if (absl::Status status = Bind(); !status.ok()) GiveUp(status);
}

void LookupCommand::GiveUp(const absl::Status& why) {
  const absl::Status status =
      absl::IsDeadlineExceeded(why)
          ? runtime::Fault(absl::StatusCode::kNotFound, "NAME_UNKNOWN", "lookup: generation ",
                           work_.min_generation, " of \"", work_.name,
                           "\" was not published in time for this principal")
          : why;
  const runtime::PoisonRef poison = MakePoison(status, work_.first_id, "lookup", origin());
  v1::Reply reply = FaultReply(origin(), status);
  for (const runtime::CellRef& cell : cells_) cell->Fail(poison);
  if (!cells_.empty()) AddPoisoned({work_.first_id, cells_.size()}, reply.mutable_fault());
  scheduler().host().AddReply(std::move(reply));
  scheduler().host().CountFailure();
  Finish();
}

}  // namespace tensord::server
