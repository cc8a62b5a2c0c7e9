// The session's stream, over a real socket.
#include <grpcpp/completion_queue.h>

#include <thread>
#include <vector>

#include "tests/server/server_fixture.h"

namespace tensord::server {
namespace {

using SessionStream = grpc::ClientReaderWriter<v1::ClientFrame, v1::ServerFrame>;

class SessionStreamTest : public ServerTest {
 protected:
  void SetUp() override { StartServer(); }
};

TEST_F(SessionStreamTest, AnswersFramesInOrder) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  for (uint64_t seq = 1; seq <= 200; ++seq) {
    ASSERT_TRUE(stream->Write(PingFrame(seq)));
    v1::ServerFrame answer;
    ASSERT_TRUE(stream->Read(&answer));
    ASSERT_EQ(answer.applied(), seq);
    ASSERT_EQ(answer.replies(0).pong().nonce(), seq * 7);
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_TRUE(Eventually([&] { return DetachedCount() == 1; }));
  std::lock_guard lock(state_->mutex);
  EXPECT_TRUE(state_->detached[0].ok()) << state_->detached[0];
}

TEST_F(SessionStreamTest, KnowsThePeerOfAUnixSocketByItsUid) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(PingFrame(1)));
  v1::ServerFrame answer;
  ASSERT_TRUE(stream->Read(&answer));
  std::lock_guard lock(state_->mutex);
  EXPECT_EQ(state_->principals.at(0), "uid:" + std::to_string(getuid()));
}

TEST_F(SessionStreamTest, SendsEverythingBeforeItCloses) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  v1::ClientFrame last = PingFrame(100);
  last.add_items()->mutable_bye();
  for (uint64_t seq = 1; seq < 100; ++seq) ASSERT_TRUE(stream->Write(PingFrame(seq)));
  ASSERT_TRUE(stream->Write(last));
  v1::ServerFrame answer;
  for (uint64_t seq = 1; seq <= 100; ++seq) {
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_EQ(answer.applied(), seq);
  }
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(SessionStreamTest, StopsReadingWhileTheHandlerPauses) {
  state_->pause = true;
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  v1::ClientFrame frame = PingFrame(1);
  frame.add_items()->mutable_put()->set_data(std::string(1 << 20, 'x'));
  std::atomic<int> written = 0;
  std::thread writer([&] {
    while (written < 64 && stream->Write(frame)) ++written;
  });
  ASSERT_TRUE(Eventually([&] { return state_->frames == 1; }));
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_EQ(state_->frames, 1) << "nothing is delivered before ResumeReading";
  EXPECT_LT(written, 32) << "HTTP/2 holds the sender back";

  state_->pause = false;
  {
    std::lock_guard lock(state_->mutex);
    state_->streams[0]->ResumeReading();
  }
  v1::ServerFrame answer;
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(stream->Read(&answer));
  writer.join();
  EXPECT_EQ(state_->frames, 64);
  context.TryCancel();
}

TEST_F(SessionStreamTest, ToleratesWakesFromManyThreads) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(PingFrame(1)));
  ASSERT_TRUE(Eventually([&] { return state_->frames == 1; }));
  StreamPtr server_side;
  {
    std::lock_guard lock(state_->mutex);
    server_side = state_->streams[0];
  }
  std::atomic<bool> stop = false;
  std::vector<std::thread> wakers;
  for (int i = 0; i < 4; ++i) {
    wakers.emplace_back([&] {
      while (!stop) {
        server_side->Wake();
        server_side->ResumeReading();
        absl::SleepFor(absl::Microseconds(20));
      }
    });
  }
  v1::ServerFrame answer;
  ASSERT_TRUE(stream->Read(&answer));
  for (uint64_t seq = 2; seq <= 300; ++seq) {
    ASSERT_TRUE(stream->Write(PingFrame(seq)));
    ASSERT_TRUE(stream->Read(&answer));
    ASSERT_EQ(answer.applied(), seq);
  }
  context.TryCancel();
  ASSERT_TRUE(Eventually([&] { return DetachedCount() == 1; }));
  stop = true;
  for (std::thread& waker : wakers) waker.join();
  server_side->Close(absl::OkStatus());
  server_side->Abort();
  EXPECT_TRUE(server_side->cancelled());
}

