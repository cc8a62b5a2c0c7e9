// A session with a real daemon: values in and out, faults, deadlines, freeing, threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <numeric>
#include <thread>

#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(SessionTest, TheHandshakeTellsWhatTheDaemonIs) {
  const v1::Welcome& welcome = session_->welcome();
  EXPECT_EQ(welcome.version(), 1u);
  EXPECT_EQ(welcome.session().size(), 16u);
  ASSERT_EQ(welcome.devices_size(), 1);
  EXPECT_EQ(welcome.devices(0).name(), "cpu");
  EXPECT_EQ(welcome.limits().max_inline_bytes(), 64u << 10);
}

TEST_F(SessionTest, ComputesWhatIsFetched) {
  const Tensor x = session_->Put<float>({2, 2}, {1, 2, 3, 4});
  const Tensor y = ops::Sum(x * 2.0 + 1, {.axes = {{1}}});
  const auto values = session_->Fetch<float>(y);
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, ElementsAre(8, 16));
}

TEST_F(SessionTest, OptionsHaveTheDefaultsOfTheRow) {
  const Tensor x = session_->Put<float>({2, 2}, {0, 0, 3, 3});
  EXPECT_THAT(*session_->Fetch<float>(ops::Softmax(x)), ElementsAre(0.5, 0.5, 0.5, 0.5));
  EXPECT_THAT(*session_->Fetch<float>(ops::Sum(ops::Softmax(x, {.axis = 0}))), ElementsAre(2));
}

TEST_F(SessionTest, AnOpMayHaveSeveralResults) {
  const auto [fraction, whole] = ops::Modf(session_->Put<float>({2}, {1.5, -2.25}));
  EXPECT_THAT(*session_->Fetch<float>(fraction), ElementsAre(0.5, -0.25));
  EXPECT_THAT(*session_->Fetch<float>(whole), ElementsAre(1, -2));
}

