// The composites of nn, linalg, index, loss and optim against numbers that PyTorch, numpy and scipy
// made: tests/ops/reference_nn/*.json, written by generate.py there. Values and gradients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/strings.h"
#include "engine/ops/compose.h"
#include "engine/ops/gradient.h"
#include "tests/engine/ops/reference_cases.h"

namespace tensord::ops {
namespace {

// Relative to the expected value, absolute below 1; zeros of either sign are equal.
void ExpectClose(const HostTensor& actual, const HostTensor& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(actual.dtype(), expected.dtype()) << what;
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const double a = actual.At(i).AsDouble(), e = expected.At(i).AsDouble();
    const double allowed =
        types::IsFloat(expected.dtype()) ? tolerance * std::max(1.0, std::abs(e)) : 0;
    const bool same = a == e || (std::isnan(a) && std::isnan(e)) || std::abs(a - e) <= allowed;
    EXPECT_TRUE(same) << what << ": element " << i << " is " << a << ", expected " << e << "\n got "
                      << actual.ToString() << "\nwant " << expected.ToString();
    if (!same) return;
  }
}

void CheckValues(const ReferenceCase& one, const std::string& what) {
  const OpCall call = CallOf(one);
  const auto results = EvaluateFunction(call.function, call.arguments);
  ASSERT_TRUE(results.ok()) << what << ": " << results.status();
  const std::vector<HostTensor> expected = one.Tensors("results");
  ASSERT_EQ(results->size(), expected.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    ExpectClose((*results)[i], expected[i], one.tolerance, StrCat(what, " result ", i));
  }
}

// The sum of all results, each times its seed.
Ref WeightedSum(OpCall& call, const std::vector<HostTensor>& seeds) {
  Graph& graph = *call.function.graph;
  Ref total = nullptr;
  for (size_t i = 0; i < seeds.size(); ++i) {
    Ref result = call.function.results[i];
    const Expr seed(graph, AddParameter(call.function, result->type()));
    call.arguments.push_back(seeds[i]);
    const Expr weighted = Widen(graph, result) * Widen(graph, seed);
    Ref sum = Reduce(graph, weighted, "sum", Range(0, result->rank()));
    total = total == nullptr ? sum : Add(graph, total, sum);
  }
  return total;
}

void CheckGradients(const ReferenceCase& one, const std::string& what) {
  OpCall call = CallOf(one);
  const std::vector<std::string>& expected = one.fields.at("gradients");
  const std::vector<Ref> parameters = call.function.parameters;
  Ref total = WeightedSum(call, one.Tensors("seeds"));
  std::vector<Ref> wrt;
  std::vector<HostTensor> wanted;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].empty()) continue;
    wrt.push_back(parameters[i]);
    wanted.push_back(Tensor(expected[i]));
  }
  const auto gradients = Gradient(*call.function.graph, total, wrt);
  ASSERT_TRUE(gradients.ok()) << what << ": " << gradients.status();
  call.function.results = *gradients;
  const auto results = EvaluateFunction(call.function, call.arguments);
  ASSERT_TRUE(results.ok()) << what << ": " << results.status();
  for (size_t i = 0; i < wanted.size(); ++i) {
    ExpectClose((*results)[i], wanted[i], one.tolerance, StrCat(what, " gradient ", i));
  }
}

class ReferenceNnTest : public testing::TestWithParam<const char*> {
 protected:
  std::vector<ReferenceCase> Cases() const {
    return ReadReferenceCases(StrCat("reference_nn/", GetParam(), ".json"));
  }
};

TEST_P(ReferenceNnTest, ValuesAgree) {
  int number = 0;
  for (const ReferenceCase& one : Cases()) CheckValues(one, one.Describe(number++));
}

TEST_P(ReferenceNnTest, GradientsAgree) {
  int number = 0;
  for (const ReferenceCase& one : Cases()) {
    if (one.fields.contains("gradients")) CheckGradients(one, one.Describe(number));
    ++number;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceNnTest,
                         testing::Values("activation", "attention", "conv", "cross_entropy",
                                         "index", "linalg", "loss", "norm", "optim", "pool"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tensord::ops
