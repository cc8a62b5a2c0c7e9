#include "server/session_handler.h"

#include <atomic>
#include <utility>
#include <vector>

#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/runtime/function_builder.h"
#include "server/alarm_clock.h"
#include "server/convert.h"
#include "server/events.h"
#include "server/principal_metrics.h"
#include "server/program.h"
#include "server/publications.h"
#include "server/run_call.h"
#include "server/session.h"
#include "server/session_table.h"
#include "server/transfers.h"

namespace tensord::server {
namespace {

std::string DigestOfOps() {
  const base::Digest digest = base::Sha256(runtime::OpsJson());
  return std::string(digest.begin(), digest.end());
}

uint64_t NewEpoch() { return static_cast<uint64_t>(absl::ToUnixMicros(absl::Now())); }

void ReadCounters(const runtime::Counters& counters, Metrics& metrics) {
  const auto set = [&](Metric metric, uint64_t value) {
    metrics.Set(metric, static_cast<int64_t>(value));
  };
  set(Metric::plans_made, counters.plans_made);
  set(Metric::plan_hits, counters.plan_memory_hits);
  set(Metric::plan_disk_hits, counters.plan_disk_hits);
  set(Metric::kernels_compiled, counters.kernels_compiled);
  set(Metric::kernel_memory_hits, counters.kernel_memory_hits);
  set(Metric::kernel_disk_hits, counters.kernel_disk_hits);
  set(Metric::compile_failures, counters.compile_failures);
  set(Metric::compile_us, counters.compile_microseconds);
  set(Metric::launches, counters.launches);
  set(Metric::bytes_copied, counters.bytes_in + counters.bytes_out);
}

// What the engine had compiled when watchers were last told of it.
struct CompiledSoFar {
  uint64_t kernels = 0, microseconds = 0;

  void Tell(const runtime::Counters& counters, EventBus& events) {
    const uint64_t now = counters.kernels_compiled, us = counters.compile_microseconds;
    const uint64_t news = now - std::exchange(kernels, now);
    const uint64_t time = us - std::exchange(microseconds, us);
    if (news > 0) events.Compiled(news, absl::Microseconds(static_cast<int64_t>(time)));
  }
};

// Answers the number of the subscription.
uint64_t TellStates(Lifecycle& lifecycle, const std::weak_ptr<EventBus>& events) {
  auto last = std::make_shared<std::atomic<State>>(lifecycle.state());
  return lifecycle.Subscribe([&lifecycle, events, last] {
    const State state = lifecycle.state();
    if (last->exchange(state) == state) return;  // some device's health changed
    if (const auto bus = events.lock()) bus->StateChanged(StateName(state));
  });
}

class SessionHandler : public ComputeHandler {
 public:
  SessionHandler(std::unique_ptr<runtime::Engine> engine, Metrics& metrics,
                 const Authenticator& authenticator, const SessionHandlerOptions& options)
      : engine_(std::move(engine)),
        table_(std::make_shared<SessionTable>(*engine_, options.principal_limits)),
        events_(std::make_shared<EventBus>(metrics)),
        lifecycle_(options.lifecycle),
        env_{*engine_,       programs_,
             *publications_, *events_,
             metrics,        authenticator,
             options.limits, DigestOfOps(),
             NewEpoch(),     static_cast<int>(engine_->devices().size()),
             absl::Now,      options.lease,
             absl::Hours(1), options.recorder,
             &alarms_} {
    if (lifecycle_ != nullptr) subscription_ = TellStates(*lifecycle_, events_);
  }
  ~SessionHandler() override {
    if (lifecycle_ != nullptr) lifecycle_->Unsubscribe(subscription_);
    // Detached sessions have nobody else to end them.
    for (const auto& session : table_->All()) session->End();
  }

  // Reads what is counted here; does nothing once the handler is gone.
  Metrics::Probe MakeProbe() const {
    return [engine = std::weak_ptr(engine_), table = std::weak_ptr(table_),
            publications = std::weak_ptr(publications_)](Metrics& metrics) {
      const auto living = engine.lock();  // outlives the values that the others hold
      if (living == nullptr) return;
      ReadCounters(living->counters(), metrics);
      if (const auto published = publications.lock()) {
        metrics.Set(Metric::publications, static_cast<int64_t>(published->size()));
      }
      const auto sessions = table.lock();
      if (sessions == nullptr) return;
      metrics.Set(Metric::sessions, static_cast<int64_t>(sessions->sessions()));
      metrics.Set(Metric::resident_bytes, sessions->resident_bytes());
      metrics.Set(Metric::staging_bytes, sessions->staging_bytes());
    };
  }

