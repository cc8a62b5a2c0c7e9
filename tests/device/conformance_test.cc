// What every device must do. A device that can't says so in kExceptions, with the reason.
#include <atomic>
#include <cstring>
#include <future>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/status.h"
#include "engine/device/device.h"
#include "engine/kernel/linear_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::device {
namespace {

using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using testing::HasSubstr;
using types::DType;

struct Exception {
  std::string_view driver, what, reason;
};
constexpr Exception kExceptions[] = {
    {"null", "holds data", "it has no memory behind its buffers"},
    {"null", "computes", "launches do nothing"},
};

class Conformance : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    DeviceOptions options;
    options.threads = 2;
    options.compile_workers = 1;
    options.memory_limit = kLimit;
    Open(options);
  }

  void Open(const DeviceOptions& options) {
    device_ = nullptr;
    auto device = OpenDevice(GetParam(), options);
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *std::move(device);
  }

  // The reason why this device doesn't do `what`; empty if it does.
  std::string_view Excuse(std::string_view what) const {
    for (const Exception& e : kExceptions) {
      if (GetParam().substr(0, GetParam().find(':')) == e.driver && what == e.what) return e.reason;
    }
    return {};
  }

  std::unique_ptr<Memory> Allocate(int64_t bytes) {
    auto memory = device_->allocator().Allocate(bytes);
    EXPECT_TRUE(memory.ok()) << memory.status();
    return *std::move(memory);
  }

  template <typename T>
  std::unique_ptr<Memory> Upload(const std::vector<T>& values) {
    const int64_t bytes = static_cast<int64_t>(values.size() * sizeof(T));
    auto memory = Allocate(bytes);
    queue().CopyIn({memory.get(), 0}, reinterpret_cast<const std::byte*>(values.data()), bytes);
    EXPECT_TRUE(queue().Wait(queue().Last().value).ok());
    return memory;
  }

  template <typename T>
  std::vector<T> Download(Memory& memory, size_t count, int64_t offset = 0) {
    std::vector<T> values(count);
    const Point done = queue().CopyOut(reinterpret_cast<std::byte*>(values.data()),
                                       {&memory, offset}, static_cast<int64_t>(count * sizeof(T)));
    EXPECT_TRUE(queue().Wait(done.value).ok());
    return values;
  }

  std::unique_ptr<Program> Build(const Linear& kernel) {
    EXPECT_TRUE(kernel::Verify(kernel).ok()) << kernel::Verify(kernel);
    auto binary = device_->Compile(kernel);
    EXPECT_TRUE(binary.ok()) << binary.status();
    auto program = device_->Load(kernel, *binary);
    EXPECT_TRUE(program.ok()) << program.status();
    return *std::move(program);
  }

  Queue& queue() { return device_->queue(); }

  static constexpr int64_t kLimit = 64 << 20;
  std::unique_ptr<Device> device_;
};

// y = 2 x + y over n elements, n a variable.
Linear Axpy() {
  LinearBuilder b("axpy");
  const int n = b.AddVariable("n", 0, 4096);
  const int x = b.AddGlobal("x", DType::kF32, b.VariableSym(n), Access::kIn);
  const int y = b.AddGlobal("y", DType::kF32, b.VariableSym(n), Access::kInOut);
  const kernel::VType vector{DType::kF32, 8};
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.Var(n), 8);
  const int mask = b.Lt(b.Add(i, b.Iota({DType::kI64, 8})), b.Var(n));
  const int sum =
      b.Fma(b.Const(vector, 2.0), b.Load(x, vector, i, mask), b.Load(y, vector, i, mask));
  b.Store(y, i, sum, mask);
  b.End();
  return std::move(b).Finish();
}

// x[0] = x[0] * 3 + 1, in i64.
Linear Step() {
  LinearBuilder b("step");
  const int x = b.AddGlobal("x", DType::kI64, 1, Access::kInOut);
  const int zero = b.I64(0);
  b.Store(x, zero, b.Add(b.Mul(b.Load(x, {DType::kI64, 1}, zero), b.I64(3)), b.I64(1)));
  return std::move(b).Finish();
}

// A queue of elsewhere: its one point is reached when the test says so.
class ManualQueue : public Queue {
 public:
  explicit ManualQueue(absl::Status outcome = absl::OkStatus()) : outcome_(std::move(outcome)) {}
  Point point() { return {this, 1}; }
  void Reach() {
    reached_.set_value();
    for (auto& then : std::exchange(when_reached_, {})) std::move(then)();
  }

