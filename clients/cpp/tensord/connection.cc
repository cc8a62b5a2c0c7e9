#include "clients/cpp/tensord/connection.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/tensord/sources.h"
#include "clients/cpp/tensord/spans.h"
#include "clients/cpp/tensord/trace.h"

namespace tensord::client {
namespace {

constexpr uint64_t kReplyWindow = 32 << 20;  // bytes of ServerFrames granted ahead
constexpr size_t kFrameBytes = 256 << 10;    // after which a frame leaves
constexpr int kFrameItems = 1024;            // likewise
constexpr int kFullBatch = 256;              // nodes
constexpr size_t kHighWater = 8 << 20;       // bytes waiting at which a recording thread waits
constexpr size_t kSpansOfFree = 8192;        // ids of one Free item at most
constexpr size_t kMaxInlineBody = 1 << 20;

grpc::ByteBuffer Serialized(const v1::ClientFrame& frame) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  grpc::SerializationTraits<v1::ClientFrame>::Serialize(frame, &bytes, &own_buffer);
  return bytes;
}

absl::Status LostStatus(const absl::Status& why) {
  if (!why.ok()) return why;
  return absl::UnavailableError("the session is closed");
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> Connection::Open(
    const std::shared_ptr<grpc::Channel>& channel, v1::Hello hello, Settings settings) {
  absl::StatusOr<v1::Credentials> credentials = settings.credentials->Now();
  if (!credentials.ok()) return credentials.status();
  std::shared_ptr<Connection> connection(new Connection(channel, std::move(settings)));
  *connection->resume_.mutable_credentials() = *credentials;
  if (!credentials->bearer().empty()) *hello.mutable_credentials() = *std::move(credentials);
  connection->stream_.Start(connection);
  v1::Item item;
  *item.mutable_hello() = std::move(hello);
  Answer answer = connection->AskAndWait(std::move(item), connection->settings_.timeout);
  if (!answer.ok()) {
    connection->Close(absl::ZeroDuration());
    return answer.status();
  }
  connection->welcome_ = std::move(*answer->mutable_welcome());
  const std::lock_guard lock(connection->mutex_);
  v1::Resume& resume = connection->resume_;
  resume.set_session(connection->welcome_.session());
  resume.set_resume_secret(connection->welcome_.resume_secret());
  resume.set_epoch(connection->welcome_.epoch());
  const auto lease = static_cast<int64_t>(connection->welcome_.lease_ms());
  connection->reconnect_ = std::min(connection->settings_.reconnect, absl::Milliseconds(lease));
  return connection;
}

// ------------------------------------------------------------------ recording

// A frame belongs to one trace.
void Connection::BeforeItem() {
  const std::string& trace = TraceScope::Current().traceparent();
  if (trace == frame_.traceparent()) return;
  CloseColumns();
  Seal();
  frame_.set_traceparent(trace);
}

void Connection::TakeNodes(v1::NodeBatch batch) {
  v1::Item item;
  *item.mutable_nodes() = std::move(batch);
  Append(std::move(item));
}

void Connection::TakeGradient(v1::Gradient gradient) {
  v1::Item item;
  *item.mutable_gradient() = std::move(gradient);
  Append(std::move(item));
  stream_.TickSoon();
}

void Connection::AfterNode() {
  if (columns_.size() >= kFullBatch) {
    Flush();
  } else if (columns_.size() == 1) {
    stream_.TickSoon();
  }
}

void Connection::Relieve() {
  if (stream_.OnOwnThread()) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return outbox_.bytes() <= kHighWater || !broken_.ok(); });
}

std::vector<Tensor> Connection::Define(size_t count, When when,
                                       const std::function<void(uint64_t, v1::Item*)>& fill) {
  std::vector<Tensor> tensors;
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.ok()) return std::vector<Tensor>(count, Tensor::Broken(broken_));
    BeforeItem();
    CloseColumns();
    const uint64_t first = NewIds(count);
    v1::Item item;
    fill(first, &item);
    Append(std::move(item));
    tensors = MakeTensors(first, count);
    if (when == When::kNow) stream_.TickNow();  // what follows can still travel in the same frame
    if (when == When::kSoon) stream_.TickSoon();
  }
  Relieve();
  return tensors;
}

