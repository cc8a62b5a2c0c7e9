#include "server/run_call.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "engine/runtime/fault.h"
#include "server/convert.h"
#include "server/program.h"
#include "server/session_programs.h"
#include "server/session_table.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;

constexpr int kMaxNumbers = 4096;
constexpr int64_t kMaxReplyBytes = 4 << 20;

absl::StatusOr<std::string> BytesOfNumbers(const types::Type& type, const v1::Tensor& tensor) {
  const int64_t elements = type.elements().constant();
  if (tensor.numbers_size() > kMaxNumbers || tensor.numbers_size() != elements) {
    return Fault(StatusCode::kInvalidArgument, "SHAPE", tensor.numbers_size(), " numbers for ",
                 type.ToString(), " of ", elements, " elements; at most ", kMaxNumbers);
  }
  const auto size = static_cast<size_t>(types::Bytes(type.dtype));
  std::string bytes(size * static_cast<size_t>(elements), '\0');
  for (int i = 0; i < tensor.numbers_size(); ++i) {
    const double number = tensor.numbers(i);
    const types::Scalar scalar = types::Scalar::Float(types::DType::kF64, number).Cast(type.dtype);
    if (!types::IsFloat(type.dtype) && scalar.AsDouble() != number) {
      return Fault(StatusCode::kInvalidArgument, "DTYPE", "number ", i, ", ", number,
                   ", is no exact ", types::Name(type.dtype));
    }
    scalar.ToBytes(reinterpret_cast<std::byte*>(&bytes[size * static_cast<size_t>(i)]));
  }
  return bytes;
}

// The bytes of an input of `type`.
absl::StatusOr<std::string> BytesOf(const types::Type& type, const v1::Tensor& tensor) {
  if (tensor.numbers_size() > 0 && !tensor.data().empty()) {
    return Fault(StatusCode::kInvalidArgument, "FRAMING", "both data and numbers are given");
  }
  if (tensor.numbers_size() > 0) return BytesOfNumbers(type, tensor);
  RETURN_IF_ERROR(CheckBytes(type, tensor.data()));
  return tensor.data();
}

class RunCall : public std::enable_shared_from_this<RunCall> {
 public:
  RunCall(const SessionEnv& env, std::shared_ptr<Account> account, v1::RunRequest request,
          Reply<v1::RunReply> reply)
      : env_(env),
        account_(std::move(account)),
        request_(std::move(request)),
        reply_(std::move(reply)) {
    if (request_.timeout_us() != 0) {
      deadline_ = runtime::Clock::now() + std::chrono::microseconds(std::min<uint64_t>(
                                              request_.timeout_us(), uint64_t{1} << 50));
    }
  }

  void Start() {
    if (absl::Status status = Build(); !status.ok()) return Answer(status);
    env_.engine.PrepareAsync(
        account_->lane, function_,
        [self = shared_from_this()](absl::StatusOr<runtime::ExecutableRef> executable) {
          self->OnPrepared(std::move(executable));
        });
  }

