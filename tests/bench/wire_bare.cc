// gRPC servers that hold no other service: what wire.cc measures the daemon against. A stream that
// is echoed, uploads that are parsed and dropped, downloads of a value that lies in memory.
//
//   bench_wire_bare cq|callback ADDRESS     serves until its stdin closes; prints "ready"
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tensord/v1/compute.pb.h"

namespace tensord::bench {
namespace {

using grpc::ByteBuffer;

constexpr size_t kChunkBytes = 1 << 20;

template <typename Message>
bool Parse(ByteBuffer* bytes, Message* message) {
  return grpc::SerializationTraits<Message>::Deserialize(bytes, message).ok();
}

ByteBuffer Serialize(const google::protobuf::Message& message) {
  ByteBuffer bytes;
  bool own = false;
  grpc::SerializationTraits<google::protobuf::Message>::Serialize(message, &bytes, &own);
  return bytes;
}

// A value in memory: more than fits a cache.
const std::vector<v1::DownloadChunk>& Chunks() {
  static const std::vector<v1::DownloadChunk> chunks = [] {
    std::vector<v1::DownloadChunk> made(256);
    for (v1::DownloadChunk& chunk : made) chunk.set_data(std::string(kChunkBytes, 'x'));
    return made;
  }();
  return chunks;
}

// What one call answers, whatever API carries it: one message in, perhaps one out.
class Conversation {
 public:
  explicit Conversation(const std::string& method)
      : echo_(method == "/bare/Echo"), upload_(method == "/bare/Upload") {}

  enum class Next { kRead, kWrite, kEnd };

  Next OnMessage(ByteBuffer* in, ByteBuffer* out) {
    if (echo_) {
      out->Swap(in);
      return Next::kWrite;
    }
    if (upload_) {
      v1::UploadChunk chunk;
      if (!Parse(in, &chunk)) return Next::kEnd;
      total_ += chunk.data().size();
      return Next::kRead;
    }
    v1::DownloadRequest request;
    if (!Parse(in, &request)) return Next::kEnd;
    left_ = request.length() / kChunkBytes;
    return OnWritten(out);
  }

  Next OnWritten(ByteBuffer* out) {
    if (echo_) return Next::kRead;
    if (upload_ || left_ == 0) return Next::kEnd;
    *out = Serialize(Chunks()[--left_ % Chunks().size()]);
    return Next::kWrite;
  }

  Next OnHalfClose(ByteBuffer* out) {
    if (!upload_) return Next::kEnd;
    v1::UploadStatus status;
    status.set_committed(total_);
    *out = Serialize(status);
    return Next::kWrite;
  }

 private:
  const bool echo_, upload_;
  uint64_t total_ = 0, left_ = 0;
};

class CqCall {
 public:
  CqCall(grpc::AsyncGenericService* service, grpc::ServerCompletionQueue* queue)
      : service_(service), queue_(queue) {
    service_->RequestCall(&context_, &stream_, queue_, queue_, this);
  }

  // The one operation under way has ended.
  void OnEvent(bool ok) {
    switch (std::exchange(doing_, Doing::kNothing)) {
      case Doing::kStart:
        if (!ok) return delete this;
        new CqCall(service_, queue_);
        conversation_ = std::make_unique<Conversation>(context_.method());
        return Do(Conversation::Next::kRead);
      case Doing::kRead:
        return Do(ok ? conversation_->OnMessage(&in_, &out_) : conversation_->OnHalfClose(&out_));
      case Doing::kWrite:
        return Do(ok ? conversation_->OnWritten(&out_) : Conversation::Next::kEnd);
      case Doing::kFinish:
      case Doing::kNothing:
        return delete this;
    }
  }

 private:
  enum class Doing { kStart, kRead, kWrite, kFinish, kNothing };

  void Do(Conversation::Next next) {
    switch (next) {
      case Conversation::Next::kRead:
        doing_ = Doing::kRead;
        return stream_.Read(&in_, this);
      case Conversation::Next::kWrite:
        doing_ = Doing::kWrite;
        return stream_.Write(out_, this);
      case Conversation::Next::kEnd:
        doing_ = Doing::kFinish;
        return stream_.Finish(grpc::Status::OK, this);
    }
  }

  grpc::AsyncGenericService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  std::unique_ptr<Conversation> conversation_;
  ByteBuffer in_, out_;
  Doing doing_ = Doing::kStart;
};

class CallbackCall : public grpc::ServerGenericBidiReactor {
 public:
  explicit CallbackCall(const std::string& method) : conversation_(method) { StartRead(&in_); }
  void OnReadDone(bool ok) override {
    Do(ok ? conversation_.OnMessage(&in_, &out_) : conversation_.OnHalfClose(&out_));
  }
  void OnWriteDone(bool ok) override {
    Do(ok ? conversation_.OnWritten(&out_) : Conversation::Next::kEnd);
  }
  void OnDone() override { delete this; }

 private:
  void Do(Conversation::Next next) {
    if (next == Conversation::Next::kRead) return StartRead(&in_);
    if (next == Conversation::Next::kWrite) return StartWrite(&out_);
    Finish(grpc::Status::OK);
  }

  Conversation conversation_;
  ByteBuffer in_, out_;
};

class CallbackService : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new CallbackCall(context->method());
  }
};

void AwaitEndOfInput() {
  std::printf("ready\n");
  std::fflush(stdout);
  for (char byte; read(0, &byte, 1) > 0;) {
  }
}

int ServeCallback(const std::string& address) {
  CallbackService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  AwaitEndOfInput();
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

int ServeCq(const std::string& address) {
  grpc::AsyncGenericService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterAsyncGenericService(&service);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  new CqCall(&service, queue.get());
  std::thread thread([&] {
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) static_cast<CqCall*>(tag)->OnEvent(ok);
  });
  AwaitEndOfInput();
  server->Shutdown(std::chrono::system_clock::now());
  queue->Shutdown();
  thread.join();
  return 0;
}

}  // namespace
}  // namespace tensord::bench

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // as the daemon does
  const std::string_view api = argc == 3 ? argv[1] : "";
  if (api == "cq") return tensord::bench::ServeCq(argv[2]);
  if (api == "callback") return tensord::bench::ServeCallback(argv[2]);
  std::fprintf(stderr, "usage: %s cq|callback ADDRESS\n", argv[0]);
  return 2;
}
