// Bad input, case by case: each gets a precise fault, and neither the daemon nor another session
// notices.
#include "tests/server/session_bad_input.h"

#include <cmath>
#include <limits>

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using types::Dims;
using types::DType;

// ------------------------------------------------------------------ nodes

TEST_F(BadInputTest, UnknownOp) {
  const v1::Fault fault = FaultOf("frobnicate", {x_});
  EXPECT_THAT(fault, IsFault(kNotFound, "UNKNOWN_OP"));
  EXPECT_THAT(fault.message(), HasSubstr("frobnicate"));
  EXPECT_THAT(FaultOf("param", {}), IsFault(kInvalidArgument, "UNKNOWN_OP"));
}

TEST_F(BadInputTest, OpBeyondTheStringTable) {
  v1::NodeBatch& batch = *client_->Item().mutable_nodes();
  batch.set_first_id(client_->NextId());
  batch.add_op(4'000'000'000u);
  batch.add_n_in(0);
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "UNKNOWN_OP"));
}

TEST_F(BadInputTest, WrongArity) {
  EXPECT_THAT(FaultOf("add", {x_}), IsFault(kInvalidArgument, "ARITY"));
  EXPECT_THAT(FaultOf("neg", {x_, x_}), IsFault(kInvalidArgument, "ARITY"));
  const uint64_t id = client_->Node("neg", {x_}, {}, 3);  // one result, three asked for
  client_->Send();
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "ARITY"));
  EXPECT_EQ(fault.poisoned(0).first(), id);
  EXPECT_EQ(fault.poisoned(0).count(), 3u);
}

TEST_F(BadInputTest, WrongDtype) {
  EXPECT_THAT(FaultOf("bitand", {x_, x_}), IsFault(kInvalidArgument, "DTYPE"));
  EXPECT_THAT(FaultOf("gather", {x_, x_}, {{"axis", int64_t{0}}}),
              IsFault(kInvalidArgument, "DTYPE"));
  const uint64_t truth = client_->Node("eq", {x_, x_});
  EXPECT_THAT(FaultOf("neg", {truth}), IsFault(kInvalidArgument, "DTYPE"));
  const uint64_t id = client_->NextId();
  v1::Put& put = *client_->Item().mutable_put();
  put.set_id(id);
  put.mutable_type()->set_dtype(static_cast<v1::DType>(77));
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kUnimplemented, "DTYPE"));
}

TEST_F(BadInputTest, ShapeMismatch) {
  const uint64_t y = client_->PutFloats({1, 2, 3});
  const v1::Fault fault = FaultOf("add", {x_, y});
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "SHAPE"));
  EXPECT_THAT(fault.message(), HasSubstr("4"));
  EXPECT_THAT(fault.message(), HasSubstr("3"));
  EXPECT_THAT(FaultOf("reshape", {x_}, {{"dims", Dims{5}}}), IsFault(kInvalidArgument, "SHAPE"));
  EXPECT_THAT(FaultOf("sum", {x_}, {{"axes", ir::Ints{7}}}), IsFault(kInvalidArgument, "SHAPE"));
}

TEST_F(BadInputTest, OverflowingSizes) {
  const int64_t big = int64_t{1} << 40;
  EXPECT_THAT(FaultOf("zeros", {}, {{"dims", Dims{big, big}}, {"dtype", DType::kF32}}),
              IsFault(kInvalidArgument, "OVERFLOW"));
  const uint64_t row = client_->Node("reshape", {x_}, {{"dims", Dims{4, 1}}});
  EXPECT_EQ(FaultOf("expand", {row}, {{"dims", Dims{4, int64_t{1} << 46}}}).code(),
            kInvalidArgument);
  EXPECT_EQ(FaultOf("pad", {x_}, {{"low", Dims{int64_t{1} << 46}}, {"high", Dims{0}}}).code(),
            kInvalidArgument);
}