 private:
  absl::Status Build() {
    if (request_.graph_case() == v1::RunRequest::kText) {
      ASSIGN_OR_RETURN(function_, runtime::ParseFunctionText(request_.text(), env_.devices));
    } else {
      std::vector<std::pair<base::Digest, ir::FunctionRef>> bodies;
      const auto find = [&](const std::string& bytes) -> ir::FunctionRef {
        for (const auto& [digest, function] : bodies) {
          if (std::equal(digest.begin(), digest.end(), bytes.begin(), bytes.end(),
                         [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); })) {
            return function;
          }
        }
        return nullptr;
      };
      const BodyOptions options{env_.devices,
                                static_cast<int64_t>(env_.limits.max_program_nodes())};
      for (const v1::Program& program : request_.programs()) {
        v1::ProgramBody body;
        const base::Digest digest = base::Sha256(program.body());
        ASSIGN_OR_RETURN(const base::Digest given, ToDigest(program.digest()));
        if (digest != given) {
          return Fault(StatusCode::kInvalidArgument, "DIGEST",
                       "programs: the SHA-256 of the body is not its digest, but ",
                       base::ToHex(digest));
        }
        if (!body.ParseFromString(program.body())) {
          return Fault(StatusCode::kInvalidArgument, "BODY",
                       "programs: a body that does not parse");
        }
        ASSIGN_OR_RETURN(ir::FunctionRef function, BuildBody(body, options, find));
        bodies.push_back({digest, std::move(function)});
      }
      ASSIGN_OR_RETURN(function_, BuildBody(request_.body(), options, find));
    }
    return CheckArguments();
  }

  absl::Status CheckArguments() {
    const size_t inputs = function_->parameters.size(), vars = function_->variables.size();
    if (static_cast<size_t>(request_.inputs_size()) != inputs ||
        static_cast<size_t>(request_.vars_size()) != vars) {
      return Fault(StatusCode::kInvalidArgument, "ARITY", "run: ", request_.inputs_size(),
                   " inputs and ", request_.vars_size(), " variables given, the graph has ", inputs,
                   " and ", vars);
    }
    types::Sym::Substitution variables;
    for (size_t i = 0; i < vars; ++i) {
      variables[function_->variables[i].name] = request_.vars(static_cast<int>(i));
    }
    for (size_t i = 0; i < inputs; ++i) {
      types::Type type = function_->parameters[i]->type();
      for (types::Sym& dim : type.dims) dim = dim.Substitute(variables);
      if (type.placement.device >= env_.devices) {
        return Fault(StatusCode::kNotFound, "DEVICE", "run: device ", type.placement.device + 1,
                     "; there are ", env_.devices);
      }
      RETURN_IF_ERROR(CheckType(type, request_.inputs(static_cast<int>(i)), static_cast<int>(i)));
      ASSIGN_OR_RETURN(bytes_.emplace_back(), BytesOf(type, request_.inputs(static_cast<int>(i))));
      input_types_.push_back(std::move(type));
    }
    return absl::OkStatus();
  }

  // What an input says of its own type, if it does.
  absl::Status CheckType(const types::Type& want, const v1::Tensor& tensor, int input) const {
    if (!tensor.has_type()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const types::Type type, ToType(tensor.type(), {}, env_.devices));
    if (type == want) return absl::OkStatus();
    return Fault(StatusCode::kInvalidArgument, "TYPE_MISMATCH", "run: input ", input, " is ",
                 type.ToString(), ", the graph takes ", want.ToString());
  }

  void OnPrepared(absl::StatusOr<runtime::ExecutableRef> executable) {
    if (!executable.ok()) return Answer(executable.status());
    absl::StatusOr<std::vector<runtime::Value>> results = Submit(*std::move(executable));
    if (!results.ok()) return Answer(results.status());
    absl::Status status = Collect(*std::move(results));
    if (!status.ok()) Answer(status);
  }

  absl::StatusOr<std::vector<runtime::Value>> Submit(runtime::ExecutableRef executable) {
    runtime::RunRequest run;
    run.executable = std::move(executable);
    run.lane = account_->lane;
    for (size_t i = 0; i < bytes_.size(); ++i) {
      ASSIGN_OR_RETURN(runtime::Value value, env_.engine.Allocate(account_->lane, input_types_[i]));
      env_.engine.CopyIn(account_->lane, value, 0, AsSpan(bytes_[i]),
                         [self = shared_from_this()](const absl::Status&) {});
      run.inputs.push_back(std::move(value));
    }
    run.variables.assign(request_.vars().begin(), request_.vars().end());
    run.donate = function_->donated;  // the inputs are this call's own
    run.donate_required = request_.body().donate_required();
    run.deadline = deadline_;
    run.on_done = [self = shared_from_this()](const absl::Status& status) {
      if (!status.ok()) self->Answer(status);
    };
    return env_.engine.Run(std::move(run));
  }

  static absl::Span<const std::byte> AsSpan(const std::string& bytes) {
    return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
  }

  absl::Status Collect(std::vector<runtime::Value> results) {
    int64_t total = 0;
    for (const runtime::Value& value : results) total += value.bytes();
    if (total > kMaxReplyBytes) {
      return runtime::OverLimit("max_frame_bytes", static_cast<uint64_t>(total),
                                static_cast<uint64_t>(kMaxReplyBytes), "bytes of outputs");
    }
    if (results.empty()) return Answer(absl::OkStatus()), absl::OkStatus();
    waiting_ = static_cast<int>(results.size());
    outputs_.resize(results.size());
    output_types_.resize(results.size());
    for (size_t i = 0; i < results.size(); ++i) {
      outputs_[i].resize(static_cast<size_t>(results[i].bytes()));
      output_types_[i] = results[i].type;
    }
    for (size_t i = 0; i < results.size(); ++i) {
      const absl::Span<std::byte> to(reinterpret_cast<std::byte*>(outputs_[i].data()),
                                     outputs_[i].size());
      env_.engine.CopyOut(account_->lane, to, results[i], 0,
                          [self = shared_from_this()](const absl::Status& status) {
                            if (!status.ok()) return self->Answer(status);
                            if (--self->waiting_ == 0) self->Answer(absl::OkStatus());
                          });
    }
    return absl::OkStatus();
  }

  void FillOutput(size_t i, v1::Tensor* out) {
    const types::Type& type = output_types_[i];
    FromType(type, out->mutable_type());
    const auto size = static_cast<size_t>(types::Bytes(type.dtype));
    if (!request_.numbers() || outputs_[i].size() / size > kMaxNumbers) {
      out->set_data(std::move(outputs_[i]));
      return;
    }
    for (size_t at = 0; at < outputs_[i].size(); at += size) {
      const auto* element = reinterpret_cast<const std::byte*>(&outputs_[i][at]);
      out->add_numbers(types::Scalar::FromBytes(type.dtype, element).AsDouble());
    }
  }

  void Answer(const absl::Status& status) {
    if (answered_.exchange(true)) return;
    if (!status.ok()) {
      return reply_(absl::Status(
          status.code(), StrCat(runtime::ReasonOf(status), ": ", FromAbsl(status.message()))));
    }
    v1::RunReply reply;
    for (size_t i = 0; i < outputs_.size(); ++i) FillOutput(i, reply.add_outputs());
    reply_(std::move(reply));
  }

  const SessionEnv& env_;
  const std::shared_ptr<Account> account_;
  const v1::RunRequest request_;
  Reply<v1::RunReply> reply_;
  runtime::Clock::time_point deadline_ = runtime::Clock::time_point::max();
  std::shared_ptr<const ir::Function> function_;
  std::vector<std::string> bytes_, outputs_;
  std::vector<types::Type> input_types_, output_types_;
  std::atomic<int> waiting_ = 0;
  std::atomic<bool> answered_ = false;
};

}  // namespace

void StartRun(const SessionEnv& env, std::shared_ptr<Account> account, v1::RunRequest request,
              Reply<v1::RunReply> reply) {
  std::make_shared<RunCall>(env, std::move(account), std::move(request), std::move(reply))->Start();
}

}  // namespace tensord::server
