#include "server/program.h"

#include "engine/runtime/fault.h"
#include "server/convert.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;
using runtime::FunctionBuilder;

// `status` with where in the body it happened before its message.
absl::Status At(const absl::Status& status, std::string_view where) {
  absl::Status annotated(status.code(), StrCat(where, ": ", FromAbsl(status.message())));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

class BodyReader {
 public:
  BodyReader(const v1::ProgramBody& body, const BodyOptions& options, FindProgram find_program)
      : body_(body),
        builder_(options.devices, {options.max_nodes}),
        devices_(options.devices),
        find_program_(find_program) {
    for (const std::string& text : body.strings()) strings_.Add(text);
  }

  absl::StatusOr<std::shared_ptr<const ir::Function>> Read() {
    for (const v1::Var& var : body_.vars()) {
      RETURN_IF_ERROR(builder_.DeclareVariable({var.name(), var.min(), var.max()}));
    }
    for (int i = 0; i < body_.in_size(); ++i) {
      absl::StatusOr<types::Type> type = ToType(body_.in(i).type(), builder_.variables(), devices_);
      if (!type.ok()) return At(type.status(), StrCat("input ", i));
      RETURN_IF_ERROR(builder_.AddParameter(body_.in(i).id(), *type));
    }
    for (int i = 0; i < body_.items_size(); ++i) {
      if (absl::Status s = ReadItem(body_.items(i)); !s.ok()) return At(s, StrCat("item ", i));
    }
    for (int i = 0; i < body_.out_size(); ++i) {
      if (absl::Status s = ReadOutput(body_.out(i)); !s.ok()) return At(s, StrCat("output ", i));
    }
    return builder_.Finish(
        absl::MakeConstSpan(body_.donate().data(), static_cast<size_t>(body_.donate_size())));
  }

 private:
  absl::Status ReadItem(const v1::BodyItem& item) {
    switch (item.kind_case()) {
      case v1::BodyItem::kNodes:
        return ReadNodes(item.nodes());
      case v1::BodyItem::kGradient:
        return ReadGradient(item.gradient());
      case v1::BodyItem::KIND_NOT_SET:
        break;
    }
    return Fault(StatusCode::kUnimplemented, "UNIMPLEMENTED", "an item that is not known");
  }

  absl::Status ReadNodes(const v1::NodeBatch& batch) {
    absl::Status first;
    const auto on_failure = [&](const NodeFailure& failure, bool) {
      first = At(failure.status, StrCat("node ", failure.first_id));
      return false;
    };
    NodeDecoder::Ids unsound;
    const DecoderContext context{strings_, builder_.variables(), find_program_};
    RETURN_IF_ERROR(decoder_.Apply(batch, context, {}, builder_, on_failure, &unsound));
    return first;
  }

  absl::Status ReadGradient(const v1::Gradient& gradient) {
    if (gradient.seeds_size() != 0 && gradient.seeds_size() != gradient.targets_size()) {
      return Fault(StatusCode::kInvalidArgument, "BODY", "gradient: ", gradient.seeds_size(),
                   " seeds for ", gradient.targets_size(), " targets");
    }
    const auto span = [](const auto& list) {
      return absl::MakeConstSpan(list.data(), static_cast<size_t>(list.size()));
    };
    return builder_.AddGradient({gradient.first_out(), span(gradient.targets()),
                                 span(gradient.wrt()), span(gradient.seeds())},
                                {});
  }

  absl::Status ReadOutput(const v1::Port& port) {
    std::optional<types::Type> type;
    if (port.has_type()) {
      ASSIGN_OR_RETURN(type, ToType(port.type(), builder_.variables(), devices_));
    }
    return builder_.AddResult(port.id(), type);
  }

  const v1::ProgramBody& body_;
  FunctionBuilder builder_;
  const int devices_;
  FindProgram find_program_;
  StringTable strings_;
  NodeDecoder decoder_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const ir::Function>> BuildBody(const v1::ProgramBody& body,
                                                              const BodyOptions& options,
                                                              FindProgram find_program) {
  return BodyReader(body, options, find_program).Read();
}

absl::StatusOr<std::shared_ptr<Program>> Program::Make(const v1::ProgramBody& body,
                                                       const BodyOptions& options,
                                                       FindProgram find_program,
                                                       runtime::Engine& engine,
                                                       const runtime::LaneRef& lane) {
  auto program = std::shared_ptr<Program>(new Program);
  ASSIGN_OR_RETURN(program->function_, BuildBody(body, options, find_program));
  program->donate_required_ = body.donate_required();
  program->label_ = body.label().substr(0, 128);
  engine.PrepareAsync(
      lane, program->function_,
      [program](const absl::StatusOr<runtime::ExecutableRef>& made) { program->OnPrepared(made); });
  return program;
}

void Program::OnPrepared(const absl::StatusOr<runtime::ExecutableRef>& executable) {
  std::vector<Then> waiting;
  {
    MutexLock lock(mutex_);
    executable_ = executable;
    ready_ = true;
    waiting.swap(waiting_);
  }
  for (Then& then : waiting) std::move(then)(executable);
}

void Program::WhenReady(Then then) {
  absl::StatusOr<runtime::ExecutableRef> executable;
  {
    MutexLock lock(mutex_);
    if (!ready_) {
      waiting_.push_back(std::move(then));
      return;
    }
    executable = executable_;
  }
  std::move(then)(std::move(executable));
}

ProgramRef ProgramStore::Find(const base::Digest& digest) {
  MutexLock lock(mutex_);
  const auto it = programs_.find(digest);
  return it == programs_.end() ? nullptr : it->second.lock();
}

void ProgramStore::Insert(const base::Digest& digest, const ProgramRef& program) {
  MutexLock lock(mutex_);
  programs_[digest] = program;
  if (programs_.size() < prune_at_) return;
  absl::erase_if(programs_, [](const auto& entry) { return entry.second.expired(); });
  prune_at_ = 2 * programs_.size() + 64;
}

}  // namespace tensord::server
