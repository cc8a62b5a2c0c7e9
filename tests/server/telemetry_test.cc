// Trace contexts, and what is noted of commands: latencies by program, slow ones, spans.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "server/telemetry/frame_scope.h"
#include "server/telemetry/recorder.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using telemetry::ParseTraceparent;
using telemetry::Recorder;
using telemetry::SpanData;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kTraceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Traceparent, IsReadAsTheSpecificationSays) {
  const telemetry::TraceContext context = ParseTraceparent(kTraceparent);
  EXPECT_EQ(context.trace_hex(), kTrace);
  EXPECT_THAT(context.span, ElementsAre(0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31));
  EXPECT_TRUE(context.sampled());
  const std::string text = kTraceparent;
  EXPECT_FALSE(ParseTraceparent(text.substr(0, 53) + "00").sampled());
  EXPECT_TRUE(ParseTraceparent(text.substr(0, 53) + "00").valid());
  EXPECT_TRUE(ParseTraceparent("cc" + text.substr(2) + "-later").sampled());
}

TEST(Traceparent, AnythingElseIsNoContext) {
  const std::string text = kTraceparent;
  const std::string zeroes(32, '0');
  for (const std::string& bad :
       {std::string(), text + "-x", text.substr(1), "ff" + text.substr(2),
        "cc" + text.substr(2) + "x", "00-" + zeroes + text.substr(35),
        text.substr(0, 36) + zeroes.substr(16) + "-01",
        "00-0AF7651916CD43DD8448EB211C80319C" + text.substr(35), text.substr(0, 53) + "0g"}) {
    EXPECT_FALSE(ParseTraceparent(bad).valid()) << bad;
  }
}

// A session of label "train" whose commands are noted.
class TelemetryTest : public testing::Test {
 protected:
  void SetUp() override { world_.env().recorder = &recorder_; }

  // Waits for the answers of what was sent, and with them for the ends of commands.
  std::vector<SpanData> Spans() {
    MutexLock lock(mutex_);
    return spans_;
  }
  SpanData Span(std::string_view name) {
    for (SpanData& span : Spans()) {
      if (span.name == name) return span;
    }
    ADD_FAILURE() << "no span " << name;
    return {};
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const SpanData& span : Spans()) names.emplace_back(span.name);
    return names;
  }
  uint64_t Samples(const std::string& family, const std::string& label) {
    for (const auto& found : world_.metrics().Collect()) {
      if (found.name != family) continue;
      for (const auto& metric : found.metric) {
        if (metric.label.at(0).value == label) return metric.histogram.sample_count;
      }
    }
    return 0;
  }

  SessionWorld world_;
  Mutex mutex_;
  std::vector<SpanData> spans_ ABSL_GUARDED_BY(mutex_);
  Recorder recorder_{world_.metrics(), [this](SpanData span) {
                       MutexLock lock(mutex_);
                       spans_.push_back(std::move(span));
                     }};
};

BodyWriter Doubling() {
  BodyWriter body;
  const uint64_t x = body.Input(F32({4}));
  body.Output(body.Node("add", {x, x}));
  return body;
}

std::string LabelOf(const BodyWriter& body) {
  return telemetry::ProgramLabel(base::Sha256(body.Bytes()));
}

TEST_F(TelemetryTest, ASampledFrameHasSpansForItsCommandsAndTheirStages) {
  TestClient client(world_);
  const BodyWriter body = Doubling();
  client.AddProgram(1, body.Bytes());
  const uint64_t x = client.PutFloats({1, 2, 3, 4});
  client.frame().set_traceparent(kTraceparent);
  const uint64_t y = client.Execute(1, {x});
  EXPECT_THAT(client.FetchFloats(y), ElementsAre(2, 4, 6, 8));

  EXPECT_THAT(Names(), UnorderedElementsAre("frame", "Execute", "compile", "queued", "run", "Fetch",
                                            "queued", "run"));
  const SpanData frame = Span("frame"), execute = Span("Execute"), fetch = Span("Fetch");
  for (const SpanData& span : Spans()) EXPECT_EQ(span.context.trace_hex(), kTrace);
  EXPECT_EQ(frame.parent, ParseTraceparent(kTraceparent).span);
  EXPECT_TRUE(frame.server);
  EXPECT_EQ(execute.parent, frame.context.span);
  EXPECT_EQ(fetch.parent, frame.context.span);
  EXPECT_EQ(Span("compile").parent, execute.context.span);
  EXPECT_THAT(execute.attributes,
              AllOf(Contains(Pair("tensord.program",
                                  SpanData::Value(base::ToHex(base::Sha256(body.Bytes()))))),
                    Contains(Pair("tensord.kernels", SpanData::Value(int64_t{1}))),
                    Contains(Pair("tensord.bytes", SpanData::Value(int64_t{32})))));
  EXPECT_THAT(fetch.attributes, Contains(Pair("tensord.bytes", SpanData::Value(int64_t{16}))));
}

