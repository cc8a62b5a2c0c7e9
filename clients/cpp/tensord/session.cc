#include "clients/cpp/tensord/session.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/spans.h"
#include "clients/cpp/tensord/wire_time.h"

namespace tensord::client {
namespace {

constexpr absl::Duration kByePatience = absl::Seconds(2), kAuthPatience = absl::Seconds(10);
constexpr uint64_t kInlineBytes = 64 << 10;
constexpr size_t kDescribedAtOnce = 4096;

template <typename Spans>
void AppendTensors(std::span<const Tensor> tensors, Spans* spans) {
  std::vector<uint64_t> ids;
  ids.reserve(tensors.size());
  for (const Tensor& tensor : tensors) ids.push_back(tensor.id());
  AppendIds(ids, spans);
}

v1::Item FetchItem(const Tensor& tensor, const CallOptions& options) {
  v1::Item item;
  item.mutable_fetch()->set_id(tensor.id());
  item.mutable_fetch()->set_priority(options.priority);
  item.mutable_fetch()->set_timeout_us(WireTimeout(options.timeout));
  return item;
}

Description ToDescription(const v1::Description& message) {
  Description description;
  description.id = message.id();
  description.state = message.state();
  if (message.has_type()) description.type = FromMessage(message.type());
  if (message.has_fault()) description.fault = StatusOf(message.fault());
  description.bytes = message.bytes();
  return description;
}

v1::Hello HelloOf(const SessionOptions& options) {
  v1::Hello hello;
  hello.set_min_version(1);
  hello.set_max_version(1);
  hello.set_client_name("tensord-cpp");
  hello.set_client_version(TENSORD_VERSION);
  hello.set_label(options.label.substr(0, 128));
  hello.set_op_set_digest(absl::HexStringToBytes(ops::kOpSetDigest));
  return hello;
}

absl::StatusOr<std::shared_ptr<Credentials>> CredentialsOf(const SessionOptions& options) {
  const int given = int{!options.token.empty()} + int{!options.token_file.empty()} +
                    int{options.token_source != nullptr};
  if (given > 1) {
    return absl::InvalidArgumentError("token, token_file and token_source: give one of them");
  }
  if (options.token_source != nullptr) return std::make_shared<Credentials>(options.token_source);
  if (!options.token_file.empty()) {
    return std::make_shared<Credentials>(TokenOfFile(options.token_file));
  }
  absl::StatusOr<std::string> token = TokenOr(options.token);
  if (!token.ok()) return token.status();
  return std::make_shared<Credentials>(*std::move(token));
}

// Where it was, with everything that the status carries.
absl::Status At(const std::string& address, const absl::Status& why) {
  absl::Status status(why.code(), absl::StrCat(address, ": ", Explained(why).message()));
  why.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

}  // namespace

absl::Status CheckDType(const Value& value, DType wanted) {
  if (value.type.dtype == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the value is ", value.type.ToString(),
                                                 ", asked for as ", std::string(Name(wanted)),
                                                 "; fetch it as its own dtype, or Cast it"));
}

absl::StatusOr<std::unique_ptr<Session>> Session::Connect(SessionOptions options) {
  const absl::StatusOr<std::string> address = AddressOr(options.address);
  if (!address.ok()) return address.status();
  const auto credentials = CredentialsOf(options);
  if (!credentials.ok()) return credentials.status();
  const absl::StatusOr<Target> target = ParseAddress(*address);
  if (!target.ok()) return target.status();
  const auto channel = CredentialsOr(options.credentials, *target, options.tls);
  if (!channel.ok()) return channel.status();
  auto connection = Connection::Open(
      MakeChannel(*target, *channel), HelloOf(options),
      {options.connect_timeout, options.reconnect, *credentials, options.on_fault});
  if (!connection.ok()) return At(*address, connection.status());
  std::unique_ptr<Session> session(
      new Session(*std::move(connection), MakeChannel(*target, *channel),
                  options.shared_memory ? target->path : std::string(), *credentials));
  if ((*credentials)->renewed()) session->KeepFresh(std::move(options.on_fault));
  return session;
}

Session::Session(std::shared_ptr<Connection> connection, std::shared_ptr<grpc::Channel> bulk,
                 const std::string& path, std::shared_ptr<Credentials> credentials)
    : connection_(std::move(connection)),
      credentials_(std::move(credentials)),
      bulk_(std::move(bulk), path, connection_->welcome(), connection_->patience()) {}

void Session::KeepFresh(std::function<void(const absl::Status&)> on_fault) {
  const auto done = [on_fault = std::move(on_fault)](const absl::Status& status) {
    if (!status.ok() && on_fault != nullptr) on_fault(status);
  };
  renewal_ = std::make_unique<Renewal>(*credentials_,
                                       [this, done](const absl::StatusOr<v1::Credentials>& fresh) {
                                         if (!fresh.ok()) return done(fresh.status());
                                         connection_->Refresh(*fresh, done);
                                       });
}

Session::~Session() {
  renewal_ = nullptr;
  connection_->Close(kByePatience);
}

absl::Status Session::OwnsAll(std::span<const Tensor> tensors, const char* what) const {
  for (const Tensor& tensor : tensors) {
    if (absl::Status status = connection_->Owns(tensor, what); !status.ok()) return status;
  }
  return connection_->status();
}

// ------------------------------------------------------------------ values in

absl::Status Session::CheckPut(const Type& type, std::string_view bytes) const {
  if (!type.constant()) {
    return absl::InvalidArgumentError(
        absl::StrCat("put: ", type.ToString(), " has dims that are no numbers"));
  }
  if (type.bytes() == static_cast<int64_t>(bytes.size())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("put: ", bytes.size(), " bytes given, ",
                                                 type.ToString(), " has ", type.bytes()));
}

Tensor Session::PutBytes(const Type& type, std::string_view bytes) {
  if (absl::Status status = CheckPut(type, bytes); !status.ok()) return Tensor::Broken(status);
  const uint64_t most = welcome().limits().max_inline_bytes();
  if (bytes.size() <= (most == 0 ? kInlineBytes : most)) {
    return connection_->Define(1, Connection::When::kSoon, [&](uint64_t id, v1::Item* item) {
      item->mutable_put()->set_id(id);
      ToMessage(type, item->mutable_put()->mutable_type());
      item->mutable_put()->set_data(bytes.data(), bytes.size());
    })[0];
  }
  const uint64_t number = connection_->NewUpload();
  Tensor tensor = connection_->Define(1, Connection::When::kNow, [&](uint64_t id, v1::Item* item) {
    item->mutable_bind()->set_id(id);
    ToMessage(type, item->mutable_bind()->mutable_type());
    item->mutable_bind()->set_upload(number);
  })[0];
  if (!tensor.status().ok()) return tensor;
  if (absl::Status status = bulk_.Upload(number, bytes); !status.ok()) {
    return Tensor::Broken(status);
  }
  return tensor;
}

// ------------------------------------------------------------------ values out

absl::Status Session::TakeValue(v1::Data data, absl::Duration timeout, Value* value) const {
  value->type = FromMessage(data.type());
  if (!data.ticket().empty()) return bulk_.Download(data, timeout, &value->bytes);
  value->bytes = std::move(*data.mutable_inline_());
  return absl::OkStatus();
}

absl::StatusOr<Value> Session::ValueOf(v1::Data data, absl::Duration timeout) const {
  Value value;
  if (absl::Status status = TakeValue(std::move(data), timeout, &value); !status.ok()) {
    return status;
  }
  return value;
}

absl::Status Session::FetchInto(const Tensor& tensor, Value* value, const CallOptions& options) {
  if (absl::Status status = connection_->Owns(tensor, "fetch"); !status.ok()) return status;
  const absl::Time end = absl::Now() + options.timeout;
  Answer answer = connection_->AskAndWait(FetchItem(tensor, options), options.timeout);
  if (!answer.ok()) return answer.status();
  return TakeValue(std::move(*answer->mutable_data()), end - absl::Now(), value);
}

absl::StatusOr<Value> Session::FetchValue(const Tensor& tensor, const CallOptions& options) {
  Value value;
  if (absl::Status status = FetchInto(tensor, &value, options); !status.ok()) return status;
  return value;
}

// The tensor is held until its bytes are here: a ticket ends with its id.
void Session::FetchValueAsync(const Tensor& tensor, std::function<void(absl::StatusOr<Value>)> done,
                              const CallOptions& options) {
  if (absl::Status status = connection_->Owns(tensor, "fetch"); !status.ok()) return done(status);
  const absl::Time end = absl::Now() + options.timeout;
  connection_->Ask(FetchItem(tensor, options),
                   [this, tensor, end, done = std::move(done)](Answer answer) mutable {
                     if (!answer.ok()) return done(answer.status());
                     if (answer->data().ticket().empty())
                       return done(ValueOf(std::move(*answer->mutable_data()), {}));
                     worker_.Run([this, tensor, end, done = std::move(done),
                                  data = std::move(*answer->mutable_data())] {
                       done(ValueOf(data, end - absl::Now()));
                     });
                   });
}

// ------------------------------------------------------------------ work

absl::Status Session::Evaluate(const std::vector<Tensor>& tensors, const CallOptions& options) {
  if (absl::Status status = OwnsAll(tensors, "evaluate"); !status.ok()) return status;
  v1::Item item;
  AppendTensors(tensors, item.mutable_evaluate()->mutable_ids());
  item.mutable_evaluate()->set_priority(options.priority);
  item.mutable_evaluate()->set_timeout_us(WireTimeout(options.timeout));
  connection_->Send(std::move(item));
  return absl::OkStatus();
}

absl::Status Session::Barrier(const std::vector<Tensor>& tensors, absl::Duration timeout) {
  if (absl::Status status = OwnsAll(tensors, "barrier"); !status.ok()) return status;
  v1::Item item;
  AppendTensors(tensors, item.mutable_barrier()->mutable_ids());
  const Answer answer = connection_->AskAndWait(std::move(item), timeout);
  if (!answer.ok()) return answer.status();
  const bool failed = tensors.empty() && failed_.exchange(false);
  if (!failed && !answer->barrier_done().any_poisoned()) return absl::OkStatus();
  if (!tensors.empty()) {
    const auto described = Describe(tensors);
    if (!described.ok()) return described.status();
    for (const Description& description : *described) {
      if (!description.fault.ok()) return description.fault;
    }
  }
  return absl::AbortedError("something failed before this barrier; fetch or describe the values");
}

absl::Status Session::Cancel(const std::vector<Tensor>& tensors) {
  if (absl::Status status = OwnsAll(tensors, "cancel"); !status.ok()) return status;
  v1::Item item;
  AppendTensors(tensors, item.mutable_cancel()->mutable_ids());
  connection_->Send(std::move(item));
  return absl::OkStatus();
}

absl::Status Session::CheckExecute(const Program& program, const std::vector<Tensor>& inputs,
                                   const ExecuteOptions& options) const {
  if (inputs.size() != program.inputs() || options.variables.size() != program.variables()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "execute: ", inputs.size(), " inputs and ", options.variables.size(),
        " variables given, the Program takes ", program.inputs(), " and ", program.variables()));
  }
  if (absl::Status status = OwnsAll(inputs, "execute"); !status.ok()) return status;
  return OwnsAll(options.after, "execute after");
}

