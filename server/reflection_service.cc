#include "server/reflection_service.h"

#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "tensord/v1/compute.pb.h"

namespace tensord::server {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;
using transport::Call;
using transport::CallHandler;
using transport::Lane;
using transport::Method;
using transport::Services;

constexpr size_t kMaxPending = 64;  // answers that wait for the client to read

// Also links the generated files in: the pool holds only what the binary refers to.
const FileDescriptor* ServedFiles(size_t index) {
  const FileDescriptor* const files[] = {
      v1::UploadChunk::descriptor()->file(),
      grpc::health::v1::HealthCheckRequest::descriptor()->file(),
      ServerReflectionRequest::descriptor()->file(),
  };
  return index < std::size(files) ? files[index] : nullptr;
}

void ListServices(ServerReflectionResponse* response) {
  auto* list = response->mutable_list_services_response();
  for (size_t i = 0; const FileDescriptor* file = ServedFiles(i); ++i) {
    for (int s = 0; s < file->service_count(); ++s) {
      list->add_service()->set_name(file->service(s)->full_name());
    }
  }
}

void NotFound(std::string what, ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(static_cast<int>(absl::StatusCode::kNotFound));
  response->mutable_error_response()->set_error_message(std::move(what));
}

// The file and what it imports, each once.
void AddFile(const FileDescriptor* root, ServerReflectionResponse* response) {
  std::vector<const FileDescriptor*> waiting = {root};
  std::set<const FileDescriptor*> seen = {root};
  while (!waiting.empty()) {
    const FileDescriptor* file = waiting.back();
    waiting.pop_back();
    google::protobuf::FileDescriptorProto proto;
    file->CopyTo(&proto);
    response->mutable_file_descriptor_response()->add_file_descriptor_proto(
        proto.SerializeAsString());
    for (int i = 0; i < file->dependency_count(); ++i) {
      if (seen.insert(file->dependency(i)).second) waiting.push_back(file->dependency(i));
    }
  }
}

ServerReflectionResponse Answer(const ServerReflectionRequest& request) {
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  const DescriptorPool* pool = DescriptorPool::generated_pool();
  const FileDescriptor* file = nullptr;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kListServices:
      ListServices(&response);
      return response;
    case ServerReflectionRequest::kFileByFilename:
      file = pool->FindFileByName(request.file_by_filename());
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      file = pool->FindFileContainingSymbol(request.file_containing_symbol());
      break;
    default:
      break;  // proto3 has no extensions
  }
  if (file != nullptr) {
    AddFile(file, &response);
  } else {
    NotFound("no such file, symbol or extension", &response);
  }
  return response;
}

class ReflectionCall : public CallHandler {
 public:
  ReflectionCall(const Services&, Call& call) : call_(call) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    ServerReflectionRequest request;
    if (absl::Status status = transport::Parse(message, &request); !status.ok()) {
      call_.Close(std::move(status));
      return Flow::kPause;
    }
    bool full = false;
    {
      std::lock_guard lock(mutex_);
      answers_.push_back(transport::Serialize(Answer(request)));
      full = answers_.size() >= kMaxPending;
    }
    call_.Wake();
    return full ? Flow::kPause : Flow::kContinue;
  }

  void OnHalfClose() override { call_.Close(absl::OkStatus()); }

  Pull Next(grpc::ByteBuffer* message) override {
    {
      std::lock_guard lock(mutex_);
      if (answers_.empty()) return Pull::kNothing;
      message->Swap(&answers_.front());
      answers_.pop_front();
    }
    call_.ResumeReading();
    return Pull::kMessage;
  }

 private:
  Call& call_;
  std::mutex mutex_;
  std::deque<grpc::ByteBuffer> answers_;
};

std::unique_ptr<CallHandler> MakeReflection(const Services& services, Call& call) {
  return std::make_unique<ReflectionCall>(services, call);
}

constexpr Method kMethods[] = {
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Lane::kControl,
     Budget::kNone, true, MakeReflection},
};

}  // namespace

std::span<const Method> ReflectionMethods() { return kMethods; }

}  // namespace tensord::server
