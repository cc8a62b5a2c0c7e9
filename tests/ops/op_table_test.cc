// Every op row in every dtype that it accepts and in every shape class, on every device, against
// the plain evaluator. What the calls are: op_table.h.
#include "tests/ops/op_table.h"

#include <map>

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
using types::DType;
using types::HostTensor;

std::vector<HostTensor> EvaluatePlainly(const OpCases& cases,
                                        absl::Span<const HostTensor> arguments) {
  auto results = ops::EvaluateFunction(cases.function, arguments);
  EXPECT_TRUE(results.ok()) << results.status();
  return *std::move(results);
}

std::vector<HostTensor> Map(const std::vector<HostTensor>& tensors, double (*f)(double)) {
  std::vector<HostTensor> mapped = tensors;
  for (HostTensor& tensor : mapped) {
    if (!types::IsFloat(tensor.dtype())) continue;
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.Set(i, types::Scalar::Float(DType::kF64, f(tensor.At(i).f)));
  }
  return mapped;
}

int64_t Largest(const OpCases& cases, const OpCase& one) {
  int64_t largest = 1;
  for (size_t i = 0; i < one.inputs.size(); ++i)
    largest = std::max(largest, cases.arguments[one.first_argument + i].elements());
  return largest;
}

// Of every result: |A| |B| where the row's tolerance asks for it, and K.
std::vector<SumScale> ScalesOf(const OpCases& cases, const std::vector<HostTensor>& want,
                               const Tolerance& tolerance) {
  std::vector<SumScale> scales(want.size());
  for (const OpCase& one : cases.cases) {
    for (size_t i = 0; i < one.outputs.size(); ++i) {
      const double out = std::max<double>(1, want[one.first_result + i].elements());
      scales[one.first_result + i].terms = std::max(1.0, Largest(cases, one) / out);
    }
  }
  if (tolerance.kind != Closeness::kSum) return scales;
  std::vector<HostTensor> magnitudes =
      EvaluatePlainly(cases, Map(cases.arguments, [](double x) { return std::abs(x); }));
  const std::vector<HostTensor> counts =
      EvaluatePlainly(cases, Map(cases.arguments, [](double) { return 1.0; }));
  for (size_t i = 0; i < scales.size(); ++i) {
    scales[i].magnitude = std::move(magnitudes[i]);
    for (int64_t e = 0; e < counts[i].elements(); ++e)
      scales[i].terms = std::max(scales[i].terms, counts[i].At(e).AsDouble());
  }
  return scales;
}

void ExpectAgreement(const OpRow& row, const OpCases& cases) {
  if (cases.cases.empty()) return;
  const Tolerance tolerance = ToleranceOf(row);
  const std::vector<HostTensor> want = EvaluatePlainly(cases, cases.arguments);
  const std::vector<SumScale> scales = ScalesOf(cases, want, tolerance);
  for (const std::string& device : ComputingDevices()) {
    const auto got = EngineOf(device).Evaluate(cases.function, cases.arguments);
    ASSERT_TRUE(got.ok()) << device << ": " << got.status();
    for (const OpCase& one : cases.cases) {
      for (size_t i = 0; i < one.outputs.size(); ++i) {
        const size_t r = one.first_result + i;
        EXPECT_EQ(Disagreement((*got)[r], want[r], tolerance, scales[r]), "")
            << device << ": " << row.name << " " << one.name << " result " << i;
      }
    }
  }
}

class OpTable : public testing::TestWithParam<const OpRow*> {};

TEST_P(OpTable, EveryClassHasACallOrAReason) {
  const OpRow& row = *GetParam();
  std::map<ShapeClass, int> calls, excuses;
  for (const Form& form : FormsOf(row)) ++(form.excuse.empty() ? calls : excuses)[form.shape_class];
  for (ShapeClass shape_class : kShapeClasses) {
    EXPECT_EQ(calls[shape_class] > 0 ? 1 : 0, excuses[shape_class] > 0 ? 0 : 1)
        << row.name << ": class " << static_cast<char>(shape_class)
        << " needs a form or a reason, and not both";
  }
}

TEST_P(OpTable, AgreesWithTheEvaluator) {
  const OpRow& row = *GetParam();
  const OpCases cases = MakeOpCases(row, FormsOf(row, "SEOBL"), Values::kOrdinary, EveryDType());
  RecordProperty("cases", static_cast<int>(cases.cases.size()));
  EXPECT_GT(cases.cases.size(), 0u);
  ExpectAgreement(row, cases);
}

TEST_P(OpTable, AgreesOnNanAndInfinities) {
  const OpRow& row = *GetParam();
  ExpectAgreement(row, MakeOpCases(row, FormsOf(row, "OB"), Values::kSpecial, FloatDTypes()));
}

std::vector<const OpRow*> Rows() {
  std::vector<const OpRow*> rows;
  for (const OpRow* row : ops::AllOps())
    if (LeftOut(*row).empty()) rows.push_back(row);
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Rows, OpTable, testing::ValuesIn(Rows()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace tensord::testing_support
