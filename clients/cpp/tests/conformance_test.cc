// The cases that hold all clients to one meaning: clients/conformance/README.md. This client has no
// type rules of its own: the daemon's answers must reach it whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "absl/strings/escaping.h"
#include "clients/cpp/tensord/call.h"
#include "clients/cpp/tensord/daemon.h"
#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tests/daemon_process.h"
#include "clients/cpp/tests/literals.h"

namespace tensord::client {
namespace {

class ConformanceTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    const auto daemon = Daemon::At({.address = SharedAddress()});
    const auto reply = daemon->ListOps();
    ASSERT_TRUE(reply.ok()) << reply.status();
    digest_ = reply->digest();
    rows_ = ReadOps(reply->json());
  }

  std::vector<Tensor> Apply(const OpRow& row, const std::vector<Operand>& inputs,
                            const std::string& attrs) {
    Call call(row.name.c_str(), std::source_location::current());
    call.On(session_->graph(), 0);
    for (const Operand& input : inputs) call.In(input);
    const auto given = ReadAttrs(row, attrs);
    for (const auto& [name, value] : given) call.Attr(name.c_str(), value);
    return call.Results(row.results);
  }

  // A value of the type; a client's own number for the weak ones.
  Operand OfType(const std::string& text) {
    const Type type = ReadType(text);
    if (type.dtype == DType::kWeakInt) return 1;
    if (type.dtype == DType::kWeakFloat) return 1.0;
    return session_->PutBytes(type, std::string(static_cast<size_t>(type.bytes()), '\0'));
  }

  Tensor OfLiteral(const std::string& text) {
    const Literal literal = ReadLiteral(text);
    const DType dtype = literal.type.dtype;
    if (IsFloat(dtype)) return ops::Cast(session_->Put(literal.type.dims, literal.floats), dtype);
    return ops::Cast(session_->Put(literal.type.dims, literal.integers), dtype);
  }

  std::map<std::string, OpRow> rows_;
  std::string digest_;
};

struct Case {
  std::string call, answer;
  std::vector<Tensor> results;
};

std::string AnswerOf(absl::Span<const Description> results) {
  std::string answer;
  for (const Description& result : results) {
    if (!result.fault.ok()) return "! " + FaultOf(result.fault)->message;
    answer += (answer.empty() ? "" : "; ") + result.type->ToString();
  }
  return answer;
}

TEST_F(ConformanceTest, TheBuildersAreOfTheDaemonsOpSet) {
  EXPECT_EQ(session_->welcome().op_set_digest(), digest_);
  EXPECT_EQ(absl::BytesToHexString(digest_), ops::kOpSetDigest);
}

TEST_F(ConformanceTest, TypesAndMessagesAreTheDaemons) {
  std::vector<Case> cases;
  std::ifstream file(TENSORD_SOURCE_DIR "/clients/conformance/types.txt");
  for (std::string line; std::getline(file, line);) {
    const size_t arrow = line.find(" => ");
    ASSERT_NE(arrow, line.npos) << line;
    Case c{line.substr(0, arrow), line.substr(arrow + 4), {}};
    const size_t first = c.call.find('|'), second = c.call.find('|', first + 1);
    const std::string name(Trim(c.call.substr(0, first)));
    if (name == "get" || name == "param") continue;  // not for clients
    ASSERT_TRUE(rows_.contains(name)) << line;
    std::vector<Operand> inputs;
    for (const std::string& type :
         SplitOutside(c.call.substr(first + 1, second - first - 1), ';')) {
      inputs.push_back(OfType(type));
    }
    c.results = Apply(rows_[name], inputs, c.call.substr(second + 1));
    cases.push_back(std::move(c));
  }
  EXPECT_GT(cases.size(), 1900u);
  for (const Case& c : cases) {
    const auto described = session_->Describe(c.results);
    ASSERT_TRUE(described.ok()) << c.call << described.status();
    EXPECT_EQ(AnswerOf(*described), c.answer) << c.call;
  }
}

void ExpectNear(const std::vector<double>& got, const std::vector<double>& want,
                const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]) ? std::isnan(got[i]) : got[i] == want[i]) continue;
    EXPECT_NEAR(got[i], want[i], 1e-5 * std::max(1.0, std::abs(want[i]))) << what << " at " << i;
  }
}

TEST_F(ConformanceTest, TheExamplesOfTheRowsHold) {
  size_t checked = 0;
  for (const auto& [name, row] : rows_) {
    if (name == "get" || name == "param" || name == "const") continue;
    for (const OpRow::Example& example : row.examples) {
      std::vector<Operand> inputs;
      for (const std::string& input : example.inputs) inputs.push_back(OfLiteral(input));
      const std::vector<Tensor> results = Apply(row, inputs, example.attrs);
      const std::string what = absl::StrCat(name, " ", example.attrs);
      ASSERT_EQ(results.size(), example.results.size()) << what;
      for (size_t i = 0; i < results.size(); ++i) {
        const Literal want = ReadLiteral(example.results[i]);
        EXPECT_EQ(session_->TypeOf(results[i])->ToString(), want.type.ToString()) << what;
        if (IsFloat(want.type.dtype)) {
          const auto got = session_->Fetch<double>(ops::Cast(results[i], DType::kF64));
          ASSERT_TRUE(got.ok()) << what << got.status();
          ExpectNear(*got, want.floats, what);
        } else {
          const auto got = session_->Fetch<int64_t>(ops::Cast(results[i], DType::kI64));
          ASSERT_TRUE(got.ok()) << what << got.status();
          EXPECT_EQ(*got, want.integers) << what;
        }
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 200u);
}

}  // namespace
}  // namespace tensord::client
