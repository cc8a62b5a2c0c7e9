// The Session call: frames in and out, one thread that waits for both. When the call is lost and
// its owner wants it, another one follows on the same thread. Knows nothing of what is in a frame.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/status/status.h"

namespace tensord::client {

class FrameStream {
 public:
  struct Retry {
    std::chrono::milliseconds after;
    grpc::ByteBuffer first;
  };
  // Called on the stream's own thread.
  class Events {
   public:
    virtual ~Events() = default;
    virtual void OnWritable() = 0;  // a Write may follow, one
    virtual void OnFrame(grpc::ByteBuffer& frame) = 0;
    virtual void OnTick() = 0;  // every 250 ms of silence, and when one was asked for
    // The call ended. Another one follows if it answers with one: after a while, with this frame
    // first; else OnEnd. Until its OnWritable nothing is to be written.
    virtual std::optional<Retry> OnLost(const absl::Status& status) = 0;
    virtual void OnEnd(const absl::Status& status) = 0;  // the last one; no call may follow it
  };

  explicit FrameStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}
  ~FrameStream();

  // `events` is kept until OnEnd has returned.
  void Start(std::shared_ptr<Events> events);
  // Any thread, one at a time, once after each OnWritable, before OnEnd.
  void Write(const grpc::ByteBuffer& frame);
  // An OnTick in a millisecond, or at once. Any thread, one at a time, before OnEnd.
  void TickSoon();
  void TickNow();
  // Breaks the call off: OnEnd follows, and no other call. Any thread.
  void Cancel();
  // Waits until OnEnd has returned; does not wait when called from the stream's own thread.
  void Join();
  bool OnOwnThread() const { return std::this_thread::get_id() == thread_id_; }

 private:
  enum class Tag : intptr_t { kStart = 1, kRead, kWrite, kTick, kTickNow, kFinish, kRetry };
  static void* Ptr(Tag tag) { return reinterpret_cast<void*>(tag); }

  void Run(Events& events);
  void Handle(Tag tag, bool ok, Events& events);
  void Read();
  void Finish();
  void StartCall();
  void OnFinished(Events& events);
  void OnRetry();

  grpc::GenericStub stub_;
  std::mutex context_mutex_;  // of the two below it
  std::unique_ptr<grpc::ClientContext> context_;
  bool cancelled_ = false;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::Alarm alarm_, now_alarm_, retry_alarm_;
  grpc::ByteBuffer first_;  // of the call that is to follow; empty for the first one
  std::atomic<bool> writing_ = false;
  std::atomic<bool> alarm_set_ = false, now_alarm_set_ = false;
  std::atomic<int> under_way_ = 0;  // operations whose tags are still to come
  bool open_ = false;               // from a call's start to its end
  bool ended_ = false;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_;
};

}  // namespace tensord::client