TEST_F(BadInputTest, NegativeAndHugeDims) {
  EXPECT_EQ(FaultOf("zeros", {}, {{"dims", ir::Ints{-1}}, {"dtype", DType::kF32}}).code(),
            kInvalidArgument);
  EXPECT_EQ(FaultOf("shrink", {x_}, {{"low", ir::Ints{-2}}, {"dims", ir::Ints{3}}}).code(),
            kInvalidArgument);
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(FaultOf("reshape", {x_}, {{"dims", ir::Ints{least, 4}}}).code(), kInvalidArgument);
  EXPECT_EQ(FaultOf("permute", {x_}, {{"order", ir::Ints{least}}}).code(), kInvalidArgument);
  const uint64_t id = client_->Node("zeros", {}, {{"dtype", DType::kF32}});
  v1::Attr& attr = *client_->frame().mutable_items(0)->mutable_nodes()->add_attrs();
  attr.set_name(client_->writer().Text("dims"));
  attr.mutable_dims()->add_sizes(std::numeric_limits<uint64_t>::max());
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "OVERFLOW"));
  EXPECT_EQ(client_->Describe(id).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(FaultOf("zeros", {}, {{"dims", ir::Ints(17, 1)}, {"dtype", DType::kF32}}).code(),
            kInvalidArgument);
}

TEST_F(BadInputTest, AttributeOfTheWrongKind) {
  const v1::Fault fault = FaultOf("sum", {x_}, {{"axes", std::string("all")}});
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "ATTRIBUTE"));
  EXPECT_THAT(fault.message(), HasSubstr("axes"));
  EXPECT_THAT(FaultOf("sum", {x_}, {{"axis", ir::Ints{0}}}),
              IsFault(kInvalidArgument, "ATTRIBUTE"));
  EXPECT_THAT(FaultOf("reshape", {x_}), IsFault(kInvalidArgument, "ATTRIBUTE"));  // missing
  client_->Node("sum", {x_}, {{"axes", ir::Ints{0}}});
  v1::NodeBatch& batch = *client_->frame().mutable_items(0)->mutable_nodes();
  *batch.add_attrs() = v1::Attr(batch.attrs(0));
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "ATTRIBUTE"));  // given twice
  client_->Node("sum", {x_}, {{"axes", ir::Ints{0}}});
  client_->frame().mutable_items(0)->mutable_nodes()->mutable_attrs(0)->clear_v();
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kUnimplemented, "ATTRIBUTE"));
}

TEST_F(BadInputTest, ColumnsThatDoNotFit) {
  const uint64_t id = client_->NextId(3);
  v1::NodeBatch& batch = *client_->Item().mutable_nodes();
  batch.set_first_id(id);
  for (int i = 0; i < 3; ++i) batch.add_op(client_->writer().Text("neg"));
  batch.add_n_in(1);
  batch.add_in(1);  // three are due
  client_->Send();
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "FRAMING"));
  EXPECT_FALSE(fault.fatal());
  EXPECT_EQ(fault.poisoned(0).first(), id);
  EXPECT_EQ(fault.poisoned(0).count(), 3u);
}

// ------------------------------------------------------------------ ids

TEST_F(BadInputTest, IdUsedTwice) {
  const std::vector<float> first = {7};
  const uint64_t id = client_->PutFloats(first);
  client_->Send();
  v1::Put put;
  put.set_id(id);
  *put.mutable_type() = F32({1});
  put.set_data(server::BytesOf<float>({8}));
  *client_->Item().mutable_put() = put;
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kAlreadyExists, "ID_USED"));
  EXPECT_THAT(client_->FetchFloats(id), ElementsAre(7));  // the first stays
  client_->Free(id);
  *client_->Item().mutable_put() = put;
  client_->frame().mutable_items(1)->mutable_put()->set_id(id);
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kAlreadyExists, "ID_USED"));  // for ever
}

TEST_F(BadInputTest, IdsOutOfRange) {
  for (const uint64_t id : {uint64_t{0}, (uint64_t{1} << 53), ~uint64_t{0}}) {
    v1::Put& put = *client_->Item().mutable_put();
    put.set_id(id);
    *put.mutable_type() = F32({1});
    put.set_data(server::BytesOf<float>({8}));
    client_->Send();
    EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "ID_RANGE"));
  }
}