TEST_F(TelemetryTest, ASecondEvaluateOfAGraphHitsItsPlan) {
  TestClient client(world_);
  for (const bool hit : {false, true}) {
    {
      MutexLock lock(mutex_);
      spans_.clear();
    }
    client.frame().set_traceparent(kTraceparent);
    client.FetchFloats(client.Node("exp", {client.PutFloats({1, 2})}));
    EXPECT_THAT(Span("Evaluate").attributes,
                Contains(Pair("tensord.plan_hit", SpanData::Value(hit))));
  }
}

TEST_F(TelemetryTest, WithoutTheSampledFlagThereAreNoSpans) {
  TestClient client(world_);
  const uint64_t x = client.PutFloats({1, 2});
  client.frame().set_traceparent(std::string(kTraceparent).substr(0, 53) + "00");
  client.FetchFloats(client.Node("neg", {x}));
  client.frame().set_traceparent("nonsense");
  client.FetchFloats(client.Node("exp", {x}));
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_F(TelemetryTest, ACommandThatWasGivenUpHasASpanThatSaysWhyAndNoRun) {
  TestClient client(world_);
  const uint64_t x = client.NextId();
  client.Bind(x, F32({2}), 7);  // whose bytes never come
  client.frame().set_traceparent(kTraceparent);
  client.Fetch(x);
  const uint64_t seq = client.Send();
  v1::Cancel& cancel = *client.Item().mutable_cancel();
  cancel.set_first_seq(seq);
  cancel.set_last_seq(seq);
  client.Send();
  client.Await([&](const v1::Reply& reply) { return reply.has_fault() && reply.of_seq() == seq; });
  EXPECT_THAT(Names(), ElementsAre("frame", "queued", "Fetch"));
  EXPECT_EQ(Span("Fetch").status.code(), absl::StatusCode::kCancelled);
}

TEST_F(TelemetryTest, ExecutesAreTimedByProgramAndStage) {
  TestClient client(world_);
  const BodyWriter body = Doubling();
  client.AddProgram(1, body.Bytes());
  const uint64_t x = client.PutFloats({1, 2, 3, 4});
  client.FetchFloats(client.Execute(1, {x}));
  client.FetchFloats(client.Execute(1, {x}));
  for (const char* stage : {"", "compile_", "queued_", "run_"}) {
    EXPECT_EQ(Samples(StrCat("tensord_execute_", stage, "seconds"), LabelOf(body)), 2u) << stage;
  }
}

TEST_F(TelemetryTest, ProgramsBeyondTheBoundCountAsOther) {
  LabelledHistogram histogram;
  for (int i = 0; i < 100; ++i) histogram.Observe(StrCat("program", i), absl::Seconds(1));
  histogram.Observe("program0", absl::Seconds(3));
  const prometheus::MetricFamily family = histogram.Family("f", "help", "program");
  ASSERT_EQ(family.metric.size(), LabelledHistogram::kMostLabels + 1);
  for (const auto& metric : family.metric) {
    const std::string& label = metric.label.at(0).value;
    const uint64_t expected = label == "other" ? 36 : label == "program0" ? 2 : 1;
    EXPECT_EQ(metric.histogram.sample_count, expected) << label;
  }
}

// What is logged while `act` runs.
std::string Logged(const std::function<void()>& act) {
  base::TempDir dir;
  const std::string path = dir.path() + "/log";
  base::Fd fd(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  base::SetLogFd(fd.get());
  act();
  base::SetLogFd(2);
  return *base::ReadFile(path);
}

TEST_F(TelemetryTest, ASlowCommandIsALineThatSaysWhereItsTimeWent) {
  TestClient client(world_);
  const BodyWriter body = Doubling();
  client.AddProgram(1, body.Bytes());
  client.frame().set_traceparent(kTraceparent);
  const uint64_t input = client.NextId();
  client.Bind(input, F32({4}), 7);  // its bytes come later
  const uint64_t y = client.Execute(1, {input});
  const std::string log = Logged([&] {
    recorder_.SetSlowCommand(absl::Milliseconds(250));
    client.Send();
    world_.Pass(absl::Milliseconds(300));
    ASSERT_TRUE(client.Upload(7, BytesOf<float>({1, 2, 3, 4}), 16).ok());
    client.FetchFloats(y);
  });
  EXPECT_THAT(log, HasSubstr("level=warning msg=\"slow command\" op=Execute session="));
  EXPECT_THAT(log, HasSubstr(StrCat("principal=uid:1 program=", LabelOf(body))));
  EXPECT_THAT(log,
              AllOf(HasSubstr("total_us=300000"), HasSubstr("run_us=0"), HasSubstr("kernels=1"),
                    HasSubstr("bytes=32"), HasSubstr(StrCat("trace_id=", kTrace))));
  EXPECT_THAT(log, Not(HasSubstr("op=Fetch"))) << "the Fetch came after the wait";
}

TEST_F(TelemetryTest, QuickCommandsAreNoLines) {
  TestClient client(world_);
  recorder_.SetSlowCommand(absl::Milliseconds(250));
  const uint64_t x = client.PutFloats({1, 2});
  EXPECT_THAT(Logged([&] { client.FetchFloats(client.Node("exp", {x})); }),
              Not(HasSubstr("slow command")));
}

}  // namespace
}  // namespace tensord::server