std::vector<Tensor> Session::Execute(const Program& program, const std::vector<Tensor>& inputs,
                                     const ExecuteOptions& options) {
  return Launch(program, inputs, options, Connection::When::kNow);
}

absl::StatusOr<std::vector<Value>> Session::Run(const Program& program,
                                                const std::vector<Tensor>& inputs,
                                                const ExecuteOptions& options) {
  const absl::Time end = absl::Now() + options.timeout;
  const auto when = program.outputs() > 0 ? Connection::When::kWithNext : Connection::When::kNow;
  const std::vector<Tensor> outputs = Launch(program, inputs, options, when);
  std::vector<v1::Item> items;
  for (const Tensor& output : outputs) {
    if (absl::Status status = connection_->Owns(output, "run"); !status.ok()) return status;
    items.push_back(FetchItem(output, {options.timeout, options.priority}));
  }
  auto answers = connection_->AskAllAndWait(std::move(items), options.timeout);
  if (!answers.ok()) return answers.status();
  std::vector<Value> values(outputs.size());
  for (size_t i = 0; i < values.size(); ++i) {
    Answer& answer = (*answers)[i];
    if (!answer.ok()) return answer.status();
    absl::Status status =
        TakeValue(std::move(*answer->mutable_data()), end - absl::Now(), &values[i]);
    if (!status.ok()) return status;
  }
  return values;
}