TEST_F(BadInputTest, UnknownAndFreedIds) {
  EXPECT_THAT(FaultOf("neg", {123'456}), IsFault(kNotFound, "UNKNOWN_ID"));
  const uint64_t id = client_->PutFloats({1});
  client_->Free(id);
  client_->Send();
  EXPECT_THAT(FaultOf("neg", {id}), IsFault(kNotFound, "FREED"));
  EXPECT_THAT(client_->FetchFault(id), IsFault(kNotFound, "FREED"));
  EXPECT_THAT(client_->FetchFault(999'999), IsFault(kNotFound, "UNKNOWN_ID"));
  client_->Evaluate({999'999});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kNotFound, "UNKNOWN_ID"));
  client_->Free(id);
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kNotFound, "FREED"));
  client_->Free(1, 4'000'000'000u);  // refused as a whole, at once
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kResourceExhausted, "LIMIT"));
}

TEST_F(BadInputTest, DonatedValueUsedAgain) {
  BodyWriter body;
  body.Output(body.Node("neg", {body.Input(F32({2}))}));
  body.Donate(0);
  client_->AddProgram(1, body.Bytes());
  const uint64_t w = client_->PutFloats({1, 2});
  const uint64_t y = client_->Execute(1, {w});
  EXPECT_THAT(client_->FetchFloats(y), ElementsAre(-1, -2));
  EXPECT_THAT(FaultOf("neg", {w}), IsFault(kFailedPrecondition, "DONATED"));
  EXPECT_THAT(client_->FetchFault(w), IsFault(kFailedPrecondition, "DONATED"));
  const uint64_t again = client_->Execute(1, {w});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kFailedPrecondition, "DONATED"));
  EXPECT_EQ(client_->Describe(again).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(client_->Describe(w).state(), v1::VALUE_STATE_DONATED);
}

TEST_F(BadInputTest, DonatedValueBoundTwice) {
  BodyWriter body;
  const uint64_t a = body.Input(F32({4})), b = body.Input(F32({4}));
  body.Output(body.Node("add", {a, b}));
  body.Donate(0);
  client_->AddProgram(1, body.Bytes());
  const uint64_t w = client_->PutFloats({1, 2, 3, 4});
  client_->Execute(1, {w, w});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "DONATION"));
}

// ------------------------------------------------------------------ Programs

TEST_F(BadInputTest, ProgramsThatAreNone) {
  v1::Program& wrong = *client_->Item().mutable_program();
  wrong.set_digest(std::string(32, 'd'));
  wrong.set_body("whatever");
  wrong.set_slot(1);
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "DIGEST"));
  const uint64_t out = client_->Execute(1, {x_});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "DIGEST"));
  EXPECT_EQ(client_->Describe(out).state(), v1::VALUE_STATE_POISONED);
  client_->AddProgram(2, "\xff\xff garbage");
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "BODY"));
  client_->Execute(9, {x_});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kNotFound, "PROGRAM_UNKNOWN"));
  client_->Item().mutable_release()->set_slot(9);
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kNotFound, "PROGRAM_UNKNOWN"));
}

TEST_F(BadInputTest, ProgramWithABadNodeSaysWhich) {
  BodyWriter body;
  const uint64_t a = body.Input(F32({2})), b = body.Input(F32({3}));
  body.Output(body.Node("add", {a, b}));
  body.Output(b);
  client_->AddProgram(1, body.Bytes());
  client_->Send();
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "SHAPE"));
  EXPECT_THAT(fault.message(), HasSubstr("node 3"));
  const uint64_t out = client_->Execute(1, {x_, x_}, 2);
  client_->Send();
  EXPECT_EQ(client_->TakeFaults(1).size(), 1u);
  EXPECT_EQ(client_->Describe(out + 1).state(), v1::VALUE_STATE_POISONED);
}

