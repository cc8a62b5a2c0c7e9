// One session with a daemon: ids, frames and answers, shared by all threads of a process. What
// session.h is made of; the semantics are those of proto/tensord/v1/session.proto. A stream that is
// lost is taken up again by itself (Resume), for as long as the daemon keeps the session.
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/tensord/attempts.h"
#include "clients/cpp/tensord/credentials.h"
#include "clients/cpp/tensord/frame_stream.h"
#include "clients/cpp/tensord/free_list.h"
#include "clients/cpp/tensord/graph.h"
#include "clients/cpp/tensord/inbox.h"
#include "clients/cpp/tensord/outbox.h"
#include "clients/cpp/tensord/program.h"
#include "clients/cpp/tensord/wire_time.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {

class Connection final : public Graph, public FrameStream::Events {
 public:
  struct Settings {
    absl::Duration timeout;    // until the first Welcome
    absl::Duration reconnect;  // for how long a lost stream is made anew; the lease at most
    std::shared_ptr<Credentials> credentials;  // of each connection
    // Called on the stream's thread for each fault that nobody waits for.
    std::function<void(const absl::Status&)> on_fault;
  };
  // Says Hello, with credentials, and waits for Welcome.
  static absl::StatusOr<std::shared_ptr<Connection>> Open(
      const std::shared_ptr<grpc::Channel>& channel, v1::Hello hello, Settings settings);

  // The first one: a Resume changes secrets only.
  const v1::Welcome& welcome() const { return welcome_; }
  // How often a lost stream was taken up again.
  uint64_t resumptions() const;
  // For how long a lost stream or transfer is made anew.
  absl::Duration patience() const;

  // Everything below: any thread; items go out at once, behind the nodes recorded so far.
  void Send(v1::Item item);
  // `waiter` is called exactly once, on the stream's thread (on this one if the session is lost).
  void Ask(v1::Item item, Waiter waiter);
  // Waits for the reply, a second longer than the daemon should take. Not from a callback.
  Answer AskAndWait(v1::Item item, absl::Duration timeout);
  // For an item that only a failure is answered of: `probe` is asked right behind it, and its
  // answer tells that there was none. `done` is called once, where a Waiter is, with the probe's
  // answer or the item's failure.
  void Tell(v1::Item item, v1::Item probe, Waiter done);
  // An item that is answered and defines `count` ids; `fill` gets the first of them. `waiter` gets
  // their Tensors with the answer: those that it does not keep are freed.
  using BindWaiter = std::function<void(Answer, const std::vector<Tensor>&)>;
  void AskToBind(size_t count, const std::function<void(uint64_t first, v1::Item*)>& fill,
                 BindWaiter waiter);
  // What `begin` has its argument called with; waits, a second longer than the daemon should take.
  template <typename T>
  absl::StatusOr<T> Await(absl::Duration timeout,
                          const std::function<void(std::function<void(absl::StatusOr<T>)>)>& begin);
  absl::Status AwaitStatus(absl::Duration timeout,
                           const std::function<void(std::function<void(absl::Status)>)>& begin);
  // The same for several questions in one frame; the answers in their order.
  absl::StatusOr<std::vector<Answer>> AskAllAndWait(std::vector<v1::Item> items,
                                                    absl::Duration timeout);
  // When an item is sent: with what follows within a millisecond, now, or with the next one, which
  // is sure to come.
  enum class When { kSoon, kNow, kWithNext };
  // An item that defines `count` ids; `fill` gets the first of them.
  std::vector<Tensor> Define(size_t count, When when,
                             const std::function<void(uint64_t first, v1::Item*)>& fill);
  // Tells the daemon of new credentials; `done` where a Waiter is.
  void Refresh(v1::Credentials credentials, std::function<void(const absl::Status&)> done);
  // The slot of a Program, made known by the first call; if its body has to be uploaded, `upload`
  // becomes the number to do that under.
  absl::StatusOr<uint32_t> SlotOf(const Program& program, uint64_t* upload);
  // Forgets it, if it is known.
  void Release(const Program& program);
  uint64_t NewUpload();

