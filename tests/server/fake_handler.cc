#include "tests/server/fake_handler.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/base/status.h"

namespace tensord::server {
namespace {

using StatePtr = std::shared_ptr<FakeState>;

// Answers a frame of n Pings by a frame of n Pongs; Bye ends the stream.
class EchoSession : public StreamHandler {
 public:
  EchoSession(StatePtr state, StreamPtr stream)
      : state_(std::move(state)), stream_(std::move(stream)) {}

  Flow OnFrame(std::string_view bytes) override {
    v1::ClientFrame frame;
    if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      stream_->Close(InvalidArgument("the frame does not parse"));
      return Flow::kPause;
    }
    ++state_->frames;
    Queue(frame);
    for (const v1::Item& item : frame.items()) {
      if (item.has_bye()) stream_->Close(absl::OkStatus());
    }
    stream_->Wake();
    return state_->pause ? Flow::kPause : Flow::kContinue;
  }

  void OnHalfClose() override { stream_->Close(absl::OkStatus()); }

  Pull NextFrame(SharedBytes* frame) override {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return Pull::kNothing;
    *frame = SharedBytes::Of(std::move(queue_.front()));
    queue_.pop_front();
    return Pull::kMessage;
  }

  void OnDetached(const absl::Status& status) override {
    std::lock_guard lock(state_->mutex);
    state_->detached.push_back(status);
  }

 private:
  void Queue(const v1::ClientFrame& frame) {
    v1::ServerFrame answer;
    answer.set_seq(frame.seq());
    answer.set_applied(frame.seq());
    for (const v1::Item& item : frame.items()) {
      if (item.has_ping()) answer.add_replies()->mutable_pong()->set_nonce(item.ping().nonce());
      if (item.has_put()) answer.add_replies()->mutable_data()->set_inline_(item.put().data());
    }
    std::lock_guard lock(mutex_);
    queue_.push_back(answer.SerializeAsString());
  }

  const StatePtr state_;
  const StreamPtr stream_;
  std::mutex mutex_;
  std::deque<std::string> queue_;
};

absl::StatusOr<v1::UploadStatus> Append(FakeState& state, const ChunkHeader& header,
                                        std::span<const std::string_view> pieces) {
  std::lock_guard lock(state.mutex);
  std::string& bytes = state.uploads[header.upload];
  if (header.offset > bytes.size()) return absl::OutOfRangeError("a gap");
  for (std::string_view piece : pieces) bytes.append(piece);
  v1::UploadStatus status;
  status.set_upload(header.upload);
  status.set_committed(bytes.size());
  return status;
}

class KeepingSink : public UploadSink {
 public:
  explicit KeepingSink(StatePtr state) : state_(std::move(state)) {}

  absl::StatusOr<Flow> OnChunk(const ChunkHeader& header,
                               std::span<const std::string_view> pieces) override {
    if (header.upload != 0) header_ = header;
    header_.offset = header.offset;
    ASSIGN_OR_RETURN(status_, Append(*state_, header_, pieces));
    return Flow::kContinue;
  }
  absl::StatusOr<v1::UploadStatus> OnHalfClose() override { return status_; }
  void OnDetached() override { ++state_->transfers_ended; }

 private:
  const StatePtr state_;
  ChunkHeader header_;
  v1::UploadStatus status_;
};

class KeptSource : public DownloadSource {
 public:
  KeptSource(StatePtr state, std::string bytes)
      : state_(std::move(state)), bytes_(std::make_shared<std::string>(std::move(bytes))) {}

  absl::StatusOr<Pull> NextChunk(OutChunk* chunk) override {
    if (at_ == bytes_->size()) return Pull::kEnd;
    const size_t size = std::min<size_t>(1 << 20, bytes_->size() - at_);
    if (at_ == 0) {
      type_.set_dtype(v1::DTYPE_U8);
      chunk->type = &type_;
      chunk->total = bytes_->size();
    }
    chunk->offset = at_;
    chunk->data = {std::string_view(*bytes_).substr(at_, size), bytes_};
    at_ += size;
    return Pull::kMessage;
  }
  void OnDetached() override { ++state_->transfers_ended; }

