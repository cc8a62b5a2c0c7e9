#include "clients/cpp/tensord/frame_stream.h"

#include <chrono>
#include <utility>

#include "clients/cpp/tensord/errors.h"

namespace tensord::client {
namespace {

constexpr std::chrono::milliseconds kIdle(250), kSoon(1);

std::chrono::system_clock::time_point In(std::chrono::milliseconds time) {
  return std::chrono::system_clock::now() + time;
}

}  // namespace

FrameStream::~FrameStream() {
  if (thread_.joinable()) Join();
}

void FrameStream::Start(std::shared_ptr<Events> events) {
  call_ = stub_.PrepareCall(&context_, "/tensord.v1.Compute/Session", &queue_);
  ++under_way_;
  call_->StartCall(Ptr(Tag::kStart));
  thread_ = std::thread([this, events = std::move(events)] {
    thread_id_ = std::this_thread::get_id();
    Run(*events);
  });
}

void FrameStream::Write(const grpc::ByteBuffer& frame) {
  ++under_way_;
  call_->Write(frame, Ptr(Tag::kWrite));
}

void FrameStream::TickSoon() {
  if (alarm_set_.exchange(true)) return;
  ++under_way_;
  alarm_.Set(&queue_, In(kSoon), Ptr(Tag::kTick));
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
      Read();
      return events.OnWritable();
    case Tag::kRead:
      if (!ok) return Finish();
      events.OnFrame(incoming_);
      return Read();
    case Tag::kWrite:
      if (ok && !ended_) events.OnWritable();
      return;
    case Tag::kTick:
      alarm_set_ = false;
      if (!ended_) events.OnTick();
      return;
    case Tag::kFinish:
      ended_ = true;
      events.OnEnd(StatusOf(status_));
      alarm_.Cancel();
      return;
  }
}

}  // namespace tensord::client