  void Drop(uint64_t id) override { dropped_.Push(id); }
  absl::Status FaultOfId(uint64_t id) const;
  // OK while the session can be used.
  absl::Status status() const;
  bool leaving() const;
  bool OnOwnThread() const { return stream_.OnOwnThread(); }

  // Says Bye, waits up to `patience` for the daemon's end of the stream. Idempotent.
  void Close(absl::Duration patience);

 protected:
  absl::Status Usable() const override { return broken_; }
  void BeforeItem() override;
  void TakeNodes(v1::NodeBatch batch) override;
  void TakeGradient(v1::Gradient gradient) override;
  void AfterNode() override;
  void Relieve() override;

 private:
  Connection(const std::shared_ptr<grpc::Channel>& channel, Settings settings)
      : stream_(channel), settings_(std::move(settings)) {}

  void OnWritable() override;
  void OnFrame(grpc::ByteBuffer& bytes) override;
  void OnTick() override;
  std::optional<FrameStream::Retry> OnLost(const absl::Status& status) override;
  void OnEnd(const absl::Status& status) override;

  absl::Status CheckMayWait() const;

  // Calls `record` with mutex_ held, behind the nodes so far, and sends; or tells why not.
  absl::Status Record(const std::function<void()>& record);

  // With mutex_ held.
  struct Position {
    uint64_t seq;
    int item;
  };
  Position Expect(v1::Item item, Waiter waiter);
  std::optional<absl::Duration> PauseBeforeResume(const absl::Status& lost);
  void OnResumed(const v1::Welcome& welcome);
  int Append(v1::Item item);  // its position in the frame under construction
  void Flush();               // everything recorded so far
  void AddFrees();
  void Seal();  // the frame under construction is complete
  void Pump();  // writes what credit and the stream allow

  void ActOn(News news);
  void Fail(const absl::Status& why);

  FrameStream stream_;
  absl::Status refusal_;  // of the last Resume's token; the stream's thread alone
  FreeList dropped_;
  v1::Welcome welcome_;
  const Settings settings_;
  // Guarded by mutex_ from here on.
  std::condition_variable changed_;
  absl::Status broken_;
  bool ended_ = false, writable_ = false, leaving_ = false, closing_ = false;
  bool resuming_ = false;  // no frame goes out before the Welcome
  v1::Resume resume_;      // what the next one says, but for last_seen and a newer token
  absl::Duration reconnect_;
  Attempts attempts_;
  uint64_t resumptions_ = 0;
  v1::ClientFrame frame_;  // its traceparent is that of the nodes to come, too
  size_t frame_bytes_ = 0;
  uint64_t seq_ = 0, uploads_ = 0;
  uint32_t sources_sent_ = 0;
  Outbox outbox_;
  Inbox inbox_;
  absl::flat_hash_map<std::string, uint32_t> slots_;  // of Programs, by digest
  uint32_t last_slot_ = 0;
};

template <typename T>
absl::StatusOr<T> Connection::Await(
    absl::Duration timeout,
    const std::function<void(std::function<void(absl::StatusOr<T>)>)>& begin) {
  if (absl::Status status = CheckMayWait(); !status.ok()) return status;
  auto promise = std::make_shared<std::promise<absl::StatusOr<T>>>();
  std::future<absl::StatusOr<T>> future = promise->get_future();
  begin([promise](absl::StatusOr<T> answer) { promise->set_value(std::move(answer)); });
  if (IsLimit(timeout)) {
    const auto most = absl::ToChronoMilliseconds(timeout + absl::Seconds(1));
    if (future.wait_for(most) != std::future_status::ready) {
      return absl::DeadlineExceededError("no answer within " + absl::FormatDuration(timeout));
    }
  }
  return future.get();
}

}  // namespace tensord::client
