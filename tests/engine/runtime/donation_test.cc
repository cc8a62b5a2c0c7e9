// Donated inputs: what is written over them, what is not and why, and that values are right either
// way.
#include <algorithm>
#include <numeric>

#include "engine/kernel/linear.h"
#include "engine/ops/build.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/runtime/types_of.h"
#include "tests/ops/devices.h"

namespace tensord::runtime {
namespace {

using ir::Function;
using ir::Ref;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using types::DType;
using types::HostTensor;
using types::Type;

HostTensor Counting(const Type& type, int64_t from = 0) {
  std::vector<int64_t> shape;
  for (const auto& dim : type.dims) shape.push_back(dim.constant());
  HostTensor tensor(type.dtype, shape);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    tensor.Set(i, types::Scalar::Float(DType::kF64, static_cast<double>(from + i)));
  }
  return tensor;
}

// Bytes that one run of the plan stores to global memory.
double BytesStored(const Plan& plan, absl::Span<const int64_t> variables = {}) {
  double bytes = 0;
  for (const PlanStep& step : plan.steps) {
    const auto kernel = kernel::ParseLinear(plan.kernels[step.kernel].text);
    TENSORD_CHECK(kernel.ok());
    bytes += kernel::EstimateWork(*kernel, variables).bytes_stored;
  }
  return bytes;
}

// The arguments of a run; unlike a braced list it holds nothing twice.
template <typename... V>
std::vector<Value> Inputs(V&&... values) {
  std::vector<Value> inputs;
  (inputs.push_back(std::forward<V>(values)), ...);
  return inputs;
}

class DonationTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto engine = Engine::Create({.devices = {GetParam()}, .threads = 2});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  ExecutableRef Prepare(const Function& function) {
    auto executable = engine_->Prepare(function);
    TENSORD_CHECK(executable.ok(), executable.status().ToString());
    return *executable;
  }
  Value Put(const HostTensor& tensor) { return *engine_->Put(tensor); }

  // Runs with the inputs at `donate` given away. What could not be written in place is in copies_.
  absl::StatusOr<std::vector<Value>> Run(const ExecutableRef& executable, std::vector<Value> inputs,
                                         std::vector<int> donate,
                                         std::vector<int64_t> variables = {},
                                         bool required = false) {
    RunRequest request;
    request.executable = executable;
    request.inputs = std::move(inputs);
    request.donate = std::move(donate);
    request.donate_required = required;
    request.variables = std::move(variables);
    request.on_copied = [this](int64_t bytes, const std::string& why) {
      copied_bytes_ += bytes;
      copies_.push_back(why);
    };
    request.on_done = [](absl::Status) {};
    return engine_->Run(std::move(request));
  }
  std::vector<double> Numbers(const Value& value) {
    const HostTensor tensor = *engine_->Fetch(value);
    std::vector<double> numbers;
    for (int64_t i = 0; i < tensor.elements(); ++i) numbers.push_back(tensor.At(i).AsDouble());
    return numbers;
  }
  uint64_t Donated() const { return engine_->counters().donated_bytes; }
  uint64_t Launches() const { return engine_->counters().launches; }

  std::unique_ptr<Engine> engine_;
  std::vector<std::string> copies_;
  int64_t copied_bytes_ = 0;
};

// w - g over w.
Function Update(std::initializer_list<int64_t> dims) {
  Function f;
  Ref w = ops::AddParameter(f, F32(dims)), g = ops::AddParameter(f, F32(dims));
  f.results = {ops::Sub(*f.graph, w, g)};
  f.donated = {0};
  return f;
}

TEST_P(DonationTest, AnElementwiseUpdateIsWrittenOverItsInput) {
  const ExecutableRef update = Prepare(Update({2, 2}));
  EXPECT_EQ(PlanOf(*update).donated_bytes, 16);
  Value w = Put(Counting(F32({2, 2}), 10));
  const Value g = Put(Counting(F32({2, 2})));
  const device::Memory* home = w.buffer->memory.get();
  const auto results = Run(update, Inputs(std::move(w), g), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].buffer->memory.get(), home);
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(10, 10, 10, 10));
  EXPECT_EQ(Donated(), 16u);
  EXPECT_THAT(copies_, IsEmpty());
}

