// What the transport drives: the server side of each kind of stream, free of gRPC types.
//
// A stream is a pair. The transport owns a Stream (the wire); the other side implements one of the
// handlers below and holds the Stream as a shared_ptr. Writing is by pulling: the handler calls
// Stream::Wake() when it has something to send, and the transport takes one message at a time,
// the next when the one before has left. So at most one write is in flight, the queue of replies
// lives in one place (the handler), and replies that gather meanwhile can leave in one frame.
//
//   class Echo : public StreamHandler {
//     Flow OnFrame(std::string_view bytes) override { queue_.push_back(Copy(bytes));
//     stream_->Wake();
//                                                      return Flow::kContinue; }
//     Pull NextFrame(SharedBytes* frame) override { … pop …; return Pull::kMessage; }
//   };
//
// Threads. OnFrame, OnHalfClose and OnDetached come from one transport thread, never two at once.
// NextFrame, never two at once either, comes from that thread or from whoever calls Wake or Close,
// *inside that call*: do not hold a lock there that NextFrame takes. Nothing here may block,
// compile or compute. After OnDetached returned, nothing is called any more and the handler is
// destroyed; the Stream remains valid for whoever holds it and ignores every call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tensord/v1/compute.pb.h"

namespace tensord::server {

// Bytes and what keeps them alive. Up to 1 KiB the transport copies; above it sends from `view` in
// place and drops `owner` when the kernel has taken the bytes.
struct SharedBytes {
  std::string_view view;
  std::shared_ptr<const void> owner;

  static SharedBytes Of(std::string bytes) {
    auto owned = std::make_shared<const std::string>(std::move(bytes));
    return {*owned, owned};
  }
};

// The transport's side of a stream. Thread-safe.
class Stream {
 public:
  virtual ~Stream() = default;

  // There may be something to send: the transport pulls until the handler answers kNothing.
  // Cheap when a write is in flight already.
  virtual void Wake() = 0;

  // Reads on after a handler answered kPause. Safe to call before that answer is given.
  virtual void ResumeReading() = 0;

  // Sends what the handler still gives, then ends the call with `status`. The first Close counts.
  virtual void Close(absl::Status status) = 0;

  // Ends the call at once; what was not sent is lost.
  virtual void Abort() = 0;

  // Whether the call is over or its caller has gone: work for it alone may stop.
  virtual bool cancelled() const = 0;
};
using StreamPtr = std::shared_ptr<Stream>;

// Whether the transport reads on. kPause is how credit is enforced: the transport holds nothing
// beyond the message it delivered, and HTTP/2 flow control stops the sender.
enum class Flow { kContinue, kPause };

enum class Pull {
  kMessage,  // `out` is filled
  kNothing,  // not now: Wake when there is
  kEnd,      // never again: the call ends with OK (after Close: with its status)
};

// One stream of a session: tensord.v1.Compute/Session.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // One serialised ClientFrame, unparsed and untrusted; `bytes` are valid during the call.
  virtual Flow OnFrame(std::string_view bytes) = 0;

  // The client will send no more frames on this stream; it may still read.
  virtual void OnHalfClose() = 0;

  // The next serialised ServerFrame.
  virtual Pull NextFrame(SharedBytes* frame) = 0;

  // The stream is gone: `status` is what it ended with, CANCELLED when the client vanished, frames
  // that were pulled last may not have arrived. The session may live on, detached.
  virtual void OnDetached(const absl::Status& status) = 0;
};

// The fields of an UploadChunk before its data.
struct ChunkHeader {
  std::string session;
  std::string token;
  uint64_t upload = 0;
  uint64_t total = 0;
  uint64_t offset = 0;
};

// One Upload call.
class UploadSink {
 public:
  virtual ~UploadSink() = default;

  // A chunk; later chunks may leave session, token, upload and total empty. The pieces, laid end
  // to end, are the data, valid during the call. An error ends the call with it.
  virtual absl::StatusOr<Flow> OnChunk(const ChunkHeader& header,
                                       std::span<const std::string_view> pieces) = 0;

  // The client has sent everything: what to answer.
  virtual absl::StatusOr<v1::UploadStatus> OnHalfClose() = 0;

  // The call is over, however it ended. What was committed stays.
  virtual void OnDetached() = 0;
};

// One piece of a download.
struct OutChunk {
  const v1::TensorType* type = nullptr;  // first chunk only; valid until the next call
  uint64_t total = 0;                    // first chunk only
  uint64_t offset = 0;
  SharedBytes data;  // at most 1 MiB
};

// One Download call.
class DownloadSource {
 public:
  virtual ~DownloadSource() = default;

  // The next piece; kEnd after the last. An error ends the call with it.
  virtual absl::StatusOr<Pull> NextChunk(OutChunk* chunk) = 0;

  virtual void OnDetached() = 0;
};

// One Watch call.
class EventSource {
 public:
  virtual ~EventSource() = default;
  virtual Pull NextEvent(v1::Event* event) = 0;
  virtual void OnDetached() = 0;
};

}  // namespace tensord::server