TEST_F(SessionTest, OpsWithoutInputsAreMadeInTheGraph) {
  const Tensor i = ops::Iota(session_->graph(), {2, 3}, {.axis = 1});
  EXPECT_THAT(*session_->Fetch<int32_t>(i), ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(SessionTest, ANumberMayTakeAllBitsOfItsDType) {
  const Tensor most = ops::Full(session_->graph(), UINT64_MAX, {1}, DType::kU64);
  EXPECT_THAT(*session_->Fetch<uint64_t>(most), ElementsAre(UINT64_MAX));
  const Tensor real = ops::Full(session_->graph(), UINT64_MAX, {1}, DType::kF32);
  EXPECT_THAT(*session_->Fetch<float>(real), ElementsAre(0x1p64f));
  const Tensor none = ops::Full(session_->graph(), UINT64_MAX, {1}, DType::kI8);
  EXPECT_THAT(std::string(none.status().message()),
              HasSubstr("full: 18446744073709551615 does not fit i8"));
  EXPECT_THAT(std::string((most + UINT64_MAX).status().message()), HasSubstr("does not fit 64"));
}

template <typename T>
void ExpectRoundTrip(Session& session, const std::vector<T>& values) {
  const auto back = session.Fetch<T>(session.Put<T>({values.size()}, values));
  ASSERT_TRUE(back.ok()) << Name(kDTypeOf<T>) << back.status();
  EXPECT_EQ(*back, values) << Name(kDTypeOf<T>);
}

TEST_F(SessionTest, EveryDTypeRoundTrips) {
  ExpectRoundTrip<bool>(*session_, {true, false, true});
  ExpectRoundTrip<int8_t>(*session_, {-128, 127});
  ExpectRoundTrip<int16_t>(*session_, {-5, 300});
  ExpectRoundTrip<int32_t>(*session_, {INT32_MIN, 7});
  ExpectRoundTrip<int64_t>(*session_, {INT64_MIN, 7});
  ExpectRoundTrip<uint8_t>(*session_, {0, 255});
  ExpectRoundTrip<uint16_t>(*session_, {0, 65535});
  ExpectRoundTrip<uint32_t>(*session_, {UINT32_MAX});
  ExpectRoundTrip<uint64_t>(*session_, {UINT64_MAX});
  ExpectRoundTrip<Float16>(*session_, {{0x3c00}, {0x4000}});
  ExpectRoundTrip<BFloat16>(*session_, {{0x3f80}});
  ExpectRoundTrip<float>(*session_, {1.5f, -0.0f});
  ExpectRoundTrip<double>(*session_, {1e300});
  ExpectRoundTrip<float>(*session_, {});
}

TEST_F(SessionTest, LargeValuesTravelOnTheBulkLane) {
  std::vector<float> values(700'000);
  std::iota(values.begin(), values.end(), 0.0f);
  const Tensor x = session_->Put<float>({700, 1000}, values);
  const auto back = session_->Fetch<float>(x + 1);
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->size(), values.size());
  EXPECT_EQ(back->front(), 1);
  EXPECT_EQ(back->back(), 700'000);
}

TEST_F(SessionTest, AFaultNamesTheOpAndTheLineOfTheProgram) {
  const Tensor a = session_->Put<float>({2}, {1, 2}), b = session_->Put<float>({3}, {1, 2, 3});
  const Tensor sum = ops::Add(a, b);
  const uint32_t line = __LINE__ - 1;
  const auto values = session_->Fetch<float>(sum + 1);
  ASSERT_FALSE(values.ok());
  EXPECT_EQ(values.status().code(), absl::StatusCode::kInvalidArgument);
  const auto fault = FaultOf(values.status());
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->reason, "SHAPE");
  EXPECT_EQ(fault->op, "add");
  EXPECT_EQ(fault->cause, sum.id());
  EXPECT_EQ(fault->line, line);
  EXPECT_THAT(fault->file, EndsWith("session_test.cc"));
  EXPECT_THAT(std::string(values.status().message()), HasSubstr("session_test.cc:"));
}

TEST_F(SessionTest, AnOperatorsFaultHasItsLineToo) {
  const Tensor a = session_->Put<float>({2}, {1, 2}), b = session_->Put<float>({3}, {1, 2, 3});
  const Tensor product = a * b;
  const auto fault = FaultOf(session_->Fetch<float>(product).status());
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->line, static_cast<uint32_t>(__LINE__ - 3));
}

TEST_F(SessionTest, FaultsThatNobodyWaitsForAreKeptAndTold) {
  std::atomic<int> told = 0;
  auto session = Session::Connect(
      {.address = SharedAddress(), .on_fault = [&](const absl::Status&) { ++told; }});
  ASSERT_TRUE(session.ok()) << session.status();
  const Tensor bad = ops::Reshape((*session)->Put<bool>({1}, {true}), {2});
  EXPECT_TRUE(Eventually([&] { return !(*session)->FaultHeard(bad).ok(); }));
  EXPECT_EQ(FaultOf((*session)->FaultHeard(bad))->reason, "SHAPE");
  EXPECT_TRUE(Eventually([&] { return told == 1; }));
}

TEST_F(SessionTest, MistakesThatAreSeenHereAreErrorsOfTheValue) {
  auto other = Session::Connect({.address = SharedAddress()});
  ASSERT_TRUE(other.ok());
  const Tensor here = session_->Put<float>({1}, {1}), there = (*other)->Put<float>({1}, {1});
  EXPECT_THAT(std::string((here + there).status().message()), HasSubstr("another session"));
  EXPECT_THAT(std::string(session_->Put<float>({3}, {1}).status().message()),
              HasSubstr("4 bytes given, f32[3] has 12"));
  EXPECT_THAT(std::string(ops::Add(1, 2).status().message()), HasSubstr("must be a Tensor"));
  EXPECT_THAT(std::string(session_->Fetch<float>(Tensor()).status().message()),
              HasSubstr("empty Tensor"));
  EXPECT_THAT(std::string(session_->Fetch<int32_t>(here).status().message()),
              HasSubstr("asked for as i32"));
}

// Rank 2, big enough to keep the interpreter busy for a while.
Tensor SlowValue(Session& session) {
  const Tensor big = ops::Full(session.graph(), 0.5, {1200, 1200}, DType::kF32);
  return ops::Sum(ops::Matmul(ops::Matmul(big, big), ops::Matmul(big, big)));
}

TEST_F(SessionTest, ADeadlineEndsTheWait) {
  const Tensor slow = SlowValue(*session_);
  const auto values = session_->Fetch<float>(slow, {.timeout = absl::Microseconds(1)});
  EXPECT_EQ(values.status().code(), absl::StatusCode::kDeadlineExceeded) << values.status();
  EXPECT_EQ(FaultOf(values.status())->reason, "DEADLINE");
}

TEST_F(SessionTest, CancelGivesWaitingWorkUp) {
  const Tensor first = SlowValue(*session_);
  ASSERT_TRUE(session_->Evaluate({first}).ok());
  const Tensor second = ops::Sum(ops::Exp(first));
  ASSERT_TRUE(session_->Evaluate({second}).ok());
  ASSERT_TRUE(session_->Cancel({second}).ok());
  const auto values = session_->Fetch<float>(second);
  EXPECT_EQ(values.status().code(), absl::StatusCode::kCancelled) << values.status();
}

TEST_F(SessionTest, BarrierWaitsAndTellsTheFault) {
  const Tensor good = session_->Put<float>({1}, {1}) + 1;
  ASSERT_TRUE(session_->Evaluate({good}).ok());
  EXPECT_TRUE(session_->Barrier({good}).ok());
  EXPECT_EQ(session_->Describe({good})->front().state, v1::VALUE_STATE_READY);
  const Tensor bad = ops::Reshape(good, {7});
  EXPECT_EQ(FaultOf(session_->Barrier({bad}))->reason, "SHAPE");
  EXPECT_EQ(session_->Barrier().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(session_->Barrier().ok()) << "a failure is told once";
}

TEST_F(SessionTest, TypesComeFromTheDaemon) {
  const Tensor x = session_->Put<float>({2, 3}, {0, 0, 0, 0, 0, 0});
  EXPECT_EQ(session_->TypeOf(ops::Argmax(x, {.axes = {{1}}}))->ToString(), "i32[2]");
  EXPECT_EQ(FaultOf(session_->TypeOf(ops::Reshape(x, {4})).status())->reason, "SHAPE");
}

TEST_F(SessionTest, GradientsAreRecorded) {
  const Tensor x = session_->Put<float>({3}, {1, 2, 3});
  const std::vector<Tensor> dx = Gradient(ops::Sum(x * x), {x});
  EXPECT_THAT(*session_->Fetch<float>(dx[0]), ElementsAre(2, 4, 6));
}

TEST_F(SessionTest, ManySmallTensorsAreFreed) {
  const Tensor keep = session_->Put<float>({1}, {1});
  std::vector<uint64_t> dropped;
  for (int i = 0; i < 20'000; ++i) dropped.push_back((keep + i).id());
  const auto all_freed = [&] {
    const auto described = session_->DescribeIds(dropped);
    return described.ok() && std::all_of(described->begin(), described->end(), [](const auto& d) {
             return d.state == v1::VALUE_STATE_FREED;
           });
  };
  EXPECT_TRUE(Eventually(all_freed));
  EXPECT_THAT(*session_->Fetch<float>(keep), ElementsAre(1));
}

TEST_F(SessionTest, DroppedValuesGiveTheirMemoryBack) {
  const uint64_t before = session_->Ping()->resident_bytes;
  {
    const Tensor big = ops::Full(session_->graph(), 1, {1 << 20}, DType::kF32);
    ASSERT_TRUE(session_->Evaluate({big}).ok());
    ASSERT_TRUE(session_->Barrier({big}).ok());
    EXPECT_GE(session_->Ping()->resident_bytes, before + (4 << 20));
  }
  EXPECT_TRUE(Eventually([&] { return session_->Ping()->resident_bytes <= before + 1024; }));
}

TEST_F(SessionTest, TwoThreadsShareASession) {
  const auto work = [&](float base) {
    for (int i = 0; i < 200; ++i) {
      const Tensor x = session_->Put<float>({1}, {base});
      const auto values = session_->Fetch<float>(x * 2 + i);
      ASSERT_TRUE(values.ok()) << values.status();
      ASSERT_THAT(*values, ElementsAre(base * 2 + static_cast<float>(i)));
    }
  };
  std::thread one(work, 1.0f), two(work, 1000.0f);
  one.join();
  two.join();
}

TEST_F(SessionTest, FuturesAndCallbacksAnswerLater) {
  const Tensor x = session_->Put<float>({2}, {1, 2});
  auto future = session_->FetchAsync<float>(x + 1);
  std::promise<std::vector<float>> small, large;
  session_->FetchAsync<float>(x * 2, [&](auto values) { small.set_value(*values); });
  const Tensor wide = ops::BroadcastTo(ops::Reshape(x, {2, 1}), {2, 100'000});
  session_->FetchAsync<float>(wide, [&](auto values) { large.set_value(*values); });
  EXPECT_THAT(*future.get(), ElementsAre(2, 3));
  EXPECT_THAT(small.get_future().get(), ElementsAre(2, 4));
  EXPECT_EQ(large.get_future().get().size(), 200'000u);
}

TEST_F(SessionTest, AWaitInACallbackIsRefused) {
  std::promise<absl::Status> inner;
  const Tensor x = session_->Put<float>({1}, {1});
  session_->FetchAsync<float>(x, [&](auto) { inner.set_value(session_->Ping().status()); });
  EXPECT_THAT(std::string(inner.get_future().get().message()), HasSubstr("callback"));
}

TEST_F(SessionTest, TensorsMayOutliveTheirSession) {
  const Tensor x = session_->Put<float>({1}, {1});
  session_ = nullptr;
  EXPECT_EQ((x + 1).status().code(), absl::StatusCode::kUnavailable);
}

TEST(Connect, SaysWhoDoesNotAnswer) {
  const auto session = Session::Connect({.address = "unix:///nowhere/t.sock"});
  EXPECT_EQ(session.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(session.status().message()), HasSubstr("unix:///nowhere/t.sock"));
  EXPECT_EQ(Session::Connect({.address = "nonsense"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Connect, OverTcpATokenIsWanted) {
  const DaemonProcess daemon(DaemonProcess::Kind::kTcp);
  const auto refused = Session::Connect({.address = daemon.address(), .token = "wrong"});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnauthenticated) << refused.status();
  const auto session = Session::Connect({.address = daemon.address(), .token = daemon.token()});
  ASSERT_TRUE(session.ok()) << session.status();
  const Tensor x = (*session)->Put<float>({100'000}, std::vector<float>(100'000, 2.0f));
  EXPECT_EQ((*session)->Fetch<float>(x * x)->at(99'999), 4.0f);
}

TEST(Connect, ALostDaemonEndsEveryWait) {
  DaemonProcess daemon;
  auto session = Session::Connect({.address = daemon.address()});
  ASSERT_TRUE(session.ok()) << session.status();
  auto pending = (*session)->FetchAsync<float>(SlowValue(**session));
  daemon.Kill();
  EXPECT_EQ(pending.get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE((*session)->status().ok());
}

TEST(ConnectTest, ADaemonThatIsSlowToAnswerIsWaitedFor) {
  const DaemonProcess daemon;
  kill(daemon.pid(), SIGSTOP);
  auto connecting = std::async(
      std::launch::async, [&] { return Session::Connect({.address = daemon.address()}).status(); });
  absl::SleepFor(absl::Milliseconds(300));
  kill(daemon.pid(), SIGCONT);
  EXPECT_TRUE(connecting.get().ok());
}

}  // namespace
}  // namespace tensord::client
