#include "clients/cpp/tests/listener.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>

#include "tensord/v1/compute.pb.h"

namespace tensord::client {
namespace {

// The one operation under way.
bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

void Drain(grpc::CompletionQueue& queue) {
  queue.Shutdown();
  void* tag = nullptr;
  for (bool ok = false; queue.Next(&tag, &ok);) {
  }
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// Every entry is a f32[2].
void SetFound(const v1::Lookup& lookup, v1::Found* found) {
  found->set_name("me/" + lookup.name());
  found->set_generation(1);
  for (int i = 0; i < lookup.paths_size(); ++i) {
    v1::FoundEntry* entry = found->add_entries();
    entry->set_path(lookup.paths(i));
    entry->set_id(lookup.first_id() + static_cast<uint64_t>(i));
    entry->mutable_type()->set_dtype(v1::DTYPE_F32);
    entry->mutable_type()->mutable_dims()->add_sizes(2);
  }
}

void SetDescribed(const v1::Describe& describe, v1::Described* described) {
  for (const v1::IdSpan& span : describe.ids()) {
    for (uint64_t id = span.first(); id < span.first() + std::max(span.count(), 1u); ++id) {
      described->add_values()->set_id(id);
    }
  }
}

// What answers an item; without a kind for one that nothing answers.
v1::Reply ReplyTo(const v1::Item& item) {
  v1::Reply reply;
  switch (item.kind_case()) {
    case v1::Item::kHello:
      reply.mutable_welcome()->set_version(1);
      break;
    case v1::Item::kPing:
      reply.mutable_pong()->set_nonce(item.ping().nonce());
      break;
    case v1::Item::kFetch:
      reply.mutable_data()->set_id(item.fetch().id());
      break;
    case v1::Item::kBarrier:
      reply.mutable_barrier_done();
      break;
    case v1::Item::kDescribe:
      SetDescribed(item.describe(), reply.mutable_described());
      break;
    case v1::Item::kPublish:
      reply.mutable_published()->set_generation(1);
      break;
    case v1::Item::kLookup:
      SetFound(item.lookup(), reply.mutable_found());
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace

Listener::Listener() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterAsyncGenericService(&service_);
  queue_ = builder.AddCompletionQueue();
  uploads_queue_ = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  thread_ = std::thread([this] { Serve(); });
}

Listener::~Listener() {
  server_->Shutdown(std::chrono::system_clock::now());
  thread_.join();
  if (uploads_thread_.joinable()) uploads_thread_.join();
  Drain(*queue_);
  Drain(*uploads_queue_);
}

void Listener::Serve() {
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream(&context);
  service_.RequestCall(&context, &stream, queue_.get(), queue_.get(), this);
  if (!Await(*queue_)) return;
  uploads_thread_ = std::thread([this] { TakeUploads(); });  // whatever is called now is one
  for (bool ended = false; !ended;) {
    grpc::ByteBuffer buffer;
    stream.Read(&buffer, this);
    if (!Await(*queue_)) break;
    frames_.push_back(BytesOf(buffer));
    v1::ClientFrame frame;
    if (!frame.ParseFromString(frames_.back())) break;
    ended = frame.items_size() > 0 && frame.items(frame.items_size() - 1).has_bye();
    const std::string bytes = AnswerTo(frame).SerializeAsString();
    const grpc::Slice slice(bytes);
    stream.Write(grpc::ByteBuffer(&slice, 1), this);
    if (!Await(*queue_)) break;
  }
  stream.Finish(grpc::Status::OK, this);
  Await(*queue_);
}

void Listener::TakeUploads() {
  v1::UploadStatus status;
  status.set_complete(true);
  const std::string bytes = status.SerializeAsString();
  const grpc::Slice slice(bytes);
  for (;;) {
    grpc::GenericServerContext context;
    grpc::GenericServerAsyncReaderWriter call(&context);
    service_.RequestCall(&context, &call, uploads_queue_.get(), uploads_queue_.get(), this);
    if (!Await(*uploads_queue_)) return;
    grpc::ByteBuffer chunk;
    do call.Read(&chunk, this);
    while (Await(*uploads_queue_));
    call.WriteAndFinish(grpc::ByteBuffer(&slice, 1), {}, grpc::Status::OK, this);
    Await(*uploads_queue_);
  }
}

// A Ping is answered with a Pong and with a fault that nobody asked for, too.
v1::ServerFrame Listener::AnswerTo(const v1::ClientFrame& frame) {
  v1::ServerFrame answer;
  for (int i = 0; i < frame.items_size(); ++i) {
    v1::Reply reply = ReplyTo(frame.items(i));
    if (reply.kind_case() == v1::Reply::KIND_NOT_SET) continue;
    reply.set_of_seq(frame.seq());
    reply.set_of_item(static_cast<uint32_t>(i));
    *answer.add_replies() = std::move(reply);
    if (frame.items(i).has_ping()) answer.add_replies()->mutable_fault()->set_code(2);
  }
  answer.set_seq(answer.replies_size() == 0 ? 0 : ++seq_);
  answer.set_applied(frame.seq());
  return answer;
}

}  // namespace tensord::client
