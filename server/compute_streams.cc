#include "server/compute_streams.h"

#include <atomic>
#include <utility>

#include "engine/base/status.h"
#include "server/transport/messages.h"

namespace tensord::server {
namespace {

using transport::Call;
using transport::CallHandler;
using transport::DecodeChunk;
using transport::DecodedChunk;
using transport::FlatView;
using transport::Services;

constexpr size_t kMaxChunkBytes = 1 << 20;

absl::StatusOr<DecodedChunk> CheckedChunk(grpc::ByteBuffer& message) {
  ASSIGN_OR_RETURN(DecodedChunk chunk, DecodeChunk(message));
  if (chunk.data_bytes > kMaxChunkBytes) {
    return InvalidArgument("a chunk carries at most ", kMaxChunkBytes, " bytes, this one ",
                           chunk.data_bytes);
  }
  return chunk;
}

// Counts and logs a data token that was none of the session's; the status itself.
absl::Status Refused(const Services& services, const Call& call, const absl::Status& status) {
  if (absl::IsUnauthenticated(status)) services.authenticator.CountRefusal(call.peer, status);
  return status;
}

// Adds one to a gauge for its own life.
class Gauge {
 public:
  Gauge(Metrics& metrics, Metric metric) : metrics_(metrics), metric_(metric) {
    metrics_.Add(metric_, 1);
  }
  ~Gauge() { metrics_.Add(metric_, -1); }
  Gauge(const Gauge&) = delete;

 private:
  Metrics& metrics_;
  const Metric metric_;
};

class SessionCall : public CallHandler {
 public:
  SessionCall(const Services& services, Call& call)
      : metrics_(services.metrics),
        open_(metrics_, Metric::session_streams),
        handler_(services.compute.OpenSession(call.peer, call.shared_from_this())) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    metrics_.Add(Metric::frames_in);
    metrics_.Add(Metric::frame_bytes_in, static_cast<int64_t>(message.Length()));
    return handler_->OnFrame(FlatView(message).bytes());
  }

  void OnHalfClose() override { handler_->OnHalfClose(); }

  Pull Next(grpc::ByteBuffer* message) override {
    SharedBytes frame;
    const Pull pull = handler_->NextFrame(&frame);
    if (pull != Pull::kMessage) return pull;
    metrics_.Add(Metric::frames_out);
    metrics_.Add(Metric::frame_bytes_out, static_cast<int64_t>(frame.view.size()));
    *message = transport::Wrap(frame);
    return Pull::kMessage;
  }

  void OnEnd(const absl::Status& status) override { handler_->OnDetached(status); }

 private:
  Metrics& metrics_;
  Gauge open_;
  std::unique_ptr<StreamHandler> handler_;
};

class UploadCall : public CallHandler {
 public:
  UploadCall(const Services& services, Call& call)
      : services_(services),
        call_(call),
        open_(services.metrics, Metric::transfers),
        sink_(services.compute.OpenUpload(call.peer, call.shared_from_this())) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    absl::StatusOr<Flow> flow = Take(message);
    if (flow.ok()) return *flow;
    call_.Close(Refused(services_, call_, flow.status()));
    return Flow::kPause;
  }

  void OnHalfClose() override {
    absl::StatusOr<v1::UploadStatus> status = sink_->OnHalfClose();
    if (!status.ok()) return call_.Close(status.status());
    call_.Answer(transport::Serialize(*status));
  }

  void OnEnd(const absl::Status&) override { sink_->OnDetached(); }

 private:
  absl::StatusOr<Flow> Take(grpc::ByteBuffer& message) {
    ASSIGN_OR_RETURN(DecodedChunk chunk, CheckedChunk(message));
    services_.metrics.Add(Metric::bytes_uploaded, static_cast<int64_t>(chunk.data_bytes));
    return sink_->OnChunk(chunk.header, chunk.pieces);
  }

  const Services& services_;
  Call& call_;
  Gauge open_;
  std::unique_ptr<UploadSink> sink_;
};

// One request, then a stream of answers that a source gives. Derived: Open and Give.
template <typename Request, typename Source>
class ServerStreamCall : public CallHandler {
 public:
  ServerStreamCall(const Services& services, Call& call) : services_(services), call_(call) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    Request request;
    absl::Status status = transport::Parse(message, &request);
    if (status.ok()) {
      absl::StatusOr<std::unique_ptr<Source>> source = Open(request);
      status = source.status();
      if (source.ok()) source_ = *std::move(source);
      ready_ = source_.get();
    }
    if (status.ok()) {
      call_.Wake();
    } else {
      call_.Close(status);
    }
    return Flow::kPause;
  }

  void OnHalfClose() override { call_.Close(absl::InvalidArgumentError("the request is missing")); }

  Pull Next(grpc::ByteBuffer* message) override {
    Source* source = ready_;
    return source == nullptr ? Pull::kNothing : Give(*source, message);
  }

  void OnEnd(const absl::Status&) override {
    if (source_ != nullptr) source_->OnDetached();
  }

 protected:
  virtual absl::StatusOr<std::unique_ptr<Source>> Open(const Request& request) = 0;
  virtual Pull Give(Source& source, grpc::ByteBuffer* message) = 0;

  const Services& services_;
  Call& call_;

 private:
  std::unique_ptr<Source> source_;
  std::atomic<Source*> ready_ = nullptr;  // a Wake from elsewhere may come before Open returned
};

