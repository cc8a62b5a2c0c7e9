// Publish, Lookup and Watch over a Unix socket, with the daemon's real handler.
#include "tests/server/server_fixture.h"
#include "tests/server/session_harness.h"
#include "tests/server/wire_session.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;

class SharingDaemonTest : public ServerTest {
 protected:
  void SetUp() override {
    auto server = Server::Start(options_, MakeHandlerOnCpu);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = Connect();
    stub_ = v1::Compute::NewStub(channel_);
  }
  int64_t Gauge(const std::string& name) {
    grpc::ClientContext context;
    v1::StatsRequest request;
    request.add_names(name);
    v1::StatsReply reply;
    EXPECT_TRUE(stub_->GetStats(&context, request, &reply).ok());
    return static_cast<int64_t>(reply.counters(0).value());
  }
};

TEST_F(SharingDaemonTest, APublishWakesALookupOnAnotherConnectionAndOutlivesItsSession) {
  WireSession reader(*stub_);
  v1::Lookup& lookup = *reader.Add().mutable_lookup();
  lookup.set_name("model");
  lookup.add_paths("w");
  lookup.set_first_id(1);
  lookup.set_min_generation(1);
  reader.Add().mutable_fetch()->set_id(1);
  reader.Write();
  {
    const auto stub = v1::Compute::NewStub(Connect());
    WireSession writer(*stub);
    v1::Put& put = *writer.Add().mutable_put();
    put.set_id(1);
    *put.mutable_type() = F32({2});
    put.set_data(BytesOf<float>({3, 4}));
    v1::Publish& publish = *writer.Add().mutable_publish();
    publish.set_name("model");
    v1::PublishEntry& entry = *publish.add_entries();
    entry.set_path("w");
    entry.set_id(1);
    EXPECT_EQ(writer.Ask().published().generation(), 1u);
  }
  EXPECT_THAT(FromBytes<float>(reader.Read(2, 1).data().inline_()), ElementsAre(3, 4));
  EXPECT_EQ(Gauge("publications"), 1);
  EXPECT_EQ(Gauge("publishes"), 1);
  reader.Add().mutable_free()->add_ids()->set_first(1);
  reader.Add().mutable_unpublish()->set_name("model");
  reader.Add().mutable_barrier();
  EXPECT_TRUE(reader.Ask().has_barrier_done());
  EXPECT_EQ(Gauge("publications"), 0);
  EXPECT_TRUE(Eventually([&] { return Gauge("resident_bytes") == 0; }));
}

TEST_F(SharingDaemonTest, AWatcherHearsSessionsStatsKernelsAndTheDrain) {
  grpc::ClientContext context;
  v1::WatchRequest request;
  request.set_stats_interval_ms(100);
  auto reader = stub_->Watch(&context, request);
  v1::Event event;
  ASSERT_TRUE(reader->Read(&event));  // so the watch is open
  EXPECT_EQ(event.kind(), v1::EVENT_KIND_STATS);
  EXPECT_GT(event.counters_size(), 20);
  // The next event of a kind.
  const auto next = [&](v1::EventKind kind) {
    while (reader->Read(&event)) {
      if (event.kind() == kind) return event;
    }
    ADD_FAILURE() << "the stream ended before " << v1::EventKind_Name(kind);
    return v1::Event();
  };
  const uint64_t first = next(v1::EVENT_KIND_STATS).unix_us();
  EXPECT_GE(next(v1::EVENT_KIND_STATS).unix_us(), first + 50'000);
  {
    WireSession session(*stub_, "train");
    const v1::Event opened = next(v1::EVENT_KIND_SESSION_OPENED);
    EXPECT_EQ(opened.label(), "train");
    EXPECT_EQ(opened.session().size(), 16u);
    session.Add().mutable_fetch()->set_id(7);
    session.Ask();
    EXPECT_EQ(next(v1::EVENT_KIND_FAULT).session(), opened.session());
  }
  EXPECT_EQ(next(v1::EVENT_KIND_SESSION_CLOSED).label(), "train");
  grpc::ClientContext run_context;
  v1::RunRequest run;
  run.set_text("function(%0: f32[7]) -> (%1) {\n  %1 = neg %0 : f32[7]\n}\n");
  run.add_inputs()->set_data(BytesOf(std::vector<float>(7)));
  v1::RunReply answer;
  ASSERT_TRUE(stub_->Run(&run_context, run, &answer).ok());
  const v1::Event compiled = next(v1::EVENT_KIND_COMPILED);  // told by a tick, once a second
  EXPECT_EQ(compiled.message(), "1 kernel compiled");
  EXPECT_EQ(compiled.principal(), "");
  server_->lifecycle().BeginDrain();
  EXPECT_EQ(next(v1::EVENT_KIND_STATE).message(), "draining");
  server_->Stop();
  EXPECT_EQ(next(v1::EVENT_KIND_STATE).message(), "stopped");
  while (reader->Read(&event)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

}  // namespace
}  // namespace tensord::server
