// Bad input, case by case: each gets a precise fault, and neither the daemon nor another session
// notices.
#include <cmath>
#include <limits>

#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using types::Dims;
using types::DType;

constexpr uint32_t kInvalidArgument = 3, kNotFound = 5, kAlreadyExists = 6, kResourceExhausted = 8,
                   kFailedPrecondition = 9, kOutOfRange = 11, kUnimplemented = 12, kDataLoss = 15;

MATCHER_P2(IsFault, code, reason, "") {
  *result_listener << arg.ShortDebugString();
  return arg.code() == static_cast<uint32_t>(code) && arg.reason() == reason;
}

// Two sessions of one daemon: one misbehaves, the other must not notice.
class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    client_ = std::make_unique<TestClient>(world_);
    other_ = std::make_unique<TestClient>(world_);
    theirs_ = other_->PutFloats({1, 2});
    x_ = client_->PutFloats({1, 2, 3, 4});
    client_->Send();
    other_->Send();
  }

  void TearDown() override {
    EXPECT_THAT(other_->FetchFloats(other_->Node("add", {theirs_, theirs_})), ElementsAre(2, 4));
    EXPECT_THAT(other_->TakeFaults(), IsEmpty());
    if (broken_) return;
    client_->TakeFaults();
    EXPECT_THAT(client_->FetchFloats(client_->Node("neg", {x_})), ElementsAre(-1, -2, -3, -4));
    EXPECT_THAT(client_->TakeFaults(), IsEmpty());
  }

  // The fault of a node with this description; its id is defined as poison all the same.
  v1::Fault FaultOf(const std::string& op, const std::vector<uint64_t>& inputs,
                    const AttrMap& attrs = {}) {
    const uint64_t id = client_->Node(op, inputs, attrs);
    client_->Send();
    v1::Fault fault = client_->TakeFault();
    EXPECT_EQ(fault.node(), id);
    EXPECT_EQ(fault.op(), op);
    EXPECT_EQ(fault.of_seq(), client_->seq());
    EXPECT_EQ(fault.poisoned_size(), 1);
    EXPECT_EQ(fault.poisoned(0).first(), id);
    EXPECT_EQ(client_->Describe(id).state(), v1::VALUE_STATE_POISONED);
    const v1::Fault fetched = client_->FetchFault(client_->Node("neg", {id}));
    EXPECT_EQ(fetched.cause(), id);
    EXPECT_EQ(fetched.message(), fault.message());
    EXPECT_THAT(client_->TakeFaults(), IsEmpty());
    return fault;
  }

  // The end of the session that these bytes bring about.
  v1::Fault BreachOf(TestClient& client, const std::string& bytes) {
    client.SendRaw(bytes);
    v1::Fault fault = client.TakeFault();
    EXPECT_TRUE(fault.fatal());
    EXPECT_TRUE(client.stream().closed().has_value());
    EXPECT_EQ(static_cast<uint32_t>(client.stream().closed()->code()), fault.code());
    client.SendRaw(bytes);  // ignored
    EXPECT_THAT(client.TakeFaults(), IsEmpty());
    return fault;
  }

  SessionWorld world_{"cpu"};
  std::unique_ptr<TestClient> client_, other_;
  uint64_t x_ = 0, theirs_ = 0;
  bool broken_ = false;  // the session is over: not used in TearDown
};

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
  v1::Put& put = *client_->Item().mutable_put();
  put.set_id(id);
  *put.mutable_type() = F32({1});
  put.set_data(server::BytesOf<float>({8}));
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
  EXPECT_EQ(client_->TakeFaults().size(), 1u);
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

// ------------------------------------------------------------------ bytes

