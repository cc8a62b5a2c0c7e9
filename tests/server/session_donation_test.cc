// Donation as a client sees it.
#include "engine/runtime/counters.h"
#include "tests/ops/devices.h"
#include "tests/server/faults.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An engine one of whose runs fails on the device, after all its kernels ran.
class FailingEngine : public runtime::Engine {
 public:
  explicit FailingEngine(const std::string& device)
      : engine_(*runtime::Engine::Create({.devices = {device}, .threads = 1})) {}
  void FailNextRun() { failing_ = true; }

  std::vector<runtime::DeviceInfo> devices() const override { return engine_->devices(); }
  const runtime::Counters& counters() const override { return engine_->counters(); }
  absl::StatusOr<runtime::ExecutableRef> Prepare(const ir::Function& function) override {
    return engine_->Prepare(function);
  }
  runtime::LaneRef OpenLane() override { return engine_->OpenLane(); }
  void PrepareAsync(
      const runtime::LaneRef& lane, std::shared_ptr<const ir::Function> function,
      absl::AnyInvocable<void(absl::StatusOr<runtime::ExecutableRef>) &&> then) override {
    engine_->PrepareAsync(lane, std::move(function), std::move(then));
  }
  absl::StatusOr<std::vector<runtime::Value>> Run(runtime::RunRequest request) override {
    if (failing_.exchange(false)) {
      request.on_done = [done = std::move(request.on_done)](const absl::Status&) mutable {
        std::move(done)(absl::InternalError("the device broke"));
      };
    }
    return engine_->Run(std::move(request));
  }
  absl::StatusOr<runtime::Value> Allocate(const runtime::LaneRef& lane,
                                          const types::Type& type) override {
    return engine_->Allocate(lane, type);
  }
  void CopyIn(const runtime::LaneRef& lane, const runtime::Value& to, int64_t offset,
              absl::Span<const std::byte> bytes,
              absl::AnyInvocable<void(absl::Status) &&> then) override {
    engine_->CopyIn(lane, to, offset, bytes, std::move(then));
  }
  void CopyOut(const runtime::LaneRef& lane, absl::Span<std::byte> to, const runtime::Value& from,
               int64_t offset, absl::AnyInvocable<void(absl::Status) &&> then) override {
    engine_->CopyOut(lane, to, from, offset, std::move(then));
  }
  absl::StatusOr<runtime::BufferPtr> AllocateStaging(int64_t bytes) override {
    return engine_->AllocateStaging(bytes);
  }
  runtime::Value Adopt(const runtime::LaneRef& lane, runtime::BufferPtr staging,
                       const types::Type& type) override {
    return engine_->Adopt(lane, std::move(staging), type);
  }
  const std::byte* HostBytes(const runtime::Value& value) override {
    return engine_->HostBytes(value);
  }
  void Notify(const runtime::LaneRef& lane, types::Placement device,
              absl::AnyInvocable<void(absl::Status) &&> then) override {
    engine_->Notify(lane, device, std::move(then));
  }

 private:
  const std::unique_ptr<runtime::Engine> engine_;
  std::atomic<bool> failing_ = false;
};

// w - g over w.
std::string UpdateBody(bool required = false) {
  BodyWriter body;
  const uint64_t w = body.Input(F32({4})), g = body.Input(F32({4}));
  body.Output(body.Node("sub", {w, g}));
  body.Donate(0);
  body.body().set_donate_required(required);
  return body.Bytes();
}
// A flip, which can't be written over its input.
std::string FlipBody(bool required = false) {
  BodyWriter body;
  const uint64_t x = body.Input(F32({4}));
  body.Output(body.Node("flip", {x}, {{"axes", ir::Ints{0}}}));
  body.Donate(0);
  body.body().set_donate_required(required);
  return body.Bytes();
}

class SessionDonationTest : public testing::TestWithParam<std::string> {
 protected:
  const runtime::Counters& counters() { return world_.engine().counters(); }

  SessionWorld world_{GetParam()};
  TestClient client_{world_};
};

