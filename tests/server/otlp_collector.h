// An OTLP collector in the test's process, on a Unix socket.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/file.h"
#include "engine/base/mutex.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h"

namespace tensord::server {

class OtlpCollector final
    : public opentelemetry::proto::collector::trace::v1::TraceService::Service {
 public:
  using Request = opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;
  using Response = opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;
  using Span = opentelemetry::proto::trace::v1::Span;

  // What it answers; OK when there is none. Set before it starts.
  std::function<grpc::Status(const Request&, Response*)> answer;

  std::string endpoint() const { return "unix://" + dir_.path() + "/otlp.sock"; }
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(endpoint(), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~OtlpCollector() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  std::vector<Span> spans() const {
    MutexLock lock(mutex_);
    return spans_;
  }
  // Attributes of the process that the spans came from, "name=value".
  std::vector<std::string> resource() const {
    MutexLock lock(mutex_);
    return resource_;
  }

 private:
  grpc::Status Export(grpc::ServerContext*, const Request* request, Response* response) override {
    const grpc::Status status = answer ? answer(*request, response) : grpc::Status::OK;
    if (!status.ok()) return status;
    MutexLock lock(mutex_);
    for (const auto& group : request->resource_spans()) {
      resource_.clear();
      for (const auto& attribute : group.resource().attributes()) {
        resource_.push_back(attribute.key() + "=" + attribute.value().string_value());
      }
      for (const auto& scope : group.scope_spans()) {
        spans_.insert(spans_.end(), scope.spans().begin(), scope.spans().end());
      }
    }
    return status;
  }

  const base::TempDir dir_;
  mutable Mutex mutex_;
  std::vector<Span> spans_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> resource_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tensord::server
