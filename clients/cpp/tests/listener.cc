#include "clients/cpp/tests/listener.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

namespace tensord::client {
namespace {

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
      reply.mutable_described()->add_values()->set_id(item.describe().ids(0).first());
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
  server_ = builder.BuildAndStart();
  thread_ = std::thread([this] { Serve(); });
}

Listener::~Listener() {
  server_->Shutdown(std::chrono::system_clock::now());
  queue_->Shutdown();
  thread_.join();
  void* tag = nullptr;
  for (bool ok = false; queue_->Next(&tag, &ok);) {
  }
}

bool Listener::Await() {
  void* tag = nullptr;
  bool ok = false;
  return queue_->Next(&tag, &ok) && ok;
}

void Listener::Serve() {
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream(&context);
  service_.RequestCall(&context, &stream, queue_.get(), queue_.get(), this);
  if (!Await()) return;
  for (bool ended = false; !ended;) {
    grpc::ByteBuffer buffer;
    stream.Read(&buffer, this);
    if (!Await()) break;
    frames_.push_back(BytesOf(buffer));
    v1::ClientFrame frame;
    if (!frame.ParseFromString(frames_.back())) break;
    ended = frame.items_size() > 0 && frame.items(frame.items_size() - 1).has_bye();
    const std::string bytes = AnswerTo(frame).SerializeAsString();
    const grpc::Slice slice(bytes);
    stream.Write(grpc::ByteBuffer(&slice, 1), this);
    if (!Await()) break;
  }
  stream.Finish(grpc::Status::OK, this);
  Await();
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
