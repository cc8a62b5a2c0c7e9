#include "server/transport/transport.h"

#include <grpc/grpc.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "server/access_log.h"
#include "server/transport/hand_over.h"
#include "server/transport/tcp_listener.h"
#include "server/transport/tls_credentials.h"

namespace tensord::server::transport {

// Every method of the table, as a raw stream.
class RawService final : public grpc::Service {
 public:
  explicit RawService(std::span<const Method> methods) {
    for (size_t i = 0; i < methods.size(); ++i) {
      AddMethod(new grpc::internal::RpcServiceMethod(
          methods[i].path, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
      MarkMethodAsync(static_cast<int>(i));
    }
  }

  // `starts`: the queue that hears of the call's begin.
  void Request(Call& call, grpc::ServerCompletionQueue* starts) {
    RequestAsyncBidiStreaming(call.method(), call.context(), call.stream(), call.queue(), starts,
                              call.start_tag());
  }
};

namespace {

constexpr int kMaxReceiveBytes = (4 << 20) + (64 << 10);
constexpr auto kBulkPoll = std::chrono::milliseconds(100);
constexpr int kRequestsAhead = 4;  // per method and queue: calls that need not wait for a thread

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4096);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A compressed message may be a thousand times its size: refused, not unpacked.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> Transport::Start(const Config& config,
                                                            std::vector<Method> methods,
                                                            const Services& services,
                                                            Admission& admission) {
  // Kept initialised for good: gRPC's own clean-up may wait 10 s for a poller of its own.
  static const bool initialised = (grpc_init(), true);
  (void)initialised;
  auto transport =
      std::unique_ptr<Transport>(new Transport(config, std::move(methods), services, admission));
  RETURN_IF_ERROR(transport->BindSockets());
  RETURN_IF_ERROR(transport->BuildServer(config));
  RETURN_IF_ERROR(transport->StartServing());
  return transport;
}

Transport::Transport(const Config& config, std::vector<Method> methods, const Services& services,
                     Admission& admission)
    : methods_(std::move(methods)),
      services_(services),
      admission_(admission),
      new_connections_(config.new_connections, services.metrics),
      rings_(services_),
      tls_(config.tls),
      addresses_(config.listen) {
  std::vector<std::string> names;
  names.reserve(methods_.size());
  for (const Method& method : methods_) names.emplace_back(method.path + 1);
  services_.metrics.NameMethods(std::move(names));
}

absl::Status Transport::BindSockets() {
  for (Address& address : addresses_) {
    if (address.kind == Address::Kind::kUnix) {
      ASSIGN_OR_RETURN(auto listener, UnixListener::Bind(address.path));
      listeners_.push_back(std::move(listener));
      continue;
    }
    ASSIGN_OR_RETURN(TcpSockets bound, ListenTcp(address.host, address.port));
    address.port = bound.port;
    tcp_listeners_.emplace_back(
        address.kind, std::make_unique<Acceptor>(std::move(bound.sockets), address.ToString()));
  }
  return absl::OkStatus();
}

// gRPC gets connections that the daemon has accepted, so that it can count and limit them.
void Transport::AddAcceptors(grpc::ServerBuilder& builder) {
  using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  tcp_acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      Type::FROM_FD, grpc::InsecureServerCredentials());
  if (tls_ == nullptr) return;
  tls_credentials_ = MakeTlsCredentials(*tls_);
  tls_acceptor_ =
      builder.experimental().AddExternalConnectionAcceptor(Type::FROM_FD, tls_credentials_);
}

absl::Status Transport::BuildServer(const Config& config) {
  grpc::ServerBuilder builder;
  SetLimits(builder);
  builder.AddChannelArgument(
      GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(config.new_connections.time)));
  AddAcceptors(builder);
  raw_ = std::make_unique<RawService>(methods_);
  builder.RegisterService(raw_.get());
  control_queues_ = static_cast<size_t>(config.threads_per_lane);
  for (size_t i = 0; i < 2 * control_queues_; ++i) {
    // What gRPC itself has to do, as refusing unknown methods, comes to queues that always poll.
    const bool always_polled = i < control_queues_;
    queues_.push_back(builder.AddCompletionQueue(always_polled));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC's server did not start");
  return absl::OkStatus();
}

absl::Status Transport::StartServing() {
  for (size_t i = 0; i < queues_.size(); ++i) {
    const bool control = i < control_queues_;
    threads_.emplace_back([this, control, queue = queues_[i].get()] {
      if (control) {
        ServeControl(queue);
      } else {
        ServeBulk(queue);
      }
    });
    const std::string name = StrCat(control ? "io-control-" : "io-bulk-", i);
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
  for (size_t method = 0; method < methods_.size(); ++method) {
    for (const auto& queue : QueuesOf(methods_[method].lane)) {
      for (int i = 0; i < kRequestsAhead; ++i) RequestCall(static_cast<int>(method), queue.get());
    }
  }
  return StartListeners();
}

absl::Status Transport::StartListeners() {
  if (!listeners_.empty()) RETURN_IF_ERROR(StartRings());
  for (const auto& listener : listeners_) {
    RETURN_IF_ERROR(listener->Start(
        [this](base::Fd fd, uid_t uid, pid_t pid) { OnUnixConnection(std::move(fd), uid, pid); }));
  }
  for (const auto& [kind, listener] : tcp_listeners_) {
    GrpcAcceptor& acceptor = kind == Address::Kind::kTls ? *tls_acceptor_ : *tcp_acceptor_;
    RETURN_IF_ERROR(listener->Start(
        [this, &acceptor](base::Fd fd) { OnTcpConnection(std::move(fd), acceptor); }));
  }
  return absl::OkStatus();
}

absl::Status Transport::StartRings() {
  return rings_.Start({
      .on_other =
          [this](base::Fd fd) {
            {
              std::lock_guard lock(mutex_);
              if (stopping_) return;
            }
            grpc::AddInsecureChannelFromFd(server_.get(), fd.Release());
          },
      .on_opened = [this](int fd) { new_connections_.OnCall(StrCat("fd:", fd)); },
  });
}

// Its first byte will tell what it speaks.
void Transport::OnUnixConnection(base::Fd fd, uid_t uid, pid_t pid) {
  base::Fd claimed = owners_.Claim(std::move(fd), uid, pid);
  if (!claimed.valid()) return;
  const std::string name = StrCat("fd:", claimed.get());
  services_.metrics.Add(Metric::connections);
  new_connections_.Add(name, claimed.get(), absl::Now());
  rings_.Add(std::move(claimed), owners_.Find(name));
}

void Transport::OnTcpConnection(base::Fd fd, GrpcAcceptor& acceptor) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  if (getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0) return;
  services_.metrics.Add(Metric::connections);
  new_connections_.Add(ConnectionName(peer), fd.get(), absl::Now());
  GrpcAcceptor::NewConnectionParameters connection;
  connection.fd = fd.Release();
  acceptor.HandleNewConnection(&connection);
}

std::span<const std::unique_ptr<grpc::ServerCompletionQueue>> Transport::QueuesOf(Lane lane) const {
  std::span all(queues_);
  return lane == Lane::kControl ? all.first(control_queues_) : all.subspan(control_queues_);
}

namespace {

void Handle(void* tag, bool ok) {
  TakeOver(tag);
  const Tag event = *static_cast<Tag*>(tag);
  (event.call->*event.on)(ok);
}

}  // namespace

void Transport::ServeControl(grpc::ServerCompletionQueue* queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) Handle(tag, ok);
}

void Transport::ServeBulk(grpc::ServerCompletionQueue* queue) {
  for (;;) {
    void* tag = nullptr;
    bool ok = false;
    bulk_rest_.Rest();
    switch (queue->AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kBulkPoll)) {
      case grpc::CompletionQueue::GOT_EVENT:
        Handle(tag, ok);
        break;
      case grpc::CompletionQueue::TIMEOUT:
        break;
      case grpc::CompletionQueue::SHUTDOWN:
        return;
    }
  }
}

