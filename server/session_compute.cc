// Items that compute and answer.
#include <algorithm>

#include "engine/runtime/fault.h"
#include "server/convert.h"
#include "server/session_core.h"
#include "server/telemetry/frame_scope.h"
#include "server/ticket.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::CellRef;
using runtime::Fault;
using runtime::Id;
using runtime::Origin;
using GraphState = runtime::SessionGraph::State;

bool Exists(GraphState state) {
  return state == GraphState::kLazy || state == GraphState::kStored ||
         state == GraphState::kPoisoned;
}

// Whether its type is known; see SessionNames.
bool Typed(const runtime::Cell& cell) { return cell.type().dtype != types::DType::kInvalid; }

std::vector<Span> SpansOf(absl::Span<const Id> ids) {
  std::vector<Span> spans;
  for (Id id : ids) {
    if (!spans.empty() && spans.back().first + spans.back().count == id) {
      ++spans.back().count;
    } else {
      spans.push_back({id, 1});
    }
  }
  return spans;
}

types::Type Bound(const types::Type& type, const types::Sym::Substitution& variables) {
  types::Type bound = type;
  if (!variables.empty()) {
    for (types::Sym& dim : bound.dims) dim = dim.Substitute(variables);
  }
  return bound;
}

}  // namespace

// ------------------------------------------------------------------ evaluating

// Makes commands of whatever of `ids` is described only.
void SessionCore::Evaluate(absl::Span<const Id> ids, const Terms& terms, std::vector<CellRef> after,
                           bool quiet) {
  runtime::Slice slice = graph_->Extract(ids);
  if (slice.function == nullptr) return;
  RunCommand::Work work;
  work.function = std::move(slice.function);
  work.inputs = std::move(slice.inputs);
  work.outputs = std::move(slice.results);
  work.after = std::move(after);
  work.ids = SpansOf(ids);
  work.op = "evaluate";
  work.quiet = quiet;
  scheduler_->Add(std::make_unique<RunCommand>(terms, std::move(work)));
}

void SessionCore::OnEvaluate(const v1::Evaluate& evaluate, const Origin& origin) {
  env_.metrics.Add(Metric::evaluates);
  absl::Status status = CheckSpans(evaluate.ids());
  if (status.ok()) status = CheckSpans(evaluate.after());
  if (status.ok()) status = CheckInFlight();
  if (!status.ok()) return Fail(origin, status);
  std::vector<Id> ids;
  absl::Status missing;
  ForEachId(evaluate.ids(), [&](Id id) {
    const GraphState state = graph_->StateOf(id);
    if (state == GraphState::kLazy) ids.push_back(id);
    if (!Exists(state) && missing.ok()) missing = graph_->Missing(id, "evaluate");
    return true;
  });
  if (!missing.ok()) Fail(origin, missing);
  Evaluate(ids, TermsOf(origin, evaluate.timeout_us(), evaluate.priority()),
           CellsOf(evaluate.after()), false);
}

void SessionCore::OnFetch(const v1::Fetch& fetch, const Origin& origin) {
  env_.metrics.Add(Metric::evaluates);
  const GraphState state = graph_->StateOf(fetch.id());
  if (!Exists(state)) return Fail(origin, graph_->Missing(fetch.id(), "fetch"));
  if (absl::Status status = CheckInFlight(); !status.ok()) return Fail(origin, status);
  const Terms terms = TermsOf(origin, fetch.timeout_us(), fetch.priority());
  if (state == GraphState::kLazy) {
    const Id id = fetch.id();
    Evaluate(absl::MakeConstSpan(&id, 1), terms, {}, true);
  }
  FetchCommand::What what;
  what.id = fetch.id();
  what.cell = graph_->CellOf(fetch.id());
  if (!what.cell->poisoned()) {
    const absl::StatusOr<ByteRange> range =
        RangeOf(what.cell->type(), fetch.offset(), fetch.length());
    if (!range.ok()) return Fail(origin, range.status());
    what.offset = range->offset;
    what.length = range->length;
    const uint64_t most = env_.limits.max_inline_bytes();
    what.is_inline =
        what.length <= (fetch.max_inline() == 0 ? most : std::min(most, fetch.max_inline()));
    if (!what.is_inline) what.ticket = MakeTicket({fetch.id(), what.offset, what.length});
  }
  scheduler_->Add(std::make_unique<FetchCommand>(terms, std::move(what)));
}