  // REQUIRES: no Reach meanwhile.
  void WhenReached(uint64_t, absl::AnyInvocable<void() &&> then) override {
    if (future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      return std::move(then)();
    }
    when_reached_.push_back(std::move(then));
  }
  int64_t BusyNanoseconds() const override { return 0; }

  absl::Status Wait(uint64_t) override {
    future_.wait();
    return outcome_;
  }
  Point Launch(const Program&, absl::Span<const Argument>, absl::Span<const int64_t>,
               Gate) override {
    return {};
  }
  Point Copy(Argument, Argument, int64_t) override { return {}; }
  Point CopyIn(Argument, const std::byte*, int64_t) override { return {}; }
  Point CopyOut(std::byte*, Argument, int64_t) override { return {}; }
  Point Fill(Argument, int64_t, std::byte) override { return {}; }
  void WaitFor(Point) override {}
  void Notify(absl::AnyInvocable<void(absl::Status) &&>) override {}
  Point Last() const override { return {}; }

 private:
  const absl::Status outcome_;
  std::promise<void> reached_;
  std::shared_future<void> future_ = reached_.get_future().share();
  std::vector<absl::AnyInvocable<void() &&>> when_reached_;
};

// The next Notify's status.
absl::Status NotifyAndWait(Queue& queue) {
  std::promise<absl::Status> notified;
  queue.Notify([&](absl::Status status) { notified.set_value(std::move(status)); });
  return notified.get_future().get();
}

TEST_P(Conformance, NamesItself) {
  EXPECT_EQ(device_->name(), GetParam());
  EXPECT_EQ(device_->capabilities().name, GetParam());
  EXPECT_GE(device_->capabilities().threads, 1);
  EXPECT_FALSE(device_->compile_key().empty());
}

TEST_P(Conformance, AllocatesAndCounts) {
  Allocator& allocator = device_->allocator();
  EXPECT_EQ(allocator.bytes_limit(), kLimit);
  const int64_t before = allocator.bytes_in_use();
  {
    std::vector<std::unique_ptr<Memory>> blocks;
    for (int64_t bytes : {0, 1, 63, 64, 65, 1000, 4096, 3 << 20}) {
      blocks.push_back(Allocate(bytes));
      EXPECT_GE(blocks.back()->bytes(), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back()->host()) % 64, 0u);
    }
    EXPECT_GE(allocator.bytes_in_use(), before + (3 << 20));
  }
  EXPECT_EQ(allocator.bytes_in_use(), before);
}

TEST_P(Conformance, SaysWhatDidNotFit) {
  Allocator& allocator = device_->allocator();
  auto half = Allocate(kLimit / 2);
  auto status = allocator.Allocate(kLimit).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(StrCat("asked for ", kLimit, " bytes, ", allocator.bytes_in_use(), " of ",
                               kLimit, " in use")));
  EXPECT_EQ(allocator.Allocate(int64_t{1} << 60).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(allocator.Allocate(-1).status().code(), absl::StatusCode::kInvalidArgument);
  half = nullptr;
  EXPECT_TRUE(allocator.Allocate(kLimit / 2).ok());
}

TEST_P(Conformance, FreedMemoryIsNoObstacle) {
  for (int64_t bytes : {kLimit / 3, kLimit / 2, kLimit / 5, kLimit / 4 * 3}) {
    for (int i = 0; i < 5; ++i) ASSERT_NE(Allocate(bytes), nullptr);
  }
}

TEST_P(Conformance, AllocatorIsThreadSafe) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 200; ++i) Allocate(1000 * (t + 1) + i);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(device_->allocator().bytes_in_use(), 0);
}

TEST_P(Conformance, Copies) {
  if (!Excuse("holds data").empty()) GTEST_SKIP() << Excuse("holds data");
  std::vector<int32_t> values(1000);
  std::iota(values.begin(), values.end(), 0);
  auto a = Upload(values);
  auto b = Allocate(4000);
  queue().Copy({b.get(), 400}, {a.get(), 0}, 3600);
  queue().Copy({b.get(), 0}, {a.get(), 3600}, 400);
  const auto moved = Download<int32_t>(*b, 1000);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(moved[i], (i + 900) % 1000);
  EXPECT_EQ(Download<int32_t>(*a, 10, 40)[0], 10);
}

TEST_P(Conformance, Fills) {
  if (!Excuse("holds data").empty()) GTEST_SKIP() << Excuse("holds data");
  auto memory = Allocate(100);
  queue().Fill({memory.get(), 0}, 100, std::byte{7});
  queue().Fill({memory.get(), 10}, 20, std::byte{9});
  const auto bytes = Download<uint8_t>(*memory, 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bytes[i], i >= 10 && i < 30 ? 9 : 7);
}

