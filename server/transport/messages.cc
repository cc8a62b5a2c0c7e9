#include "server/transport/messages.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <memory>
#include <string>

#include "engine/base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "server/transport/hand_over.h"

namespace tensord::server::transport {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr size_t kCopyUpTo = 1024;
constexpr size_t kMaxStatusText = 1024;

grpc::Slice ToSlice(const SharedBytes& bytes) {
  if (bytes.view.size() <= kCopyUpTo || bytes.owner == nullptr) {
    return grpc::Slice(bytes.view.data(), bytes.view.size());
  }
  using Owner = std::shared_ptr<const void>;
  auto release = [](void* owner) {
    TakeOver(owner);
    delete static_cast<Owner*>(owner);
  };
  auto* owner = new Owner(bytes.owner);
  HandOver(owner);
  return grpc::Slice(const_cast<char*>(bytes.view.data()), bytes.view.size(), release, owner);
}

// The next `length` bytes of the input as pieces that lie in its buffer.
bool TakePieces(CodedInputStream& in, int length, std::vector<std::string_view>* pieces) {
  while (length > 0) {
    const void* data = nullptr;
    int size = 0;
    if (!in.GetDirectBufferPointer(&data, &size) || size <= 0) return false;
    size = std::min(size, length);
    pieces->emplace_back(static_cast<const char*>(data), static_cast<size_t>(size));
    if (!in.Skip(size)) return false;
    length -= size;
  }
  return true;
}

bool ReadData(CodedInputStream& in, DecodedChunk& chunk) {
  int length = 0;
  if (!in.ReadVarintSizeAsInt(&length)) return false;
  chunk.pieces.clear();
  chunk.data_bytes = static_cast<size_t>(length);
  return TakePieces(in, length, &chunk.pieces);
}

bool ReadField(CodedInputStream& in, uint32_t tag, DecodedChunk& chunk) {
  constexpr auto kBytes = WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  constexpr auto kVarint = WireFormatLite::WIRETYPE_VARINT;
  ChunkHeader& header = chunk.header;
  switch (tag) {
    case WireFormatLite::MakeTag(v1::UploadChunk::kSessionFieldNumber, kBytes):
      return WireFormatLite::ReadBytes(&in, &header.session);
    case WireFormatLite::MakeTag(v1::UploadChunk::kTokenFieldNumber, kBytes):
      return WireFormatLite::ReadBytes(&in, &header.token);
    case WireFormatLite::MakeTag(v1::UploadChunk::kUploadFieldNumber, kVarint):
      return in.ReadVarint64(&header.upload);
    case WireFormatLite::MakeTag(v1::UploadChunk::kTotalFieldNumber, kVarint):
      return in.ReadVarint64(&header.total);
    case WireFormatLite::MakeTag(v1::UploadChunk::kOffsetFieldNumber, kVarint):
      return in.ReadVarint64(&header.offset);
    case WireFormatLite::MakeTag(v1::UploadChunk::kDataFieldNumber, kBytes):
      return ReadData(in, chunk);
    default:
      return WireFormatLite::SkipField(&in, tag);
  }
}

}  // namespace

absl::Status Parse(grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message) {
  grpc::ProtoBufferReader reader(&buffer);
  if (!reader.status().ok() || !message->ParseFromZeroCopyStream(&reader)) {
    return InvalidArgument("the bytes are no valid ", message->GetTypeName());
  }
  return absl::OkStatus();
}

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer Wrap(const SharedBytes& bytes) {
  grpc::Slice slice = ToSlice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

FlatView::FlatView(const grpc::ByteBuffer& buffer) {
  if (!buffer.Valid() || buffer.TrySingleSlice(&slice_).ok()) return;
  if (!buffer.DumpToSingleSlice(&slice_).ok()) slice_ = grpc::Slice();
}

std::string_view FlatView::bytes() const {
  return {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
}

absl::StatusOr<DecodedChunk> DecodeChunk(grpc::ByteBuffer& buffer) {
  DecodedChunk chunk;
  grpc::ProtoBufferReader reader(&buffer);
  if (!reader.status().ok()) return InvalidArgument("the chunk has no readable bytes");
  CodedInputStream in(&reader);
  while (const uint32_t tag = in.ReadTag()) {
    if (!ReadField(in, tag, chunk)) return InvalidArgument("the bytes are no valid UploadChunk");
  }
  if (!in.ConsumedEntireMessage()) return InvalidArgument("the bytes are no valid UploadChunk");
  return chunk;
}

grpc::ByteBuffer EncodeChunk(const OutChunk& chunk) {
  v1::DownloadChunk header;
  if (chunk.type != nullptr) *header.mutable_type() = *chunk.type;
  header.set_total(chunk.total);
  header.set_offset(chunk.offset);
  std::string head = header.SerializeAsString();
  if (!chunk.data.view.empty()) {
    uint8_t tag[16];
    uint8_t* end = CodedOutputStream::WriteTagToArray(
        WireFormatLite::MakeTag(v1::DownloadChunk::kDataFieldNumber,
                                WireFormatLite::WIRETYPE_LENGTH_DELIMITED),
        tag);
    end = CodedOutputStream::WriteVarint64ToArray(chunk.data.view.size(), end);
    head.append(tag, end);
  }
  const grpc::Slice slices[] = {grpc::Slice(head.data(), head.size()), ToSlice(chunk.data)};
  return grpc::ByteBuffer(slices, 2);
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message().substr(0, kMaxStatusText)));
}

}  // namespace tensord::server::transport