TEST_P(DonationTest, AllResultsOfOneKernelAreWrittenOverTheirInputs) {
  Function f;  // momentum and weight, as an optimizer updates them
  Ref w = ops::AddParameter(f, F32({8})), m = ops::AddParameter(f, F32({8}));
  Ref g = ops::AddParameter(f, F32({8}));
  Ref next = ops::Add(*f.graph, m, g);
  f.results = {ops::Sub(*f.graph, w, next), next};
  f.donated = {0, 1};
  const ExecutableRef step = Prepare(f);
  const auto results = Run(
      step, Inputs(Put(Counting(F32({8}), 100)), Put(Counting(F32({8}))), Put(Counting(F32({8})))),
      {0, 1});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(100, 99, 98, 97, 96, 95, 94, 93));
  EXPECT_THAT(Numbers((*results)[1]), ElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
  EXPECT_EQ(Donated(), 64u);
  EXPECT_EQ(Launches(), 1u);
}

TEST_P(DonationTest, AFlipIsNotWrittenOverItsInput) {
  Function f;
  Ref x = ops::AddParameter(f, F32({5}));
  f.results = {ops::Flip(*f.graph, x, {0})};
  f.donated = {0};
  const auto results = Run(Prepare(f), Inputs(Put(Counting(F32({5})))), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(4, 3, 2, 1, 0));
  EXPECT_EQ(Donated(), 0u);
  EXPECT_EQ(copied_bytes_, 20);
  EXPECT_THAT(copies_, ElementsAre(HasSubstr("reads elements other than the one it writes")));
}

TEST_P(DonationTest, AMatmulIsNotWrittenOverItsInput) {
  Function f;
  Ref a = ops::AddParameter(f, F32({2, 2})), b = ops::AddParameter(f, F32({2, 2}));
  f.results = {ops::Build(*f.graph, "matmul", {a, b})};
  f.donated = {0};
  const auto results =
      Run(Prepare(f), Inputs(Put(Counting(F32({2, 2}))), Put(Counting(F32({2, 2}), 1))), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(3, 4, 11, 16));
  EXPECT_EQ(Donated(), 0u);
  EXPECT_EQ(copied_bytes_, 16);
}

TEST_P(DonationTest, AnInputThatIsAlsoAResultIsNotWrittenOver) {
  Function f;
  Ref x = ops::AddParameter(f, F32({3}));
  f.results = {ops::Add(*f.graph, x, x), x};
  f.donated = {0};
  const auto results = Run(Prepare(f), Inputs(Put(Counting(F32({3})))), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(0, 2, 4));
  EXPECT_THAT(Numbers((*results)[1]), ElementsAre(0, 1, 2));
  EXPECT_EQ(Donated(), 0u);
  EXPECT_THAT(copies_, ElementsAre(HasSubstr("is a result itself")));
}

TEST_P(DonationTest, AValueThatSomebodyHoldsIsCopiedFirst) {
  const ExecutableRef update = Prepare(Update({4}));
  const Value w = Put(Counting(F32({4}), 10)), g = Put(Counting(F32({4})));
  const auto results = Run(update, Inputs(w, g), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(10, 10, 10, 10));
  EXPECT_THAT(Numbers(w), ElementsAre(10, 11, 12, 13));
  EXPECT_EQ(Donated(), 0u);
  EXPECT_EQ(engine_->counters().donation_copied_bytes, 16u);
  EXPECT_EQ(copied_bytes_, 16);
  EXPECT_THAT(copies_, ElementsAre(HasSubstr("input 0 (f32[4])")));
}

