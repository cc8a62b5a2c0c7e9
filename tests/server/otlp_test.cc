// Spans over the wire: the exporter, and the whole daemon, with a collector in this process.
#include "server/session_env.h"
#include "server/session_handler.h"
#include "server/telemetry/otlp_exporter.h"
#include "tests/server/otlp_collector.h"
#include "tests/server/server_fixture.h"
#include "tests/server/session_harness.h"
#include "tests/server/wire_session.h"

namespace tensord::server {
namespace {

using telemetry::OtlpExporter;
using telemetry::SpanData;
using testing::Contains;
using testing::HasSubstr;

SpanData SpanOf(std::string_view name) {
  SpanData span;
  span.context =
      telemetry::ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  span.name = name;
  span.start = absl::FromUnixNanos(1'000);
  span.end = absl::FromUnixNanos(3'000);
  return span;
}

TEST(OtlpExporter, SendsWhatASpanHasAndWhoSendsIt) {
  OtlpCollector collector;
  collector.Start();
  Metrics metrics;
  SpanData span = SpanOf("Execute");
  span.parent = {1, 2, 3, 4, 5, 6, 7, 8};
  span.attributes = {{"hit", true}, {"kernels", int64_t{3}}, {"program", std::string("ab")}};
  span.status = absl::CancelledError("enough");
  OtlpExporter(collector.endpoint(), metrics).Add(span);  // its end sends what is queued

  ASSERT_EQ(collector.spans().size(), 1u);
  const OtlpCollector::Span sent = collector.spans()[0];
  EXPECT_EQ(sent.name(), "Execute");
  EXPECT_EQ(sent.parent_span_id(), "\1\2\3\4\5\6\7\10");
  EXPECT_EQ(sent.trace_id().size(), 16u);
  EXPECT_EQ(sent.span_id(), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(sent.start_time_unix_nano(), 1'000u);
  EXPECT_EQ(sent.end_time_unix_nano(), 3'000u);
  ASSERT_EQ(sent.attributes_size(), 3);
  EXPECT_TRUE(sent.attributes(0).value().bool_value());
  EXPECT_EQ(sent.attributes(1).value().int_value(), 3);
  EXPECT_EQ(sent.attributes(2).value().string_value(), "ab");
  EXPECT_EQ(sent.status().message(), "enough");
  EXPECT_THAT(collector.resource(), Contains("service.name=tensord"));
  EXPECT_EQ(metrics.Get(Metric::spans_exported), 1);
  EXPECT_EQ(metrics.Get(Metric::spans_dropped), 0);
}

TEST(OtlpExporter, ACollectorThatIsAwayCostsSpansThatAreCountedAndNobodyWaits) {
  OtlpCollector collector;  // that never starts
  Metrics metrics;
  {
    OtlpExporter exporter(collector.endpoint(), metrics);
    for (size_t i = 0; i < 2 * OtlpExporter::kMostQueued; ++i) exporter.Add(SpanOf("run"));
  }
  EXPECT_EQ(metrics.Get(Metric::spans_dropped), 2 * int64_t{OtlpExporter::kMostQueued});
}

TEST(OtlpExporter, TriesAgainWhatMayBeTriedAgain) {
  OtlpCollector collector;
  std::atomic<int> calls = 0;
  collector.answer = [&](const auto&, auto*) {
    return ++calls == 1 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "later") : grpc::Status::OK;
  };
  collector.Start();
  Metrics metrics;
  OtlpExporter exporter(collector.endpoint(), metrics);
  exporter.Add(SpanOf("run"));
  EXPECT_TRUE(Eventually([&] { return metrics.Get(Metric::spans_exported) == 1; }));
  EXPECT_EQ(calls, 2);
}

TEST(OtlpExporter, WhatTheCollectorRejectsCountsAsDropped) {
  OtlpCollector collector;
  collector.answer = [](const auto&, OtlpCollector::Response* response) {
    response->mutable_partial_success()->set_rejected_spans(1);
    return grpc::Status::OK;
  };
  collector.Start();
  Metrics metrics;
  {
    OtlpExporter exporter(collector.endpoint(), metrics);
    exporter.Add(SpanOf("run"));
    exporter.Add(SpanOf("run"));
  }
  EXPECT_EQ(metrics.Get(Metric::spans_exported), 1);
  EXPECT_EQ(metrics.Get(Metric::spans_dropped), 1);
}

TEST(OtlpExporter, EndpointsAreChecked) {
  EXPECT_TRUE(telemetry::CheckOtlpEndpoint("localhost:4317").ok());
  EXPECT_TRUE(telemetry::CheckOtlpEndpoint("[::1]:4317").ok());
  EXPECT_TRUE(telemetry::CheckOtlpEndpoint("unix:///run/otel.sock").ok());
  for (const char* bad :
       {"localhost", ":4317", "http://localhost:4317", "localhost:0", "unix:///"}) {
    EXPECT_THAT(telemetry::CheckOtlpEndpoint(bad).ToString(), HasSubstr("host:port")) << bad;
  }
}

class TracedDaemonTest : public ServerTest {
 protected:
  void SetUp() override {
    collector_.Start();
    options_.otlp_endpoint = collector_.endpoint();
    auto server = Server::Start(options_, [](const HandlerContext& context) {
      auto engine = runtime::Engine::Create({.devices = {"cpu"}, .threads = 1});
      TENSORD_CHECK(engine.ok(), engine.status().ToString());
      return absl::StatusOr<std::unique_ptr<ComputeHandler>>(
          MakeSessionHandler(*std::move(engine), context.metrics, context.authenticator,
                             {.limits = DefaultLimits(), .recorder = context.recorder}));
    });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = Connect();
    stub_ = v1::Compute::NewStub(channel_);
  }
  OtlpCollector collector_;
};

TEST_F(TracedDaemonTest, AFrameOfASampledTraceArrivesAsATreeOfSpans) {
  {
    WireSession session(*stub_, "train");
    v1::Put& put = *session.Add().mutable_put();
    put.set_id(1);
    *put.mutable_type() = F32({2});
    put.set_data(BytesOf<float>({3, 4}));
    session.Add().mutable_fetch()->set_id(1);
    session.frame().set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    EXPECT_TRUE(session.Ask().has_data());
  }
  server_->Stop();  // sends what is queued
  std::map<std::string, OtlpCollector::Span> spans;
  for (const OtlpCollector::Span& span : collector_.spans()) spans[span.name()] = span;
  ASSERT_EQ(spans.size(), 4u);
  EXPECT_EQ(spans["frame"].parent_span_id(), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(spans["Fetch"].parent_span_id(), spans["frame"].span_id());
  EXPECT_EQ(spans["queued"].parent_span_id(), spans["Fetch"].span_id());
  EXPECT_EQ(spans["run"].parent_span_id(), spans["Fetch"].span_id());
  for (const auto& [name, span] : spans) {
    EXPECT_EQ(span.trace_id(), spans["frame"].trace_id()) << name;
    EXPECT_LE(span.start_time_unix_nano(), span.end_time_unix_nano()) << name;
    EXPECT_GE(span.start_time_unix_nano(), spans["frame"].start_time_unix_nano()) << name;
  }
  EXPECT_EQ(spans["frame"].attributes(0).value().string_value(), "train");
}

}  // namespace
}  // namespace tensord::server
