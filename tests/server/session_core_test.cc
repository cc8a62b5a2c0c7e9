// What a session does for a well-behaved client.
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SessionCoreTest : public testing::Test {
 protected:
  SessionWorld world_{"cpu"};
};

TEST_F(SessionCoreTest, WelcomesAndPings) {
  TestClient client(world_);
  EXPECT_EQ(client.welcome().version(), 1u);
  EXPECT_EQ(client.welcome().session().size(), 16u);
  EXPECT_EQ(client.welcome().devices(0).name(), "cpu");
  EXPECT_EQ(client.welcome().principal(), "uid:1");
  client.Item().mutable_ping()->set_nonce(7);
  EXPECT_EQ(client.Ask().pong().nonce(), 7u);
  EXPECT_EQ(client.applied(), 2u);
  EXPECT_EQ(client.completed(), 2u);
}

TEST_F(SessionCoreTest, ComputesNodes) {
  TestClient client(world_);
  const uint64_t x = client.PutFloats({1, 2, 3});
  const uint64_t two = client.Node("const", {}, {{"value", 2.0}});
  const uint64_t y = client.Node("mul", {x, two});
  const uint64_t z = client.Node("sum", {y}, {{"axes", ir::Ints{0}}});
  EXPECT_THAT(client.FetchFloats(y), ElementsAre(2, 4, 6));
  EXPECT_THAT(client.FetchFloats(z), ElementsAre(12));
  EXPECT_THAT(client.FetchFloats(two), ElementsAre(2));
  EXPECT_THAT(client.FetchFloats(x), ElementsAre(1, 2, 3));
  EXPECT_THAT(client.TakeFaults(), IsEmpty());
}

TEST_F(SessionCoreTest, ScalarsMayBeGivenByTheirBytes) {
  TestClient client(world_);
  const ScalarBytes start{BytesOf<float>({0.5})}, step{BytesOf<float>({0.25})};
  const uint64_t x = client.Node(
      "arange", {},
      {{"dims", types::Dims{3}}, {"start", start}, {"step", step}, {"dtype", types::DType::kF32}});
  EXPECT_THAT(client.FetchFloats(x), ElementsAre(0.5, 0.75, 1));
  EXPECT_THAT(client.TakeFaults(), IsEmpty());
}

TEST_F(SessionCoreTest, EvaluatedValuesAreLeavesAndStayTheSame) {
  TestClient client(world_);
  const uint64_t x = client.PutFloats({1, 2});
  const uint64_t y = client.Node("exp", {x});
  client.Evaluate({y});
  EXPECT_FALSE(client.Barrier());
  EXPECT_EQ(client.Describe(y).state(), v1::VALUE_STATE_READY);
  const uint64_t z = client.Node("log", {y});
  EXPECT_EQ(client.Describe(z).state(), v1::VALUE_STATE_LAZY);
  client.Free(x);
  const std::vector<float> values = client.FetchFloats(z);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_NEAR(values[0], 1, 1e-6);
  EXPECT_NEAR(values[1], 2, 1e-6);
}

TEST_F(SessionCoreTest, DifferentiatesThroughWhatWasEvaluated) {
  TestClient client(world_);
  const uint64_t w = client.PutFloats({1, 2, 3});
  const uint64_t square = client.Node("mul", {w, w});
  const uint64_t loss = client.Node("sum", {square});
  EXPECT_THAT(client.FetchFloats(loss), ElementsAre(14));  // the loss is read before the gradient
  v1::Gradient& gradient = *client.Item().mutable_gradient();
  gradient.add_targets(loss);
  gradient.add_wrt(w);
  gradient.add_wrt(square);
  gradient.set_first_out(client.NextId(2));
  const uint64_t dw = gradient.first_out();
  EXPECT_THAT(client.FetchFloats(dw), ElementsAre(2, 4, 6));
  EXPECT_THAT(client.FetchFloats(dw + 1), ElementsAre(1, 1, 1));
}

TEST_F(SessionCoreTest, ExecutesPrograms) {
  TestClient client(world_);
  BodyWriter body;
  const uint64_t a = body.Input(F32({2})), b = body.Input(F32({2}));
  body.Output(body.Node("add", {a, b}));
  body.Output(body.Node("mul", {a, b}));
  client.AddProgram(1, body.Bytes());
  const uint64_t x = client.PutFloats({1, 2}), y = client.PutFloats({3, 5});
  const uint64_t out = client.Execute(1, {x, y}, 2);
  EXPECT_THAT(client.FetchFloats(out), ElementsAre(4, 7));
  EXPECT_THAT(client.FetchFloats(out + 1), ElementsAre(3, 10));
  uint64_t state = out;  // a chain, without waiting
  for (int i = 0; i < 50; ++i) state = client.Execute(1, {state, x}, 2);
  EXPECT_THAT(client.FetchFloats(state), ElementsAre(54, 107));
  EXPECT_THAT(client.TakeFaults(), IsEmpty());
  EXPECT_EQ(client.completed(), client.seq());
}