std::vector<Tensor> Session::Launch(const Program& program, const std::vector<Tensor>& inputs,
                                    const ExecuteOptions& options, Connection::When when) {
  const auto broken = [&](const absl::Status& why) {
    return std::vector<Tensor>(program.outputs(), Tensor::Broken(why));
  };
  if (absl::Status status = CheckExecute(program, inputs, options); !status.ok()) {
    return broken(status);
  }
  uint64_t upload = 0;
  const absl::StatusOr<uint32_t> slot = connection_->SlotOf(program, &upload);
  if (!slot.ok()) return broken(slot.status());
  if (upload != 0) {
    if (absl::Status status = bulk_.Upload(upload, program.body()); !status.ok()) {
      return broken(status);
    }
  }
  return connection_->Define(program.outputs(), when, [&](uint64_t first, v1::Item* item) {
    v1::Execute& execute = *item->mutable_execute();
    execute.set_slot(*slot);
    AppendTensors(inputs, execute.mutable_in());
    execute.set_first_out(first);
    execute.mutable_vars()->Assign(options.variables.begin(), options.variables.end());
    AppendTensors(options.after, execute.mutable_after());
    execute.set_device(options.device);
    execute.set_priority(options.priority);
    execute.set_timeout_us(WireTimeout(options.timeout));
    for (const uint32_t position : program.donated()) inputs[position].MarkDonated();
  });
}

