// The executor over a device whose kernels are the test's own functions: where a run stops, and
// what it leaves behind.
#include "engine/runtime/executor.h"

#include <future>
#include <thread>

#include "engine/device/host_memory.h"
#include "engine/device/host_queue.h"
#include "engine/runtime/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Body = std::function<absl::Status()>;

class Kernel : public device::HostProgram {
 public:
  explicit Kernel(Body body) : body_(std::move(body)) {}
  absl::Status Run(absl::Span<std::byte* const>, absl::Span<const int64_t>) const override {
    return body_();
  }

 private:
  const Body body_;
};

class TestDevice : public device::Device {
 public:
  std::string_view name() const override { return "test"; }
  const types::Capabilities& capabilities() const override { return capabilities_; }
  device::Allocator& allocator() override { return allocator_; }
  device::Queue& queue() override { return queue_; }
  std::unique_ptr<device::Queue> NewQueue() override {
    return std::make_unique<device::HostQueue>(queue_.worker());
  }
  std::string compile_key() const override { return ""; }
  absl::StatusOr<std::string> Compile(const kernel::Linear&) override { return std::string(); }
  absl::StatusOr<std::unique_ptr<device::Program>> Load(const kernel::Linear&,
                                                        std::string_view) override {
    return absl::UnimplementedError("");
  }

 private:
  const types::Capabilities capabilities_;
  device::HostAllocator allocator_{1 << 20};
  device::HostQueue queue_{"test"};
};

class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() {
    type_.dtype = types::DType::kF32;
    type_.dims = {1024};
  }

  // A plan of one donated parameter, whose kernels are `bodies`; the one at `in_place` writes it.
  ExecutableRef Make(const std::vector<Body>& bodies, int in_place) {
    auto executable = std::make_shared<Executable>();
    Plan& plan = executable->plan;
    plan.parameters = {type_};
    plan.values = {{Home::kParameter, 0, 0, 4096, 0}, {Home::kArena, 0, 0, 4096, 0}};
    plan.donated = {0};
    plan.arena_bytes = {4096};
    for (int i = 0; i < static_cast<int>(bodies.size()); ++i) {
      plan.kernels.push_back({});
      plan.steps.push_back({PlanStep::kLaunch, 0, i, {0, 1}, i == in_place});
      executable->programs.push_back({std::make_shared<Kernel>([this, i, body = bodies[i]] {
        ran_.push_back(i);
        return body();
      })});
    }
    plan.results = {{0, type_}};
    return executable;
  }

  absl::StatusOr<std::vector<Value>> Submit(ExecutableRef executable) {
    RunRequest request;
    request.executable = std::move(executable);
    request.inputs.push_back(*executor_.Allocate(*lane_, type_));
    request.donate = {0};
    request.cancelled = cancelled_;
    request.deadline = deadline_;
    request.on_done = [this](absl::Status status) { done_.set_value(std::move(status)); };
    return executor_.Run(std::move(request));
  }
  // The status that a run ends with; what it held is freed by then.
  absl::Status Run(ExecutableRef executable) {
    const auto results = Submit(std::move(executable));
    if (!results.ok()) return results.status();
    return done_.get_future().get();
  }
  int64_t MemoryInUse() {
    lane_->queue(0).Wait(lane_->queue(0).Last().value).IgnoreError();
    return device_.allocator().bytes_in_use();
  }

  static absl::Status Nothing() { return absl::OkStatus(); }
  absl::Status Cancel() {
    *cancelled_ = true;
    return absl::OkStatus();
  }
  absl::Status OutlastDeadline() {
    std::this_thread::sleep_until(deadline_ + std::chrono::milliseconds(1));
    return absl::OkStatus();
  }

  LaneRef MakeLane(uint64_t id) {
    std::vector<std::unique_ptr<device::Queue>> queues;
    queues.push_back(device_.NewQueue());
    return std::make_shared<Lane>(id, std::move(queues));
  }

  TestDevice device_;
  Counters counters_;
  const LaneRef lane_ = MakeLane(1);
  Executor executor_{{&device_}, lane_, counters_};
  types::Type type_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  Clock::time_point deadline_ = Clock::time_point::max();
  std::promise<absl::Status> done_;
  std::vector<int> ran_;  // kernels, on the device's thread
};

TEST_F(ExecutorTest, ACancelledRunIsRefused) {
  *cancelled_ = true;
  const absl::Status status = Run(Make({Nothing}, 0));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ReasonOf(status), "CANCELLED");
  EXPECT_EQ(counters_.launches, 0u);
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, ALateRunIsRefused) {
  deadline_ = Clock::now() - std::chrono::seconds(1);
  const absl::Status status = Run(Make({Nothing}, 0));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), "DEADLINE");
  EXPECT_EQ(counters_.launches, 0u);
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, ARunIsCancelledWhileItIsQueued) {
  std::promise<void> go;
  lane_->queue(0).Notify([&](absl::Status) { go.get_future().wait(); });
  const auto results = Submit(Make({Nothing, Nothing}, 1));
  ASSERT_TRUE(results.ok()) << results.status();
  *cancelled_ = true;
  go.set_value();
  EXPECT_EQ(done_.get_future().get().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(ran_, IsEmpty());
  EXPECT_EQ(counters_.runs_stopped, 1u);
}

TEST_F(ExecutorTest, ARunIsCancelledBetweenItsKernels) {
  const absl::Status status =
      Run(Make({Nothing, [this] { return Cancel(); }, Nothing, Nothing}, 3));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(ran_, ElementsAre(0, 1));
  EXPECT_EQ(counters_.runs_stopped, 1u);
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, ADeadlinePassesBetweenKernels) {
  deadline_ = Clock::now() + std::chrono::milliseconds(20);
  const absl::Status status = Run(Make({[this] { return OutlastDeadline(); }, Nothing}, 1));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(ran_, ElementsAre(0));
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, CancelDoesNothingFromTheFirstWriteInPlaceOn) {
  const absl::Status status = Run(Make({Nothing, [this] { return Cancel(); }, Nothing}, 1));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(ran_, ElementsAre(0, 1, 2));
  EXPECT_EQ(counters_.runs_stopped, 0u);
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, ADeadlineDoesNothingFromTheFirstWriteInPlaceOn) {
  deadline_ = Clock::now() + std::chrono::milliseconds(20);
  const absl::Status status = Run(Make({[this] { return OutlastDeadline(); }, Nothing}, 0));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(ran_, ElementsAre(0, 1));
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, AFaultAfterAWriteInPlaceIsTold) {
  const absl::Status status =
      Run(Make({Nothing, [] { return absl::InternalError("the device broke"); }}, 0));
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(MemoryInUse(), 0);
}

TEST_F(ExecutorTest, WithoutMemoryForACopyNothingIsTouched) {
  const Value held = *executor_.Allocate(*lane_, type_);
  std::vector<Value> rest;
  const int64_t most = device_.allocator().bytes_limit();
  while (device_.allocator().bytes_in_use() + 2 * 4096 <= most) {
    rest.push_back(*executor_.Allocate(*lane_, type_));
  }
  RunRequest request;
  request.executable = Make({Nothing}, 0);
  request.inputs = {held};
  request.donate = {0};
  const int64_t before = device_.allocator().bytes_in_use();
  const absl::Status status = executor_.Run(std::move(request)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(counters_.launches, 0u);
  EXPECT_EQ(counters_.donation_copied_bytes, 0u);
  EXPECT_EQ(MemoryInUse(), before);
}

}  // namespace
}  // namespace tensord::runtime
