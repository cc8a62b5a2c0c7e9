// The kinds of commands: running plans, fetching, receiving uploads, waiting.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/scheduler.h"
#include "server/session_programs.h"
#include "server/telemetry/command_record.h"
#include "server/uploads.h"

namespace tensord::server {

// A plan over some values into others.
class RunCommand : public Command {
 public:
  struct Work {
    std::shared_ptr<const ir::Function> function;  // to be prepared, unless `executable` is there
    SessionProgramRef program;                     // the same, of a Program
    runtime::ExecutableRef executable;
    std::vector<runtime::CellRef> inputs, outputs;
    std::vector<runtime::CellRef> after;
    std::vector<int64_t> variables;
    std::vector<int> donate;  // positions whose ids ended with the command
    std::vector<Span> ids;    // of the outputs
    std::string op;           // "execute", "evaluate"
    bool quiet = false;       // a failure is told by who asked for the values
  };
  RunCommand(const Terms& terms, Work work);
  ~RunCommand() override;

  bool MakesAny(const Span& ids) const override;

 protected:
  void Prepare() override;
  void Start() override;
  void OnSettled() override;
  void GiveUp(const absl::Status& why) override;
  void Stop(const absl::Status& why) override;

 private:
  struct Prepared {
    absl::StatusOr<runtime::ExecutableRef> executable;
    bool at_once = false;  // it was in memory
  };
  void OnPrepared(Prepared executable);
  absl::Status CheckMemory() const;
  runtime::RunRequest MakeRequest();
  runtime::PoisonRef PoisonOfInputs() const;
  void OnCopied(int64_t bytes, const std::string& why);
  void TellCopied();
  void Submitted(std::vector<runtime::Value> results);
  void CountWatchers(int by);
  void OnDone(const absl::Status& status);
  void Fail(const absl::Status& status);
  void Note(const absl::Status& status);
  void PoisonOutputs(const runtime::PoisonRef& poison);

  Work work_;
  telemetry::CommandRecord record_;
  absl::Status prepared_;
  bool submitted_ = false;
  bool gave_ = false;  // a value was taken from its cell
  // Tells the engine, until this command ends.
  const std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  absl::Status stopped_;  // why
  v1::Donated copied_;    // of donated inputs, as far as it is news
  int copied_causes_ = 0;
};

// A value's bytes as Data: inline, or as a ticket.
class FetchCommand : public Command {
 public:
  struct What {
    runtime::Id id = 0;
    runtime::CellRef cell;
    uint64_t offset = 0, length = 0;  // within the value
    bool is_inline = true;
    std::string ticket;
  };
  FetchCommand(const Terms& terms, What what);
  ~FetchCommand() override;

 protected:
  void Prepare() override { AwaitAvailable(what_.cell); }
  void Start() override;
  void OnSettled() override;
  void GiveUp(const absl::Status& why) override;
  void Stop(const absl::Status& why) override;

 private:
  void OnCopied(const absl::Status& status);
  void Answer(v1::Reply reply);
  void AnswerOnce(v1::Reply reply);

  What what_;
  telemetry::CommandRecord record_;
  bool answered_ = false, watching_ = false;  // watching: see Cell::CountWatchers
  std::shared_ptr<std::string> bytes_ = std::make_shared<std::string>();
};

// A value that comes by upload, or in an item.
class ReceiveCommand : public Command {
 public:
  struct What {
    runtime::Id id = 0;
    runtime::CellRef cell;
    std::string digest;  // to be checked; may be empty
  };
  ReceiveCommand(const Terms& terms, What what) : Command(terms), what_(std::move(what)) {}
  ~ReceiveCommand() override;

  runtime::Id id() const { return what_.id; }
  // The bytes are there. `keep` holds them.
  void Receive(std::string_view bytes, std::shared_ptr<const void> keep);
  // The same in staging memory, whose first bytes they are: it may become the value's.
  void ReceiveStaged(runtime::BufferPtr staging, std::string_view bytes,
                     std::shared_ptr<const void> keep);
  void Fail(const absl::Status& status);
  bool MakesAny(const Span& ids) const override { return ids.Contains(what_.id); }

 protected:
  void Prepare() override { Owe(); }  // the bytes
  void Start() override;
  void GiveUp(const absl::Status& why) override { Fail(why); }
  void Stop(const absl::Status&) override {}  // the bytes are on their way

 private:
  absl::Status CheckBytesAndRoom() const;
  absl::Status TakeIn();
  void CopyIn(const runtime::Value& value);
  void OnCopied(const absl::Status& status);

  What what_;
  std::string_view bytes_;
  runtime::BufferPtr staging_;
  std::shared_ptr<const void> keep_;
  bool failed_ = false, watching_ = false;
};

// Calls back when cells are settled, or when its deadline passed.
class AwaitCommand : public Command {
 public:
  using Then = std::function<void(const absl::Status&)>;
  AwaitCommand(const Terms& terms, std::vector<runtime::CellRef> cells, Then then)
      : Command(terms), cells_(std::move(cells)), then_(std::move(then)) {}

 protected:
  void Prepare() override {
    for (const runtime::CellRef& cell : cells_) AwaitSettled(cell);
  }
  void Start() override { GiveUp(absl::OkStatus()); }
  void GiveUp(const absl::Status& why) override {
    then_(why);
    Finish();
  }
  void Stop(const absl::Status&) override {}  // it ended when it started

 private:
  std::vector<runtime::CellRef> cells_;
  Then then_;
};

}  // namespace tensord::server