TEST_F(BadInputTest, ExecuteOfTheWrongTypesAndNumbers) {
  BodyWriter body;
  body.Output(body.Node("neg", {body.Input(F32({2}))}));
  client_->AddProgram(1, body.Bytes());
  client_->Execute(1, {x_});
  client_->Send();
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "TYPE_MISMATCH"));
  EXPECT_THAT(fault.message(), HasSubstr("f32[4]"));
  client_->Execute(1, {x_, x_});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "ARITY"));
  client_->Execute(1, {987'654});
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kNotFound, "UNKNOWN_ID"));
  client_->Execute(1, {x_});
  client_->frame().mutable_items(0)->mutable_execute()->add_vars(3);
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "ARITY"));
}

TEST_F(BadInputTest, ProgramThatNeverComes) {
  v1::Execute& execute = *client_->Item().mutable_execute();
  execute.set_digest(std::string(32, 'n'));
  execute.set_first_out(client_->NextId());
  const uint64_t out = execute.first_out();
  client_->Send();
  client_->Await([](const v1::Reply& reply) { return reply.has_need_program(); });
  world_.Pass(absl::Seconds(31));
  client_->session().OnTick(world_.now());
  EXPECT_THAT(client_->TakeFault(), IsFault(kNotFound, "PROGRAM_UNKNOWN"));
  EXPECT_EQ(client_->Describe(out).state(), v1::VALUE_STATE_POISONED);
}

// ------------------------------------------------------------------ arithmetic is total

TEST_F(BadInputTest, IntegerDivisionByZeroAndItsOverflow) {
  const int32_t least = std::numeric_limits<int32_t>::min();
  const std::vector<int32_t> a = {7, least, -7, 0}, b = {0, -1, 2, 0};
  const uint64_t x = client_->Put(TypeOf(DType::kI32, {4}), server::BytesOf(a));
  const uint64_t y = client_->Put(TypeOf(DType::kI32, {4}), server::BytesOf(b));
  const auto compute = [&](const std::string& op) {
    return FromBytes<int32_t>(client_->FetchBytes(client_->Node(op, {x, y})));
  };
  EXPECT_THAT(compute("floordiv"), ElementsAre(0, least, -4, 0));
  EXPECT_THAT(compute("floormod"), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(compute("truncdiv"), ElementsAre(0, least, -3, 0));
  EXPECT_THAT(compute("truncrem"), ElementsAre(0, 0, -1, 0));
}

TEST_F(BadInputTest, NanAndInfinities) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const uint64_t x = client_->PutFloats({nan, inf, -inf, 3e9f});
  const uint64_t i = client_->Node("cast", {x}, {{"dtype", DType::kI32}});
  EXPECT_THAT(
      FromBytes<int32_t>(client_->FetchBytes(i)),
      ElementsAre(0, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min(),
                  std::numeric_limits<int32_t>::max()));
  EXPECT_TRUE(std::isnan(client_->FetchFloats(client_->Node("max", {x}))[0]));
  EXPECT_TRUE(std::isnan(client_->FetchFloats(client_->Node("sum", {x}))[0]));
}

TEST_F(BadInputTest, GatherAndScatterOutOfRange) {
  const uint64_t index =
      client_->Put(TypeOf(DType::kI32, {4}), server::BytesOf<int32_t>({0, 9, -100, 3}));
  const AttrMap axis = {{"axis", int64_t{0}}};
  EXPECT_THAT(client_->FetchFloats(client_->Node("gather", {x_, index}, axis)),
              ElementsAre(1, 0, 0, 4));
  const uint64_t updates = client_->PutFloats({10, 20, 30, 40});
  EXPECT_THAT(
      client_->FetchFloats(client_->Node("scatter", {x_, index, updates},
                                         {{"axis", int64_t{0}}, {"mode", std::string("add")}})),
      ElementsAre(11, 2, 3, 44));
}

// ------------------------------------------------------------------ too much

