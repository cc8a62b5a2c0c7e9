// The composites of nn, linalg, index, loss and optim against numbers that PyTorch, numpy and scipy made:
// tests/ops/reference_nn/*.json, written by generate.py there. Values and gradients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/base/strings.h"
#include "engine/ops/compose.h"
#include "engine/ops/gradient.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

// One case: the fields that are strings or lists of strings.
struct Case {
  std::map<std::string, std::vector<std::string>> fields;
  double tolerance = 1e-5;

  std::string text(const std::string& name) const {
    const auto it = fields.find(name);
    return it == fields.end() ? "" : it->second[0];
  }
  std::vector<HostTensor> tensors(const std::string& name) const {
    std::vector<HostTensor> all;
    for (const std::string& literal : fields.at(name)) all.push_back(Tensor(literal));
    return all;
  }
};

// Reads what generate.py writes: an array of objects of strings, numbers and arrays of strings.
class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}

  std::vector<Case> Cases() {
    std::vector<Case> cases;
    Expect('[');
    do {
      cases.push_back(OneCase());
    } while (Take(','));
    Expect(']');
    return cases;
  }

 private:
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \n", at_), text_.size()); }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) { TENSORD_CHECK(Take(c), "expected ", std::string(1, c), " at byte ", at_); }

  std::string String() {
    Expect('"');
    std::string out;
    for (; text_.at(at_) != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
      out += text_[at_];
    }
    ++at_;
    return out;
  }
  std::vector<std::string> Strings() {
    std::vector<std::string> all;
    Expect('[');
    while (!Take(']')) {
      all.push_back(String());
      Take(',');
    }
    return all;
  }
  double Number() {
    SkipSpace();
    char* end = nullptr;
    const double value = std::strtod(text_.c_str() + at_, &end);
    at_ = end - text_.c_str();
    return value;
  }
  Case OneCase() {
    Case one;
    Expect('{');
    do {
      const std::string name = String();
      Expect(':');
      SkipSpace();
      if (name == "tolerance") one.tolerance = Number();
      else if (text_.at(at_) == '[') one.fields[name] = Strings();
      else one.fields[name] = {String()};
    } while (Take(','));
    Expect('}');
    return one;
  }

  std::string text_;
  size_t at_ = 0;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Relative to the expected value, absolute below 1; zeros of either sign are equal.
void ExpectClose(const HostTensor& actual, const HostTensor& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(actual.dtype(), expected.dtype()) << what;
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const double a = actual.At(i).AsDouble(), e = expected.At(i).AsDouble();
    const double allowed = types::IsFloat(expected.dtype()) ? tolerance * std::max(1.0, std::abs(e)) : 0;
    const bool same = a == e || (std::isnan(a) && std::isnan(e)) || std::abs(a - e) <= allowed;
    EXPECT_TRUE(same) << what << ": element " << i << " is " << a << ", expected " << e << "\n got "
                      << actual.ToString() << "\nwant " << expected.ToString();
    if (!same) return;
  }
}

OpCall CallOf(const Case& one) {
  const auto named = ParseAttrs(Op(one.text("op")), one.text("attrs"));
  TENSORD_CHECK(named.ok(), one.text("op"), " ", named.status().ToString());
  auto call = OpCall::Make(one.text("op"), one.tensors("inputs"), *named);
  TENSORD_CHECK(call.ok(), one.text("op"), " ", one.text("attrs"), ": ", call.status().ToString());
  return *std::move(call);
}

void CheckValues(const Case& one, const std::string& what) {
  const OpCall call = CallOf(one);
  const auto results = EvaluateFunction(call.function, call.arguments);
  ASSERT_TRUE(results.ok()) << what << ": " << results.status();
  const std::vector<HostTensor> expected = one.tensors("results");
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

void CheckGradients(const Case& one, const std::string& what) {
  OpCall call = CallOf(one);
  const std::vector<std::string>& expected = one.fields.at("gradients");
  const std::vector<Ref> parameters = call.function.parameters;
  Ref total = WeightedSum(call, one.tensors("seeds"));
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
  std::vector<Case> Cases() const {
    const std::string path =
        StrCat(TENSORD_SOURCE_DIR, "/tests/ops/reference_nn/", GetParam(), ".json");
    return Reader(ReadFile(path)).Cases();
  }
  static std::string What(const Case& one, int number) {
    return StrCat("case ", number, ", ", one.text("op"), " {", one.text("attrs"), "}");
  }
};

TEST_P(ReferenceNnTest, ValuesAgree) {
  int number = 0;
  for (const Case& one : Cases()) CheckValues(one, What(one, number++));
}

TEST_P(ReferenceNnTest, GradientsAgree) {
  int number = 0;
  for (const Case& one : Cases()) {
    if (one.fields.contains("gradients")) CheckGradients(one, What(one, number));
    ++number;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceNnTest,
                         testing::Values("activation", "attention", "conv", "cross_entropy", "index",
                                         "linalg", "loss", "norm", "optim", "pool"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tensord::ops
