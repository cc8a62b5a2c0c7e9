// Composites against numbers that numpy and scipy made: tests/ops/reference/*.json, written by
// make.py there. A composite's own expansion can't judge it.
#include <gtest/gtest.h>

#include <set>

#include "engine/base/strings.h"
#include "tests/engine/ops/reference_cases.h"

namespace tensord::ops {
namespace {

class ReferenceTest : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceTest, ValuesAgree) {
  int number = 0;
  for (const ReferenceCase& one : ReadReferenceCases(StrCat("reference/", GetParam(), ".json"))) {
    const std::string what = one.Describe(number++);
    const OpCall call = CallOf(one);
    const auto results = EvaluateFunction(call.function, call.arguments);
    ASSERT_TRUE(results.ok()) << what << ": " << results.status();
    const std::vector<HostTensor> expected = one.Tensors("results");
    ASSERT_EQ(results->size(), expected.size()) << what;
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(Difference((*results)[i], expected[i], one.tolerance), "")
          << what << " result " << i;
    }
  }
}

TEST(Reference, EveryCompositeHasCases) {
  std::set<std::string> referenced;
  for (const ReferenceCase& one : AllReferenceCases()) referenced.insert(one.Text("op"));
  for (const ir::OpRow* row : AllOps()) {
    if (row->level != ir::Level::kComposite) continue;
    EXPECT_TRUE(referenced.contains(std::string(row->name)))
        << row->name << ": give it a case in tests/ops/reference/make.py or "
        << "tests/ops/reference_nn/generate.py";
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceTest,
                         testing::Values("unary", "binary", "reduce", "movement", "create",
                                         "random"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tensord::ops
