// Uploads, downloads and the other unary and streaming calls.
#include <numeric>

#include "server/transport/messages.h"
#include "tests/server/server_fixture.h"

namespace tensord::server {
namespace {

std::string Numbers(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 10));
  return bytes;
}

class BulkTest : public ServerTest {
 protected:
  void SetUp() override { StartServer(); }

  grpc::Status Upload(uint64_t number, const std::string& bytes, size_t chunk_bytes,
                      v1::UploadStatus* answer) {
    grpc::ClientContext context;
    auto writer = stub_->Upload(&context, answer);
    for (size_t at = 0; at < bytes.size(); at += chunk_bytes) {
      v1::UploadChunk chunk;
      if (at == 0) chunk.set_upload(number);
      chunk.set_offset(at);
      chunk.set_data(bytes.substr(at, chunk_bytes));
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  grpc::Status Download(uint64_t id, std::string* bytes, uint64_t* total) {
    grpc::ClientContext context;
    v1::DownloadRequest request;
    request.set_id(id);
    auto reader = stub_->Download(&context, request);
    v1::DownloadChunk chunk;
    while (reader->Read(&chunk)) {
      if (chunk.has_type()) *total = chunk.total();
      EXPECT_EQ(chunk.offset(), bytes->size());
      *bytes += chunk.data();
    }
    return reader->Finish();
  }
};

TEST_F(BulkTest, UploadedBytesComeBackUnchanged) {
  const std::string bytes = Numbers((5 << 20) + 123);
  v1::UploadStatus answer;
  ASSERT_TRUE(Upload(9, bytes, 1 << 20, &answer).ok());
  EXPECT_EQ(answer.committed(), bytes.size());
  std::string back;
  uint64_t total = 0;
  ASSERT_TRUE(Download(9, &back, &total).ok());
  EXPECT_TRUE(back == bytes);
  EXPECT_EQ(total, bytes.size());
  EXPECT_EQ(server_->metrics().Get(Metric::bytes_uploaded), static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(server_->metrics().Get(Metric::bytes_downloaded), static_cast<int64_t>(bytes.size()));
  EXPECT_TRUE(Eventually([&] { return state_->transfers_ended == 2; }));
}

TEST_F(BulkTest, ChunksOverAMebibyteAreRefused) {
  v1::UploadStatus answer;
  const grpc::Status status = Upload(1, Numbers((1 << 20) + 1), 2 << 20, &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("at most 1048576 bytes"));
}

TEST_F(BulkTest, TheSinksErrorEndsTheUpload) {
  grpc::ClientContext context;
  v1::UploadStatus answer;
  auto writer = stub_->Upload(&context, &answer);
  v1::UploadChunk chunk;
  chunk.set_upload(3);
  chunk.set_offset(77);
  writer->Write(chunk);
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(BulkTest, ABrokenUploadEndsItsSink) {
  grpc::ClientContext context;
  v1::UploadStatus answer;
  auto writer = stub_->Upload(&context, &answer);
  v1::UploadChunk chunk;
  chunk.set_upload(3);
  chunk.set_data("abc");
  ASSERT_TRUE(writer->Write(chunk));
  context.TryCancel();
  writer->Finish();
  EXPECT_TRUE(Eventually([&] { return state_->transfers_ended == 1; }));
}

TEST_F(BulkTest, AMissingValueEndsTheDownload) {
  std::string bytes;
  uint64_t total = 0;
  EXPECT_EQ(Download(404, &bytes, &total).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(BulkTest, ASlowDownloadIsCancelledCleanly) {
  v1::UploadStatus answer;
  ASSERT_TRUE(Upload(9, Numbers(32 << 20), 1 << 20, &answer).ok());
  {
    grpc::ClientContext context;
    v1::DownloadRequest request;
    request.set_id(9);
    auto reader = stub_->Download(&context, request);
    v1::DownloadChunk chunk;
    ASSERT_TRUE(reader->Read(&chunk));
    context.TryCancel();
    reader->Finish();
  }
  EXPECT_TRUE(Eventually([&] { return state_->transfers_ended == 2; }));
}

TEST_F(BulkTest, PartsAddUp) {
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    v1::UploadChunk chunk;
    chunk.set_upload(4);
    chunk.set_offset(static_cast<uint64_t>(i) * 3);
    chunk.set_data("abc");
    v1::UploadStatus status;
    ASSERT_TRUE(stub_->UploadPart(&context, chunk, &status).ok());
    EXPECT_EQ(status.committed(), static_cast<uint64_t>(i + 1) * 3);
  }
}

TEST_F(BulkTest, SubmitAnswersAFrame) {
  grpc::ClientContext context;
  v1::ServerFrame answer;
  ASSERT_TRUE(stub_->Submit(&context, PingFrame(12), &answer).ok());
  EXPECT_EQ(answer.applied(), 12u);
}

TEST_F(BulkTest, WatchStreamsEventsToTheirEnd) {
  grpc::ClientContext context;
  auto reader = stub_->Watch(&context, v1::WatchRequest());
  v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.count(), 2u);
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(BulkTest, ARunMayBeAnsweredLaterFromAnotherThread) {
  state_->hold_runs = true;
  std::thread answerer([&] {
    ASSERT_TRUE(Eventually([&] {
      std::lock_guard lock(state_->mutex);
      return !state_->runs.empty();
    }));
    std::lock_guard lock(state_->mutex);
    EXPECT_FALSE(state_->runs[0].cancelled());
    v1::RunReply reply;
    reply.add_outputs()->set_data("42");
    state_->runs[0](reply);
    state_->runs.clear();
  });
  grpc::ClientContext context;
  v1::RunReply reply;
  EXPECT_TRUE(stub_->Run(&context, {}, &reply).ok());
  EXPECT_EQ(reply.outputs(0).data(), "42");
  answerer.join();
}

TEST_F(BulkTest, ARunSeesThatItsCallerHasGone) {
  state_->hold_runs = true;
  grpc::ClientContext context;
  std::thread leaver([&] {
    EXPECT_TRUE(Eventually([&] {
      std::lock_guard lock(state_->mutex);
      return !state_->runs.empty();
    }));
    context.TryCancel();
  });
  v1::RunReply reply;
  EXPECT_EQ(stub_->Run(&context, {}, &reply).error_code(), grpc::StatusCode::CANCELLED);
  leaver.join();
  ASSERT_FALSE(state_->runs.empty());
  EXPECT_TRUE(Eventually([&] {
    std::lock_guard lock(state_->mutex);
    return state_->runs.at(0).cancelled();
  }));
  std::lock_guard lock(state_->mutex);
  state_->runs.clear();  // dropped uncalled: answers nobody, harms nobody
}

TEST_F(BulkTest, ADroppedReplyIsAnInternalError) {
  state_->hold_runs = true;
  std::thread dropper([&] {
    ASSERT_TRUE(Eventually([&] {
      std::lock_guard lock(state_->mutex);
      return !state_->runs.empty();
    }));
    std::lock_guard lock(state_->mutex);
    state_->runs.clear();
  });
  grpc::ClientContext context;
  v1::RunReply reply;
  EXPECT_EQ(stub_->Run(&context, {}, &reply).error_code(), grpc::StatusCode::INTERNAL);
  dropper.join();
}

TEST(Messages, AChunkIsTakenApartAcrossSlices) {
  v1::UploadChunk chunk;
  chunk.set_session("session");
  chunk.set_token("token");
  chunk.set_upload(5);
  chunk.set_total(100000);
  chunk.set_offset(7);
  chunk.set_data(Numbers(50000));
  const std::string bytes = chunk.SerializeAsString();
  for (size_t step : {1u, 7u, 100u, 16384u, 1u << 20}) {
    std::vector<grpc::Slice> slices;
    for (size_t at = 0; at < bytes.size(); at += step) {
      slices.emplace_back(bytes.data() + at, std::min(step, bytes.size() - at));
    }
    grpc::ByteBuffer buffer(slices.data(), slices.size());
    auto decoded = transport::DecodeChunk(buffer);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->header.token, "token");
    EXPECT_EQ(decoded->header.upload, 5u);
    EXPECT_EQ(decoded->header.total, 100000u);
    EXPECT_EQ(decoded->header.offset, 7u);
    std::string data;
    for (std::string_view piece : decoded->pieces) data += piece;
    EXPECT_TRUE(data == chunk.data()) << step;
    EXPECT_EQ(decoded->data_bytes, data.size());
  }
}

TEST(Messages, ATruncatedChunkIsRefused) {
  v1::UploadChunk chunk;
  chunk.set_data(Numbers(5000));
  const std::string bytes = chunk.SerializeAsString();
  for (size_t size = 1; size < bytes.size(); size += 97) {
    grpc::Slice slice(bytes.data(), size);
    grpc::ByteBuffer buffer(&slice, 1);
    EXPECT_FALSE(transport::DecodeChunk(buffer).ok()) << size;
  }
}

TEST(Messages, AnEncodedChunkParses) {
  v1::TensorType type;
  type.set_dtype(v1::DTYPE_F32);
  OutChunk out{.type = &type, .total = 9000, .offset = 3, .data = SharedBytes::Of(Numbers(9000))};
  grpc::ByteBuffer buffer = transport::EncodeChunk(out);
  v1::DownloadChunk chunk;
  ASSERT_TRUE(transport::Parse(buffer, &chunk).ok());
  EXPECT_EQ(chunk.type().dtype(), v1::DTYPE_F32);
  EXPECT_EQ(chunk.total(), 9000u);
  EXPECT_EQ(chunk.offset(), 3u);
  EXPECT_TRUE(chunk.data() == Numbers(9000));
}

}  // namespace
}  // namespace tensord::server
