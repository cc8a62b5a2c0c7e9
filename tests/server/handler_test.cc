// The daemon's real handler over a Unix socket: Run, ListOps, ListDevices, Negotiate, Barrier.
#include "engine/base/sha256.h"
#include "server/session_env.h"
#include "server/session_handler.h"
#include "tests/ops/devices.h"
#include "tests/server/server_fixture.h"
#include "tests/server/session_harness.h"
#include "tests/server/wire_session.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DaemonCallsTest : public ServerTest {
 protected:
  void SetUp() override {
    auto server = Server::Start(options_, [](const HandlerContext& context) {
      auto engine =
          runtime::Engine::Create({.devices = testing_support::ComputingDevices(), .threads = 2});
      TENSORD_CHECK(engine.ok(), engine.status().ToString());
      return absl::StatusOr<std::unique_ptr<ComputeHandler>>(MakeSessionHandler(
          *std::move(engine), context.metrics, context.authenticator, {.limits = DefaultLimits()}));
    });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = Connect();
    stub_ = v1::Compute::NewStub(channel_);
  }

  grpc::Status Run(const v1::RunRequest& request) {
    grpc::ClientContext context;
    reply_.Clear();
    return stub_->Run(&context, request, &reply_);
  }
  void ExpectRefusal(const v1::RunRequest& request, grpc::StatusCode code,
                     const std::string& message) {
    const grpc::Status status = Run(request);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(message));
  }
  std::vector<double> Numbers(int output = 0) {
    const auto& numbers = reply_.outputs(output).numbers();
    return {numbers.begin(), numbers.end()};
  }

  v1::RunReply reply_;
};

v1::Tensor Numbered(std::initializer_list<double> numbers) {
  v1::Tensor tensor;
  for (double number : numbers) tensor.add_numbers(number);
  return tensor;
}

// x + y and x * y, of f32[3].
v1::RunRequest SumAndProduct() {
  BodyWriter body;
  const uint64_t x = body.Input(F32({3})), y = body.Input(F32({3}));
  body.Output(body.Node("add", {x, y}));
  body.Output(body.Node("mul", {x, y}));
  v1::RunRequest request;
  *request.mutable_body() = body.body();
  *request.add_inputs() = Numbered({1, 2, 3});
  *request.add_inputs() = Numbered({4, 5, 6});
  request.set_numbers(true);
  return request;
}

v1::RunRequest Text(const std::string& text) {
  v1::RunRequest request;
  request.set_text(text);
  request.set_numbers(true);
  return request;
}

// ------------------------------------------------------------------ Run

TEST_F(DaemonCallsTest, RunsNodes) {
  ASSERT_TRUE(Run(SumAndProduct()).ok());
  ASSERT_EQ(reply_.outputs_size(), 2);
  EXPECT_THAT(Numbers(0), ElementsAre(5, 7, 9));
  EXPECT_THAT(Numbers(1), ElementsAre(4, 10, 18));
  EXPECT_EQ(reply_.outputs(0).type().dtype(), F32().dtype());
  EXPECT_THAT(reply_.outputs(0).type().dims().sizes(), ElementsAre(3));
}

TEST_F(DaemonCallsTest, RunsOnBytes) {
  v1::RunRequest request = SumAndProduct();
  request.set_numbers(false);
  request.mutable_inputs(0)->clear_numbers();
  request.mutable_inputs(0)->set_data(BytesOf<float>({10, 20, 30}));
  ASSERT_TRUE(Run(request).ok());
  EXPECT_THAT(FromBytes<float>(reply_.outputs(0).data()), ElementsAre(14, 25, 36));
}

