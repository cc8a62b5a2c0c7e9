// The unary methods of the real handler: Run, ListOps, ListDevices, Negotiate.
#include "server/run_call.h"

#include <future>

#include "server/session_handler.h"
#include "tests/server/faults.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using types::DType;

class RunCallTest : public testing::Test {
 protected:
  absl::StatusOr<v1::RunReply> Run(v1::RunRequest request) {
    std::promise<absl::StatusOr<v1::RunReply>> result;
    Reply<v1::RunReply> reply(
        std::make_shared<FakeStream>(),
        [&](absl::StatusOr<v1::RunReply> answer) { result.set_value(std::move(answer)); });
    StartRun(world_.env(), world_.table().AccountOf({.name = "uid:1"}, world_.env().limits),
             std::move(request), std::move(reply));
    return result.get_future().get();
  }

  // a + b * 2 over f32[2].
  static v1::RunRequest Request() {
    BodyWriter body;
    const uint64_t a = body.Input(F32({2})), b = body.Input(F32({2}));
    body.Output(body.Node("add", {a, body.Node("add", {b, b})}));
    v1::RunRequest request;
    *request.mutable_body() = body.body();
    for (const std::vector<float>& values : {std::vector<float>{1, 2}, {10, 20}}) {
      v1::Tensor& input = *request.add_inputs();
      *input.mutable_type() = F32({2});
      input.set_data(BytesOf(values));
    }
    return request;
  }

  SessionWorld world_{"cpu"};
};

TEST_F(RunCallTest, ComputesAGraphOfNodes) {
  const auto reply = Run(Request());
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->outputs_size(), 1);
  EXPECT_THAT(FromBytes<float>(reply->outputs(0).data()), ElementsAre(21, 42));
}

TEST_F(RunCallTest, AnswersNumbersWhenAsked) {
  v1::RunRequest request = Request();
  request.set_numbers(true);
  const auto reply = Run(std::move(request));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->outputs(0).numbers(), ElementsAre(21, 42));
}

TEST_F(RunCallTest, SaysWhatIsWrong) {
  v1::RunRequest short_of_one = Request();
  short_of_one.mutable_inputs()->RemoveLast();
  EXPECT_EQ(Run(short_of_one).status().code(), absl::StatusCode::kInvalidArgument);
  v1::RunRequest truncated = Request();
  truncated.mutable_inputs(1)->set_data("abc");
  EXPECT_EQ(Run(truncated).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Run(Request()).ok());
}

class HandlerTest : public testing::Test {
 protected:
  HandlerTest() {
    auto engine = runtime::Engine::Create({.devices = {"cpu", "null"}, .threads = 1});
    handler_ = MakeSessionHandler(*std::move(engine), metrics_, authenticator_, {});
  }
  Metrics metrics_;
  Authenticator authenticator_;
  std::unique_ptr<ComputeHandler> handler_;
};

TEST_F(HandlerTest, ListsTheVocabularyWithItsDigest) {
  const auto ops = handler_->ListOps();
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_EQ(ops->digest().size(), 32u);
  EXPECT_THAT(ops->json(), HasSubstr("\"name\": \"matmul\""));
}

TEST_F(HandlerTest, ListsItsDevicesInTheOrderOfTheirNumbers) {
  const auto devices = handler_->ListDevices();
  ASSERT_TRUE(devices.ok()) << devices.status();
  ASSERT_EQ(devices->devices_size(), 2);
  EXPECT_EQ(devices->devices(0).name(), "cpu");
  EXPECT_EQ(devices->devices(0).number(), 1u);
  EXPECT_TRUE(devices->devices(0).is_default());
  EXPECT_THAT(devices->devices(0).dtypes(), testing::Contains(v1::DTYPE_BF16));
  EXPECT_EQ(devices->devices(1).name(), "null");
  EXPECT_EQ(devices->devices(1).number(), 2u);
}

TEST_F(HandlerTest, NegotiatesWithoutASession) {
  v1::Hello hello;
  hello.set_min_version(1);
  hello.set_max_version(3);
  const auto welcome = handler_->Negotiate(Principal{.name = "uid:7"}, hello);
  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->principal(), "uid:7");
  EXPECT_EQ(welcome->op_set_digest(), handler_->ListOps()->digest());
  hello.set_min_version(2);
  EXPECT_EQ(handler_->Negotiate({}, hello).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tensord::server
