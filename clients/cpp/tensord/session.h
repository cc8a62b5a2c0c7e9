// A session with a daemon: put values, record ops on them (ops.h), fetch what is wanted.
//
//   auto session = Session::Connect();                              // see address.h for where
//   const Tensor x = (*session)->Put<float>({2, 2}, {1, 2, 3, 4});
//   const Tensor y = ops::Softmax(x, {.axis = 0}) + 1.0;
//   const absl::StatusOr<std::vector<float>> values = (*session)->Fetch<float>(y);
//
// Thread-safe. Calls that wait may not be made from a callback; they say so.
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/tensord/address.h"
#include "clients/cpp/tensord/connection.h"
#include "clients/cpp/tensord/credentials.h"
#include "clients/cpp/tensord/program.h"
#include "clients/cpp/tensord/publishing.h"
#include "clients/cpp/tensord/tensor.h"
#include "clients/cpp/tensord/transfer.h"
#include "clients/cpp/tensord/type.h"
#include "clients/cpp/tensord/value.h"
#include "clients/cpp/tensord/worker.h"

namespace tensord::client {

struct SessionOptions {
  std::string address;  // empty: see address.h
  std::string token;    // likewise; one that stays
  // In place of `token`: a file that holds one, or a function that answers one. It is read again
  // for every connection, and so early that the daemon hears of a new token before the old one
  // ends: at four fifths of what a JWT has left to live, every 30 s for what tells no end.
  std::string token_file;
  TokenSource token_source;  // on threads of the session: must not wait
  std::string label;         // what the daemon's logs call this session
  absl::Duration connect_timeout = absl::Seconds(10);
  // For how long a connection that is lost is made anew, the daemon's lease at most: nothing is
  // lost, and nothing is done twice. After that every call gets the cause.
  absl::Duration reconnect = absl::Seconds(10);
  // Whether values of 256 KiB and more may go through memory shared with a daemon on this host,
  // where its Unix socket offers that.
  bool shared_memory = true;
  TlsFiles tls;  // of a tls:// address
  // In place of `tls`; null: none.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // Faults that nobody waits for, and why a token was not renewed; on a thread of the session: must
  // not wait.
  std::function<void(const absl::Status&)> on_fault;
};

// How long the daemon may take, queueing included, and how early it should begin (-2 … 2).
struct CallOptions {
  absl::Duration timeout = absl::InfiniteDuration();
  int priority = 0;
};

struct ExecuteOptions {
  absl::Duration timeout = absl::InfiniteDuration();
  int priority = 0;
  std::vector<int64_t> variables;  // one for each of the Program's
  std::vector<Tensor> after;       // not before these are ready or poisoned
  uint32_t device = 0;
};

// The daemon's word on a value.
struct Description {
  uint64_t id = 0;
  v1::ValueState state = v1::VALUE_STATE_UNKNOWN;
  std::optional<Type> type;
  absl::Status fault;  // of a poisoned one
  uint64_t bytes = 0;  // of device memory that it holds
};

struct Pong {
  absl::Duration round_trip;
  uint64_t in_flight = 0;       // work of the session that is not completed
  uint64_t resident_bytes = 0;  // of device memory that it holds
};

class Session {
 public:
  // Errors: UNAVAILABLE (nobody listens), UNAUTHENTICATED, FAILED_PRECONDITION (version), …
  static absl::StatusOr<std::unique_ptr<Session>> Connect(SessionOptions options = {});
  // Says Bye: every value of the session is freed. Tensors that are left become errors.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const v1::Welcome& welcome() const { return connection_->welcome(); }
  // Where ops without inputs are recorded: ops::Zeros(session->graph(), {2, 3}).
  Graph& graph() { return *connection_; }
  // OK while it can be used; else why not.
  absl::Status status() const { return connection_->status(); }
  // The daemon has said that it is about to stop.
  bool leaving() const { return connection_->leaving(); }
  // How often a lost stream was taken up again.
  uint64_t resumptions() const { return connection_->resumptions(); }

  // A value from elements, row-major. Up to 64 KiB travel with the next frame; for more, the call
  // returns when the daemon has them. Errors are in the Tensor.
  template <Element T>
  Tensor Put(const Dims& dims, const std::vector<T>& values, uint32_t device = 0) {
    const std::string bytes = BytesOf(values);
    return PutBytes({kDTypeOf<T>, dims, device}, bytes);
  }
  // The same from little-endian bytes; not kept.
  Tensor PutBytes(const Type& type, std::string_view bytes);

  // The elements, computed if need be. Errors: the fault's; INVALID_ARGUMENT when its dtype is not
  // T's.
  template <Element T>
  absl::StatusOr<std::vector<T>> Fetch(const Tensor& tensor, const CallOptions& options = {}) {
    return ElementsOf<T>(FetchValue(tensor, options));
  }
  absl::StatusOr<Value> FetchValue(const Tensor& tensor, const CallOptions& options = {});
  // The same into a value whose memory is used again: fresh memory for a large value costs about as
  // much as its bytes' way through the socket. Undefined after an error.
  absl::Status FetchInto(const Tensor& tensor, Value* value, const CallOptions& options = {});