void SessionCore::Download(const v1::DownloadRequest& request,
                           std::function<void(absl::StatusOr<Part>)> then) {
  if (over_) return then(absl::UnauthenticatedError("the session is over"));
  Ticket ticket{request.id(), 0, 0};
  if (request.what_case() == v1::DownloadRequest::kTicket) {
    const absl::StatusOr<Ticket> read = ReadTicket(request.ticket());
    if (!read.ok()) return then(read.status());
    ticket = *read;
  }
  if (!Exists(graph_->StateOf(ticket.id))) return then(graph_->Missing(ticket.id, "download"));
  received_ = env_.now();
  frame_ = telemetry::MakeFrame(who_, received_);
  Terms terms = TermsOf({}, request.timeout_us(), 0);
  terms.counts = false;
  if (graph_->StateOf(ticket.id) == GraphState::kLazy) {
    Evaluate(absl::MakeConstSpan(&ticket.id, 1), terms, {}, true);
  }
  const CellRef cell = graph_->CellOf(ticket.id);
  if (cell->poisoned()) return then(cell->poison()->status);
  if (!Typed(*cell)) return DownloadLater(request, cell, terms, std::move(then));
  const absl::StatusOr<ByteRange> whole = RangeOf(cell->type(), ticket.offset, ticket.length);
  if (!whole.ok()) return then(whole.status());
  const absl::StatusOr<ByteRange> part = SubRange(*whole, request.offset(), request.length());
  if (!part.ok()) return then(part.status());
  const auto answer = [cell, part = *part, lane = scheduler_->lane(),
                       then = std::move(then)](const absl::Status& status) {
    if (!status.ok()) return then(status);
    if (cell->poisoned()) return then(cell->poison()->status);
    then(Part{cell->value(), part.offset, part.length, lane});
  };
  scheduler_->Add(std::make_unique<AwaitCommand>(terms, std::vector<CellRef>{cell}, answer));
}

// Of a value whose type a Lookup still waits for.
void SessionCore::DownloadLater(const v1::DownloadRequest& request, const CellRef& cell,
                                const Terms& terms,
                                std::function<void(absl::StatusOr<Part>)> then) {
  scheduler_->Add(std::make_unique<AwaitCommand>(
      terms, std::vector<CellRef>{cell},
      [this, request, then = std::move(then)](const absl::Status& status) {
        if (!status.ok()) return then(status);
        Download(request, then);
      }));
}

// ------------------------------------------------------------------ executing

void SessionCore::OnExecute(const v1::Item& item, const Origin& origin) {
  const v1::Execute& execute = item.execute();
  env_.metrics.Add(Metric::executes);
  SessionProgramRef program;
  absl::Status status;
  if (execute.p_case() == v1::Execute::kSlot) {
    program = programs_.FindSlot(execute.slot());
    status = Fault(StatusCode::kNotFound, "PROGRAM_UNKNOWN", "execute: slot ", execute.slot(),
                   " holds no Program");
  } else if (const auto digest = ToDigest(execute.digest()); digest.ok()) {
    const absl::StatusOr<SessionProgramRef> found = programs_.FindOrAdd(*digest);
    if (found.ok()) {
      program = *found;
      if (program->program != nullptr && program->executable == nullptr) OnProgramKnown(program);
    }
    status = found.status();
  } else {
    status = digest.status();
  }
  if (program == nullptr) return FailIds(execute.first_out(), 1, "execute", status, origin);
  if (program->awaited()) return Park(item, origin, program, execute.timeout_us());
  Launch(execute, program, origin);
}

