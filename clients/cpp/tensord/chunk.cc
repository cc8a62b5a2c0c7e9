#include "clients/cpp/tensord/chunk.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "proto/tensord/bulk_copy.h"

namespace tensord::client {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr uint32_t DataTag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

bool AddBytes(CodedInputStream& in, Received& received) {
  uint32_t left = 0;
  if (!in.ReadVarint32(&left)) return false;
  while (left > 0) {
    const void* piece = nullptr;
    int size = 0;
    if (!in.GetDirectBufferPointer(&piece, &size)) return false;
    const int taken = static_cast<int>(std::min<uint32_t>(static_cast<uint32_t>(size), left));
    if (!received.Add(static_cast<const char*>(piece), static_cast<size_t>(taken))) return false;
    if (!in.Skip(taken)) return false;
    left -= static_cast<uint32_t>(taken);
  }
  return true;
}

// gRPC allocates and frees the memory of each chunk. glibc gives freed memory back to the system
// beyond a threshold, and it is faulted in anew for the next chunk; freeing one large block raises
// that threshold (mallopt(3), M_MMAP_THRESHOLD: dynamic), as a program's own blocks would.
void KeepReceiveBuffers() {
  static const bool raised = [] {
    void* volatile block = std::malloc(size_t{16} << 20);
    std::free(block);
    return true;
  }();
  (void)raised;
}

void Reserve(size_t size, std::string* bytes) {
  constexpr uintptr_t kHugePage = uintptr_t{2} << 20;
  KeepReceiveBuffers();
  if (bytes->capacity() >= size) return;
  bytes->reserve(size);
  const auto at = reinterpret_cast<uintptr_t>(bytes->data());
  const uintptr_t first = (at + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t last = (at + size) / kHugePage * kHugePage;
  // A wish: failing is fine.
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace

grpc::ByteBuffer LentBytes::Chunk(const v1::UploadChunk& header, std::string_view data) {
  std::string head = header.SerializeAsString();
  if (data.empty()) {
    const grpc::Slice slice(head);
    return grpc::ByteBuffer(&slice, 1);
  }
  uint8_t tag[16];
  uint8_t* end =
      CodedOutputStream::WriteTagToArray(DataTag(v1::UploadChunk::kDataFieldNumber), tag);
  end = CodedOutputStream::WriteVarint64ToArray(data.size(), end);
  head.append(tag, end);
  using Count = std::shared_ptr<std::atomic<int>>;
  const auto give_back = [](void* counter) {
    auto* count = static_cast<Count*>(counter);
    --**count;
    delete count;
  };
  ++*lent_;
  const grpc::Slice slices[] = {
      grpc::Slice(head),
      grpc::Slice(const_cast<char*>(data.data()), data.size(), give_back, new Count(lent_))};
  return grpc::ByteBuffer(slices, 2);
}

void LentBytes::AwaitReturn(grpc::CompletionQueue& queue) const {
  while (*lent_ > 0) {  // the queue is polled, so that writes under way end
    void* tag = nullptr;
    bool ok = false;
    queue.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + std::chrono::milliseconds(10));
  }
}

Received::Received(size_t size, std::string* bytes) : size_(size), bytes_(*bytes) {
  if (bytes_.size() == size) return;
  bytes_.clear();
  Reserve(size, bytes);
}

bool Received::Add(const char* data, size_t count) {
  if (count > size_ - count_) return false;
  if (count_ + count <= bytes_.size()) {
    wire::StreamingCopy(bytes_.data() + count_, data, count);
  } else {
    bytes_.append(data, count);
  }
  count_ += count;
  return true;
}

bool Received::AddChunk(grpc::ByteBuffer& chunk) {
  grpc::ProtoBufferReader reader(&chunk);
  if (!reader.status().ok()) return false;
  CodedInputStream in(&reader);
  while (const uint32_t tag = in.ReadTag()) {
    const bool read = tag == DataTag(v1::DownloadChunk::kDataFieldNumber)
                          ? AddBytes(in, *this)
                          : WireFormatLite::SkipField(&in, tag);
    if (!read) return false;
  }
  return in.ConsumedEntireMessage();
}

}  // namespace tensord::client