// Of each bulk queue, the control queue beside it.
grpc::ServerCompletionQueue* Transport::StartsOf(const grpc::ServerCompletionQueue* queue) const {
  const auto is_it = [queue](const auto& other) { return other.get() == queue; };
  const size_t number = std::find_if(queues_.begin(), queues_.end(), is_it) - queues_.begin();
  return queues_[number % control_queues_].get();
}

// ------------------------------------------------------------------------------- calls

void Transport::RequestCall(int method, grpc::ServerCompletionQueue* queue) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++requested_;
  }
  std::shared_ptr<Call> call = Call::Create(this, method, queue);
  HandOver(call->start_tag());
  raw_->Request(*call, StartsOf(queue));
}

void Transport::OnStarted(Call& call) {
  {
    std::lock_guard lock(mutex_);
    --requested_;
    live_.insert(&call);
  }
  RequestCall(call.method(), call.queue());
  const Method& method = methods_[static_cast<size_t>(call.method())];
  if (method.lane == Lane::kBulk) bulk_rest_.OnCallStarted();
  absl::StatusOr<Peer> peer = PeerOf(call);
  if (!peer.ok()) {
    call.peer.address = call.context()->peer();
    return call.Refuse(peer.status(), absl::ZeroDuration());
  }
  call.peer = *std::move(peer);
  new_connections_.OnCall(call.context()->peer());
  Admission::Ticket ticket;
  if (absl::Status status = Admit(call, method, &ticket); !status.ok()) {
    services_.metrics.Add(Metric::calls_refused);
    return call.Refuse(status, Admission::kRetryAfter);
  }
  call.Accept(method.make(services_, call), std::move(ticket));
}