TEST_F(DaemonCallsTest, RunsText) {
  v1::RunRequest request = Text(
      "function(%0: f32[2,n], %1: f32[n,2]) -> (%2) vars(n in [1, 8]) {\n"
      "  %2 = matmul %0, %1 : f32[2,2]\n"
      "}\n");
  request.add_vars(3);
  *request.add_inputs() = Numbered({1, 2, 3, 4, 5, 6});
  *request.add_inputs() = Numbered({1, 0, 0, 1, 1, 1});
  const grpc::Status status = Run(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(Numbers(), ElementsAre(4, 5, 10, 11));
}

TEST_F(DaemonCallsTest, RunsABodyThatGivesItsInputAway) {
  v1::RunRequest request = SumAndProduct();
  request.mutable_body()->mutable_out()->RemoveLast();
  request.mutable_body()->add_donate(0);
  request.mutable_body()->set_donate_required(true);
  const grpc::Status status = Run(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(Numbers(), ElementsAre(5, 7, 9));
}

TEST_F(DaemonCallsTest, RefusesDonationThatIsRequiredAndCannotBe) {
  BodyWriter body;
  body.Output(body.Node("flip", {body.Input(F32({3}))}, {{"axes", ir::Ints{0}}}));
  body.Donate(0);
  body.body().set_donate_required(true);
  v1::RunRequest request;
  *request.mutable_body() = body.body();
  *request.add_inputs() = Numbered({1, 2, 3});
  ExpectRefusal(request, grpc::StatusCode::FAILED_PRECONDITION, "DONATION: ");
}

TEST_F(DaemonCallsTest, RefusesGraphsThatAreNone) {
  v1::RunRequest request = SumAndProduct();
  request.mutable_body()->set_strings(0, "no_such_op");
  ExpectRefusal(request, grpc::StatusCode::NOT_FOUND, "no_such_op");
  ExpectRefusal(Text("function("), grpc::StatusCode::INVALID_ARGUMENT, "");
  ExpectRefusal(Text("function(%0: f32[2]) -> (%1) {\n  %1 = neg %7 : f32[2]\n}\n"),
                grpc::StatusCode::INVALID_ARGUMENT, "%7");
  request = SumAndProduct();
  request.mutable_body()->mutable_in(1)->mutable_type()->mutable_dims()->set_sizes(0, 2);
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "SHAPE: ");
}

TEST_F(DaemonCallsTest, RefusesInputsThatDoNotFit) {
  v1::RunRequest request = SumAndProduct();
  request.mutable_inputs()->RemoveLast();
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "ARITY: run: 1 inputs");
  request = SumAndProduct();
  request.mutable_inputs(0)->add_numbers(4);
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "4 numbers for f32[3]");
  request = SumAndProduct();
  request.mutable_inputs(0)->set_data("abc");
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "both data and numbers");
  request = SumAndProduct();
  request.mutable_inputs(0)->clear_numbers();
  request.mutable_inputs(0)->set_data("abc");
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "");
  request = SumAndProduct();
  *request.mutable_inputs(1)->mutable_type() = TypeOf(types::DType::kI32, {3});
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "TYPE_MISMATCH: ");
  request = Text("function(%0: i8[1]) -> (%1) {\n  %1 = neg %0 : i8[1]\n}\n");
  *request.add_inputs() = Numbered({1.5});
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "no exact i8");
}

TEST_F(DaemonCallsTest, RefusesAProgramWhoseDigestIsNotThatOfItsBody) {
  v1::RunRequest request = SumAndProduct();
  v1::Program& program = *request.add_programs();
  program.set_body(request.body().SerializeAsString());
  program.set_digest(std::string(32, 'x'));
  ExpectRefusal(request, grpc::StatusCode::INVALID_ARGUMENT, "DIGEST: ");
}

TEST_F(DaemonCallsTest, RefusesOutputsThatAreTooLargeForAReply) {
  BodyWriter body;
  const uint64_t one = body.Input(F32({1, 1}));
  body.Output(body.Node("expand", {one}, {{"dims", types::Dims{1 << 20, 2}}}));
  v1::RunRequest request;
  *request.mutable_body() = body.body();
  *request.add_inputs() = Numbered({1});
  ExpectRefusal(request, grpc::StatusCode::RESOURCE_EXHAUSTED, "LIMIT: ");
}

TEST_F(DaemonCallsTest, ARunHasADeadline) {
  v1::RunRequest request = SumAndProduct();
  request.set_timeout_us(1);
  ExpectRefusal(request, grpc::StatusCode::DEADLINE_EXCEEDED, "DEADLINE: ");
  request.set_timeout_us(600'000'000);
  EXPECT_TRUE(Run(request).ok());
}

// ------------------------------------------------------------------ lists

TEST_F(DaemonCallsTest, ListsItsOps) {
  grpc::ClientContext context, other;
  v1::ListOpsReply ops;
  ASSERT_TRUE(stub_->ListOps(&context, {}, &ops).ok());
  EXPECT_THAT(ops.json(), HasSubstr("\"matmul\""));
  EXPECT_THAT(ops.json(), HasSubstr("\"slice_update\""));
  EXPECT_EQ(ops.digest(), Sha256Bytes(ops.json()));
  v1::Hello hello;
  hello.set_max_version(1);
  v1::Welcome welcome;
  ASSERT_TRUE(stub_->Negotiate(&other, hello, &welcome).ok());
  EXPECT_EQ(welcome.op_set_digest(), ops.digest());
}

