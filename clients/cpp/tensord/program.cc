#include "clients/cpp/tensord/program.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/tensord/sha256.h"

namespace tensord::client {
namespace {

// Records into a ProgramBody.
class Tracer : public Graph {
 public:
  void Drop(uint64_t) override {}  // a body has no Free: what no output needs is not computed

  std::vector<Tensor> AddInputs(const std::vector<Type>& types) {
    const std::lock_guard lock(mutex_);
    const uint64_t first = NewIds(types.size());
    for (size_t i = 0; i < types.size(); ++i) {
      v1::Port* port = body_.add_in();
      port->set_id(first + i);
      ToMessage(types[i], port->mutable_type());
    }
    return MakeTensors(first, types.size());
  }

  absl::StatusOr<v1::ProgramBody> Finish(const std::vector<Tensor>& outputs) {
    for (const Tensor& output : outputs) {
      if (absl::Status status = Owns(output, "program output"); !status.ok()) return status;
      body_.add_out()->set_id(output.id());
    }
    const std::lock_guard lock(mutex_);
    CloseColumns();
    for (std::string& text : strings_.TakeNew()) body_.add_strings(std::move(text));
    finished_ = true;
    return std::move(body_);
  }

 protected:
  absl::Status Usable() const override {
    if (!finished_) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "a Tensor of a Program's body is used outside of the function that made it; return it");
  }
  void TakeNodes(v1::NodeBatch batch) override {
    *body_.add_items()->mutable_nodes() = std::move(batch);
  }
  void TakeGradient(v1::Gradient gradient) override {
    *body_.add_items()->mutable_gradient() = std::move(gradient);
  }

 private:
  v1::ProgramBody body_;
  bool finished_ = false;
};

void SetOptions(ProgramOptions options, v1::ProgramBody* body) {
  body->set_label(std::move(options.label));
  body->set_donate_required(options.donate_required);
  body->mutable_donate()->Assign(options.donate.begin(), options.donate.end());
  for (Variable& variable : options.variables) {
    v1::Var* var = body->add_vars();
    var->set_name(std::move(variable.name));
    var->set_min(variable.min);
    var->set_max(variable.max);
  }
}

}  // namespace

absl::StatusOr<Program> ProgramOf(const v1::ProgramBody& body) {
  for (const uint32_t position : body.donate()) {
    if (position < static_cast<uint32_t>(body.in_size())) continue;
    return absl::InvalidArgumentError(absl::StrCat("program: input ", position,
                                                   " is to be donated, but there are ",
                                                   body.in_size(), " inputs"));
  }
  auto data = std::make_shared<Program::Data>();
  data->body = body.SerializeAsString();
  data->digest = Sha256(data->body);
  data->inputs = static_cast<size_t>(body.in_size());
  data->outputs = static_cast<size_t>(body.out_size());
  data->variables = static_cast<size_t>(body.vars_size());
  data->donated.assign(body.donate().begin(), body.donate().end());
  Program program;
  program.data_ = std::move(data);
  return program;
}

absl::StatusOr<Program> MakeProgram(const std::vector<Type>& inputs, const BodyFunction& function,
                                    ProgramOptions options) {
  const auto tracer = std::make_shared<Tracer>();
  const std::vector<Tensor> arguments = tracer->AddInputs(inputs);
  const std::vector<Tensor> outputs = function(*tracer, arguments);
  absl::StatusOr<v1::ProgramBody> body = tracer->Finish(outputs);
  if (!body.ok()) return body.status();
  SetOptions(std::move(options), &*body);
  return ProgramOf(*body);
}

}  // namespace tensord::client