absl::Status Connection::Record(const std::function<void()>& record) {
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  BeforeItem();
  CloseColumns();
  record();
  Flush();
  return absl::OkStatus();
}

void Connection::Send(v1::Item item) {
  Record([&] { Append(std::move(item)); }).IgnoreError();
}

Connection::Position Connection::Expect(v1::Item item, Waiter waiter) {
  const uint64_t seq = seq_ + 1;  // Append may seal the frame
  const int position = Append(std::move(item));
  inbox_.Expect(seq, position, std::move(waiter));
  return {seq, position};
}

void Connection::Ask(v1::Item item, Waiter waiter) {
  const absl::Status status = Record([&] { Expect(std::move(item), std::move(waiter)); });
  if (!status.ok()) waiter(status);
}

void Connection::Tell(v1::Item item, v1::Item probe, Waiter done) {
  const auto failure = std::make_shared<absl::Status>();
  const absl::Status status = Record([&] {
    const Position told =
        Expect(std::move(item), [failure](const Answer& answer) { *failure = answer.status(); });
    Expect(std::move(probe), [=, this](Answer answer) {
      {
        const std::lock_guard lock(mutex_);
        inbox_.Forget(told.seq, told.item);
      }
      done(failure->ok() ? std::move(answer) : *failure);
    });
  });
  if (!status.ok()) done(status);
}

void Connection::AskToBind(size_t count, const std::function<void(uint64_t, v1::Item*)>& fill,
                           BindWaiter waiter) {
  const absl::Status status = Record([&] {
    const uint64_t first = NewIds(count);
    v1::Item item;
    fill(first, &item);
    Expect(std::move(item), [waiter, tensors = MakeTensors(first, count)](Answer answer) {
      waiter(std::move(answer), tensors);
    });
  });
  if (!status.ok()) waiter(status, {});
}

absl::Status Connection::CheckMayWait() const {
  if (!stream_.OnOwnThread()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a call that waits was made in a callback, which would wait for itself; use the form with a "
      "callback");
}

Answer Connection::AskAndWait(v1::Item item, absl::Duration timeout) {
  return Await<v1::Reply>(timeout, [&](Waiter waiter) { Ask(std::move(item), std::move(waiter)); });
}

absl::StatusOr<std::vector<Answer>> Connection::AskAllAndWait(std::vector<v1::Item> items,
                                                              absl::Duration timeout) {
  using Answers = std::vector<Answer>;
  if (items.empty()) return Answers();
  struct Gathered {
    Answers answers;
    std::atomic<size_t> left;
  };
  return Await<Answers>(timeout, [&](const std::function<void(absl::StatusOr<Answers>)>& done) {
    const auto gathered = std::make_shared<Gathered>(Answers(items.size()), items.size());
    const absl::Status status = Record([&] {
      for (size_t i = 0; i < items.size(); ++i) {
        Expect(std::move(items[i]), [=](Answer answer) {
          gathered->answers[i] = std::move(answer);
          if (--gathered->left == 0) done(std::move(gathered->answers));
        });
      }
    });
    if (!status.ok()) done(status);
  });
}

absl::Status Connection::AwaitStatus(
    absl::Duration timeout, const std::function<void(std::function<void(absl::Status)>)>& begin) {
  struct Done {};
  return Await<Done>(timeout,
                     [&](const std::function<void(absl::StatusOr<Done>)>& done) {
                       begin([done](const absl::Status& status) {
                         done(status.ok() ? absl::StatusOr<Done>(Done()) : status);
                       });
                     })
      .status();
}

void Connection::Refresh(v1::Credentials credentials,
                         std::function<void(const absl::Status&)> done) {
  v1::Item item, ping;
  *item.mutable_auth()->mutable_credentials() = std::move(credentials);
  ping.mutable_ping();
  Tell(std::move(item), std::move(ping),
       [done = std::move(done)](const Answer& answer) { done(answer.status()); });
}

