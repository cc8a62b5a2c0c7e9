#include "server/telemetry/otlp_exporter.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <pthread.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/telemetry/otlp_message.h"
#include "server/transport/messages.h"

namespace tensord::server::telemetry {
namespace {

constexpr char kMethod[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr absl::Duration kInterval = absl::Milliseconds(500);  // that a span waits for company
constexpr absl::Duration kTimeout = absl::Seconds(5);          // of a call
constexpr absl::Duration kRetry = absl::Seconds(1);
constexpr absl::Duration kLastWords = absl::Seconds(2);
constexpr absl::Duration kQuiet = absl::Seconds(30);  // between warnings
constexpr int kTries = 5;

using Response = opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;

// As the specification of OTLP/gRPC lists them.
bool MayTryAgain(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status CheckOtlpEndpoint(std::string_view endpoint) {
  if (endpoint.starts_with("unix:///") && endpoint.size() > 8) return absl::OkStatus();
  const size_t colon = endpoint.rfind(':');
  int port = 0;
  if (colon != endpoint.npos && colon > 0 && endpoint.find('/') == endpoint.npos &&
      absl::SimpleAtoi(ToAbsl(endpoint.substr(colon + 1)), &port) && port > 0 && port < 65536) {
    return absl::OkStatus();
  }
  return InvalidArgument("expected host:port or unix:///path of an OTLP/gRPC collector, as ",
                         "localhost:4317, not '", endpoint, "'");
}

OtlpExporter::OtlpExporter(const std::string& endpoint, Metrics& metrics)
    : metrics_(metrics),
      stub_(grpc::CreateChannel(endpoint, grpc::InsecureChannelCredentials())),
      thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "otlp");
}

OtlpExporter::~OtlpExporter() {
  {
    std::lock_guard lock(mutex_);
    give_up_ = absl::Now() + kLastWords;
  }
  changed_.notify_all();
  thread_.join();
}

void OtlpExporter::Add(SpanData span) {
  bool full = false;
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= kMostQueued) return metrics_.Add(Metric::spans_dropped);
    queue_.push_back(std::move(span));
    full = queue_.size() == kMostInBatch;
  }
  if (full) changed_.notify_all();
}

void OtlpExporter::Run() {
  for (;;) {
    const Batch batch = NextBatch();
    if (batch.empty()) return;
    Deliver(batch);
  }
}

// Waits until there is something to send; empty: the end.
OtlpExporter::Batch OtlpExporter::NextBatch() {
  std::unique_lock lock(mutex_);
  const auto ending = [&] { return give_up_ != absl::InfiniteFuture(); };
  do {
    changed_.wait_for(lock, absl::ToChronoMilliseconds(kInterval),
                      [&] { return ending() || queue_.size() >= kMostInBatch; });
  } while (queue_.empty() && !ending());
  const auto end = queue_.begin() + static_cast<ptrdiff_t>(std::min(queue_.size(), kMostInBatch));
  Batch batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return batch;
}

absl::Time OtlpExporter::deadline() const {
  std::lock_guard lock(mutex_);
  return std::min(absl::Now() + kTimeout, give_up_);
}

// Whether it slept to the end, rather than that it is to end.
bool OtlpExporter::Pause(absl::Duration time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, absl::ToChronoMilliseconds(time),
                            [&] { return give_up_ != absl::InfiniteFuture(); });
}

void OtlpExporter::Deliver(const Batch& batch) {
  int64_t rejected = 0;
  absl::Status status;
  for (int i = 0; i < kTries; ++i) {
    status = Send(batch, &rejected);
    if (status.ok() || !MayTryAgain(status.code()) || !Pause(kRetry)) break;
  }
  const auto spans = static_cast<int64_t>(batch.size());
  const int64_t lost = status.ok() ? std::clamp<int64_t>(rejected, 0, spans) : spans;
  metrics_.Add(Metric::spans_exported, spans - lost);
  metrics_.Add(Metric::spans_dropped, lost);
  if (lost == 0 || absl::Now() - warned_ < kQuiet) return;
  warned_ = absl::Now();
  LOG_WARNING("spans dropped", {"so_far", metrics_.Get(Metric::spans_dropped)}, {"status", status});
}

absl::Status OtlpExporter::Send(const Batch& batch, int64_t* rejected) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline()));
  grpc::CompletionQueue queue;
  auto call =
      stub_.PrepareUnaryCall(&context, kMethod, transport::Serialize(ToOtlp(batch)), &queue);
  grpc::ByteBuffer bytes;
  grpc::Status status;
  call->StartCall();
  call->Finish(&bytes, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  const auto next = [&] {
    return queue.AsyncNext(&tag, &ok, absl::ToChronoTime(absl::Now() + absl::Milliseconds(100)));
  };
  while (next() == grpc::CompletionQueue::TIMEOUT) {
    if (deadline() <= absl::Now()) context.TryCancel();
  }
  Response response;
  if (status.ok() && transport::Parse(bytes, &response).ok()) {
    *rejected = response.partial_success().rejected_spans();
  }
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace tensord::server::telemetry