void SessionCore::Launch(const v1::Execute& execute, const SessionProgramRef& program,
                         const Origin& origin) {
  const uint64_t outputs =
      program->program == nullptr ? program->outputs : program->program->outputs();
  runtime::PoisonRef inherited;
  absl::Status status = program->failure;
  if (program->program != nullptr) status = TryLaunch(execute, program, origin, inherited);
  if (!status.ok()) {
    FailIds(execute.first_out(), outputs, "execute", status, origin);
  } else if (inherited != nullptr) {
    ++failures_;
    graph_->DefinePoison(execute.first_out(), outputs, inherited);
  }
  if (program->program != nullptr) EndDonated(execute, *program->program);
}

absl::Status SessionCore::TryLaunch(const v1::Execute& execute, const SessionProgramRef& of,
                                    const Origin& origin, runtime::PoisonRef& inherited) {
  const Program& program = *of->program;
  RETURN_IF_ERROR(CheckInFlight());
  if (program.outputs() > 0) {
    RETURN_IF_ERROR(graph_->CheckNew(execute.first_out(), program.outputs()));
  }
  ASSIGN_OR_RETURN(const types::Sym::Substitution variables, BindVariables(execute, program));
  const Terms terms = TermsOf(origin, execute.timeout_us(), execute.priority());
  RunCommand::Work work;
  RETURN_IF_ERROR(GatherInputs(execute, program, terms, &work.inputs));
  RETURN_IF_ERROR(CheckInputs(program, work.inputs, variables, inherited));
  if (inherited != nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(CheckDonated(execute, program, work.inputs));
  work.outputs.reserve(program.outputs());
  for (size_t i = 0; i < program.outputs(); ++i) {
    work.outputs.push_back(runtime::Cell::Make(Bound(program.output(i), variables)));
    RETURN_IF_ERROR(graph_->Define(execute.first_out() + i, work.outputs.back()));
  }
  RETURN_IF_ERROR(CheckSpans(execute.after()));
  work.after = CellsOf(execute.after());
  work.variables.assign(execute.vars().begin(), execute.vars().end());
  work.donate = program.function().donated;
  work.ids = {{execute.first_out(), program.outputs()}};
  work.op = "execute";
  work.program = of;
  work.executable = of->executable;
  scheduler_->Add(std::make_unique<RunCommand>(terms, std::move(work)));
  return absl::OkStatus();
}

absl::StatusOr<types::Sym::Substitution> SessionCore::BindVariables(const v1::Execute& execute,
                                                                    const Program& program) const {
  const std::vector<ir::BoundVariable>& declared = program.function().variables;
  if (static_cast<size_t>(execute.vars_size()) != declared.size()) {
    return Fault(StatusCode::kInvalidArgument, "ARITY", "execute: ", execute.vars_size(),
                 " variables given, the Program has ", declared.size());
  }
  types::Sym::Substitution variables;
  for (size_t i = 0; i < declared.size(); ++i) {
    const ir::BoundVariable& v = declared[i];
    const int64_t value = execute.vars(static_cast<int>(i));
    if (value < v.min || value > v.max) {
      return Fault(StatusCode::kInvalidArgument, "SHAPE", "execute: variable ", v.name, " = ",
                   value, ", declared for ", v.min, " … ", v.max);
    }
    variables[v.name] = value;
  }
  return variables;
}

// The cells of the inputs; what is described only is evaluated first.
absl::Status SessionCore::GatherInputs(const v1::Execute& execute, const Program& program,
                                       const Terms& terms, std::vector<CellRef>* cells) {
  if (CountIds(execute.in()) != program.inputs()) {
    return Fault(StatusCode::kInvalidArgument, "ARITY", "execute: ", CountIds(execute.in()),
                 " inputs given, the Program has ", program.inputs());
  }
  cells->reserve(program.inputs());
  std::vector<Id> lazy;
  absl::Status missing;
  ForEachId(execute.in(), [&](Id id) {
    CellRef cell = graph_->CellOf(id);
    if (!cell) {
      if (graph_->StateOf(id) == GraphState::kLazy) {
        lazy.push_back(id);
      } else {
        missing = graph_->Missing(id, StrCat("execute: input ", cells->size()));
      }
    }
    cells->push_back(std::move(cell));
    return missing.ok();
  });
  RETURN_IF_ERROR(missing);
  if (lazy.empty()) return absl::OkStatus();
  Evaluate(lazy, terms, {}, false);
  size_t at = 0;
  ForEachId(execute.in(), [&](Id id) {
    CellRef& cell = (*cells)[at++];
    if (!cell) cell = graph_->CellOf(id);
    return true;
  });
  return absl::OkStatus();
}

absl::Status SessionCore::CheckInputs(const Program& program, const std::vector<CellRef>& cells,
                                      const types::Sym::Substitution& variables,
                                      runtime::PoisonRef& inherited) const {
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i]->poisoned()) {
      if (inherited == nullptr) inherited = cells[i]->poison();
      continue;
    }
    const types::Type& want = program.input(i);
    if (variables.empty() ? cells[i]->type() == want : cells[i]->type() == Bound(want, variables)) {
      continue;
    }
    return Fault(StatusCode::kInvalidArgument, "TYPE_MISMATCH", "execute: input ", i, " is ",
                 cells[i]->type().ToString(), ", the Program takes ",
                 Bound(want, variables).ToString());
  }
  return absl::OkStatus();
}