uint64_t Connection::NewUpload() {
  const std::lock_guard lock(mutex_);
  return ++uploads_;
}

// The body always travels with the first use, so NeedProgram is never the answer.
absl::StatusOr<uint32_t> Connection::SlotOf(const Program& program, uint64_t* upload) {
  *upload = 0;
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  const auto [it, is_new] = slots_.try_emplace(program.digest(), last_slot_ + 1);
  if (!is_new) return it->second;
  const uint32_t slot = ++last_slot_;
  v1::Item item;
  item.mutable_program()->set_digest(program.digest());
  item.mutable_program()->set_slot(slot);
  if (program.body().size() <= kMaxInlineBody) {
    item.mutable_program()->set_body(program.body());
  } else {
    item.mutable_program()->set_upload(*upload = ++uploads_);
  }
  BeforeItem();
  CloseColumns();
  Append(std::move(item));
  Flush();
  return slot;
}

void Connection::Release(const Program& program) {
  const std::lock_guard lock(mutex_);
  const auto it = slots_.find(program.digest());
  if (it == slots_.end() || !broken_.ok()) return;
  v1::Item item;
  item.mutable_release()->set_slot(it->second);
  slots_.erase(it);
  BeforeItem();
  CloseColumns();
  Append(std::move(item));
  Flush();
}

// ------------------------------------------------------------------ frames

int Connection::Append(v1::Item item) {
  const int position = frame_.items_size();
  frame_bytes_ += item.ByteSizeLong();
  *frame_.add_items() = std::move(item);
  if (frame_bytes_ >= kFrameBytes || position + 1 >= kFrameItems) Seal();
  return position;
}

void Connection::Flush() {
  CloseColumns();
  AddFrees();
  Seal();
}

void Connection::AddFrees() {
  std::vector<uint64_t> ids = dropped_.Take();
  std::sort(ids.begin(), ids.end());
  for (size_t from = 0; from < ids.size(); from += kSpansOfFree) {
    const size_t count = std::min(kSpansOfFree, ids.size() - from);
    v1::Item item;
    AppendIds(std::span(ids).subspan(from, count), item.mutable_free()->mutable_ids());
    Append(std::move(item));
  }
}

// A frame without items tells acks, or nothing new at all and is left out.
void Connection::Seal() {
  if (frame_.items_size() == 0 && !inbox_.AckIsDue()) return;
  frame_.set_seq(++seq_);
  frame_.set_acked(inbox_.seen());
  frame_.set_max_reply_bytes(inbox_.received() + kReplyWindow);
  inbox_.MarkTold();
  for (std::string& text : strings_.TakeNew()) frame_.add_strings(std::move(text));
  for (v1::Source& source : SourcesAfter(sources_sent_)) {
    sources_sent_ = source.index();
    *frame_.add_sources() = std::move(source);
  }
  outbox_.Put(seq_, Serialized(frame_), frame_.items_size());
  const std::string trace = columns_.empty() ? "" : frame_.traceparent();
  frame_.Clear();
  frame_.set_traceparent(trace);
  frame_bytes_ = 0;
  Pump();
}

void Connection::Pump() {
  if (!writable_ || resuming_ || !broken_.ok()) return;
  std::optional<grpc::ByteBuffer> frame = outbox_.Next();
  if (!frame.has_value()) return;
  writable_ = false;
  stream_.Write(*frame);
  changed_.notify_all();
}

// ------------------------------------------------------------------ the stream's thread

void Connection::OnWritable() {
  const std::lock_guard lock(mutex_);
  writable_ = true;
  Pump();
}

void Connection::OnFrame(grpc::ByteBuffer& bytes) {
  const size_t size = bytes.Length();
  v1::ServerFrame frame;
  if (!grpc::SerializationTraits<v1::ServerFrame>::Deserialize(&bytes, &frame).ok()) {
    Fail(absl::InternalError("the daemon sent bytes that are no ServerFrame"));
    return stream_.Cancel();
  }
  News news;
  {
    const std::lock_guard lock(mutex_);
    outbox_.Grant(frame.max_items(), frame.max_bytes());
    news = inbox_.Receive(std::move(frame), size);
    outbox_.Applied(inbox_.applied());
    if (news.resumed.has_value()) OnResumed(*news.resumed);
    if (news.leaving.has_value()) leaving_ = true;
    if (resuming_ && absl::IsUnauthenticated(news.fatal)) {
      refusal_ = std::exchange(news.fatal, absl::OkStatus());  // the session lives on
    }
    if (inbox_.AckIsDue()) Seal();
    Pump();
  }
  ActOn(std::move(news));
}

