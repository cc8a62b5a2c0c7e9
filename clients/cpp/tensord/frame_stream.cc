#include "clients/cpp/tensord/frame_stream.h"

#include <chrono>
#include <utility>

#include "clients/cpp/tensord/errors.h"

namespace tensord::client {
namespace {

constexpr std::chrono::milliseconds kIdle(250), kSoon(1), kSettling(5);

std::chrono::system_clock::time_point In(std::chrono::milliseconds time) {
  return std::chrono::system_clock::now() + time;
}

}  // namespace

FrameStream::~FrameStream() {
  if (thread_.joinable()) Join();
}

void FrameStream::Start(std::shared_ptr<Events> events) {
  StartCall();
  thread_ = std::thread([this, events = std::move(events)] {
    thread_id_ = std::this_thread::get_id();
    Run(*events);
  });
}

void FrameStream::StartCall() {
  call_ = nullptr;  // it lives in memory of its context's call
  {
    const std::lock_guard lock(context_mutex_);
    context_ = std::make_unique<grpc::ClientContext>();
    if (cancelled_) context_->TryCancel();
  }
  call_ = stub_.PrepareCall(context_.get(), "/tensord.v1.Compute/Session", &queue_);
  ++under_way_;
  call_->StartCall(Ptr(Tag::kStart));
}

void FrameStream::Cancel() {
  const std::lock_guard lock(context_mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

void FrameStream::Write(const grpc::ByteBuffer& frame) {
  writing_ = true;
  ++under_way_;
  call_->Write(frame, Ptr(Tag::kWrite));
}

void FrameStream::TickSoon() {
  if (alarm_set_.exchange(true)) return;
  ++under_way_;
  alarm_.Set(&queue_, In(kSoon), Ptr(Tag::kTick));
}

void FrameStream::TickNow() {
  if (now_alarm_set_.exchange(true)) return;
  ++under_way_;
  now_alarm_.Set(&queue_, In(std::chrono::milliseconds(0)), Ptr(Tag::kTickNow));
}

void FrameStream::Join() {
  if (!thread_.joinable()) return;
  if (OnOwnThread()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void FrameStream::Read() {
  ++under_way_;
  call_->Read(&incoming_, Ptr(Tag::kRead));
}

void FrameStream::Finish() {
  ++under_way_;
  call_->Finish(&status_, Ptr(Tag::kFinish));
}

void FrameStream::Run(Events& events) {
  while (!ended_ || under_way_ > 0) {
    void* tag = nullptr;
    bool ok = false;
    switch (queue_.AsyncNext(&tag, &ok, In(kIdle))) {
      case grpc::CompletionQueue::GOT_EVENT:
        --under_way_;
        Handle(static_cast<Tag>(reinterpret_cast<intptr_t>(tag)), ok, events);
        break;
      case grpc::CompletionQueue::TIMEOUT:
        if (!ended_) events.OnTick();
        break;
      case grpc::CompletionQueue::SHUTDOWN:
        return;
    }
  }
}

void FrameStream::Handle(Tag tag, bool ok, Events& events) {
  switch (tag) {
    case Tag::kStart:
      if (!ok) return Finish();
      open_ = true;
      Read();
      if (first_.Length() == 0) return events.OnWritable();
      return Write(first_);
    case Tag::kRead:
      if (!ok) return Finish();
      events.OnFrame(incoming_);
      return Read();
    case Tag::kWrite:
      writing_ = false;
      if (ok && open_) events.OnWritable();  // not a write that went well before its call was lost
      return;
    case Tag::kTick:
    case Tag::kTickNow:
      (tag == Tag::kTick ? alarm_set_ : now_alarm_set_) = false;
      if (!ended_) events.OnTick();
      return;
    case Tag::kFinish:
      return OnFinished(events);
    case Tag::kRetry:
      return OnRetry();
  }
}

void FrameStream::OnFinished(Events& events) {
  open_ = false;
  const absl::Status status = StatusOf(status_);
  if (std::optional<Retry> retry = events.OnLost(status)) {
    first_ = retry->first;
    ++under_way_;
    retry_alarm_.Set(&queue_, In(retry->after), Ptr(Tag::kRetry));
    return;
  }
  ended_ = true;
  events.OnEnd(status);
  alarm_.Cancel();
  now_alarm_.Cancel();
}

// The call before may have a write whose tag is still to come; its objects live until then.
void FrameStream::OnRetry() {
  if (!writing_) return StartCall();
  ++under_way_;
  retry_alarm_.Set(&queue_, In(kSettling), Ptr(Tag::kRetry));
}

}  // namespace tensord::client
