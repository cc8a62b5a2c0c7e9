// A session driven without a transport: frames in by function call, replies out as messages.
//
//   SessionWorld world("cpu");
//   TestClient client(world);
//   const uint64_t x = client.Put(F32({2}, {1, 2}));
//   const uint64_t y = client.Node("add", {x, x});
//   EXPECT_THAT(client.FetchFloats(y), ElementsAre(2, 4));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "server/events.h"
#include "server/program.h"
#include "server/publications.h"
#include "server/session.h"
#include "server/session_table.h"

namespace tensord::server {

// What the sessions of one test share: an engine, limits, a clock that tests set.
class SessionWorld {
 public:
  explicit SessionWorld(const std::string& device = "cpu", PrincipalLimits limits = {});
  explicit SessionWorld(std::unique_ptr<runtime::Engine> engine);

  v1::Limits& limits() { return limits_; }  // before the first client
  SessionEnv& env();
  SessionTable& table() { return table_; }
  Publications& publications() { return publications_; }
  EventBus& events() { return events_; }
  Metrics& metrics() { return metrics_; }
  Authenticator& authenticator() { return authenticator_; }
  runtime::Engine& engine() { return *engine_; }
  absl::Time now() const { return absl::FromUnixMicros(now_us_); }
  void Pass(absl::Duration time) { now_us_ += absl::ToInt64Microseconds(time); }

 private:
  std::unique_ptr<runtime::Engine> engine_;
  v1::Limits limits_ = DefaultLimits();
  std::atomic<int64_t> now_us_ = 1'000'000'000;
  Metrics metrics_;
  Authenticator authenticator_;
  ProgramStore programs_;
  Publications publications_;
  EventBus events_{metrics_, [this] { return now(); }};
  SessionTable table_;
  std::unique_ptr<SessionEnv> env_;
};

// The wire's end of a session that keeps what it is told.
class FakeStream : public Stream {
 public:
  void Wake() override { ++wakes; }
  void ResumeReading() override { ++resumes; }
  void Close(absl::Status status) override {
    MutexLock lock(mutex_);
    if (!closed_) closed_ = std::move(status);
  }
  void Abort() override { aborted = true; }
  bool cancelled() const override { return false; }

  // The status of the first Close, if there was one.
  std::optional<absl::Status> closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }
  std::atomic<int> wakes = 0, resumes = 0;
  std::atomic<bool> aborted = false;

 private:
  mutable Mutex mutex_;
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(mutex_);
};

struct ScalarBytes {
  std::string bytes;
};
using AttrMap = std::map<std::string, std::variant<int64_t, double, bool, std::string, ir::Ints,
                                                   types::Dims, types::DType, ScalarBytes>>;

// Builds NodeBatches with a string table of its own: a session's, or a body's.
class BatchWriter {
 public:
  explicit BatchWriter(std::function<void(const std::string&)> on_string)
      : on_string_(std::move(on_string)) {}
  uint32_t Text(const std::string& text);
  // Appends a node with these ids to the batch, which begins with it when it is empty.
  void Add(v1::NodeBatch& batch, uint64_t id, const std::string& op,
           const std::vector<uint64_t>& inputs, const AttrMap& attrs = {}, uint32_t results = 1);
  void SetAttr(v1::Attr& attr, const std::string& name, const AttrMap::mapped_type& value);

 private:
  std::function<void(const std::string&)> on_string_;
  std::map<std::string, uint32_t> texts_;
};

