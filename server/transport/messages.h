// Between gRPC's byte buffers and messages, with as few copies as can be.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "server/stream_handler.h"

namespace tensord::server::transport {

// Parses all of `buffer`; INVALID_ARGUMENT when it is no such message.
absl::Status Parse(grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message);

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message);

// A buffer that sends `bytes`: copied up to 1 KiB, in place (holding the owner) above.
grpc::ByteBuffer Wrap(const SharedBytes& bytes);

// The contents of a buffer as one piece: in place when it is one slice, as small frames are.
class FlatView {
 public:
  explicit FlatView(const grpc::ByteBuffer& buffer);
  std::string_view bytes() const;

 private:
  grpc::Slice slice_;
};

// An UploadChunk taken apart without copying its data: the pieces lie in `buffer`.
struct DecodedChunk {
  ChunkHeader header;
  std::vector<std::string_view> pieces;
  size_t data_bytes = 0;
};
absl::StatusOr<DecodedChunk> DecodeChunk(grpc::ByteBuffer& buffer);

// A serialised DownloadChunk whose data is sent in place.
grpc::ByteBuffer EncodeChunk(const OutChunk& chunk);

// The codes are the same numbers; the message is cut to what fits a trailer (1 KiB).
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace tensord::server::transport