void Connection::ActOn(News news) {
  for (auto& [waiter, answer] : news.answers) waiter(std::move(answer));
  if (settings_.on_fault != nullptr) {
    for (const absl::Status& fault : news.faults) settings_.on_fault(fault);
  }
  if (!news.fatal.ok()) Fail(news.fatal);
}

void Connection::OnTick() {
  const std::lock_guard lock(mutex_);
  if (broken_.ok() && seq_ > 0) Flush();
}

void Connection::OnResumed(const v1::Welcome& welcome) {
  resume_.set_resume_secret(welcome.resume_secret());
  outbox_.Applied(welcome.applied());
  outbox_.SendAgain();
  resuming_ = false;
  ++resumptions_;
}

std::optional<absl::Duration> Connection::PauseBeforeResume(const absl::Status& lost) {
  if (closing_ || !broken_.ok()) return std::nullopt;
  if (!CanGoOn(lost) && !absl::IsUnauthenticated(lost)) return std::nullopt;
  return attempts_.Next(resumptions_, reconnect_);
}

// The source of a token is not asked under the lock: it may use the session.
std::optional<FrameStream::Retry> Connection::OnLost(const absl::Status& status) {
  std::optional<absl::Duration> pause;
  {
    const std::lock_guard lock(mutex_);
    pause = PauseBeforeResume(status);
  }
  if (!pause.has_value()) return std::nullopt;
  const absl::StatusOr<v1::Credentials> credentials = settings_.credentials->Now();
  if (!credentials.ok()) {
    Fail(credentials.status());
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  const bool same = credentials->bearer() == resume_.credentials().bearer();
  if (same && absl::IsUnauthenticated(status)) return std::nullopt;
  *resume_.mutable_credentials() = *credentials;
  refusal_ = absl::OkStatus();
  resuming_ = true;
  writable_ = false;
  v1::ClientFrame frame;
  *frame.add_items()->mutable_resume() = resume_;
  frame.mutable_items(0)->mutable_resume()->set_last_seen(inbox_.seen());
  return FrameStream::Retry{absl::ToChronoMilliseconds(*pause), Serialized(frame)};
}

void Connection::OnEnd(const absl::Status& status) {
  Fail(LostStatus(refusal_.ok() ? status : refusal_));
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Connection::Fail(const absl::Status& why) {
  std::vector<Waiter> waiters;
  absl::Status broken;
  {
    const std::lock_guard lock(mutex_);
    if (broken_.ok()) broken_ = why;
    broken = broken_;
    waiters = inbox_.TakeWaiters();
    changed_.notify_all();
  }
  for (const Waiter& waiter : waiters) waiter(broken);
}

// ------------------------------------------------------------------ state and end

absl::Status Connection::FaultOfId(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  return inbox_.FaultOfId(id);
}

absl::Status Connection::status() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

absl::Duration Connection::patience() const {
  const std::lock_guard lock(mutex_);
  return reconnect_;
}

uint64_t Connection::resumptions() const {
  const std::lock_guard lock(mutex_);
  return resumptions_;
}

bool Connection::leaving() const {
  const std::lock_guard lock(mutex_);
  return leaving_;
}

void Connection::Close(absl::Duration patience) {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  v1::Item bye;
  bye.mutable_bye();
  Send(std::move(bye));
  {
    std::unique_lock lock(mutex_);
    if (!stream_.OnOwnThread()) {
      changed_.wait_for(lock, absl::ToChronoMilliseconds(patience), [&] { return ended_; });
    }
    if (!ended_) stream_.Cancel();
  }
  stream_.Join();
}

}  // namespace tensord::client
