// Gradients of every op row that has one: on every device against the plain evaluator, and the
// evaluator's against finite differences in f64.
#include <cmath>

#include "engine/ops/evaluator.h"
#include "engine/ops/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ops/devices.h"
#include "tests/ops/op_cases.h"
#include "tests/ops/op_closeness.h"

namespace tensord::testing_support {
namespace {

using ir::OpRow;
using ir::Ref;
using types::DType;
using types::HostTensor;

// What the gradients of a call may be off by, in eps of the largest element: 4 sqrt(K), where K
// elements of the call meet in one of a gradient; 16 for the steps of any.
double EpsOf(const OpCases& cases, const OpCase& one) {
  double largest = 1, least = INFINITY;
  for (size_t a = 0; a < one.inputs.size(); ++a) {
    const HostTensor& argument = cases.arguments[one.first_argument + a];
    largest = std::max<double>(largest, argument.elements());
  }
  for (Ref gradient : one.outputs)
    least = std::min<double>(least, gradient->type().elements().constant());
  return std::max(16.0, 4 * std::sqrt(largest / std::max(least, 1.0)));
}

class OpGradients : public testing::TestWithParam<const OpRow*> {};

TEST_P(OpGradients, AgreeOnDevices) {
  const OpRow& row = *GetParam();
  std::mt19937 random(3);
  OpCases cases = MakeOpCases(row, FormsOf(row, "SEOBL"), Values::kOrdinary, FloatDTypes());
  DifferentiateCases(cases, random);
  ASSERT_GT(cases.cases.size(), 0u);
  const auto want = ops::EvaluateFunction(cases.function, cases.arguments);
  ASSERT_TRUE(want.ok()) << want.status();
  for (const std::string& device : ComputingDevices()) {
    const auto got = EngineOf(device).Evaluate(cases.function, cases.arguments);
    ASSERT_TRUE(got.ok()) << device << ": " << got.status();
    for (const OpCase& one : cases.cases) {
      for (size_t i = 0; i < one.outputs.size(); ++i) {
        const size_t r = one.first_result + i;
        EXPECT_EQ(GradientDisagreement((*got)[r], (*want)[r], EpsOf(cases, one)), "")
            << device << ": " << row.name << " " << one.name << " input " << one.wrt[i];
      }
    }
  }
}

double ValueAt(const OpCases& value, const std::vector<HostTensor>& arguments) {
  const auto results = ops::EvaluateFunction(value.function, arguments);
  EXPECT_TRUE(results.ok()) << results.status();
  return (*results)[0].as<double>()[0];
}

// Some elements of one input, moved by a step either way.
void ExpectSlopes(const OpCases& value, const OpCase& one, size_t input, const HostTensor& gradient,
                  std::mt19937& random) {
  constexpr double kStep = 1e-5;
  constexpr int64_t kMost = 12;
  std::vector<HostTensor> moved = value.arguments;
  absl::Span<double> x = moved[one.first_argument + input].as<double>();
  for (int64_t probe = 0; probe < std::min<int64_t>(kMost, x.size()); ++probe) {
    const auto i = static_cast<size_t>(x.size() <= kMost ? probe : random() % x.size());
    const double at = x[i];
    x[i] = at + kStep;
    const double above = ValueAt(value, moved);
    x[i] = at - kStep;
    const double slope = (above - ValueAt(value, moved)) / (2 * kStep);
    x[i] = at;
    EXPECT_NEAR(gradient.as<double>()[i], slope, 1e-6 * std::max(1.0, std::abs(slope)))
        << one.name << " input " << input << " element " << i;
  }
}

class OpSlopes : public testing::TestWithParam<const OpRow*> {};

TEST_P(OpSlopes, AgreeWithFiniteDifferences) {
  const OpRow& row = *GetParam();
  std::mt19937 random(5);
  int checked = 0;
  for (const Form& form : FormsOf(row, "SOB")) {
    OpCases cases = MakeOpCases(row, {form}, Values::kSmooth, {DType::kF64});
    DifferentiateCases(cases, random);
    if (cases.cases.empty()) continue;
    const OpCase& one = cases.cases[0];
    const auto gradients = ops::EvaluateFunction(cases.function, cases.arguments);
    ASSERT_TRUE(gradients.ok()) << one.name << ": " << gradients.status();
    cases.function.results = {one.total};
    for (size_t i = 0; i < one.wrt.size(); ++i) {
      const auto input = static_cast<size_t>(one.wrt[i]);
      if (!NotDifferenced(row, input).empty()) continue;
      ExpectSlopes(cases, one, input, (*gradients)[i], random);
      ++checked;
    }
  }
  EXPECT_GT(checked, 0);
}

// Rows with a float result that depends on a float under test.
std::vector<const OpRow*> Rows(bool differenced) {
  std::vector<const OpRow*> rows;
  for (const OpRow* row : ops::AllOps()) {
    if (!LeftOut(*row).empty()) continue;
    if (differenced && !NotDifferenced(*row).empty()) continue;
    std::mt19937 random(1);
    OpCases cases = MakeOpCases(*row, FormsOf(*row, "O"), Values::kSmooth, {DType::kF64});
    DifferentiateCases(cases, random);
    if (!cases.cases.empty()) rows.push_back(row);
  }
  return rows;
}

std::string NameOf(const testing::TestParamInfo<const OpRow*>& info) {
  return std::string(info.param->name);
}
INSTANTIATE_TEST_SUITE_P(Rows, OpGradients, testing::ValuesIn(Rows(false)), NameOf);
INSTANTIATE_TEST_SUITE_P(Rows, OpSlopes, testing::ValuesIn(Rows(true)), NameOf);

}  // namespace
}  // namespace tensord::testing_support
