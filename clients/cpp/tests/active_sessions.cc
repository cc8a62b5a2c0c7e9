#include "clients/cpp/tests/active_sessions.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/program.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {
namespace {

constexpr int kSessionsOfAConnection = 100;
constexpr uint64_t kPutId = 1, kFirstResult = 2;
constexpr uint32_t kSlot = 1;

Program Doubling() {
  return *MakeProgram({Type{DType::kF32, {1}}}, [](Graph&, const std::vector<Tensor>& in) {
    return std::vector<Tensor>{in[0] + in[0]};
  });
}

// One session. The operations under way are two at most: a read and a write, told by their tags.
struct ActiveStream {
  struct Tag {
    ActiveStream* stream = nullptr;
    enum class Kind : uint8_t { kStart, kRead, kWrite, kFinish } kind = Kind::kStart;
  };

  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
  grpc::ByteBuffer in;
  grpc::Status status;
  Tag start{this, Tag::Kind::kStart}, read{this, Tag::Kind::kRead}, write{this, Tag::Kind::kWrite},
      finish{this, Tag::Kind::kFinish};
  uint64_t seq = 0, seen = 0, next_id = kFirstResult;
  uint64_t rounds = 0, in_window = 0;
  absl::Time sent;
  bool finishing = false;
};

class ActiveStreams {
 public:
  ActiveStreams(const std::string& target, int count) {
    for (int i = 0; i < count; ++i) {
      if (i % kSessionsOfAConnection == 0) Connect(target);
      streams_.push_back(std::make_unique<ActiveStream>());
      Open(*streams_.back());
    }
  }
  ~ActiveStreams() {
    ending_ = true;
    for (const auto& stream : streams_) {
      stream->context.TryCancel();
      Finish(*stream);
    }
    while (under_way_ > 0) Next(absl::InfiniteFuture());
  }

  absl::StatusOr<Activity> Run(const ActivityOptions& options) {
    while (welcome_ < streams_.size() && broken_.ok()) Next(absl::InfiniteFuture());
    const absl::Time begin = absl::Now();
    for (const auto& stream : streams_) stream->in_window = stream->rounds = 0;
    activity_.round_trips.clear();
    activity_.least_in_window = UINT64_MAX;
    for (absl::Time end = begin + options.window; end <= begin + options.time;
         end += options.window) {
      while (absl::Now() < end && broken_.ok()) Next(end);
      for (const auto& stream : streams_) {
        const uint64_t rounds = std::exchange(stream->in_window, 0);
        activity_.least_in_window = std::min(activity_.least_in_window, rounds);
      }
    }
    if (!broken_.ok()) return broken_;
    for (const auto& stream : streams_) activity_.rounds.push_back(stream->rounds);
    return std::move(activity_);
  }

 private:
  void Connect(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("tensord.number", static_cast<int>(stubs_.size()));  // one of its own
    stubs_.push_back(std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments)));
  }

  void Open(ActiveStream& stream) {
    stream.call =
        stubs_.back()->PrepareCall(&stream.context, "/tensord.v1.Compute/Session", &queue_);
    stream.call->StartCall(&stream.start);
    ++under_way_;
  }

  // Acts on one event, if there is one before `until`.
  void Next(absl::Time until) {
    void* at = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&at, &ok, absl::ToChronoTime(until)) != grpc::CompletionQueue::GOT_EVENT) {
      return;
    }
    --under_way_;
    const auto& tag = *static_cast<ActiveStream::Tag*>(at);
    if (ending_ || tag.kind == ActiveStream::Tag::Kind::kWrite) return;
    if (tag.kind == ActiveStream::Tag::Kind::kFinish) {
      broken_ = StatusOf(tag.stream->status);
    } else if (!ok) {
      Finish(*tag.stream);
    } else if (tag.kind == ActiveStream::Tag::Kind::kStart) {
      Greet(*tag.stream);
    } else {
      Take(*tag.stream);
    }
  }

  void Finish(ActiveStream& stream) {
    if (std::exchange(stream.finishing, true)) return;
    stream.call->Finish(&stream.status, &stream.finish);
    ++under_way_;
  }
  void Read(ActiveStream& stream) {
    stream.call->Read(&stream.in, &stream.read);
    ++under_way_;
  }
  void Write(ActiveStream& stream, v1::ClientFrame& frame) {
    frame.set_seq(++stream.seq);
    frame.set_acked(stream.seen);
    frame.set_max_reply_bytes(uint64_t{1} << 40);
    grpc::ByteBuffer bytes;
    bool own = false;
    grpc::SerializationTraits<v1::ClientFrame>::Serialize(frame, &bytes, &own);
    stream.call->Write(bytes, &stream.write);
    ++under_way_;
  }

  void Greet(ActiveStream& stream) {
    v1::ClientFrame frame;
    frame.add_items()->mutable_hello()->set_max_version(1);
    v1::Program& program = *frame.add_items()->mutable_program();
    program.set_digest(program_.digest());
    program.set_body(program_.body());
    program.set_slot(kSlot);
    v1::Put& put = *frame.add_items()->mutable_put();
    put.set_id(kPutId);
    put.mutable_type()->set_dtype(v1::DTYPE_F32);
    put.mutable_type()->mutable_dims()->add_sizes(1);
    put.set_data(std::string(4, '\0'));
    Write(stream, frame);
    Read(stream);
  }

  void Ask(ActiveStream& stream) {
    v1::ClientFrame frame;
    v1::Execute& execute = *frame.add_items()->mutable_execute();
    execute.set_slot(kSlot);
    execute.add_in()->set_first(kPutId);
    execute.set_first_out(stream.next_id);
    frame.add_items()->mutable_fetch()->set_id(stream.next_id);
    frame.add_items()->mutable_free()->add_ids()->set_first(stream.next_id++);
    stream.sent = absl::Now();
    Write(stream, frame);
  }

  void Take(ActiveStream& stream) {
    v1::ServerFrame frame;
    grpc::SerializationTraits<v1::ServerFrame>::Deserialize(&stream.in, &frame);
    if (frame.seq() != 0) stream.seen = frame.seq();
    for (const v1::Reply& reply : frame.replies()) {
      if (reply.has_fault()) broken_ = absl::InternalError(reply.fault().message());
      if (reply.has_welcome()) {
        ++welcome_;
        Ask(stream);
      } else if (reply.has_data()) {
        activity_.round_trips.push_back(absl::ToDoubleSeconds(absl::Now() - stream.sent));
        ++stream.rounds, ++stream.in_window;
        Ask(stream);
      }
    }
    Read(stream);
  }

  const Program program_ = Doubling();
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::vector<std::unique_ptr<ActiveStream>> streams_;
  int under_way_ = 0;
  size_t welcome_ = 0;
  bool ending_ = false;
  absl::Status broken_;
  Activity activity_;
};

}  // namespace

double Activity::Fairness() const {
  double sum = 0, squares = 0;
  for (uint64_t count : rounds) {
    const auto value = static_cast<double>(count);
    sum += value, squares += value * value;
  }
  return squares == 0 ? 0 : sum * sum / (static_cast<double>(rounds.size()) * squares);
}

absl::StatusOr<Activity> RunActiveSessions(const std::string& target,
                                           const ActivityOptions& options) {
  ActiveStreams sessions(target, options.sessions);
  return sessions.Run(options);
}

}  // namespace tensord::client
