// Chunks of bulk bytes without copies: a megabyte is sent from where the caller has it, and
// received to where it is to lie.
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "tensord/v1/compute.pb.h"

namespace tensord::client {

// Bytes of the caller that gRPC sends from in place, possibly for a moment after a call has ended.
class LentBytes {
 public:
  // A serialised UploadChunk of these fields, and `data`, which is lent.
  grpc::ByteBuffer Chunk(const v1::UploadChunk& header, std::string_view data);
  // Waits until gRPC has given everything back; `queue` is that of the calls.
  void AwaitReturn(grpc::CompletionQueue& queue) const;

 private:
  const std::shared_ptr<std::atomic<int>> lent_ = std::make_shared<std::atomic<int>>(0);
};

// The bytes of a value as they come, in order: over those of a string that has its size already,
// else behind each other in fresh memory, in huge pages if the system has them (the first touch of
// small ones costs as much as receiving them).
class Received {
 public:
  Received(size_t size, std::string* bytes);

  // False: that is more than the value has.
  bool Add(const char* data, size_t count);
  // The data of a serialised DownloadChunk. False: likewise, or the bytes are no such message.
  bool AddChunk(grpc::ByteBuffer& chunk);

  size_t size() const { return size_; }
  size_t count() const { return count_; }
  bool complete() const { return count_ == size_; }

 private:
  const size_t size_;
  std::string& bytes_;
  size_t count_ = 0;
};

}  // namespace tensord::client