TEST_F(BadInputTest, PutsOfTheWrongSize) {
  client_->Put(F32({4}), "short");
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "TRUNCATED"));
  client_->Put(F32({1}), "too long for it");
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "TYPE_MISMATCH"));
  client_->Put(TypeOf(DType::kBool, {2}), "\x01\x02");
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kInvalidArgument, "DTYPE"));
  client_->Put(F32({100'000}), std::string(400'000, '\0'));
  client_->Send();
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kResourceExhausted, "LIMIT"));
  EXPECT_EQ(fault.limit(), "max_inline_bytes");
  EXPECT_EQ(fault.used(), 400'000u);
  EXPECT_EQ(fault.max(), 65'536u);
}

TEST_F(BadInputTest, TruncatedUpload) {
  const uint64_t id = client_->NextId();
  client_->Bind(id, F32({1000}), 5);
  client_->Send();
  ASSERT_TRUE(client_->Upload(5, std::string(100, 'x'), 4000).ok());
  world_.Pass(absl::Seconds(31));
  client_->session().OnTick(world_.now());
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kDataLoss, "TRUNCATED"));
  EXPECT_EQ(fault.poisoned(0).first(), id);
  EXPECT_FALSE(client_->Upload(5, std::string(100, 'x'), 4000, 100).ok());  // it has ended
}

TEST_F(BadInputTest, UploadThatNeverBegins) {
  const uint64_t id = client_->NextId();
  client_->Bind(id, F32({1000}), 5);
  client_->Fetch(client_->Node("neg", {id}));
  client_->Send();
  world_.Pass(absl::Seconds(31));
  client_->session().OnTick(world_.now());
  const std::vector<v1::Fault> faults = client_->TakeFaults();
  ASSERT_EQ(faults.size(), 2u);  // of the upload, and of the Fetch
  EXPECT_THAT(faults[0], IsFault(kNotFound, "UPLOAD"));
  EXPECT_EQ(faults[1].cause(), id);
}