TEST_P(DonationTest, OneValueAtTwoPositionsIsCopiedFirst) {
  const ExecutableRef update = Prepare(Update({4}));
  const Value w = Put(Counting(F32({4}), 10));
  const auto results = Run(update, Inputs(w, w), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(Donated(), 0u);
}

TEST_P(DonationTest, RequiredDonationIsRefusedBeforeAnythingRuns) {
  const ExecutableRef update = Prepare(Update({4}));
  const Value w = Put(Counting(F32({4}), 10)), g = Put(Counting(F32({4})));
  const int64_t before = engine_->devices()[0].memory_used;
  const absl::Status held = Run(update, Inputs(w, g), {0}, {}, true).status();
  EXPECT_EQ(held.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(held), "DONATION");
  EXPECT_THAT(std::string(held.message()), HasSubstr("input 0 (f32[4])"));
  Function flip;
  Ref x = ops::AddParameter(flip, F32({5}));
  flip.results = {ops::Flip(*flip.graph, x, {0})};
  flip.donated = {0};
  const absl::Status planned =
      Run(Prepare(flip), Inputs(Put(Counting(F32({5})))), {0}, {}, true).status();
  EXPECT_EQ(planned.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(planned.message()), HasSubstr("other than the one it writes"));
  EXPECT_EQ(Launches(), 0u);
  EXPECT_THAT(copies_, IsEmpty());
  EXPECT_EQ(engine_->devices()[0].memory_used, before);
  EXPECT_THAT(Numbers(w), ElementsAre(10, 11, 12, 13));
}

// ------------------------------------------------------------------ slices

constexpr int64_t kHeads = 4, kLength = 128, kWidth = 32;
constexpr double kRowBytes = kHeads * kWidth * 4, kCacheBytes = kRowBytes * kLength;

enum class Start { kFixed, kVariable, kComputed };

// One row of a key cache and of a value cache of [heads, length, width], at a position.
Function DecodeStep(Start kind, bool donate) {
  Function f;
  Ref keys = ops::AddParameter(f, F32({kHeads, kLength, kWidth}));
  Ref values = ops::AddParameter(f, F32({kHeads, kLength, kWidth}));
  Ref row = ops::AddParameter(f, F32({kHeads, 1, kWidth}));
  Ref twice = ops::Add(*f.graph, row, row);
  if (kind == Start::kVariable) f.variables.push_back({"pos", 0, kLength - 1});
  const types::Sym at = kind == Start::kFixed      ? types::Sym(7)
                        : kind == Start::kVariable ? types::Sym::Variable("pos", 0, kLength - 1)
                                                   : types::Sym(0);
  const types::Dims start = {0, at, 0};
  if (kind == Start::kComputed) {
    Ref pos = ops::AddParameter(f, TypeOf(DType::kI64, {}));
    const ir::Ints axes = {1};
    f.results = {ops::Build(*f.graph, "slice_update", {keys, row, pos}, {{"axes", axes}}),
                 ops::Build(*f.graph, "slice_update", {values, twice, pos}, {{"axes", axes}})};
  } else {
    f.results = {ops::Build(*f.graph, "slice_update", {keys, row}, {{"start", start}}),
                 ops::Build(*f.graph, "slice_update", {values, twice}, {{"start", start}})};
  }
  if (donate) f.donated = {0, 1};
  return f;
}

class SliceDonationTest : public DonationTest {
 protected:
  // A hundred decode steps; the caches afterwards.
  std::vector<std::vector<double>> Decode(Start kind, bool donate) {
    const ExecutableRef step = Prepare(DecodeStep(kind, donate));
    Value keys = Put(Counting(F32({kHeads, kLength, kWidth})));
    Value values = Put(Counting(F32({kHeads, kLength, kWidth}), 5));
    for (int64_t i = 0; i < 100; ++i) {
      std::vector<Value> inputs = Inputs(std::move(keys), std::move(values),
                                         Put(Counting(F32({kHeads, 1, kWidth}), 1000 * i)));
      std::vector<int64_t> variables;
      // Computed starts also leave the cache on both sides: nothing is written then.
      const int64_t pos = kind == Start::kComputed ? i * 2 - 20 : i;
      if (kind == Start::kVariable) variables = {pos};
      if (kind == Start::kComputed) inputs.push_back(Put(Counting(TypeOf(DType::kI64, {}), pos)));
      auto results = Run(step, std::move(inputs), donate ? std::vector{0, 1} : std::vector<int>(),
                         std::move(variables));
      TENSORD_CHECK(results.ok(), results.status().ToString());
      keys = std::move((*results)[0]);
      values = std::move((*results)[1]);
    }
    return {Numbers(keys), Numbers(values)};
  }
};

TEST_P(SliceDonationTest, AFixedSliceIsAllThatIsWritten) {
  const ExecutableRef step = Prepare(DecodeStep(Start::kFixed, true));
  EXPECT_EQ(PlanOf(*step).steps.size(), 1u);
  EXPECT_EQ(BytesStored(PlanOf(*step)), 2 * kRowBytes);
  EXPECT_EQ(BytesStored(PlanOf(*Prepare(DecodeStep(Start::kFixed, false)))), 2 * kCacheBytes);
}

TEST_P(SliceDonationTest, ASliceAtAVariableIsAllThatIsWritten) {
  const ExecutableRef step = Prepare(DecodeStep(Start::kVariable, true));
  EXPECT_EQ(PlanOf(*step).steps.size(), 1u);
  EXPECT_EQ(BytesStored(PlanOf(*step), {3}), 2 * kRowBytes);
}

TEST_P(SliceDonationTest, ASliceAtAComputedStartIsAllThatIsWritten) {
  const ExecutableRef step = Prepare(DecodeStep(Start::kComputed, true));
  EXPECT_EQ(PlanOf(*step).steps.size(), 2u);
  EXPECT_EQ(BytesStored(PlanOf(*step)), 2 * kRowBytes);
}

TEST_P(SliceDonationTest, ABlockAtSeveralComputedStartsIsAllThatIsWritten) {
  Function f;
  Ref x = ops::AddParameter(f, F32({4, 4})), y = ops::AddParameter(f, F32({2, 2}));
  Ref row = ops::AddParameter(f, TypeOf(DType::kI32, {}));
  Ref column = ops::AddParameter(f, TypeOf(DType::kI32, {}));
  f.results = {ops::Build(*f.graph, "slice_update", {x, y, row, column})};
  f.donated = {0};
  const auto results = Run(
      Prepare(f),
      Inputs(Put(Counting(F32({4, 4}))), Put(Counting(F32({2, 2}), 50)),
             Put(Counting(TypeOf(DType::kI32, {}), 3)), Put(Counting(TypeOf(DType::kI32, {}), 1))),
      {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 50, 51, 15));
  EXPECT_EQ(Donated(), 64u);
}

TEST_P(SliceDonationTest, AHundredDecodeStepsHaveTheBitsOfTheUndonatedRun) {
  for (Start kind : {Start::kFixed, Start::kVariable, Start::kComputed}) {
    const auto want = Decode(kind, false);
    EXPECT_EQ(Donated(), 0u);
    const uint64_t launches = Launches();
    const auto got = Decode(kind, true);
    EXPECT_EQ(got, want);
    EXPECT_EQ(Donated(), 100 * 2 * kCacheBytes);
    EXPECT_EQ(Launches() - launches, kind == Start::kComputed ? 200u : 100u);
    EXPECT_THAT(copies_, IsEmpty());
    SetUp();
  }
}

TEST_P(SliceDonationTest, ACacheThatTheRowIsMadeFromIsNotWrittenBeforeItIsRead) {
  Function f;  // row 0 takes row 2
  Ref cache = ops::AddParameter(f, F32({3, 2}));
  Ref last = ops::Slice(*f.graph, cache, 0, 2, 1);
  f.results = {ops::Build(*f.graph, "slice_update", {cache, last})};
  f.donated = {0};
  const auto results = Run(Prepare(f), Inputs(Put(Counting(F32({3, 2})))), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(4, 5, 2, 3, 4, 5));
}

TEST_P(SliceDonationTest, WhatElseTheKernelStoresIsStoredWhole) {
  Function f;
  Ref cache = ops::AddParameter(f, F32({3, 2})), row = ops::AddParameter(f, F32({1, 2}));
  Ref next = ops::Build(*f.graph, "slice_update", {cache, row}, {{"start", types::Dims{1, 0}}});
  f.results = {next, ops::Add(*f.graph, next, next)};
  f.donated = {0};
  const auto results =
      Run(Prepare(f), Inputs(Put(Counting(F32({3, 2}))), Put(Counting(F32({1, 2}), 50))), {0});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(0, 1, 50, 51, 4, 5));
  EXPECT_THAT(Numbers((*results)[1]), ElementsAre(0, 2, 100, 102, 8, 10));
}