TEST_P(SessionDonationTest, ExecutesThatDoNotWaitForEachOtherWriteInPlace) {
  client_.AddProgram(1, UpdateBody(true));
  uint64_t w = client_.PutFloats({100, 200, 300, 400});
  const uint64_t g = client_.PutFloats({1, 1, 1, 1});
  for (int i = 0; i < 50; ++i) w = client_.Execute(1, {w, g});
  EXPECT_THAT(client_.FetchFloats(w), ElementsAre(50, 150, 250, 350));
  EXPECT_THAT(client_.TakeFaults(), IsEmpty());
  EXPECT_EQ(counters().donated_bytes, 50u * 16);
  EXPECT_EQ(counters().donation_copied_bytes, 0u);
}

TEST_P(SessionDonationTest, AFetchUnderWayDoesNotStandInTheWay) {
  client_.AddProgram(1, UpdateBody(true));
  uint64_t w = client_.PutFloats({10, 20, 30, 40});
  const uint64_t g = client_.PutFloats({1, 1, 1, 1});
  client_.Fetch(w);
  w = client_.Execute(1, {w, g});
  client_.Send();
  const v1::Reply before = client_.Await([](const v1::Reply& reply) { return reply.has_data(); });
  EXPECT_THAT(FromBytes<float>(before.data().inline_()), ElementsAre(10, 20, 30, 40));
  EXPECT_THAT(client_.FetchFloats(w), ElementsAre(9, 19, 29, 39));
  EXPECT_EQ(counters().donated_bytes, 16u);
}

TEST_P(SessionDonationTest, SaysOnceWhatWasCopiedAndWhy) {
  client_.AddProgram(1, UpdateBody());
  const uint64_t g = client_.PutFloats({1, 1, 1, 1});
  for (int i = 0; i < 3; ++i) {
    const uint64_t w = client_.PutFloats({10, 20, 30, 40});
    const uint64_t reader = client_.Node("neg", {w});  // described only: it reads w when asked for
    const uint64_t next = client_.Execute(1, {w, g});
    client_.Fetch(next);
    const uint64_t seq = client_.Send();
    if (i == 0) {
      const v1::Reply told =
          client_.Await([](const v1::Reply& reply) { return reply.has_donated(); });
      EXPECT_EQ(told.of_seq(), seq);
      EXPECT_EQ(told.donated().copied_bytes(), 16u);
      EXPECT_THAT(told.donated().why(), HasSubstr("input 0 (f32[4]) is held elsewhere too"));
    }
    const v1::Reply data = client_.Await([](const v1::Reply& reply) { return reply.has_data(); });
    EXPECT_THAT(FromBytes<float>(data.data().inline_()), ElementsAre(9, 19, 29, 39));
    EXPECT_THAT(client_.FetchFloats(reader), ElementsAre(-10, -20, -30, -40));
  }
  client_.Barrier();
  EXPECT_EQ(client_.Waiting([](const v1::Reply& reply) { return reply.has_donated(); }), 0u);
  EXPECT_EQ(counters().donation_copied_bytes, 3u * 16);
}

TEST_P(SessionDonationTest, SaysWhyAPlanCannotWriteInPlace) {
  client_.AddProgram(1, FlipBody());
  const uint64_t y = client_.Execute(1, {client_.PutFloats({1, 2, 3, 4})});
  EXPECT_THAT(client_.FetchFloats(y), ElementsAre(4, 3, 2, 1));
  const v1::Reply told = client_.Await([](const v1::Reply& reply) { return reply.has_donated(); });
  EXPECT_EQ(told.donated().copied_bytes(), 16u);
  EXPECT_THAT(told.donated().why(), HasSubstr("reads elements other than the one it writes"));
}

