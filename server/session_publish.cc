// Items that publish values to other sessions and look up what others published.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "engine/runtime/fault.h"
#include "server/convert.h"
#include "server/lookup_command.h"
#include "server/publications.h"
#include "server/session_core.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::CellRef;
using runtime::Fault;
using runtime::Id;
using runtime::Origin;
using GraphState = runtime::SessionGraph::State;

constexpr size_t kMaxPath = 256;

absl::Duration TimeToLive(const v1::Publish& publish) {
  if (publish.ttl_ms() == 0) return absl::InfiniteDuration();
  return absl::Milliseconds(static_cast<int64_t>(std::min<uint64_t>(publish.ttl_ms(), INT64_MAX)));
}

absl::Status CheckPaths(const v1::Publish& publish) {
  absl::flat_hash_set<std::string> paths;
  for (const v1::PublishEntry& entry : publish.entries()) {
    if (entry.path().size() > kMaxPath) {
      return Fault(StatusCode::kInvalidArgument, "NAME", "publish: a path of ", entry.path().size(),
                   " bytes, at most ", kMaxPath, " are allowed");
    }
    if (paths.insert(entry.path()).second) continue;
    return Fault(StatusCode::kInvalidArgument, "NAME", "publish: path \"", entry.path(),
                 "\" is there twice; the paths of a publication differ");
  }
  return absl::OkStatus();
}

}  // namespace

// ------------------------------------------------------------------ publishing

// A Publish on its way.
struct SessionCore::Publishing {
  Origin origin;
  Publication publication;  // but for its entries
  absl::Duration ttl;
  std::vector<std::pair<std::string, Id>> entries;  // path, id
  std::vector<CellRef> cells;                       // of the entries
  CellRef done;
};

absl::Status SessionCore::CheckPublish(const v1::Publish& publish) const {
  RETURN_IF_ERROR(CheckPublicationName(publish.name()));
  const auto entries = static_cast<uint64_t>(publish.entries_size());
  if (entries > env_.limits.max_items_per_frame()) {
    return runtime::OverLimit("max_items_per_frame", entries, env_.limits.max_items_per_frame(),
                              "entries of a publication");
  }
  RETURN_IF_ERROR(CheckPaths(publish));
  for (const v1::PublishEntry& entry : publish.entries()) {
    const GraphState state = graph_->StateOf(entry.id());
    if (state != GraphState::kLazy && state != GraphState::kStored &&
        state != GraphState::kPoisoned) {
      return graph_->Missing(entry.id(), StrCat("publish: entry \"", entry.path(), "\""));
    }
  }
  return CheckInFlight();
}

void SessionCore::OnPublish(const v1::Publish& publish, const Origin& origin) {
  if (absl::Status status = CheckPublish(publish); !status.ok()) return Fail(origin, status);
  const Terms terms = TermsOf(origin, 0, 0);
  std::vector<Id> lazy;
  for (const v1::PublishEntry& entry : publish.entries()) {
    if (graph_->StateOf(entry.id()) == GraphState::kLazy) lazy.push_back(entry.id());
  }
  Evaluate(lazy, terms, {}, true);
  auto work = std::make_shared<Publishing>();
  work->origin = origin;
  work->publication.owner = membership_->account().principal.name;
  work->publication.name = publish.name();
  work->publication.shared = publish.shared();
  work->ttl = TimeToLive(publish);
  for (const v1::PublishEntry& entry : publish.entries()) {
    work->entries.push_back({entry.path(), entry.id()});
    work->cells.push_back(graph_->CellOf(entry.id()));
  }
  work->done = runtime::Cell::Make({});
  std::vector<CellRef> awaited = work->cells;
  if (CellRef before = names_.LastChange(publish.name())) awaited.push_back(std::move(before));
  names_.BeginChange(publish.name(), work->done);
  scheduler_->Add(std::make_unique<AwaitCommand>(
      terms, std::move(awaited), [this, work](const absl::Status& status) {
        Publish(*work, status);
        names_.EndChange(work->publication.name, work->done);
      }));
}

// All of its values are there, or poisoned; or `status` says why it was given up.
void SessionCore::Publish(const Publishing& work, const absl::Status& status) {
  if (!status.ok()) return Fail(work.origin, status);
  Publication publication = work.publication;
  for (size_t i = 0; i < work.cells.size(); ++i) {
    const auto& [path, id] = work.entries[i];
    if (work.cells[i]->poisoned()) {
      ++failures_;
      v1::Reply reply = FaultReply(work.origin, *work.cells[i]->poison());
      v1::Fault& fault = *reply.mutable_fault();
      fault.set_message(StrCat("publish: entry \"", path, "\" (id ", id,
                               ") is poisoned, nothing was published: ", fault.message()));
      return AddReply(std::move(reply));
    }
    publication.entries.emplace(path, work.cells[i]->value());
  }
  const absl::Time now = env_.now();
  publication.expires = now + work.ttl;
  const std::string name = publication.full_name();
  const absl::StatusOr<uint64_t> generation =
      env_.publications.Publish(std::move(publication), now);
  if (!generation.ok()) return Fail(work.origin, generation.status());
  env_.metrics.Add(Metric::publishes);
  v1::Reply reply = ReplyTo(work.origin);
  reply.mutable_published()->set_name(name);
  reply.mutable_published()->set_generation(*generation);
  AddReply(std::move(reply));
}