absl::Status Session::Release(const Program& program) {
  connection_->Release(program);
  return connection_->status();
}

// ------------------------------------------------------------------ questions

absl::StatusOr<std::vector<Description>> Session::Describe(const std::vector<Tensor>& tensors) {
  if (absl::Status status = OwnsAll(tensors, "describe"); !status.ok()) return status;
  std::vector<uint64_t> ids;
  ids.reserve(tensors.size());
  for (const Tensor& tensor : tensors) ids.push_back(tensor.id());
  return DescribeIds(ids);
}

// In pieces: a reply has to fit a message.
absl::StatusOr<std::vector<Description>> Session::DescribeIds(const std::vector<uint64_t>& ids) {
  std::vector<Description> descriptions;
  descriptions.reserve(ids.size());
  for (size_t from = 0; from < ids.size(); from += kDescribedAtOnce) {
    v1::Item item;
    AppendIds(std::span(ids).subspan(from, std::min(kDescribedAtOnce, ids.size() - from)),
              item.mutable_describe()->mutable_ids());
    const Answer answer = connection_->AskAndWait(std::move(item), absl::InfiniteDuration());
    if (!answer.ok()) return answer.status();
    for (const v1::Description& value : answer->described().values()) {
      descriptions.push_back(ToDescription(value));
    }
  }
  return descriptions;
}

absl::StatusOr<Type> Session::TypeOf(const Tensor& tensor) {
  const auto described = Describe({tensor});
  if (!described.ok()) return described.status();
  if (!described->front().fault.ok()) return described->front().fault;
  if (!described->front().type.has_value()) {
    return absl::NotFoundError(absl::StrCat("the daemon knows no type of value ", tensor.id()));
  }
  return *described->front().type;
}

absl::Status Session::RefreshCredentials() {
  absl::StatusOr<v1::Credentials> fresh = credentials_->Now();
  if (!fresh.ok()) return fresh.status();
  return connection_->AwaitStatus(
      kAuthPatience, [&](auto done) { connection_->Refresh(*std::move(fresh), std::move(done)); });
}

absl::StatusOr<Pong> Session::Ping(absl::Duration timeout) {
  v1::Item item;
  const absl::Time begin = absl::Now();
  item.mutable_ping()->set_nonce(static_cast<uint64_t>(absl::ToUnixNanos(begin)));
  const Answer answer = connection_->AskAndWait(std::move(item), timeout);
  if (!answer.ok()) return answer.status();
  return Pong{absl::Now() - begin, answer->pong().in_flight(), answer->pong().resident_bytes()};
}

absl::Status Session::FaultHeard(const Tensor& tensor) const {
  if (absl::Status status = tensor.status(); !status.ok()) return status;
  return connection_->FaultOfId(tensor.id());
}

}  // namespace tensord::client
