#include "tests/server/session_harness.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "engine/base/sha256.h"

namespace tensord::server {
namespace {

constexpr int kWaitMs = 20'000;

std::unique_ptr<runtime::Engine> OpenEngine(const std::string& device) {
  auto engine = runtime::Engine::Create({.devices = {device}, .threads = 1});
  TENSORD_CHECK(engine.ok(), engine.status().ToString());
  return *std::move(engine);
}

Peer PeerOf(const std::string& principal) { return {"test", true, {principal, 1}}; }

}  // namespace

SessionWorld::SessionWorld(const std::string& device, PrincipalLimits limits)
    : engine_(OpenEngine(device)), table_(*engine_, limits) {}
SessionWorld::SessionWorld(std::unique_ptr<runtime::Engine> engine)
    : engine_(std::move(engine)), table_(*engine_) {}

SessionEnv& SessionWorld::env() {
  if (env_ == nullptr) {
    env_.reset(new SessionEnv{*engine_, programs_, publications_, events_, metrics_, authenticator_,
                              limits_, "", 1, static_cast<int>(engine_->devices().size()),
                              [this] { return now(); }});
  }
  return *env_;
}

// ------------------------------------------------------------------ writers

uint32_t BatchWriter::Text(const std::string& text) {
  const auto [it, fresh] = texts_.emplace(text, static_cast<uint32_t>(texts_.size()));
  if (fresh) on_string_(text);
  return it->second;
}

void BatchWriter::SetAttr(v1::Attr& attr, const std::string& name,
                          const AttrMap::mapped_type& value) {
  attr.set_name(Text(name));
  if (const auto* i = std::get_if<int64_t>(&value)) attr.set_i(*i);
  if (const auto* f = std::get_if<double>(&value)) attr.set_f(*f);
  if (const auto* b = std::get_if<bool>(&value)) attr.set_b(*b);
  if (const auto* s = std::get_if<std::string>(&value)) attr.set_s(Text(*s));
  if (const auto* scalar = std::get_if<ScalarBytes>(&value)) attr.set_scalar(scalar->bytes);
  if (const auto* t = std::get_if<types::DType>(&value)) {
    attr.set_dtype(static_cast<v1::DType>(*t));
  }
  if (const auto* ints = std::get_if<ir::Ints>(&value)) {
    attr.mutable_ints()->mutable_v()->Add(ints->begin(), ints->end());
  }
  if (const auto* dims = std::get_if<types::Dims>(&value)) {
    attr.mutable_dims();
    for (const types::Sym& d : *dims) {
      attr.mutable_dims()->add_sizes(static_cast<uint64_t>(d.constant()));
    }
  }
}

void BatchWriter::Add(v1::NodeBatch& batch, uint64_t id, const std::string& op,
                      const std::vector<uint64_t>& inputs, const AttrMap& attrs, uint32_t results) {
  if (batch.op_size() == 0) batch.set_first_id(id);
  const auto node = static_cast<uint32_t>(batch.op_size());
  batch.add_op(Text(op));
  batch.add_n_in(static_cast<uint32_t>(inputs.size()));
  for (uint64_t input : inputs) batch.add_in(static_cast<int64_t>(id - input));
  if (results != 1 && batch.n_out_size() == 0) {
    for (uint32_t i = 0; i < node; ++i) batch.add_n_out(1);
  }
  if (results != 1 || batch.n_out_size() > 0) batch.add_n_out(results);
  for (const auto& [name, value] : attrs) {
    v1::Attr& attr = *batch.add_attrs();
    attr.set_node(node);
    SetAttr(attr, name, value);
  }
}

v1::TensorType TypeOf(types::DType dtype, const std::vector<uint64_t>& sizes) {
  v1::TensorType type;
  type.set_dtype(static_cast<v1::DType>(dtype));
  for (uint64_t size : sizes) type.mutable_dims()->add_sizes(size);
  return type;
}

v1::TensorType F32(const std::vector<uint64_t>& sizes) { return TypeOf(types::DType::kF32, sizes); }

std::string Sha256Bytes(const std::string& bytes) {
  const base::Digest digest = base::Sha256(bytes);
  return {digest.begin(), digest.end()};
}

uint64_t BodyWriter::Input(const v1::TensorType& type) {
  v1::Port& port = *body_.add_in();
  port.set_id(next_);
  *port.mutable_type() = type;
  return next_++;
}

uint64_t BodyWriter::Node(const std::string& op, const std::vector<uint64_t>& inputs,
                          const AttrMap& attrs) {
  if (body_.items_size() == 0) body_.add_items();
  batch_.Add(*body_.mutable_items(0)->mutable_nodes(), next_, op, inputs, attrs);
  return next_++;
}

// ------------------------------------------------------------------ TestClient

TestClient::TestClient(SessionWorld& world, bool hello, const std::string& principal)
    : world_(world), peer_(PeerOf(principal)) {
  Open();
  if (hello) Greet();
}

void TestClient::Greet() {
  Item().mutable_hello()->set_max_version(1);
  Send();
  welcome_ = Await([](const v1::Reply& reply) { return reply.has_welcome(); }).welcome();
}

TestClient::~TestClient() {
  if (const auto session = world_.table().Find(welcome_.session())) session->End();
  LoseStream();
}

void TestClient::Open() {
  stream_ = std::make_shared<FakeStream>();
  handler_ = MakeSessionStream(world_.env(), world_.table(), peer_, stream_);
  ended_ = false;
}

uint64_t TestClient::Send() {
  frame_.set_seq(++seq_);
  frame_.set_acked(seen_);
  frame_.set_max_reply_bytes(received_bytes_ + (64 << 20));
  const std::string& bytes = unapplied_[seq_] = frame_.SerializeAsString();
  SendRaw(bytes);
  frame_.Clear();
  next_in_batch_ = 0;
  return seq_;
}

void TestClient::SendRaw(const std::string& bytes) {
  if (handler_ != nullptr) handler_->OnFrame(bytes);
}

bool TestClient::AwaitNews() {
  for (int i = 0; i < kWaitMs; ++i) {
    if (stream_->wakes > 0) return true;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return false;
}

void TestClient::LoseStream() {
  if (handler_ == nullptr) return;
  handler_->OnDetached(absl::CancelledError("lost"));
  handler_ = nullptr;
}

v1::Reply TestClient::Resume(const std::function<void(v1::Resume&)>& change) {
  Open();
  v1::ClientFrame frame;
  v1::Resume& resume = *frame.add_items()->mutable_resume();
  resume.set_session(welcome_.session());
  resume.set_resume_secret(welcome_.resume_secret());
  resume.set_epoch(welcome_.epoch());
  resume.set_last_seen(seen_);
  if (change) change(resume);
  SendRaw(frame.SerializeAsString());
  v1::Reply reply = Await(
      [](const v1::Reply& r) { return r.has_welcome() || (r.has_fault() && r.fault().fatal()); });
  if (!reply.has_welcome()) return reply;
  welcome_ = reply.welcome();
  unapplied_.erase(unapplied_.begin(), unapplied_.upper_bound(welcome_.applied()));
  for (const auto& [seq, bytes] : unapplied_) SendRaw(bytes);
  return reply;
}

void TestClient::Pull() {
  SharedBytes bytes;
  server::Pull pull = server::Pull::kNothing;
  while (handler_ != nullptr && (pull = handler_->NextFrame(&bytes)) == server::Pull::kMessage) {
    v1::ServerFrame frame;
    TENSORD_CHECK(frame.ParseFromArray(bytes.view.data(), static_cast<int>(bytes.view.size())));
    applied_ = std::max(applied_, frame.applied());
    completed_ = std::max(completed_, frame.completed());
    max_items_ = std::max(max_items_, frame.max_items());
    max_bytes_ = std::max(max_bytes_, frame.max_bytes());
    if (frame.seq() != 0 && frame.seq() <= seen_) continue;  // seen before the stream was lost
    if (frame.seq() != 0) {
      seen_ = frame.seq();
      received_bytes_ += bytes.view.size();
    }
    for (v1::Reply& reply : *frame.mutable_replies()) replies_.push_back(std::move(reply));
  }
  ended_ = pull == server::Pull::kEnd;
}

v1::Reply TestClient::Await(const std::function<bool(const v1::Reply&)>& wanted) {
  for (int i = 0; i < kWaitMs * 5; ++i) {
    Pull();
    for (auto it = replies_.begin(); it != replies_.end(); ++it) {
      if (!wanted(*it)) continue;
      v1::Reply reply = std::move(*it);
      replies_.erase(it);
      return reply;
    }
    absl::SleepFor(absl::Microseconds(200));
  }
  ADD_FAILURE() << "no reply";
  return {};
}

size_t TestClient::Waiting(const std::function<bool(const v1::Reply&)>& wanted) {
  Pull();
  return static_cast<size_t>(std::count_if(replies_.begin(), replies_.end(), wanted));
}

uint64_t TestClient::NextId(uint64_t count) {
  const uint64_t id = next_id_;
  next_id_ += count;
  return id;
}

uint64_t TestClient::Put(const v1::TensorType& type, const std::string& bytes) {
  v1::Put& put = *Item().mutable_put();
  put.set_id(NextId());
  *put.mutable_type() = type;
  put.set_data(bytes);
  return put.id();
}

uint64_t TestClient::PutFloats(const std::vector<float>& values) {
  return Put(F32({values.size()}), server::BytesOf(values));
}

// The batch that a node with this id may be appended to.
v1::NodeBatch& TestClient::Batch(uint64_t id) {
  const int items = frame_.items_size();
  if (items > 0 && frame_.items(items - 1).has_nodes() && next_in_batch_ == id) {
    return *frame_.mutable_items(items - 1)->mutable_nodes();
  }
  return *Item().mutable_nodes();
}

uint64_t TestClient::Node(const std::string& op, const std::vector<uint64_t>& inputs,
                          const AttrMap& attrs, uint32_t results) {
  const uint64_t id = NextId(results);
  writer_.Add(Batch(id), id, op, inputs, attrs, results);
  next_in_batch_ = id + results;
  return id;
}

v1::Fetch& TestClient::Fetch(uint64_t id) {
  v1::Fetch& fetch = *Item().mutable_fetch();
  fetch.set_id(id);
  return fetch;
}

void TestClient::Evaluate(const std::vector<uint64_t>& ids) {
  v1::Evaluate& evaluate = *Item().mutable_evaluate();
  for (uint64_t id : ids) evaluate.add_ids()->set_first(id);
}

void TestClient::Free(uint64_t first, uint32_t count) {
  v1::IdSpan& span = *Item().mutable_free()->add_ids();
  span.set_first(first);
  span.set_count(count);
}

void TestClient::AddProgram(uint32_t slot, const std::string& body) {
  v1::Program& program = *Item().mutable_program();
  program.set_digest(Sha256Bytes(body));
  program.set_body(body);
  program.set_slot(slot);
}

uint64_t TestClient::Execute(uint32_t slot, const std::vector<uint64_t>& inputs, uint64_t outputs) {
  v1::Execute& execute = *Item().mutable_execute();
  execute.set_slot(slot);
  for (uint64_t id : inputs) execute.add_in()->set_first(id);
  execute.set_first_out(NextId(outputs));
  return execute.first_out();
}

v1::Reply TestClient::Ask() {
  const auto item = static_cast<uint32_t>(frame_.items_size() - 1);
  const uint64_t seq = Send();
  return Await(
      [&](const v1::Reply& reply) { return reply.of_seq() == seq && reply.of_item() == item; });
}

std::string TestClient::FetchBytes(uint64_t id) {
  Fetch(id);
  const v1::Reply reply = Ask();
  EXPECT_TRUE(reply.has_data()) << reply.ShortDebugString();
  return reply.data().inline_();
}

v1::Fault TestClient::FetchFault(uint64_t id) {
  Fetch(id);
  const v1::Reply reply = Ask();
  EXPECT_TRUE(reply.has_fault()) << reply.ShortDebugString();
  return reply.fault();
}

v1::Description TestClient::Describe(uint64_t id) {
  Item().mutable_describe()->add_ids()->set_first(id);
  return Ask().described().values(0);
}

bool TestClient::Barrier() {
  Item().mutable_barrier();
  return Ask().barrier_done().any_poisoned();
}

void TestClient::AwaitFaults(size_t count) {
  const auto faults = [&] {
    Pull();
    return static_cast<size_t>(std::count_if(replies_.begin(), replies_.end(),
                                             [](const v1::Reply& r) { return r.has_fault(); }));
  };
  for (int i = 0; i < 2000 && faults() < count; ++i) absl::SleepFor(absl::Milliseconds(1));
}

std::vector<v1::Fault> TestClient::TakeFaults(size_t at_least) {
  AwaitFaults(at_least);
  Pull();
  std::vector<v1::Fault> faults;
  std::vector<v1::Reply> others;
  for (v1::Reply& reply : replies_) {
    if (reply.has_fault()) {
      faults.push_back(std::move(*reply.mutable_fault()));
    } else {
      others.push_back(std::move(reply));
    }
  }
  replies_ = std::move(others);
  return faults;
}

v1::Fault TestClient::TakeFault() {
  std::vector<v1::Fault> faults = TakeFaults(1);
  std::string texts;
  for (const v1::Fault& fault : faults) StrAppend(&texts, fault.ShortDebugString(), "\n");
  EXPECT_EQ(faults.size(), 1u) << texts;
  return faults.empty() ? v1::Fault() : faults.front();
}

absl::StatusOr<v1::UploadStatus> TestClient::Upload(uint64_t number, const std::string& bytes,
                                                    uint64_t total, uint64_t offset) {
  const std::string_view piece = bytes;
  return session().uploads().Add({"", "", number, total, offset}, {&piece, bytes.empty() ? 0u : 1u},
                                 world_.now());
}

void TestClient::Bind(uint64_t id, const v1::TensorType& type, uint64_t upload) {
  v1::BindUpload& bind = *Item().mutable_bind();
  bind.set_id(id);
  *bind.mutable_type() = type;
  bind.set_upload(upload);
}

}  // namespace tensord::server
