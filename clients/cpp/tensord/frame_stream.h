// The Session call: frames in and out, one thread that waits for both. Knows nothing of what is in
// a frame.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <memory>
#include <thread>

#include "absl/status/status.h"

namespace tensord::client {

class FrameStream {
 public:
  // Called on the stream's own thread.
  class Events {
   public:
    virtual ~Events() = default;
    virtual void OnWritable() = 0;  // a Write may follow, one
    virtual void OnFrame(grpc::ByteBuffer& frame) = 0;
    virtual void OnTick() = 0;  // every 250 ms of silence, and when TickSoon was called
    virtual void OnEnd(const absl::Status& status) = 0;  // the last one; no call may follow it
  };

  explicit FrameStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}
  ~FrameStream();

  // `events` is kept until OnEnd has returned.
  void Start(std::shared_ptr<Events> events);
  // Any thread, one at a time, once after each OnWritable, before OnEnd.
  void Write(const grpc::ByteBuffer& frame);
  // An OnTick in a millisecond. Any thread, one at a time, before OnEnd.
  void TickSoon();
  // Breaks the call off: OnEnd follows. Any thread.
  void Cancel() { context_.TryCancel(); }
  // Waits until OnEnd has returned; does not wait when called from the stream's own thread.
  void Join();
  bool OnOwnThread() const { return std::this_thread::get_id() == thread_id_; }

 private:
  enum class Tag : intptr_t { kStart = 1, kRead, kWrite, kTick, kFinish };
  static void* Ptr(Tag tag) { return reinterpret_cast<void*>(tag); }

  void Run(Events& events);
  void Handle(Tag tag, bool ok, Events& events);
  void Read();
  void Finish();

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::Alarm alarm_;
  std::atomic<bool> alarm_set_ = false;
  std::atomic<int> under_way_ = 0;  // operations whose tags are still to come
  bool ended_ = false;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_;
};

}  // namespace tensord::client
