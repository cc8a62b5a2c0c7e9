// Trace contexts: what this program asks for is seen under its trace in the daemon's logs.
#include "clients/cpp/tensord/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const std::string kTraceA(32, 'a'), kTraceB(32, 'b');

Trace TraceOf(const std::string& id) { return *Trace::Parse("00-" + id + "-b7ad6b7169203331-01"); }

// A daemon that writes a line for every command, and what it wrote.
class TraceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto session = Session::Connect({.address = daemon_.address()});
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }
  // The traces of the commands of one op, in order; "" for one without.
  std::vector<std::string> TracesOf(const std::string& op) {
    session_ = nullptr;
    std::vector<std::string> traces;
    for (const std::string& line :
         std::vector<std::string>(absl::StrSplit(daemon_.StopAndReadLogs(), '\n'))) {
      if (!absl::StrContains(line, "slow command") || !absl::StrContains(line, "op=" + op))
        continue;
      const size_t at = line.find(kKey);
      traces.push_back(at == line.npos ? "" : line.substr(at + kKey.size(), 32));
    }
    return traces;
  }

  const std::string kKey = "trace_id=";
  DaemonProcess daemon_{DaemonProcess::KeepLogs{{"--log-level=warning", "--slow-command=1us"}}};
  std::unique_ptr<Session> session_;
};

TEST_F(TraceTest, WhatIsAskedForWithinAScopeIsOfItsTrace) {
  const Tensor x = session_->Put<float>({2}, {1, 2});
  ASSERT_TRUE(session_->Fetch<float>(x + 1).ok());
  {
    const TraceScope outer(TraceOf(kTraceA));
    ASSERT_TRUE(session_->Fetch<float>(x + 2).ok());
    {
      const TraceScope inner(TraceOf(kTraceB));
      ASSERT_TRUE(session_->Fetch<float>(x + 3).ok());
    }
    ASSERT_TRUE(session_->Fetch<float>(x + 4).ok());
  }
  ASSERT_TRUE(session_->Fetch<float>(x + 5).ok());
  EXPECT_THAT(TracesOf("Fetch"), ElementsAre("", kTraceA, kTraceB, kTraceA, ""));
}

TEST_F(TraceTest, AScopeIsOfItsThread) {
  const Tensor x = session_->Put<float>({2}, {1, 2});
  const TraceScope scope(TraceOf(kTraceA));
  std::thread([&] { EXPECT_TRUE(session_->Fetch<float>(x).ok()); }).join();
  EXPECT_THAT(TracesOf("Fetch"), ElementsAre(""));
}

TEST_F(TraceTest, WhatWaitsToBeSentKeepsItsTrace) {
  const auto twice = MakeProgram({Type{DType::kF32, {2}}}, [](Graph&, const auto& in) {
    return std::vector<Tensor>{in[0] * 2.0};
  });
  const Tensor x = session_->Put<float>({2}, {1, 2});
  std::vector<Tensor> results;
  for (const std::string& id : {kTraceA, kTraceB, kTraceA}) {
    const TraceScope scope(TraceOf(id));
    results.push_back(session_->Execute(*twice, {x})[0]);
  }
  ASSERT_TRUE(session_->Barrier(results).ok());
  EXPECT_THAT(TracesOf("Execute"), UnorderedElementsAre(kTraceA, kTraceA, kTraceB));
}

TEST(Trace, TakesWhatTheSpecificationAllows) {
  const std::string ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-";
  for (const std::string& good :
       {"00-" + ids + "01", "00-" + ids + "00", "01-" + ids + "01-more"}) {
    const auto trace = Trace::Parse(good);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_EQ(trace->traceparent(), good);
  }
}

TEST(Trace, SaysWhatIsExpectedOfOthers) {
  const std::string zeroes = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
  const std::string ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-";
  const std::vector<std::string> refused = {
      "",
      "nonsense",
      zeroes,
      "ff-" + ids + "01",
      "00-" + ids + "1",
      "00-" + ids + "0G",
      "00-" + ids + "01-more",
      "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00_" + ids + "01",
  };
  for (const std::string& bad : refused) {
    const auto trace = Trace::Parse(bad);
    EXPECT_EQ(trace.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(trace.status().message()),
                HasSubstr("traceparent \"" + bad + "\"; expected 00-TRACE-SPAN-FLAGS"));
  }
}

}  // namespace
}  // namespace tensord::client