  // Without waiting: `done` is called once, on a thread of the session: it must not wait.
  void FetchValueAsync(const Tensor& tensor, std::function<void(absl::StatusOr<Value>)> done,
                       const CallOptions& options = {});
  template <Element T>
  void FetchAsync(const Tensor& tensor, std::function<void(absl::StatusOr<std::vector<T>>)> done,
                  const CallOptions& options = {}) {
    FetchValueAsync(
        tensor,
        [done = std::move(done)](absl::StatusOr<Value> value) {
          done(ElementsOf<T>(std::move(value)));
        },
        options);
  }
  template <Element T>
  std::future<absl::StatusOr<std::vector<T>>> FetchAsync(const Tensor& tensor,
                                                         const CallOptions& options = {}) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<std::vector<T>>>>();
    FetchAsync<T>(
        tensor,
        [promise](absl::StatusOr<std::vector<T>> values) { promise->set_value(std::move(values)); },
        options);
    return promise->get_future();
  }

  // Starts computing these and keeps them; does not wait. What goes wrong poisons them.
  absl::Status Evaluate(const std::vector<Tensor>& tensors, const CallOptions& options = {});
  // Waits until these, or everything so far, are ready or poisoned. Errors: the fault of the first
  // poisoned one; ABORTED when any is poisoned and no tensors were named.
  absl::Status Barrier(const std::vector<Tensor>& tensors = {},
                       absl::Duration timeout = absl::InfiniteDuration());
  // Gives up what would compute these and has not begun: CANCELLED.
  absl::Status Cancel(const std::vector<Tensor>& tensors);

  // Runs a Program: its outputs. Donated inputs end with it, all copies of those Tensors too.
  std::vector<Tensor> Execute(const Program& program, const std::vector<Tensor>& inputs,
                              const ExecuteOptions& options = {});

  // The same, and fetches the outputs, in one frame; waits. Errors: those of the first output that
  // has one.
  absl::StatusOr<std::vector<Value>> Run(const Program& program, const std::vector<Tensor>& inputs,
                                         const ExecuteOptions& options = {});

  // The daemon may forget a Program, which counts against Limits.max_programs; it is made known
  // again by the next Execute.
  absl::Status Release(const Program& program);

  // Makes values readable by a name, all at once, in place of what had that name before; waits
  // until they are ready. Where one is poisoned nothing is published: its fault.
  absl::StatusOr<Publication> Publish(const std::string& name, const PublishEntries& entries,
                                      const PublishOptions& options = {});
  // The published values of a name: those of `paths`, or all. Errors: NOT_FOUND, a name, path or
  // generation that is not there.
  absl::StatusOr<Found> Lookup(const std::string& name, const std::vector<std::string>& paths = {},
                               const LookupOptions& options = {});
  // Ends a publication of one's own; who looked it up keeps its values. NOT_FOUND without one.
  absl::Status Unpublish(const std::string& name);
  // Without waiting; `done` is called once, on the session's thread: it must not wait.
  void PublishAsync(const std::string& name, const PublishEntries& entries,
                    std::function<void(absl::StatusOr<Publication>)> done,
                    const PublishOptions& options = {});
  void LookupAsync(const std::string& name, const std::vector<std::string>& paths,
                   std::function<void(absl::StatusOr<Found>)> done,
                   const LookupOptions& options = {});
  void UnpublishAsync(const std::string& name, std::function<void(absl::Status)> done);

  absl::StatusOr<std::vector<Description>> Describe(const std::vector<Tensor>& tensors);
  // The same of ids, which may have been freed: for logs and tools.
  absl::StatusOr<std::vector<Description>> DescribeIds(const std::vector<uint64_t>& ids);
  // Asks the daemon: type rules live there.
  absl::StatusOr<Type> TypeOf(const Tensor& tensor);
  // Reads the token again and tells the daemon: done by itself for what is renewed. Errors: the
  // source's; UNAUTHENTICATED, PERMISSION_DENIED (another principal's): the session goes on with
  // the old one.
  absl::Status RefreshCredentials();
  absl::StatusOr<Pong> Ping(absl::Duration timeout = absl::Seconds(10));
  // Why a value is poisoned, as far as was heard without asking; OK when nothing was.
  absl::Status FaultHeard(const Tensor& tensor) const;

 private:
  Session(std::shared_ptr<Connection> connection, std::shared_ptr<grpc::Channel> bulk,
          const std::string& path, std::shared_ptr<Credentials> credentials);

  void KeepFresh(std::function<void(const absl::Status&)> on_fault);
  absl::Status OwnsAll(std::span<const Tensor> tensors, const char* what) const;
  absl::Status CheckPut(const Type& type, std::string_view bytes) const;
  absl::Status CheckExecute(const Program& program, const std::vector<Tensor>& inputs,
                            const ExecuteOptions& options) const;
  std::vector<Tensor> Launch(const Program& program, const std::vector<Tensor>& inputs,
                             const ExecuteOptions& options, Connection::When when);
  absl::Status TakeValue(v1::Data data, absl::Duration timeout, Value* value) const;
  absl::StatusOr<Value> ValueOf(v1::Data data, absl::Duration timeout) const;

  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Credentials> credentials_;
  std::unique_ptr<Renewal> renewal_;
  const BulkLane bulk_;
  std::atomic<bool> failed_ = false;  // something did, as a Barrier of the session's own was told
  Worker worker_;                     // downloads for callbacks
};

}  // namespace tensord::client