  // What each principal uses; nothing once the handler is gone.
  Metrics::Families MakePrincipalFamilies() const {
    return [engine = std::weak_ptr(engine_),
            table = std::weak_ptr(table_)](std::vector<prometheus::MetricFamily>& families) {
      const auto living = engine.lock();
      const auto sessions = table.lock();
      if (living != nullptr && sessions != nullptr) AddPrincipalFamilies(*sessions, families);
    };
  }

  std::unique_ptr<StreamHandler> OpenSession(const Peer& peer, StreamPtr stream) override {
    return MakeSessionStream(env_, *table_, peer, std::move(stream));
  }
  std::unique_ptr<UploadSink> OpenUpload(const Peer&, StreamPtr) override {
    return MakeUploadSink(env_, *table_);
  }
  absl::StatusOr<std::unique_ptr<DownloadSource>> OpenDownload(const Peer&,
                                                               const v1::DownloadRequest& request,
                                                               StreamPtr stream) override {
    return MakeDownloadSource(env_, *table_, request, std::move(stream));
  }
  absl::StatusOr<std::unique_ptr<RingLease>> OpenRing(const std::string& session,
                                                      std::string_view token,
                                                      int64_t bytes) override {
    return MakeRingLease(*table_, session, token, bytes);
  }
  absl::StatusOr<std::unique_ptr<EventSource>> OpenWatch(const Principal& principal,
                                                         const v1::WatchRequest& request,
                                                         StreamPtr stream) override {
    return events_->Watch(principal, request, std::move(stream));
  }

  void Submit(const Peer& peer, std::string_view bytes, Reply<SharedBytes> reply) override {
    SubmitFrame(env_, *table_, peer, bytes, std::move(reply));
  }
  void UploadPart(const Peer&, const ChunkHeader& header, std::span<const std::string_view> pieces,
                  Reply<v1::UploadStatus> reply) override {
    reply(UploadChunk(env_, *table_, header, pieces));
  }

  void Run(const Principal& principal, v1::RunRequest request, Reply<v1::RunReply> reply) override {
    StartRun(env_, table_->AccountOf(principal, env_.limits), std::move(request), std::move(reply));
  }
  absl::StatusOr<v1::Welcome> Negotiate(const Principal& principal,
                                        const v1::Hello& hello) override {
    RETURN_IF_ERROR(CheckVersion(hello));
    v1::Welcome welcome;
    FillWelcome(env_, hello, &welcome);
    welcome.set_principal(principal.name);
    return welcome;
  }
  absl::StatusOr<v1::ListOpsReply> ListOps() override {
    v1::ListOpsReply reply;
    reply.set_json(runtime::OpsJson());
    reply.set_digest(env_.op_set_digest);
    return reply;
  }
  absl::StatusOr<v1::ListDevicesReply> ListDevices() override {
    v1::ListDevicesReply reply;
    const std::vector<runtime::DeviceInfo> devices = engine_->devices();
    for (size_t i = 0; i < devices.size(); ++i) {
      *reply.add_devices() = FromDevice(devices[i], static_cast<int>(i), true);
    }
    return reply;
  }

  void OnTick(absl::Time now) override {
    publications_->OnTick(now);
    compiled_.Tell(engine_->counters(), *events_);
    for (const auto& session : table_->All()) session->OnTick(now);
  }
  void OnGoingAway(absl::Duration deadline) override {
    for (const auto& session : table_->All()) session->OnGoingAway(deadline);
  }
  bool Idle() const override {
    for (const auto& session : table_->All()) {
      if (!session->Idle()) return false;
    }
    return true;
  }

 private:
  const std::shared_ptr<runtime::Engine> engine_;
  const std::shared_ptr<SessionTable> table_;
  const std::shared_ptr<Publications> publications_ = std::make_shared<Publications>();
  const std::shared_ptr<EventBus> events_;
  Lifecycle* const lifecycle_;
  uint64_t subscription_ = 0;
  CompiledSoFar compiled_;
  ProgramStore programs_;
  const SessionEnv env_;
  AlarmClock alarms_;
};

}  // namespace

std::unique_ptr<ComputeHandler> MakeSessionHandler(std::unique_ptr<runtime::Engine> engine,
                                                   Metrics& metrics,
                                                   const Authenticator& authenticator,
                                                   const SessionHandlerOptions& options) {
  auto handler =
      std::make_unique<SessionHandler>(std::move(engine), metrics, authenticator, options);
  metrics.AddProbe(handler->MakeProbe());
  metrics.AddFamilies(handler->MakePrincipalFamilies());
  return handler;
}

}  // namespace tensord::server