void SessionCore::OnUnpublish(const v1::Unpublish& unpublish, const Origin& origin) {
  absl::Status status = CheckPublicationName(unpublish.name());
  if (status.ok()) status = CheckInFlight();
  if (!status.ok()) return Fail(origin, status);
  const auto end = [this, origin, name = unpublish.name()](const absl::Status& why) {
    const std::string& owner = membership_->account().principal.name;
    const absl::Status ended =
        why.ok() ? env_.publications.Unpublish(owner, name, env_.now()) : why;
    if (!ended.ok()) Fail(origin, ended);
  };
  const CellRef before = names_.LastChange(unpublish.name());
  if (!before) return end(absl::OkStatus());
  const CellRef done = runtime::Cell::Make({});
  names_.BeginChange(unpublish.name(), done);
  scheduler_->Add(std::make_unique<AwaitCommand>(
      TermsOf(origin, 0, 0), std::vector<CellRef>{before},
      [this, end, done, name = unpublish.name()](const absl::Status& why) {
        end(why);
        names_.EndChange(name, done);
      }));
}

// ------------------------------------------------------------------ looking up

void SessionCore::OnLookup(const v1::Lookup& lookup, const Origin& origin) {
  env_.metrics.Add(Metric::lookups);
  const auto count = static_cast<uint64_t>(lookup.paths_size());
  const absl::Status status = TryLookup(lookup, origin);
  if (status.ok()) return;
  if (count == 0) return Fail(origin, status);
  FailIds(lookup.first_id(), count, "lookup", status, origin);
}

absl::Status SessionCore::TryLookup(const v1::Lookup& lookup, const Origin& origin) {
  RETURN_IF_ERROR(CheckLookupName(lookup.name()));
  RETURN_IF_ERROR(CheckInFlight());
  const auto count = static_cast<uint64_t>(lookup.paths_size());
  if (count > 0) RETURN_IF_ERROR(graph_->CheckNew(lookup.first_id(), count));
  LookupWork work{membership_->account().principal.name,
                  lookup.name(),
                  lookup.min_generation(),
                  lookup.first_id(),
                  {lookup.paths().begin(), lookup.paths().end()}};
  CellRef before = ChangeMeantBy(work);
  if (!before) {
    const PublicationRef found = env_.publications.Find(work.reader, work.name, env_.now());
    if (found != nullptr && found->generation >= work.min_generation) {
      return DefineFound(*found, work, origin);
    }
    if (work.min_generation == 0) return UnknownPublication(work.name);
  }
  std::vector<CellRef> cells;
  for (uint64_t i = 0; i < count; ++i) {
    cells.push_back(runtime::Cell::Make({}));
    RETURN_IF_ERROR(graph_->Define(work.first_id + i, cells.back()));
  }
  if (count > 0) names_.AddUntyped({work.first_id, count}, cells.front());
  Terms terms = TermsOf(origin, lookup.timeout_us(), 0);
  terms.counts = false;
  scheduler_->Add(
      std::make_unique<LookupCommand>(terms, std::move(work), std::move(cells), std::move(before)));
  return absl::OkStatus();
}

// What this session is about to do to the name: a Lookup comes after it.
CellRef SessionCore::ChangeMeantBy(const LookupWork& work) const {
  if (CellRef change = names_.LastChange(work.name)) return change;
  const std::string own = StrCat(work.reader, "/");
  if (!std::string_view(work.name).starts_with(own)) return {};
  return names_.LastChange(work.name.substr(own.size()));
}

absl::Status SessionCore::DefineFound(const Publication& publication, const LookupWork& work,
                                      const Origin& origin) {
  v1::Reply reply = ReplyTo(origin);
  std::vector<runtime::Value> values;
  RETURN_IF_ERROR(ReadPublication(publication, work, &values, reply.mutable_found()));
  for (size_t i = 0; i < values.size(); ++i) {
    RETURN_IF_ERROR(
        graph_->Define(work.first_id + i, runtime::Cell::Of(std::move(values[i])), origin.source));
  }
  AddReply(std::move(reply));
  return absl::OkStatus();
}

// ------------------------------------------------------------------ types that are not known yet

// An item that needs the type of what a Lookup waits for is parked until it has ended, with all
// that follow.
void SessionCore::ApplyOrPark(const v1::Item& item, const Origin& origin) {
  CellRef untyped = names_.UntypedInput(item);
  if (!untyped) return Apply(item, origin);
  parking_ = Parking{{}, absl::InfiniteFuture(), false, std::move(untyped)};
  parked_bytes_ += item.ByteSizeLong();
  parked_.push_front({item, origin, frame_});
}

void SessionCore::PumpAll() {
  scheduler_->Pump();
  while (!over_ && parking_.has_value() && parking_->untyped && parking_->untyped->settled()) {
    Unpark();
    if (!over_) scheduler_->Pump();
  }
}

}  // namespace tensord::server