// A donated id may be bound once. Two ids of one value are two: then it is copied.
absl::Status SessionCore::CheckDonated(const v1::Execute& execute, const Program& program,
                                       const std::vector<CellRef>& cells) const {
  const std::vector<int>& donated = program.function().donated;
  if (donated.empty()) return absl::OkStatus();
  std::vector<Id> ids;
  ids.reserve(cells.size());
  ForEachId(execute.in(), [&](Id id) {
    ids.push_back(id);
    return true;
  });
  for (int position : donated) cells[static_cast<size_t>(position)]->scratch = position;
  size_t twice = cells.size();
  for (size_t i = 0; i < cells.size(); ++i) {
    const int mark = cells[i]->scratch;
    if (mark >= 0 && static_cast<size_t>(mark) != i && ids[static_cast<size_t>(mark)] == ids[i]) {
      twice = i;
    }
  }
  for (int position : donated) cells[static_cast<size_t>(position)]->scratch = -1;
  if (twice == cells.size()) return absl::OkStatus();
  return Fault(StatusCode::kInvalidArgument, "DONATION", "execute: input ", twice, " is id ",
               ids[twice], ", which is donated and bound twice");
}

// The ids at donated positions end with the item, even when it fails: both sides stay in step.
void SessionCore::EndDonated(const v1::Execute& execute, const Program& program) {
  const std::vector<int>& donated = program.function().donated;
  if (donated.empty() || CountIds(execute.in()) != program.inputs()) return;
  size_t next = 0;
  int position = 0;
  ForEachId(execute.in(), [&](Id id) {
    if (donated[next] == position++) {
      graph_->Donate(id);
      ++next;
    }
    return next < donated.size();
  });
}

// ------------------------------------------------------------------ answering

absl::Status SessionCore::CheckSpans(const Spans& spans) const {
  const uint64_t count = CountIds(spans), max = env_.limits.max_values();
  if (count <= max) return absl::OkStatus();
  return runtime::OverLimit("max_values", count, max, "ids named at once");
}

std::vector<CellRef> SessionCore::CellsOf(const Spans& spans) const {
  std::vector<CellRef> cells;
  ForEachId(spans, [&](Id id) {
    if (CellRef cell = graph_->CellOf(id)) cells.push_back(std::move(cell));
    return true;
  });
  return cells;
}

