// gRPC's completion-queue server: ports, queues, threads, and the calls that live on them.
//
// Two lanes of queues, a thread each: sessions and tools on one, bulk transfers on the other. No
// part of the process uses gRPC's callback API: one reactor of it anywhere halves the rate of
// uploads (measured on 1.51).
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "server/admission.h"
#include "server/options.h"
#include "server/tls_files.h"
#include "server/transport/acceptor.h"
#include "server/transport/call.h"
#include "server/transport/lane_rest.h"
#include "server/transport/method.h"
#include "server/transport/new_connections.h"
#include "server/transport/rings.h"
#include "server/transport/unix_listener.h"

namespace tensord::server::transport {

class RawService;

class Transport final : public CallHost {
 public:
  struct Config {
    std::vector<Address> listen;
    int threads_per_lane = 1;
    NewConnections::Limits new_connections;
    const TlsFiles* tls = nullptr;  // REQUIRED by a kTls address; outlives the transport
  };

  // Binds everything and starts to serve. The services and admission outlive it.
  static absl::StatusOr<std::unique_ptr<Transport>> Start(const Config& config,
                                                          std::vector<Method> methods,
                                                          const Services& services,
                                                          Admission& admission);
  ~Transport() override;

  // Where it listens, ports resolved.
  const std::vector<Address>& addresses() const { return addresses_; }

  // Takes no more connections and calls, waits up to `grace` for those under way, aborts the rest,
  // and stops the threads. Idempotent.
  void Shutdown(absl::Duration grace);

  // Aborts calls that are stuck and connections without one; to be called about once a second.
  void CheckProgress();

  // CallHost.
  void OnStarted(Call& call) override;
  void OnUnused(Call& call) override;
  void OnEnded(Call& call) override;

 private:
  using GrpcAcceptor = grpc::experimental::ExternalConnectionAcceptor;
  Transport(const Config& config, std::vector<Method> methods, const Services& services,
            Admission& admission);

  absl::Status BindSockets();
  void AddAcceptors(grpc::ServerBuilder& builder);
  absl::Status StartListeners();
  absl::Status StartRings();
  void OnUnixConnection(base::Fd fd, uid_t uid, pid_t pid);
  void OnTcpConnection(base::Fd fd, GrpcAcceptor& acceptor);
  absl::StatusOr<Peer> PeerOf(Call& call);
  absl::Status BuildServer(const Config& config);
  absl::Status StartServing();
  void RequestCall(int method, grpc::ServerCompletionQueue* queue);
  void ServeControl(grpc::ServerCompletionQueue* queue);
  void ServeBulk(grpc::ServerCompletionQueue* queue);
  grpc::ServerCompletionQueue* StartsOf(const grpc::ServerCompletionQueue* queue) const;
  std::span<const std::unique_ptr<grpc::ServerCompletionQueue>> QueuesOf(Lane lane) const;
  absl::Status Admit(Call& call, const Method& method, Admission::Ticket* ticket);

  const std::vector<Method> methods_;
  const Services services_;
  Admission& admission_;

  DescriptorOwners owners_;
  NewConnections new_connections_;
  Rings rings_;
  const TlsFiles* const tls_;
  std::vector<std::unique_ptr<UnixListener>> listeners_;
  std::vector<std::pair<Address::Kind, std::unique_ptr<Acceptor>>> tcp_listeners_;
  std::vector<Address> addresses_;
  std::shared_ptr<grpc::ServerCredentials> tls_credentials_;
  std::unique_ptr<GrpcAcceptor> tcp_acceptor_, tls_acceptor_;  // what connections are given to
  std::unique_ptr<RawService> raw_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;  // control, then bulk
  size_t control_queues_ = 0;
  LaneRest bulk_rest_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> threads_;
  bool shut_down_ = false;

  std::mutex mutex_;
  std::condition_variable quiet_;  // no calls, none asked for
  absl::flat_hash_set<Call*> live_;
  int requested_ = 0;  // asked for and not arrived
  bool stopping_ = false;
};

}  // namespace tensord::server::transport
