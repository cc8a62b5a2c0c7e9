// Every row is documented by an example, and every example is true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ops/registry.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

class ExamplesTest : public testing::TestWithParam<const ir::OpRow*> {};

void CheckExample(const ir::OpRow& row, const ir::Example& example) {
  std::vector<HostTensor> inputs;
  for (std::string_view literal : example.inputs) inputs.push_back(Tensor(literal));
  const auto results = RunOp(row.name, std::move(inputs), example.attrs);
  ASSERT_TRUE(results.ok()) << row.name << ": " << results.status();
  ASSERT_EQ(results->size(), example.results.size()) << row.name;
  const double tolerance = example.tolerance == 0 ? 1e-6 : example.tolerance;
  for (size_t i = 0; i < results->size(); ++i) {
    EXPECT_EQ(Difference((*results)[i], Tensor(example.results[i]), tolerance), "")
        << row.name << " result " << i << ": " << (*results)[i].ToString();
  }
}

TEST_P(ExamplesTest, AreTrue) {
  const ir::OpRow& row = *GetParam();
  EXPECT_FALSE(row.doc.empty()) << row.name;
  EXPECT_EQ(row.examples.empty(), row.name == "param") << row.name;
  for (const ir::Example& example : row.examples) CheckExample(row, example);
}

INSTANTIATE_TEST_SUITE_P(All, ExamplesTest, testing::ValuesIn(AllOps()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace tensord::ops