TEST_F(SessionStreamTest, DetachesWhenTheClientVanishes) {
  {
    grpc::ClientContext context;
    auto stream = stub_->Session(&context);
    ASSERT_TRUE(stream->Write(PingFrame(1)));
    ASSERT_TRUE(Eventually([&] { return state_->frames == 1; }));
    context.TryCancel();
    stream->Finish();
  }
  ASSERT_TRUE(Eventually([&] { return DetachedCount() == 1; }));
  std::lock_guard lock(state_->mutex);
  EXPECT_EQ(state_->detached[0].code(), absl::StatusCode::kCancelled);
}

TEST_F(SessionStreamTest, DetachesWhenAPausedClientVanishes) {
  state_->pause = true;
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(PingFrame(1)));
  ASSERT_TRUE(Eventually([&] { return state_->frames == 1; }));
  context.TryCancel();
  EXPECT_TRUE(Eventually([&] { return DetachedCount() == 1; }));
}

TEST_F(SessionStreamTest, AbortEndsTheStreamAtOnce) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(PingFrame(1)));
  ASSERT_TRUE(Eventually([&] { return state_->frames == 1; }));
  {
    std::lock_guard lock(state_->mutex);
    state_->streams[0]->Abort();
  }
  v1::ServerFrame answer;
  while (stream->Read(&answer)) continue;
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(SessionStreamTest, RefusesFramesOverTheMessageLimit) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  v1::ClientFrame frame;
  frame.add_items()->mutable_put()->set_data(std::string(5 << 20, 'x'));
  stream->Write(frame);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(state_->frames, 0);
}

TEST_F(SessionStreamTest, RefusesCompressedFrames) {
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  auto stream = stub_->Session(&context);
  stream->Write(PingFrame(1));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(SessionStreamTest, CarriesLargeFramesBothWays) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  v1::ClientFrame frame = PingFrame(1);
  const std::string bytes(3 << 20, 'y');
  frame.add_items()->mutable_put()->set_data(bytes);
  ASSERT_TRUE(stream->Write(frame));
  v1::ServerFrame answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_EQ(answer.replies(1).data().inline_(), bytes);
  context.TryCancel();
}

TEST_F(SessionStreamTest, LimitsHowManyThereAre) {
  options_.max_sessions = 2;
  server_.reset();
  StartServer();
  grpc::ClientContext contexts[3];
  std::vector<std::unique_ptr<SessionStream>> streams;
  for (auto& context : contexts) {
    streams.push_back(stub_->Session(&context));
    streams.back()->Write(PingFrame(1));
    if (streams.size() < 3) {
      v1::ServerFrame answer;
      ASSERT_TRUE(streams.back()->Read(&answer));
    }
  }
  const grpc::Status status = streams[2]->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("max-sessions: 2 of 2"));
  EXPECT_EQ(contexts[2].GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
  contexts[0].TryCancel();
  ASSERT_TRUE(Eventually([&] { return DetachedCount() == 1; }));
  grpc::ClientContext again;
  auto stream = stub_->Session(&again);
  ASSERT_TRUE(stream->Write(PingFrame(1)));
  v1::ServerFrame answer;
  EXPECT_TRUE(stream->Read(&answer)) << "a place came free";
  again.TryCancel();
  contexts[1].TryCancel();
}

TEST_F(SessionStreamTest, ServesManyAtOnce) {
  constexpr int kStreams = 200;
  std::vector<grpc::ClientContext> contexts(kStreams);
  std::vector<std::unique_ptr<SessionStream>> streams;
  for (auto& context : contexts) streams.push_back(stub_->Session(&context));
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    for (auto& stream : streams) ASSERT_TRUE(stream->Write(PingFrame(seq)));
    for (auto& stream : streams) {
      v1::ServerFrame answer;
      ASSERT_TRUE(stream->Read(&answer));
      ASSERT_EQ(answer.applied(), seq);
    }
  }
  for (auto& stream : streams) stream->WritesDone();
  for (auto& stream : streams) EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(Eventually([&] { return server_->metrics().Get(Metric::session_streams) == 0; }));
}

TEST_F(SessionStreamTest, TicksOnceASecond) {
  EXPECT_TRUE(Eventually([&] { return state_->ticks >= 2; }));
}

}  // namespace
}  // namespace tensord::server
