#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/strings.h"
#include "engine/ops/einsum.h"
#include "engine/ops/expand.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;
using types::Dims;
using types::DType;
using types::Sym;

TEST(LinalgTest, MatmulIsAProductFoldedByASum) {
  ir::Function f;
  Ref a = AddParameter(f, {DType::kF16, {}, {2, 3}}),
      b = AddParameter(f, {DType::kF16, {}, {3, 4}});
  const std::vector<Ref> expanded = ExpandNode(*f.graph, Build(*f.graph, "matmul", {a, b}));
  Ref sum = expanded[0]->input(0);
  EXPECT_TRUE(expanded[0]->is("cast"));
  ASSERT_TRUE(sum->is("reduce"));
  EXPECT_EQ(sum->dtype(), DType::kF32);
  EXPECT_EQ(sum->attr<std::string>("monoid"), "sum");
  EXPECT_TRUE(sum->input(0)->is("mul"));
  EXPECT_EQ(sum->input(0)->dims(), (Dims{2, 4, 3}));
}

TEST(LinalgTest, HalvesAccumulateInF32) {
  EXPECT_EQ(RunText("matmul", {"f16[1,4097] {1}", "f16[4097,1] {1}"}), "f16[1,1] {4096}");
  EXPECT_EQ(RunText("linear", {"bf16[600] {1}", "bf16[1,600] {1}", "bf16[1] {8}"}),
            "bf16[1] {608}");
}

TEST(LinalgTest, SmallIntegersWrapAndBoolsAreOr) {
  EXPECT_EQ(RunText("matmul", {"i8[1,2] {100, 100}", "i8[2,1] {100, 1}"}), "i8[1,1] {116}");
  EXPECT_EQ(RunText("matmul", {"bool[2,2] {true, false, false, false}", "bool[2,1] {true, true}"}),
            "bool[2,1] {true, false}");
}

TEST(LinalgTest, DtypesPromote) {
  EXPECT_EQ(RunText("matmul", {"i32[1,1] {3}", "f32[1,1] {0.5}"}), "f32[1,1] {1.5}");
}

TEST(LinalgTest, EmptySumsAreZero) {
  EXPECT_EQ(RunText("matmul", {"f32[2,0] {}", "f32[0,1] {}"}), "f32[2,1] {0, 0}");
  EXPECT_EQ(RunText("einsum", {"f32[0] {}"}, "equation=\"i->\""), "f32[] {0}");
}

TEST(LinalgTest, MatmulNamesWhatDoesNotFit) {
  EXPECT_THAT(RunText("matmul", {"f32[2,3] {0}", "f32[4,5] {0}"}),
              HasSubstr("inner extents of f32[2,3] and f32[4,5] differ: 3 and 4"));
  EXPECT_THAT(RunText("matmul", {"f32[] {0}", "f32[4,5] {0}"}),
              HasSubstr("must have an axis each"));
  EXPECT_THAT(RunText("matmul", {"f32[2,1,3] {0}", "f32[3,3,4] {0}"}),
              HasSubstr("do not broadcast"));
  EXPECT_THAT(RunText("dot", {"f32[2] {0}", "f32[3] {0}"}), HasSubstr("2 and 3"));
  EXPECT_THAT(RunText("linear", {"f32[2] {0}", "f32[3,3] {0}"}), HasSubstr("[out, in]"));
}

TEST(LinalgTest, EinsumNamesWhatDoesNotFit) {
  const auto error = [](std::string_view equation) {
    return RunText("einsum", {"f32[2,3] {0}", "f32[3,4] {0}"},
                   StrCat("equation=\"", equation, "\""));
  };
  EXPECT_THAT(error("ij->i"), HasSubstr("has 1 terms for 2 operands"));
  EXPECT_THAT(error("ij,jkl->i"), HasSubstr("names 3 axes of an operand of rank 2"));
  EXPECT_THAT(error("ij,ik->jk"), HasSubstr("is 3 but i is 2"));
  EXPECT_THAT(error("ij,jk->iik"), HasSubstr("names axis i twice"));
  EXPECT_THAT(error("ij,jk->z"), HasSubstr("axis z of the result"));
  EXPECT_THAT(error("i1,jk->i"), HasSubstr("unexpected '1'"));
  EXPECT_THAT(error("......ij,jk->i"), HasSubstr("unexpected '.'"));
}