 private:
  const StatePtr state_;
  const std::shared_ptr<std::string> bytes_;
  v1::TensorType type_;
  size_t at_ = 0;
};

// Two events, then the end.
class TwoEvents : public EventSource {
 public:
  Pull NextEvent(v1::Event* event) override {
    if (count_ == 2) return Pull::kEnd;
    event->set_count(++count_);
    return Pull::kMessage;
  }
  void OnDetached() override {}

 private:
  uint64_t count_ = 0;
};

class EndlessLease : public RingLease {
 public:
  bool ended() const override { return false; }
};

class FakeCompute : public ComputeHandler {
 public:
  explicit FakeCompute(StatePtr state) : state_(std::move(state)) {}

  std::unique_ptr<StreamHandler> OpenSession(const Peer& peer, StreamPtr stream) override {
    std::lock_guard lock(state_->mutex);
    state_->principals.push_back(peer.principal.name);
    state_->streams.push_back(stream);
    return std::make_unique<EchoSession>(state_, std::move(stream));
  }
  std::unique_ptr<UploadSink> OpenUpload(const Peer&, StreamPtr) override {
    return std::make_unique<KeepingSink>(state_);
  }
  absl::StatusOr<std::unique_ptr<DownloadSource>> OpenDownload(const Peer&,
                                                               const v1::DownloadRequest& request,
                                                               StreamPtr) override {
    std::lock_guard lock(state_->mutex);
    const auto bytes = state_->uploads.find(request.id());
    if (bytes == state_->uploads.end()) return NotFound("no value ", request.id());
    return std::make_unique<KeptSource>(state_, bytes->second);
  }
  absl::StatusOr<std::unique_ptr<RingLease>> OpenRing(const std::string& session, std::string_view,
                                                      int64_t) override {
    if (session.empty()) return absl::UnauthenticatedError("no session");
    return std::make_unique<EndlessLease>();
  }
  absl::StatusOr<std::unique_ptr<EventSource>> OpenWatch(const Principal&, const v1::WatchRequest&,
                                                         StreamPtr) override {
    return std::make_unique<TwoEvents>();
  }
  void Submit(const Peer&, std::string_view frame, Reply<SharedBytes> reply) override {
    v1::ClientFrame parsed;
    if (!parsed.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
      return reply(InvalidArgument("the frame does not parse"));
    }
    v1::ServerFrame answer;
    answer.set_applied(parsed.seq());
    reply(SharedBytes::Of(answer.SerializeAsString()));
  }
  void UploadPart(const Peer&, const ChunkHeader& header, std::span<const std::string_view> pieces,
                  Reply<v1::UploadStatus> reply) override {
    reply(Append(*state_, header, pieces));
  }
  void Run(const Principal&, v1::RunRequest, Reply<v1::RunReply> reply) override {
    if (!state_->hold_runs) return reply(v1::RunReply());
    std::lock_guard lock(state_->mutex);
    state_->runs.push_back(std::move(reply));
  }
  absl::StatusOr<v1::Welcome> Negotiate(const Principal& principal, const v1::Hello&) override {
    v1::Welcome welcome;
    welcome.set_version(1);
    welcome.set_principal(principal.name);
    return welcome;
  }
  absl::StatusOr<v1::ListOpsReply> ListOps() override { return v1::ListOpsReply(); }
  absl::StatusOr<v1::ListDevicesReply> ListDevices() override { return v1::ListDevicesReply(); }
  void OnTick(absl::Time) override { ++state_->ticks; }
  void OnGoingAway(absl::Duration) override { ++state_->going_away; }
  bool Idle() const override { return state_->idle; }

 private:
  const StatePtr state_;
};

}  // namespace

std::unique_ptr<ComputeHandler> MakeFakeHandler(std::shared_ptr<FakeState> state) {
  return std::make_unique<FakeCompute>(std::move(state));
}

}  // namespace tensord::server