TEST_F(BadInputTest, SlowHundredThousandDeepGraph) {
  uint64_t at = x_;
  for (int i = 0; i < 100'000; ++i) {
    at = client_->Node("sin", {at});
    if (i % 256 == 0) client_->Send();
  }
  std::vector<float> expected = {1, 2, 3, 4};
  for (float& x : expected) {
    for (int i = 0; i < 100'000; ++i) x = std::sin(x);
  }
  EXPECT_THAT(client_->FetchFloats(at), testing::Pointwise(testing::FloatNear(1e-6f), expected));
}

TEST(OutOfMemoryTest, FailsTheValueAlone) {
  auto engine =
      runtime::Engine::Create({.devices = {"cpu"}, .threads = 1, .memory_limit = int64_t{8} << 20});
  ASSERT_TRUE(engine.ok());
  SessionWorld world(*std::move(engine));
  TestClient client(world), other(world);
  const AttrMap big = {{"dims", Dims{int64_t{1} << 24}}, {"dtype", DType::kF32}};
  const uint64_t x = client.Node("ones", {}, big);
  const v1::Fault fault = client.FetchFault(x);
  EXPECT_THAT(fault, IsFault(kResourceExhausted, "OUT_OF_MEMORY"));
  EXPECT_EQ(fault.cause(), x);
  const uint64_t y = other.PutFloats({1, 2});
  EXPECT_THAT(other.FetchFloats(other.Node("add", {y, y})), ElementsAre(2, 4));
  const uint64_t small = client.PutFloats({3});
  EXPECT_THAT(client.FetchFloats(client.Node("neg", {small})), ElementsAre(-3));
}

TEST(SessionLimitsTest, EachNamesItselfAndWhatItAllows) {
  SessionWorld world("null");
  world.limits().set_max_nodes(8);
  world.limits().set_max_values(12);
  world.limits().set_max_programs(1);
  world.limits().set_max_strings(20);
  world.limits().set_max_resident_bytes(1000);
  world.limits().set_max_sessions(1);
  TestClient client(world);
  const uint64_t x = client.PutFloats({1});
  const std::vector<std::string> ops = {"exp", "log", "sin", "cos", "tan", "neg", "abs", "sqrt"};
  for (const std::string& op : ops) client.Node(op, {x});
  client.Send();
  v1::Fault fault = client.TakeFault();
  EXPECT_THAT(fault, IsFault(kResourceExhausted, "LIMIT"));
  EXPECT_EQ(fault.limit(), "max_nodes");
  EXPECT_EQ(fault.max(), 8u);
  EXPECT_GT(fault.retry_after_ms(), 0u);
  for (int i = 0; i < 4; ++i) client.PutFloats({1});
  client.Send();
  EXPECT_EQ(client.TakeFault().limit(), "max_values");
  client.Free(2, 8);
  client.Put(F32({300}), std::string(1200, '\0'));
  client.Send();
  EXPECT_EQ(client.TakeFault().limit(), "max_resident_bytes");
  BodyWriter one, two;
  one.Output(one.Node("neg", {one.Input(F32({2}))}));
  two.Output(two.Node("abs", {two.Input(F32({2}))}));
  client.AddProgram(1, one.Bytes());
  client.AddProgram(2, two.Bytes());
  client.Send();
  EXPECT_EQ(client.TakeFault().limit(), "max_programs");
  TestClient second(world, /*hello=*/false);
  v1::ClientFrame hello;
  hello.set_seq(1);
  hello.add_items()->mutable_hello()->set_max_version(1);
  second.SendRaw(hello.SerializeAsString());
  fault = second.TakeFault();
  EXPECT_EQ(fault.limit(), "max_sessions");
  EXPECT_TRUE(fault.fatal());
  for (int i = 0; i < 20; ++i) client.frame().add_strings("s" + std::to_string(i));
  client.Send();
  fault = client.TakeFault();
  EXPECT_EQ(fault.limit(), "max_strings");
  EXPECT_TRUE(fault.fatal());
}

}  // namespace
}  // namespace tensord::server