TEST_F(SessionCoreTest, DonatesInPrograms) {
  TestClient client(world_);
  BodyWriter body;
  const uint64_t w = body.Input(F32({4})), g = body.Input(F32({4}));
  body.Output(body.Node("sub", {w, g}));
  body.Donate(0);
  client.AddProgram(3, body.Bytes());
  uint64_t weights = client.PutFloats({10, 20, 30, 40});
  const uint64_t step = client.PutFloats({1, 1, 1, 1});
  for (int i = 0; i < 5; ++i) weights = client.Execute(3, {weights, step});
  EXPECT_THAT(client.FetchFloats(weights), ElementsAre(5, 15, 25, 35));
  EXPECT_EQ(client.Describe(weights - 1).state(), v1::VALUE_STATE_DONATED);
}

TEST_F(SessionCoreTest, AsksForAProgramItDoesNotKnow) {
  TestClient client(world_);
  BodyWriter body;
  const uint64_t a = body.Input(F32({2}));
  body.Output(body.Node("neg", {a}));
  const uint64_t x = client.PutFloats({1, 2});
  v1::Execute& execute = *client.Item().mutable_execute();
  execute.set_digest(Sha256Bytes(body.Bytes()));
  execute.add_in()->set_first(x);
  execute.set_first_out(client.NextId());
  const uint64_t y = execute.first_out();
  const uint64_t z = client.Node("neg", {y});
  client.Fetch(z);
  const uint64_t seq = client.Send();
  client.Await([](const v1::Reply& reply) { return reply.has_need_program(); });
  client.Item().mutable_ping();  // acts when read
  EXPECT_TRUE(client.Ask().has_pong());
  EXPECT_LT(client.applied(), seq);
  client.AddProgram(0, body.Bytes());
  client.Send();
  const v1::Reply reply = client.Await([](const v1::Reply& r) { return r.has_data(); });
  EXPECT_EQ(reply.of_seq(), seq);
  EXPECT_THAT(FromBytes<float>(reply.data().inline_()), ElementsAre(1, 2));
  EXPECT_EQ(client.applied(), client.seq());
  // Another session may use it by its digest alone.
  TestClient other(world_);
  const uint64_t x2 = other.PutFloats({3, 4});
  v1::Execute& again = *other.Item().mutable_execute();
  again.set_digest(Sha256Bytes(body.Bytes()));
  again.add_in()->set_first(x2);
  again.set_first_out(other.NextId());
  EXPECT_THAT(other.FetchFloats(x2 + 1), ElementsAre(-3, -4));
}

TEST_F(SessionCoreTest, TakesUploadsBeforeAndAfterTheirBind) {
  TestClient client(world_);
  const std::vector<float> values(50'000, 1.5f);
  const std::string bytes = server::BytesOf(values);
  const uint64_t early = client.NextId(), late = client.NextId();
  client.Bind(early, F32({values.size()}), 1);
  const uint64_t sum = client.Node("sum", {early});
  client.Fetch(sum);
  client.Send();
  ASSERT_TRUE(client.Upload(1, bytes.substr(0, 100'000), bytes.size()).ok());
  EXPECT_EQ(client.Describe(early).state(), v1::VALUE_STATE_PENDING);
  const auto rest = client.Upload(1, bytes.substr(90'000), bytes.size(), 90'000);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_TRUE(rest->complete());
  const v1::Reply reply = client.Await([](const v1::Reply& r) { return r.has_data(); });
  EXPECT_THAT(FromBytes<float>(reply.data().inline_()), ElementsAre(75'000));
  ASSERT_TRUE(client.Upload(2, bytes, bytes.size()).ok());
  client.Bind(late, F32({values.size()}), 2);
  client.Fetch(late);
  const v1::Data data = client.Ask().data();
  EXPECT_EQ(data.bytes(), bytes.size());
  EXPECT_FALSE(data.ticket().empty());
}

TEST_F(SessionCoreTest, FetchesParts) {
  TestClient client(world_);
  const uint64_t x = client.PutFloats({1, 2, 3, 4});
  v1::Fetch& fetch = client.Fetch(x);
  fetch.set_offset(4);
  fetch.set_length(8);
  EXPECT_THAT(FromBytes<float>(client.Ask().data().inline_()), ElementsAre(2, 3));
  client.Fetch(x).set_max_inline(8);
  EXPECT_FALSE(client.Ask().data().ticket().empty());
  client.Fetch(x).set_offset(20);
  EXPECT_EQ(client.Ask().fault().code(), 11u);
  client.Fetch(x).set_length(3);
  EXPECT_EQ(client.Ask().fault().code(), 3u);
}

TEST_F(SessionCoreTest, SaysByeAndEnds) {
  TestClient client(world_);
  client.PutFloats({1, 2});
  client.Item().mutable_bye();
  client.Send();
  client.Pull();
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(client.applied(), 2u);
}

TEST_F(SessionCoreTest, NewCredentialsAreThoseOfTheSamePrincipal) {
  TestClient client(world_);
  client.Item().mutable_auth();  // a peer that the kernel identifies needs none
  client.Barrier();
  EXPECT_EQ(client.TakeFaults().size(), 0u);
  client.Item().mutable_auth()->mutable_credentials()->set_bearer("no such token");
  EXPECT_EQ(client.Ask().fault().reason(), "AUTH");
  EXPECT_THAT(client.FetchFloats(client.PutFloats({1})), testing::ElementsAre(1)) << "it goes on";
}

}  // namespace
}  // namespace tensord::server