TEST_P(SliceDonationTest, TwoSlicesAtDifferentPlacesAreTwoLaunches) {
  Function f;
  Ref a = ops::AddParameter(f, F32({3, 4})), b = ops::AddParameter(f, F32({3, 4}));
  Ref row = ops::AddParameter(f, F32({1, 4}));
  f.results = {ops::Build(*f.graph, "slice_update", {a, row}, {{"start", types::Dims{1, 0}}}),
               ops::Build(*f.graph, "slice_update", {b, row}, {{"start", types::Dims{2, 0}}})};
  f.donated = {0, 1};
  const ExecutableRef step = Prepare(f);
  EXPECT_EQ(BytesStored(PlanOf(*step)), 2 * 4 * 4);
  const auto results = Run(step,
                           Inputs(Put(Counting(F32({3, 4}))), Put(Counting(F32({3, 4}))),
                                  Put(Counting(F32({1, 4}), 70))),
                           {0, 1});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(Numbers((*results)[0]), ElementsAre(0, 1, 2, 3, 70, 71, 72, 73, 8, 9, 10, 11));
  EXPECT_THAT(Numbers((*results)[1]), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 70, 71, 72, 73));
  EXPECT_EQ(Launches(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Devices, DonationTest,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(Devices, SliceDonationTest,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tensord::runtime