TEST_F(BadInputTest, OversizedUpload) {
  EXPECT_EQ(client_->Upload(6, std::string(200, 'x'), 100).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->Upload(7, std::string(10, 'x'), 100, 50).status().code(),
            absl::StatusCode::kOutOfRange);
  ASSERT_TRUE(client_->Upload(8, std::string(4000, 'x'), 4000).ok());
  client_->Bind(client_->NextId(), F32({999}), 8);
  client_->Send();
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kInvalidArgument, "TYPE_MISMATCH"));
  EXPECT_THAT(fault.message(), HasSubstr("3996"));
  EXPECT_EQ(client_->Upload(9, std::string(1, 'x'), uint64_t{1} << 60).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(BadInputTest, UploadWithAnotherDigest) {
  ASSERT_TRUE(client_->Upload(8, std::string(16, '\0'), 16).ok());
  client_->Bind(client_->NextId(), F32({4}), 8);
  client_->frame().mutable_items(0)->mutable_bind()->set_digest(std::string(32, 'q'));
  client_->Send();
  EXPECT_THAT(client_->TakeFault(), IsFault(kDataLoss, "DIGEST"));
}

// ------------------------------------------------------------------ framing

TEST_F(BadInputTest, FrameOverTheLimit) {
  broken_ = true;
  const v1::Fault fault = BreachOf(*client_, std::string((4 << 20) + 1, '\0'));
  EXPECT_THAT(fault, IsFault(kResourceExhausted, "LIMIT"));
  EXPECT_EQ(fault.limit(), "max_frame_bytes");
}

TEST_F(BadInputTest, GarbageBytes) {
  broken_ = true;
  EXPECT_THAT(BreachOf(*client_, "\xde\xad\xbe\xef garbage"), IsFault(kInvalidArgument, "FRAMING"));
}

TEST_F(BadInputTest, GapInTheFrames) {
  broken_ = true;
  v1::ClientFrame frame;
  frame.set_seq(client_->seq() + 2);
  EXPECT_THAT(BreachOf(*client_, frame.SerializeAsString()), IsFault(kInvalidArgument, "GAP"));
}

TEST_F(BadInputTest, MoreThanTheCredit) {
  broken_ = true;
  client_->Pull();
  v1::ClientFrame frame;
  v1::Fault fault;
  uint64_t seq = client_->seq();
  for (int i = 0; i < 16'384; ++i) frame.add_items()->mutable_fetch()->set_id(x_);
  frame.clear_items();
  // Fetches of what never comes hold credit back.
  client_->Bind(client_->NextId(), F32({4}), 77);
  const uint64_t pending = client_->frame().items(0).bind().id();
  seq = client_->Send();
  for (int round = 0; round < 3 && fault.code() == 0; ++round) {
    frame.set_seq(++seq);
    frame.clear_items();
    for (int i = 0; i < 16'000; ++i) frame.add_items()->mutable_fetch()->set_id(pending);
    client_->SendRaw(frame.SerializeAsString());
    const std::vector<v1::Fault> faults = client_->TakeFaults();
    if (!faults.empty()) fault = faults.front();
  }
  EXPECT_THAT(fault, IsFault(kResourceExhausted, "CREDIT"));
  EXPECT_TRUE(fault.fatal());
}

TEST_F(BadInputTest, WrongVersionAndNoHello) {
  TestClient late(world_, /*hello=*/false);
  v1::ClientFrame frame;
  frame.set_seq(1);
  frame.add_items()->mutable_hello()->set_min_version(2);
  frame.mutable_items(0)->mutable_hello()->set_max_version(9);
  const v1::Fault fault = BreachOf(late, frame.SerializeAsString());
  EXPECT_THAT(fault, IsFault(kFailedPrecondition, "VERSION"));
  EXPECT_THAT(fault.message(), HasSubstr("2 … 9"));
  TestClient silent(world_, /*hello=*/false);
  frame.mutable_items(0)->mutable_ping();
  EXPECT_THAT(BreachOf(silent, frame.SerializeAsString()), IsFault(kFailedPrecondition, "FRAMING"));
  TestClient resuming(world_, /*hello=*/false);
  frame.mutable_items(0)->mutable_resume();
  EXPECT_THAT(BreachOf(resuming, frame.SerializeAsString()),
              IsFault(kUnimplemented, "UNIMPLEMENTED"));
}

TEST_F(BadInputTest, ItemsThatAreNotKnownAreNamed) {
  client_->Item().mutable_publish()->set_name("x");
  client_->Send();
  v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kUnimplemented, "UNIMPLEMENTED"));
  EXPECT_THAT(fault.message(), HasSubstr("publish"));
  v1::Lookup& lookup = *client_->Item().mutable_lookup();
  lookup.add_paths("a");
  lookup.set_first_id(client_->NextId());
  const uint64_t id = lookup.first_id();
  client_->Send();
  fault = client_->TakeFault();
  EXPECT_THAT(fault.message(), HasSubstr("lookup"));
  EXPECT_EQ(client_->Describe(id).state(), v1::VALUE_STATE_POISONED);
  // A kind of a later version: field 99 of Item, a message.
  client_->SendRaw("\x08" + std::string(1, static_cast<char>(client_->seq() + 1)) +
                   std::string("\x1a\x03\x9a\x06\x00", 5));
  fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kUnimplemented, "UNIMPLEMENTED"));
  EXPECT_THAT(fault.message(), HasSubstr("99"));
  broken_ = true;  // its seq is not the client's
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

TEST_F(BadInputTest, HundredThousandDeepGraph) {
  uint64_t at = x_;
  for (int i = 0; i < 100'000; ++i) {
    at = client_->Node("neg", {at});
    if (i % 256 == 0) client_->Send();
  }
  client_->Fetch(at);
  const v1::Reply reply = client_->Ask();  // computed, or refused with a reason
  if (reply.has_data()) {
    EXPECT_THAT(FromBytes<float>(reply.data().inline_()), ElementsAre(1, 2, 3, 4));
  } else {
    EXPECT_NE(reply.fault().reason(), "INTERNAL") << reply.ShortDebugString();
  }
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
  const std::vector<std::string> ops = {"exp", "log", "sin",  "cos", "tan",
                                        "neg", "abs", "sqrt", "erf"};
  for (const std::string& op : ops) client.Node(op, {x});
  client.Send();
  v1::Fault fault = client.TakeFault();
  EXPECT_THAT(fault, IsFault(kResourceExhausted, "LIMIT"));
  EXPECT_EQ(fault.limit(), "max_nodes");
  EXPECT_EQ(fault.max(), 8u);
  EXPECT_GT(fault.retry_after_ms(), 0u);
  for (int i = 0; i < 3; ++i) client.PutFloats({1});
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
