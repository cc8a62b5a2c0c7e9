// Programs: recorded once, executed often.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using ProgramTest = SessionTest;

const Type kPair{DType::kF32, {2}};

std::vector<Tensor> Double(Graph&, const std::vector<Tensor>& in) { return {in[0] * 2}; }

TEST_F(ProgramTest, IsRecordedOnceAndExecutedOften) {
  const auto program = MakeProgram({kPair}, Double);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->digest().size(), 32u);
  Tensor x = session_->Put<float>({2}, {1, 2});
  for (int i = 0; i < 5; ++i) x = session_->Execute(*program, {x})[0];
  EXPECT_THAT(*session_->Fetch<float>(x), ElementsAre(32, 64));
}

TEST_F(ProgramTest, TheSameFunctionHasTheSameDigest) {
  EXPECT_EQ(MakeProgram({kPair}, Double)->digest(), MakeProgram({kPair}, Double)->digest());
}

TEST_F(ProgramTest, GradientsAndOpsWithoutInputsBelongInABody) {
  const auto program = MakeProgram({kPair}, [](Graph& graph, const std::vector<Tensor>& in) {
    const Tensor ones = ops::Ones(graph, {2});
    std::vector<Tensor> out = Gradient(ops::Sum(in[0] * in[0] * in[0]), {in[0]});
    out.push_back(in[0] + ones);
    return out;
  });
  ASSERT_TRUE(program.ok()) << program.status();
  const auto out = session_->Execute(*program, {session_->Put<float>({2}, {1, 2})});
  EXPECT_THAT(*session_->Fetch<float>(out[0]), ElementsAre(3, 12));
  EXPECT_THAT(*session_->Fetch<float>(out[1]), ElementsAre(2, 3));
}

TEST_F(ProgramTest, RunExecutesAndFetchesTheOutputs) {
  const auto program = MakeProgram({kPair}, [](Graph&, const std::vector<Tensor>& in) {
    return std::vector<Tensor>{in[0] * 2, ops::Sum(in[0])};
  });
  ASSERT_TRUE(program.ok()) << program.status();
  const auto values = session_->Run(*program, {session_->Put<float>({2}, {1, 2})});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*ElementsOf<float>((*values)[0]), ElementsAre(2, 4));
  EXPECT_THAT(*ElementsOf<float>((*values)[1]), ElementsAre(3));
}

TEST_F(ProgramTest, RunOfAProgramWithoutOutputsAnswersNothing) {
  const auto program = MakeProgram(
      {kPair}, [](Graph&, const std::vector<Tensor>&) { return std::vector<Tensor>(); });
  ASSERT_TRUE(program.ok()) << program.status();
  const auto values = session_->Run(*program, {session_->Put<float>({2}, {1, 2})});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, IsEmpty());
  EXPECT_TRUE(session_->Ping().ok());
}

TEST_F(ProgramTest, RunTellsWhatIsWrong) {
  const auto program = MakeProgram({kPair}, Double);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_THAT(std::string(session_->Run(*program, {}).status().message()), HasSubstr("0 inputs"));
  const auto wrong = session_->Run(*program, {session_->Put<float>({3}, {1, 2, 3})});
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("input 0"));
  EXPECT_TRUE(session_->Ping().ok());
}

TEST_F(ProgramTest, VariablesAreBoundByEachExecute) {
  const auto program = MakeProgram(
      {Type{DType::kF32, {"n"}}},
      [](Graph&, const std::vector<Tensor>& in) { return std::vector<Tensor>{ops::Sum(in[0])}; },
      {.variables = {{"n", 1, 8}}});
  ASSERT_TRUE(program.ok()) << program.status();
  for (int n : {3, 5}) {
    const Tensor x = session_->Put<float>({n}, std::vector<float>(n, 1.0f));
    const auto out = session_->Execute(*program, {x}, {.variables = {n}});
    EXPECT_THAT(*session_->Fetch<float>(out[0]), ElementsAre(n));
  }
}

TEST_F(ProgramTest, ADonatedInputEndsWithTheExecute) {
  const auto program = MakeProgram({kPair}, Double, {.donate = {0}});
  ASSERT_TRUE(program.ok()) << program.status();
  const Tensor x = session_->Put<float>({2}, {1, 2});
  const Tensor copy = x;
  const Tensor y = session_->Execute(*program, {x})[0];
  EXPECT_THAT(*session_->Fetch<float>(y), ElementsAre(2, 4));
  EXPECT_EQ(copy.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(session_->Fetch<float>(x).status().message()), HasSubstr("donated"));
}

TEST_F(ProgramTest, FaultsOfABodyNameTheNode) {
  const auto program = MakeProgram({kPair}, [](Graph&, const std::vector<Tensor>& in) {
    return std::vector<Tensor>{ops::Reshape(in[0], {3})};
  });
  const auto out = session_->Execute(*program, {session_->Put<float>({2}, {1, 2})});
  const auto fault = FaultOf(session_->Fetch<float>(out[0]).status());
  ASSERT_TRUE(fault.has_value());
  EXPECT_THAT(fault->message, HasSubstr("node 2: reshape: [2] has 2 elements, [3] has 3"));
}

TEST_F(ProgramTest, MistakesAreToldBeforeAnythingIsSent) {
  const Tensor outside = session_->Put<float>({2}, {1, 2});
  const auto captured = MakeProgram({kPair}, [&](Graph&, const std::vector<Tensor>& in) {
    return std::vector<Tensor>{in[0] + outside};
  });
  EXPECT_THAT(std::string(captured.status().message()), HasSubstr("another session or Program"));
  EXPECT_FALSE(MakeProgram({kPair}, Double, {.donate = {1}}).ok());
  const auto program = MakeProgram({kPair}, Double);
  EXPECT_THAT(std::string(session_->Execute(*program, {})[0].status().message()),
              HasSubstr("0 inputs"));
}

TEST_F(ProgramTest, AReleasedProgramIsMadeKnownAgain) {
  const auto program = MakeProgram({kPair}, Double);
  const auto other = MakeProgram({kPair}, [](Graph&, const std::vector<Tensor>& in) {
    return std::vector<Tensor>{in[0] + 1};
  });
  const Tensor x = session_->Put<float>({2}, {1, 2});
  EXPECT_THAT(*session_->Fetch<float>(session_->Execute(*program, {x})[0]), ElementsAre(2, 4));
  EXPECT_THAT(*session_->Fetch<float>(session_->Execute(*other, {x})[0]), ElementsAre(2, 3));
  ASSERT_TRUE(session_->Release(*program).ok());
  EXPECT_THAT(*session_->Fetch<float>(session_->Execute(*other, {x})[0]), ElementsAre(2, 3));
  EXPECT_THAT(*session_->Fetch<float>(session_->Execute(*program, {x})[0]), ElementsAre(2, 4));
}

TEST_F(ProgramTest, ALargeBodyIsUploaded) {
  const auto program = MakeProgram({kPair}, [](Graph&, const std::vector<Tensor>& in) {
    Tensor x = in[0];
    for (int i = 0; i < 120'000; ++i) x = ops::Reshape(x, {1, 2, 1}), x = ops::Reshape(x, {2});
    return std::vector<Tensor>{x + 1};
  });
  ASSERT_TRUE(program.ok()) << program.status();
  ASSERT_GT(program->body().size(), 1u << 20);
  const auto out = session_->Execute(*program, {session_->Put<float>({2}, {1, 2})});
  EXPECT_THAT(*session_->Fetch<float>(out[0]), ElementsAre(2, 3));
}

}  // namespace
}  // namespace tensord::client