TEST_P(Conformance, TakesNothingForAnAnswer) {
  auto memory = Allocate(0);
  queue().Fill({memory.get(), 0}, 0, std::byte{1});
  queue().Copy({memory.get(), 0}, {memory.get(), 0}, 0);
  queue().CopyIn({memory.get(), 0}, nullptr, 0);
  queue().CopyOut(nullptr, {memory.get(), 0}, 0);
  auto program = Build(Axpy());
  queue().Launch(*program, {{memory.get(), 0}, {memory.get(), 0}}, {0});
  EXPECT_TRUE(queue().Wait(queue().Last().value).ok());
  EXPECT_TRUE(NotifyAndWait(queue()).ok());
}

TEST_P(Conformance, Computes) {
  if (!Excuse("computes").empty()) GTEST_SKIP() << Excuse("computes");
  auto program = Build(Axpy());
  for (int64_t n : {1, 7, 8, 9, 100, 4096}) {
    std::vector<float> values(static_cast<size_t>(n) + 8);
    std::iota(values.begin(), values.end(), 1.0f);
    auto x = Upload(values), y = Upload(values);
    queue().Launch(*program, {{x.get(), 0}, {y.get(), 0}}, {n});
    const auto result = Download<float>(*y, values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(result[i], static_cast<int64_t>(i) < n ? 3 * values[i] : values[i])
          << n << " " << i;
    }
  }
}

TEST_P(Conformance, ArgumentsHaveOffsets) {
  if (!Excuse("computes").empty()) GTEST_SKIP() << Excuse("computes");
  auto program = Build(Axpy());
  auto memory = Upload(std::vector<float>(64, 1.0f));
  queue().Launch(*program, {{memory.get(), 0}, {memory.get(), 128}}, {16});
  const auto result = Download<float>(*memory, 64);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(result[i], i >= 32 && i < 48 ? 3 : 1) << i;
}

TEST_P(Conformance, RunsInOrder) {
  if (!Excuse("computes").empty()) GTEST_SKIP() << Excuse("computes");
  auto program = Build(Step());
  auto memory = Upload(std::vector<int64_t>{1});
  uint64_t expected = 1;
  for (int i = 0; i < 1000; ++i) {
    queue().Launch(*program, {{memory.get(), 0}}, {});
    expected = expected * 3 + 1;
  }
  EXPECT_EQ(static_cast<uint64_t>(Download<int64_t>(*memory, 1)[0]), expected);
}

TEST_P(Conformance, PointsGrow) {
  auto memory = Allocate(8);
  EXPECT_TRUE(queue().Wait(0).ok());
  uint64_t last = queue().Last().value;
  for (int i = 0; i < 10; ++i) {
    const Point point = queue().Fill({memory.get(), 0}, 8, std::byte{0});
    EXPECT_EQ(point.queue, &queue());
    EXPECT_GT(point.value, last);
    EXPECT_EQ(queue().Last().value, point.value);
    last = point.value;
  }
  EXPECT_TRUE(queue().Wait(last).ok());
}

TEST_P(Conformance, SubmittingNeverWaits) {
  auto memory = Allocate(8);
  auto program = Build(Step());
  ManualQueue other;
  queue().WaitFor(other.point());
  std::atomic<bool> done = false;
  for (int i = 0; i < 1000; ++i) queue().Launch(*program, {{memory.get(), 0}}, {});
  queue().Notify([&](absl::Status) { done = true; });
  EXPECT_FALSE(done);  // and here we are, though the device is held up
  other.Reach();
  EXPECT_TRUE(queue().Wait(queue().Last().value).ok());
  EXPECT_TRUE(NotifyAndWait(queue()).ok());
  EXPECT_TRUE(done);
}

TEST_P(Conformance, WaitsForAnotherQueue) {
  if (!Excuse("computes").empty()) GTEST_SKIP() << Excuse("computes");
  auto program = Build(Step());
  auto memory = Upload(std::vector<int64_t>{1});
  ManualQueue other;
  queue().WaitFor(other.point());
  queue().Launch(*program, {{memory.get(), 0}}, {});
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    other.Reach();
  });
  EXPECT_EQ(Download<int64_t>(*memory, 1)[0], 4);
  later.join();
  queue().WaitFor(queue().Last());  // no deadlock
  queue().WaitFor({});
  EXPECT_TRUE(queue().Wait(queue().Last().value).ok());
}