// Who calls, as far as the connection tells. UNAUTHENTICATED: a certificate that was wanted is
// missing, or is not to be trusted.
absl::StatusOr<Peer> Transport::PeerOf(Call& call) {
  const std::string address = call.context()->peer();
  Peer peer = owners_.Find(address);
  if (tls_ == nullptr || peer.identified) return peer;
  const std::shared_ptr<const grpc::AuthContext> context = call.context()->auth_context();
  const auto first = [&](const char* name) -> std::string_view {
    const std::vector<grpc::string_ref> values = context->FindPropertyValues(name);
    return values.empty() ? "" : std::string_view(values[0].data(), values[0].size());
  };
  const std::shared_ptr<const TlsMaterial> material = tls_->material();
  const bool over_tls = first(GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME) == "ssl";
  if (!over_tls || material->clients == nullptr) return peer;
  absl::StatusOr<Principal> principal =
      material->clients->Verify(first(GRPC_X509_PEM_CERT_PROPERTY_NAME),
                                first(GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME), absl::Now());
  if (!principal.ok()) {
    services_.authenticator.CountRefusal(peer, principal.status());
    return principal.status();
  }
  peer.identified = true;
  peer.principal = *std::move(principal);
  return peer;
}

absl::Status Transport::Admit(Call& call, const Method& method, Admission::Ticket* ticket) {
  (void)call;
  if (method.budget == Budget::kNone) return absl::OkStatus();
  const State state = services_.lifecycle.state();
  if (state == State::kStarting || (!method.while_refusing && !services_.lifecycle.accepting())) {
    return absl::UnavailableError(
        StrCat("the daemon is ", StateName(state), "; try again later or elsewhere"));
  }
  ASSIGN_OR_RETURN(*ticket, admission_.Admit(method.budget));
  return absl::OkStatus();
}

void Transport::OnUnused(Call&) {
  std::lock_guard lock(mutex_);
  --requested_;
  quiet_.notify_all();
}

void Transport::OnEnded(Call& call) {
  const Method& method = methods_[static_cast<size_t>(call.method())];
  const CallTotals& totals = call.totals();
  services_.metrics.CountCall(static_cast<size_t>(call.method()), totals.status.code(),
                              totals.ended - totals.started);
  LogCall(method, call.peer, totals);
  if (method.lane == Lane::kBulk) bulk_rest_.OnCallEnded();
  std::lock_guard lock(mutex_);
  live_.erase(&call);
  if (stopping_) quiet_.notify_all();
}

void Transport::CheckProgress() {
  std::vector<std::shared_ptr<Call>> calls;
  {
    std::lock_guard lock(mutex_);
    calls.reserve(live_.size());
    for (Call* call : live_) calls.push_back(call->shared_from_this());
  }
  const absl::Time now = absl::Now();
  for (const auto& call : calls) call->CheckProgress(now);
  new_connections_.OnTick(now);
}

// ------------------------------------------------------------------------------- the end

void Transport::Shutdown(absl::Duration grace) {
  if (std::exchange(shut_down_, true)) return;
  for (const auto& listener : listeners_) listener->Stop();
  for (const auto& [kind, listener] : tcp_listeners_) listener->Stop();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (server_ != nullptr) {
    server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    std::unique_lock lock(mutex_);
    quiet_.wait(lock, [this] { return live_.empty() && requested_ == 0; });
  }
  rings_.Stop();
  new_connections_.Clear();
  for (const auto& queue : queues_) queue->Shutdown();
  bulk_rest_.Stop();
  for (std::thread& thread : threads_) thread.join();
}

Transport::~Transport() { Shutdown(absl::ZeroDuration()); }

}  // namespace tensord::server::transport