TEST(LinalgTest, BatchesMayHaveAVariableExtent) {
  ir::Function f;
  const Sym n = Sym::Variable("n", 1, 8);
  f.variables = {{"n", 1, 8}};
  Ref a = AddParameter(f, {DType::kF32, {}, {n, 2}}),
      b = AddParameter(f, {DType::kF32, {}, {2, n}});
  f.results = {Build(*f.graph, "matmul", {a, b}),
               Build(*f.graph, "einsum", {a, a}, {{"equation", std::string("ij,kj->ik")}})};
  EXPECT_EQ(f.results[0]->dims(), (Dims{n, n}));
  const auto results =
      EvaluateFunction(f, {Tensor("f32[2,2] {1, 2, 3, 4}"), Tensor("f32[2,2] {1, 0, 0, 1}")}, {2});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].ToString(), "f32[2,2] {1, 2, 3, 4}");
  EXPECT_EQ((*results)[1].ToString(), "f32[2,2] {5, 11, 11, 25}");
}

// ---- einsum: order and meaning ----

std::vector<EinsumStep> Plan(std::string_view equation, const std::vector<Dims>& dims) {
  std::vector<int> ranks;
  for (const Dims& d : dims) ranks.push_back(static_cast<int>(d.size()));
  const EinsumTerms terms = *ParseEinsum(equation, ranks);
  return PlanEinsum(terms, *FindEinsumExtents(terms, dims));
}

TEST(EinsumTest, TakesTheCheapestOrder) {
  // A vector at the right end: from right to left.
  EXPECT_EQ(Plan("ij,jk,k->i", {{50, 50}, {50, 50}, {50}}),
            (std::vector<EinsumStep>{{1, 2}, {0, 1}}));
  EXPECT_EQ(Plan("i,ij,jk->k", {{50}, {50, 50}, {50, 50}}),
            (std::vector<EinsumStep>{{0, 1}, {0, 1}}));
  EXPECT_EQ(Plan("ii->", {{3, 3}}), std::vector<EinsumStep>{});
}

TEST(EinsumTest, PlansManyOperands) {
  const Dims square = {2, 2};
  EXPECT_EQ(Plan("ab,bc,cd,de,ef,fg,gh,hi,ij,jk,kl->al", std::vector<Dims>(11, square)).size(),
            10u);
}

// The meaning, one product at a time.
std::vector<double> BruteForce(const EinsumTerms& terms, const EinsumExtents& extents,
                               const std::vector<std::vector<double>>& data) {
  std::string labels;
  int64_t total = 1, outputs = 1;
  for (const auto& [label, extent] : extents) {
    labels += label;
    total *= extent.constant();
  }
  for (char label : terms.output) outputs *= extents.at(label).constant();
  std::vector<double> out(outputs, 0);
  for (int64_t i = 0; i < total; ++i) {
    std::map<char, int64_t> at;
    int64_t rest = i;
    for (char label : labels) {
      at[label] = rest % extents.at(label).constant();
      rest /= extents.at(label).constant();
    }
    const auto position = [&](const std::string& term) {
      int64_t p = 0;
      for (char label : term) p = p * extents.at(label).constant() + at[label];
      return p;
    };
    double product = 1;
    for (size_t k = 0; k < data.size(); ++k) product *= data[k][position(terms.inputs[k])];
    out[position(terms.output)] += product;
  }
  return out;
}

TEST(EinsumTest, RandomEquationsAgreeWithTheDefinition) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 150; ++round) {
    const int letters = 1 + below(4), operands = 1 + below(4);
    std::map<char, int64_t> extent;
    for (int i = 0; i < letters; ++i) extent[static_cast<char>('a' + i)] = 1 + below(3);
    std::string equation, all;
    std::vector<HostTensor> inputs;
    std::vector<std::vector<double>> data;
    std::vector<int> ranks;
    std::vector<Dims> dims;
    for (int k = 0; k < operands; ++k) {
      std::string term;
      std::vector<int64_t> shape;
      for (int rank = below(4); rank > 0; --rank) {
        term += static_cast<char>('a' + below(letters));
        shape.push_back(extent[term.back()]);
      }
      HostTensor tensor(DType::kF64, shape);
      for (double& v : tensor.as<double>()) v = below(7) - 3;
      data.emplace_back(tensor.as<double>().begin(), tensor.as<double>().end());
      ranks.push_back(static_cast<int>(shape.size()));
      dims.emplace_back(shape.begin(), shape.end());
      inputs.push_back(tensor);
      StrAppend(&equation, k > 0 ? "," : "", term);
      all += term;
    }
    StrAppend(&equation, "->");
    for (char c = 'a'; c < 'a' + letters; ++c) {
      if (all.find(c) != std::string::npos && below(2) == 0) equation += c;
    }
    const EinsumTerms terms = *ParseEinsum(equation, ranks);
    const auto results = RunOp("einsum", inputs, StrCat("equation=\"", equation, "\""));
    ASSERT_TRUE(results.ok()) << equation << results.status();
    const auto actual = (*results)[0].as<double>();
    EXPECT_THAT(std::vector<double>(actual.begin(), actual.end()),
                testing::ElementsAreArray(BruteForce(terms, *FindEinsumExtents(terms, dims), data)))
        << equation;
  }
}

}  // namespace
}  // namespace tensord::ops