TEST_P(Conformance, NotifiesOnceEverythingIsDone) {
  auto memory = Allocate(1 << 20);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    queue().Fill({memory.get(), 0}, 1 << 20, std::byte{0});
    queue().Notify([&order, i](absl::Status status) {
      EXPECT_TRUE(status.ok());
      order.push_back(i);
    });
  }
  EXPECT_TRUE(NotifyAndWait(queue()).ok());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_P(Conformance, ReportsAnErrorOnce) {
  ManualQueue failed(FailedPrecondition("the other device is gone"));
  failed.Reach();
  auto memory = Allocate(8);
  queue().WaitFor(failed.point());
  queue().Fill({memory.get(), 0}, 8, std::byte{0});
  const absl::Status first = NotifyAndWait(queue());
  EXPECT_EQ(first.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(first.message(), "the other device is gone");
  EXPECT_TRUE(NotifyAndWait(queue()).ok());
}

TEST_P(Conformance, QueueIsThreadSafe) {
  auto memory = Allocate(64);
  std::atomic<int> notified = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const Point point = queue().Fill({memory.get(), 8 * t}, 8, std::byte{1});
        if (i % 50 == 0) {
          EXPECT_TRUE(queue().Wait(point.value).ok());
        }
        queue().Notify([&](absl::Status) { ++notified; });
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_TRUE(NotifyAndWait(queue()).ok());
  EXPECT_EQ(notified, 800);
}

TEST_P(Conformance, CompilesAlike) {
  auto first = device_->Compile(Axpy()), second = device_->Compile(Axpy());
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_EQ(*first, *second);
  const std::string key = device_->compile_key();
  EXPECT_EQ(OpenDevice(GetParam()).value()->compile_key(), key);
}

TEST_P(Conformance, RefusesForeignBinaries) {
  const Linear kernel = Axpy();
  std::string cut = *device_->Compile(kernel);
  cut.resize(cut.size() / 2);
  for (const std::string& binary : {std::string(), std::string("\0\1\2garbage", 10), cut}) {
    EXPECT_EQ(device_->Load(kernel, binary).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(Conformance, FinishesWorkBeforeItGoes) {
  auto memory = Allocate(1 << 20);
  std::atomic<int> notified = 0;
  for (int i = 0; i < 100; ++i) {
    queue().Fill({memory.get(), 0}, 1 << 20, std::byte{0});
    queue().Notify([&](absl::Status) { ++notified; });
  }
  EXPECT_TRUE(queue().Wait(queue().Last().value).ok());
  memory = nullptr;
  device_ = nullptr;
  EXPECT_EQ(notified, 100);
}

TEST_P(Conformance, ThreadsDoNotChangeBits) {
  if (!Excuse("computes").empty()) GTEST_SKIP() << Excuse("computes");
  std::vector<float> values(4000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  std::vector<float> first;
  for (int threads : {1, 2, 4}) {
    DeviceOptions options;
    options.threads = threads;
    options.compile_workers = 1;
    Open(options);
    auto program = Build(Axpy());
    auto x = Upload(values), y = Upload(values);
    for (int i = 0; i < 3; ++i) queue().Launch(*program, {{x.get(), 0}, {y.get(), 0}}, {4000});
    const auto result = Download<float>(*y, values.size());
    if (first.empty()) first = result;
    EXPECT_EQ(std::memcmp(first.data(), result.data(), result.size() * sizeof(float)), 0);
  }
}

// The names of every device on this machine.
std::vector<std::string> Devices() {
  std::vector<std::string> names;
  for (const DeviceDriver* driver : AllDrivers()) {
    const int count = driver->count();
    for (int i = 0; i < count; ++i) {
      names.push_back(count == 1 ? std::string(driver->name) : StrCat(driver->name, ":", i));
    }
  }
  return names;
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = c == ':' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Devices, Conformance, testing::ValuesIn(Devices()), TestName);

TEST(Registry, KnowsCpuAndNull) { EXPECT_THAT(Devices(), testing::IsSupersetOf({"cpu", "null"})); }

TEST(Registry, ListsWhatExists) {
  for (const char* name : {"gpu", "", "cpu:1", "cpu:x", "cpu:-1", ":", "cpu:0:0"}) {
    const absl::Status status = OpenDevice(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cpu")) << name;
  }
  EXPECT_TRUE(OpenDevice("cpu:0").ok());
}

}  // namespace
}  // namespace tensord::device