void SessionCore::OnBarrier(const v1::Barrier& barrier, const Origin& origin) {
  if (absl::Status status = CheckSpans(barrier.ids()); !status.ok()) return Fail(origin, status);
  if (barrier.ids_size() == 0) {
    return scheduler_->WhenAllDone([this, origin] {
      v1::Reply reply = ReplyTo(origin);
      reply.mutable_barrier_done()->set_any_poisoned(failures_ != failures_told_);
      failures_told_ = failures_;
      AddReply(std::move(reply));
    });
  }
  std::vector<Id> lazy;
  absl::Status missing;
  ForEachId(barrier.ids(), [&](Id id) {
    const GraphState state = graph_->StateOf(id);
    if (state == GraphState::kLazy) lazy.push_back(id);
    if (!Exists(state)) missing = graph_->Missing(id, "barrier");
    return missing.ok();
  });
  if (!missing.ok()) return Fail(origin, missing);
  Evaluate(lazy, TermsOf(origin, 0, 0), {}, false);
  std::vector<CellRef> cells = CellsOf(barrier.ids());
  Terms terms = TermsOf(origin, 0, 0);
  terms.counts = false;
  const auto answer = [this, origin, cells](const absl::Status&) {
    v1::Reply reply = ReplyTo(origin);
    reply.mutable_barrier_done()->set_any_poisoned(
        std::any_of(cells.begin(), cells.end(), [](const CellRef& c) { return c->poisoned(); }));
    AddReply(std::move(reply));
  };
  scheduler_->Add(std::make_unique<AwaitCommand>(terms, cells, answer));
}

void SessionCore::OnDescribe(const v1::Describe& describe, const Origin& origin) {
  constexpr uint64_t kMost = 16384;  // descriptions in one reply
  if (const uint64_t count = CountIds(describe.ids()); count > kMost) {
    return Fail(origin, runtime::OverLimit("max_items_per_frame", count, kMost, "ids described"));
  }
  v1::Reply reply = ReplyTo(origin);
  v1::Described& described = *reply.mutable_described();
  ForEachId(describe.ids(), [&](Id id) {
    Describe(id, described.add_values());
    return true;
  });
  AddReply(std::move(reply));
}

void SessionCore::Describe(Id id, v1::Description* out) const {
  out->set_id(id);
  const CellRef cell = graph_->CellOf(id);
  switch (graph_->StateOf(id)) {
    case GraphState::kUnknown:
      out->set_state(v1::VALUE_STATE_UNKNOWN);
      return;
    case GraphState::kFreed:
      out->set_state(v1::VALUE_STATE_FREED);
      return;
    case GraphState::kDonated:
      out->set_state(v1::VALUE_STATE_DONATED);
      return;
    case GraphState::kPoisoned:
      out->set_state(v1::VALUE_STATE_POISONED);
      FillFault(*cell->poison(), out->mutable_fault());
      break;
    case GraphState::kLazy:
      out->set_state(v1::VALUE_STATE_LAZY);
      break;
    case GraphState::kStored:
      out->set_state(cell->settled() ? v1::VALUE_STATE_READY : v1::VALUE_STATE_PENDING);
      if (cell->settled()) out->set_bytes(static_cast<uint64_t>(cell->type().max_bytes()));
      break;
  }
  if (cell && cell->poisoned()) {
    if (cell->type().dtype != types::DType::kInvalid) FromType(cell->type(), out->mutable_type());
  } else if (const absl::StatusOr<types::Type> type = graph_->TypeOf(id);
             type.ok() && type->dtype != types::DType::kInvalid) {
    FromType(*type, out->mutable_type());
  }
}

void SessionCore::OnCancel(const v1::Cancel& cancel) {
  std::vector<Span> ids;
  if (!CheckSpans(cancel.ids()).ok()) return;
  for (const v1::IdSpan& span : cancel.ids()) {
    ids.push_back({span.first(), span.count() == 0 ? 1 : span.count()});
  }
  scheduler_->Cancel(cancel.first_seq(), cancel.last_seq(), ids);
}

void SessionCore::OnPing(const v1::Ping& ping, const Origin& origin) {
  v1::Reply reply = ReplyTo(origin);
  v1::Pong& pong = *reply.mutable_pong();
  pong.set_nonce(ping.nonce());
  pong.set_in_flight(scheduler_->in_flight());
  pong.set_resident_bytes(static_cast<uint64_t>(membership_->account().resident->used.load()));
  AddReply(std::move(reply));
}

}  // namespace tensord::server