v1::TensorType TypeOf(types::DType dtype, const std::vector<uint64_t>& sizes = {});
v1::TensorType F32(const std::vector<uint64_t>& sizes = {});
template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
template <typename T>
std::vector<T> FromBytes(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

// A body under construction: inputs take ids from 1 on, nodes follow.
class BodyWriter {
 public:
  uint64_t Input(const v1::TensorType& type);
  uint64_t Node(const std::string& op, const std::vector<uint64_t>& inputs,
                const AttrMap& attrs = {});
  void Output(uint64_t id) { body_.add_out()->set_id(id); }
  void Donate(uint32_t position) { body_.add_donate(position); }
  v1::ProgramBody& body() { return body_; }
  std::string Bytes() const { return body_.SerializeAsString(); }

 private:
  v1::ProgramBody body_;
  uint64_t next_ = 1;
  BatchWriter batch_{[this](const std::string& text) { body_.add_strings(text); }};
};
std::string Sha256Bytes(const std::string& bytes);

class TestClient {
 public:
  // Says Hello, unless told not to.
  explicit TestClient(SessionWorld& world, bool hello = true,
                      const std::string& principal = "uid:1");
  ~TestClient();

  // Items gather in a frame until it is sent. Send answers its seq.
  v1::Item& Item() { return *frame_.add_items(); }
  v1::ClientFrame& frame() { return frame_; }
  uint64_t Send();
  void SendRaw(const std::string& bytes);

  // Until when the principal is proved on the streams that come from now on.
  void ProveUntil(absl::Time time) { peer_.principal.expires = time; }
  // The stream goes, with whatever was under way on it.
  void LoseStream();
  // A new stream asks for the session, with the secrets of the last Welcome unless `change` says
  // otherwise; Welcome (then what was not applied is sent again) or a fatal Fault.
  v1::Reply Resume(const std::function<void(v1::Resume&)>& change = {});

  uint64_t NextId(uint64_t count = 1);
  uint64_t Put(const v1::TensorType& type, const std::string& bytes);
  uint64_t PutFloats(const std::vector<float>& values);
  uint64_t Node(const std::string& op, const std::vector<uint64_t>& inputs,
                const AttrMap& attrs = {}, uint32_t results = 1);
  v1::Fetch& Fetch(uint64_t id);
  void Evaluate(const std::vector<uint64_t>& ids);
  void Free(uint64_t first, uint32_t count = 1);
  // A Program in a slot; an Execute of it, whose first output is answered.
  void AddProgram(uint32_t slot, const std::string& body);
  uint64_t Execute(uint32_t slot, const std::vector<uint64_t>& inputs, uint64_t outputs = 1);

  // Sends what gathered, waits, and answers the reply to the last item of the frame.
  v1::Reply Ask();
  std::string FetchBytes(uint64_t id);
  std::vector<float> FetchFloats(uint64_t id) { return FromBytes<float>(FetchBytes(id)); }
  v1::Fault FetchFault(uint64_t id);
  v1::Description Describe(uint64_t id);
  bool Barrier();

  // Faults that nothing asked for, in the order of arrival; taken away.
  // Engine threads answer in their own time: waits until that many are there, two seconds at most.
  std::vector<v1::Fault> TakeFaults(size_t at_least = 0);
  void AwaitFaults(size_t count);
  v1::Fault TakeFault();  // REQUIRES: exactly one
  // Any reply that `wanted` accepts, waited for; faults for others are kept.
  v1::Reply Await(const std::function<bool(const v1::Reply&)>& wanted);
  // How many replies that `wanted` accepts are here and not awaited.
  size_t Waiting(const std::function<bool(const v1::Reply&)>& wanted);
  void Pull();  // takes in what the session has to say

  absl::StatusOr<v1::UploadStatus> Upload(uint64_t number, const std::string& bytes, uint64_t total,
                                          uint64_t offset = 0);
  void Bind(uint64_t id, const v1::TensorType& type, uint64_t upload);

  // REQUIRES: it was welcomed, and lives.
  Session& session() { return *world_.table().Find(welcome_.session()); }
  FakeStream& stream() { return *stream_; }
  std::shared_ptr<FakeStream> shared_stream() { return stream_; }
  StreamHandler& handler() { return *handler_; }
  // The stream's handler is the caller's now, who may let it speak on.
  std::unique_ptr<StreamHandler> TakeHandler() { return std::move(handler_); }
  // Waits until the session wants to say something.
  bool AwaitNews();
  const v1::Welcome& welcome() const { return welcome_; }
  uint64_t seq() const { return seq_; }
  uint64_t applied() const { return applied_; }
  uint64_t completed() const { return completed_; }
  uint64_t max_items() const { return max_items_; }
  uint64_t max_bytes() const { return max_bytes_; }
  bool ended() const { return ended_; }  // the session said that nothing follows
  BatchWriter& writer() { return writer_; }

 private:
  v1::NodeBatch& Batch(uint64_t id);
  void Open();
  void Greet();

  SessionWorld& world_;
  Peer peer_;
  std::shared_ptr<FakeStream> stream_;
  std::unique_ptr<StreamHandler> handler_;
  std::map<uint64_t, std::string> unapplied_;  // frames that the session may not have
  v1::ClientFrame frame_;
  v1::Welcome welcome_;
  BatchWriter writer_{[this](const std::string& text) { frame_.add_strings(text); }};
  std::vector<v1::Reply> replies_;
  uint64_t seq_ = 0, seen_ = 0, next_id_ = 1, next_in_batch_ = 0;
  uint64_t applied_ = 0, completed_ = 0, max_items_ = 0, max_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace tensord::server