TEST_F(DaemonCallsTest, ListsItsDevices) {
  grpc::ClientContext context;
  v1::ListDevicesReply reply;
  ASSERT_TRUE(stub_->ListDevices(&context, {}, &reply).ok());
  const std::vector<std::string> names = testing_support::ComputingDevices();
  ASSERT_EQ(reply.devices_size(), static_cast<int>(names.size()));
  for (int i = 0; i < reply.devices_size(); ++i) {
    EXPECT_EQ(reply.devices(i).name(), names[static_cast<size_t>(i)]);
    EXPECT_EQ(reply.devices(i).number(), static_cast<uint32_t>(i) + 1);
  }
  for (const v1::Device& device : reply.devices()) {
    EXPECT_GT(device.memory_bytes(), 0u);
    EXPECT_GT(device.threads(), 0u);
    EXPECT_GT(device.dtypes_size(), 0);
    EXPECT_TRUE(device.healthy());
  }
}

TEST_F(DaemonCallsTest, NegotiatesAVersion) {
  grpc::ClientContext context;
  v1::Hello hello;
  hello.set_min_version(7);
  hello.set_max_version(9);
  v1::Welcome welcome;
  const grpc::Status status = stub_->Negotiate(&context, hello, &welcome);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("7 … 9"));
}

// ------------------------------------------------------------------ Barrier

class BarrierTest : public DaemonCallsTest {
 protected:
  void SetUp() override {
    DaemonCallsTest::SetUp();
    session_ = std::make_unique<WireSession>(*stub_);
  }
  void TearDown() override { session_ = nullptr; }  // while the daemon is there

  void Put(uint64_t id, const std::vector<float>& values) {
    v1::Put& put = *session_->Add().mutable_put();
    put.set_id(id);
    *put.mutable_type() = F32({values.size()});
    put.set_data(BytesOf(values));
  }
  void Node(uint64_t id, const std::string& op, uint64_t input) {
    session_->frame().add_strings(op);
    v1::NodeBatch& batch = *session_->Add().mutable_nodes();
    batch.set_first_id(id);
    batch.add_op(strings_++);
    batch.add_n_in(1);
    batch.add_in(static_cast<int64_t>(id - input));
  }
  v1::Reply Barrier(std::initializer_list<std::pair<uint64_t, uint32_t>> spans) {
    v1::Barrier& barrier = *session_->Add().mutable_barrier();
    for (const auto& [first, count] : spans) {
      v1::IdSpan& span = *barrier.add_ids();
      span.set_first(first);
      span.set_count(count);
    }
    return session_->Ask();
  }
  v1::ValueState StateOf(uint64_t id) {
    session_->Add().mutable_describe()->add_ids()->set_first(id);
    return session_->Ask().described().values(0).state();
  }

  std::unique_ptr<WireSession> session_;
  uint32_t strings_ = 0;
};

TEST_F(BarrierTest, WaitsForTheIdsItNamesAndEvaluatesThem) {
  Put(1, {1, 2, 3});
  Node(2, "neg", 1);
  Node(3, "exp", 1);
  const v1::Reply reply = Barrier({{1, 2}});
  ASSERT_TRUE(reply.has_barrier_done()) << reply.ShortDebugString();
  EXPECT_FALSE(reply.barrier_done().any_poisoned());
  EXPECT_EQ(StateOf(2), v1::VALUE_STATE_READY);
  EXPECT_EQ(StateOf(3), v1::VALUE_STATE_LAZY);  // not named
  EXPECT_THAT(session_->others, IsEmpty());
}

TEST_F(BarrierTest, TellsWhetherAnyOfThemIsPoisoned) {
  Put(1, {1, 2, 3});
  Node(2, "neg", 1);
  Node(3, "no_such_op", 1);
  Node(4, "neg", 3);
  EXPECT_TRUE(Barrier({{1, 1}, {4, 1}}).barrier_done().any_poisoned());
  EXPECT_FALSE(Barrier({{1, 2}}).barrier_done().any_poisoned());
  ASSERT_EQ(session_->others.size(), 1u);
  EXPECT_EQ(session_->others[0].fault().reason(), "UNKNOWN_OP");
}

TEST_F(BarrierTest, RefusesIdsThatAreNone) {
  Put(1, {1, 2, 3});
  EXPECT_EQ(Barrier({{1, 1}, {99, 1}}).fault().reason(), "UNKNOWN_ID");
  session_->Add().mutable_free()->add_ids()->set_first(1);
  EXPECT_EQ(Barrier({{1, 1}}).fault().reason(), "FREED");
  const v1::Fault fault = Barrier({{1, 4'000'000'000}}).fault();
  EXPECT_EQ(fault.reason(), "LIMIT");
  EXPECT_EQ(fault.limit(), "max_values");
  Put(2, {1});
  EXPECT_FALSE(Barrier({{2, 1}}).barrier_done().any_poisoned());
}

}  // namespace
}  // namespace tensord::server
