// Random graphs on every device against the plain evaluator; and bit for bit over thread counts and
// random schedules.
#include "tests/ops/random_graph.h"

#include <cstdlib>

#include "engine/ops/evaluator.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/ops/ops_testing.h"
#include "tests/ops/devices.h"

namespace tensord {
namespace {

using testing_support::EngineOf;
using testing_support::MakeRandomGraph;
using testing_support::RandomGraph;

// TEST_GRAPHS in the environment overrides how many.
uint64_t GraphCount() {
  const char* count = std::getenv("TEST_GRAPHS");
  return count != nullptr ? std::strtoull(count, nullptr, 10) : 2000;
}

class RandomGraphs : public testing::TestWithParam<std::string> {};

TEST_P(RandomGraphs, AgreeWithTheEvaluator) {
  for (uint64_t seed = 1; seed <= GraphCount(); ++seed) {
    const RandomGraph graph = MakeRandomGraph(seed);
    const auto want = ops::EvaluateFunction(graph.function, graph.arguments);
    ASSERT_TRUE(want.ok()) << want.status();
    const auto got = EngineOf(GetParam()).Evaluate(graph.function, graph.arguments);
    ASSERT_TRUE(got.ok()) << "seed " << seed << ": " << got.status() << "\n"
                          << graph.function.Print();
    for (size_t i = 0; i < want->size(); ++i) {
      ASSERT_EQ(ops::Difference((*got)[i], (*want)[i], 1e-5), "")
          << "seed " << seed << " result " << i << "\n"
          << graph.function.Print();
    }
  }
}

TEST_P(RandomGraphs, GiveTheSameBitsOnAnyThreadsAndSchedule) {
  const uint64_t count = std::min<uint64_t>(GraphCount() / 10, 200);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    const RandomGraph graph = MakeRandomGraph(seed);
    const auto one = EngineOf(GetParam(), 1).Evaluate(graph.function, graph.arguments);
    ASSERT_TRUE(one.ok()) << one.status();
    for (auto [threads, schedule] :
         {std::pair{2, uint64_t{0}}, {4, uint64_t{0}}, {2, 1 + seed % 3}}) {
      const auto other =
          EngineOf(GetParam(), threads, schedule).Evaluate(graph.function, graph.arguments);
      ASSERT_TRUE(other.ok()) << "seed " << seed << ": " << other.status();
      for (size_t i = 0; i < one->size(); ++i) {
        ASSERT_THAT((*other)[i].bytes(), testing::ElementsAreArray((*one)[i].bytes()))
            << "seed " << seed << ", " << threads << " threads, schedule " << schedule << "\n"
            << graph.function.Print();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, RandomGraphs,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tensord