class DownloadCall : public ServerStreamCall<v1::DownloadRequest, DownloadSource> {
 public:
  DownloadCall(const Services& services, Call& call)
      : ServerStreamCall(services, call), open_(services.metrics, Metric::transfers) {}

 private:
  absl::StatusOr<std::unique_ptr<DownloadSource>> Open(
      const v1::DownloadRequest& request) override {
    auto source = services_.compute.OpenDownload(call_.peer, request, call_.shared_from_this());
    if (!source.ok()) return Refused(services_, call_, source.status());
    return source;
  }

  Pull Give(DownloadSource& source, grpc::ByteBuffer* message) override {
    OutChunk chunk;
    absl::StatusOr<Pull> pull = failed_ ? Pull::kNothing : source.NextChunk(&chunk);
    if (!pull.ok()) {
      failed_ = true;
      call_.Close(pull.status());
      return Pull::kNothing;
    }
    if (*pull != Pull::kMessage) return *pull;
    services_.metrics.Add(Metric::bytes_downloaded, static_cast<int64_t>(chunk.data.view.size()));
    *message = transport::EncodeChunk(chunk);
    return Pull::kMessage;
  }

  Gauge open_;
  bool failed_ = false;
};

class WatchCall : public ServerStreamCall<v1::WatchRequest, EventSource> {
 public:
  using ServerStreamCall::ServerStreamCall;

 private:
  absl::StatusOr<std::unique_ptr<EventSource>> Open(const v1::WatchRequest& request) override {
    ASSIGN_OR_RETURN(Principal principal,
                     Authenticate(services_, call_.peer, request.credentials()));
    call_.EndAt(principal.expires);
    return services_.compute.OpenWatch(principal, request, call_.shared_from_this());
  }

  Pull Give(EventSource& source, grpc::ByteBuffer* message) override {
    v1::Event event;
    const Pull pull = source.NextEvent(&event);
    if (pull == Pull::kMessage) *message = transport::Serialize(event);
    return pull;
  }
};

class SubmitCall : public CallHandler {
 public:
  SubmitCall(const Services& services, Call& call) : services_(services), call_(call) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    services_.metrics.Add(Metric::frames_in);
    auto call = call_.shared_from_this();
    Reply<SharedBytes> reply(call, [call](absl::StatusOr<SharedBytes> frame) {
      if (!frame.ok()) return call->Close(frame.status());
      call->Answer(transport::Wrap(*frame));
    });
    services_.compute.Submit(call_.peer, FlatView(message).bytes(), std::move(reply));
    return Flow::kPause;
  }

  void OnHalfClose() override { call_.Close(absl::InvalidArgumentError("the request is missing")); }

 private:
  const Services& services_;
  Call& call_;
};

class UploadPartCall : public CallHandler {
 public:
  UploadPartCall(const Services& services, Call& call) : services_(services), call_(call) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    auto call = call_.shared_from_this();
    Reply<v1::UploadStatus> reply(
        call, [&services = services_, call](absl::StatusOr<v1::UploadStatus> status) {
          if (!status.ok()) return call->Close(Refused(services, *call, status.status()));
          call->Answer(transport::Serialize(*status));
        });
    absl::StatusOr<DecodedChunk> chunk = CheckedChunk(message);
    if (!chunk.ok()) return reply(chunk.status()), Flow::kPause;
    services_.metrics.Add(Metric::bytes_uploaded, static_cast<int64_t>(chunk->data_bytes));
    services_.compute.UploadPart(call_.peer, chunk->header, chunk->pieces, std::move(reply));
    return Flow::kPause;
  }

  void OnHalfClose() override { call_.Close(absl::InvalidArgumentError("the request is missing")); }

 private:
  const Services& services_;
  Call& call_;
};

template <typename T>
std::unique_ptr<CallHandler> Make(const Services& services, Call& call) {
  return std::make_unique<T>(services, call);
}

}  // namespace

absl::StatusOr<Principal> Authenticate(const Services& services, const Peer& peer,
                                       const v1::Credentials& credentials) {
  return services.authenticator.Authenticate(peer, credentials);
}

std::unique_ptr<CallHandler> MakeSession(const Services& services, Call& call) {
  return Make<SessionCall>(services, call);
}
std::unique_ptr<CallHandler> MakeUpload(const Services& services, Call& call) {
  return Make<UploadCall>(services, call);
}
std::unique_ptr<CallHandler> MakeDownload(const Services& services, Call& call) {
  return Make<DownloadCall>(services, call);
}
std::unique_ptr<CallHandler> MakeSubmit(const Services& services, Call& call) {
  return Make<SubmitCall>(services, call);
}
std::unique_ptr<CallHandler> MakeUploadPart(const Services& services, Call& call) {
  return Make<UploadPartCall>(services, call);
}
std::unique_ptr<CallHandler> MakeWatch(const Services& services, Call& call) {
  return Make<WatchCall>(services, call);
}

}  // namespace tensord::server