TEST_P(SessionDonationTest, RequiredDonationIsRefusedBeforeAnyLaunch) {
  client_.AddProgram(1, UpdateBody(true));
  client_.AddProgram(2, FlipBody(true));
  const uint64_t w = client_.PutFloats({10, 20, 30, 40}), g = client_.PutFloats({1, 1, 1, 1});
  const uint64_t reader = client_.Node("neg", {w});
  const uint64_t held = client_.Execute(1, {w, g});
  const v1::Fault first = client_.FetchFault(held);
  EXPECT_EQ(first.code(), kFailedPrecondition);
  EXPECT_EQ(first.reason(), "DONATION");
  EXPECT_THAT(first.message(), HasSubstr("input 0 (f32[4]) is held elsewhere too"));
  const uint64_t x = client_.PutFloats({1, 2, 3, 4});
  const uint64_t flipped = client_.Execute(2, {x});
  const v1::Fault second = client_.FetchFault(flipped);
  EXPECT_EQ(second.reason(), "DONATION");
  EXPECT_THAT(second.message(), HasSubstr("other than the one it writes"));
  EXPECT_EQ(counters().launches, 0u);
  EXPECT_EQ(client_.Describe(held).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(client_.Describe(x).state(), v1::VALUE_STATE_DONATED);  // it ends with the item
  EXPECT_THAT(client_.FetchFloats(reader), ElementsAre(-10, -20, -30, -40));
  EXPECT_EQ(client_.TakeFaults(2).size(), 2u);
}

TEST_P(SessionDonationTest, ADecodeStepWritesItsRowAlone) {
  BodyWriter body;
  const uint64_t cache = body.Input(F32({2, 64, 8})), row = body.Input(F32({2, 1, 8}));
  const uint64_t pos = body.Input(TypeOf(types::DType::kI64));
  body.Output(body.Node("slice_update", {cache, row, pos}, {{"axes", ir::Ints{1}}}));
  body.Donate(0);
  body.body().set_donate_required(true);
  client_.AddProgram(1, body.Bytes());
  uint64_t state = client_.Put(F32({2, 64, 8}), BytesOf(std::vector<float>(1024, -1)));
  for (int64_t i = 0; i < 64; ++i) {
    const uint64_t one =
        client_.Put(F32({2, 1, 8}), BytesOf(std::vector<float>(16, static_cast<float>(i))));
    state = client_.Execute(
        1, {state, one, client_.Put(TypeOf(types::DType::kI64), BytesOf(std::vector<int64_t>{i}))});
  }
  const std::vector<float> values = client_.FetchFloats(state);
  ASSERT_EQ(values.size(), 1024u);
  for (size_t i = 0; i < 1024; ++i) ASSERT_EQ(values[i], static_cast<float>(i / 8 % 64));
  EXPECT_THAT(client_.TakeFaults(), IsEmpty());
  EXPECT_EQ(counters().launches, 64u);
  EXPECT_EQ(counters().donated_bytes, 64u * 4096);
}

INSTANTIATE_TEST_SUITE_P(Devices, SessionDonationTest,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

TEST(SessionDonationFaultTest, AFaultAfterAWriteInPlacePoisonsWhatFollowsAndTheDonatedIdStaysGone) {
  auto engine = std::make_unique<FailingEngine>("cpu");
  FailingEngine& failing = *engine;
  SessionWorld world(std::move(engine));
  TestClient client(world);
  client.AddProgram(1, UpdateBody(true));
  const uint64_t w = client.PutFloats({10, 20, 30, 40}), g = client.PutFloats({1, 1, 1, 1});
  EXPECT_FALSE(client.Barrier());
  failing.FailNextRun();
  const uint64_t next = client.Execute(1, {w, g});
  const uint64_t after = client.Execute(1, {next, g});
  const v1::Fault fault = client.FetchFault(after);
  EXPECT_EQ(fault.code(), kInternal);
  EXPECT_EQ(fault.reason(), "DEVICE_FAULT");
  EXPECT_EQ(fault.cause(), next);
  EXPECT_EQ(client.Describe(w).state(), v1::VALUE_STATE_DONATED);
  EXPECT_EQ(client.FetchFault(w).reason(), "DONATED");
  EXPECT_EQ(client.Describe(after).state(), v1::VALUE_STATE_POISONED);
  EXPECT_THAT(client.FetchFloats(g), ElementsAre(1, 1, 1, 1));
}

}  // namespace
}  // namespace tensord::server
