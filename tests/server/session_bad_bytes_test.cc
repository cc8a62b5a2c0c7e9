// Bytes that are too few, too many, or no frames at all.
#include "tests/server/session_bad_input.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using types::DType;

// ------------------------------------------------------------------ values

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
  const std::vector<v1::Fault> faults = client_->TakeFaults(2);
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
  EXPECT_THAT(BreachOf(resuming, frame.SerializeAsString()), IsFault(kInvalidArgument, "FRAMING"));
}

TEST_F(BadInputTest, AnItemThatIsNotKnownIsNamed) {
  // A kind of a later version: field 99 of Item, a message.
  client_->SendRaw("\x08" + std::string(1, static_cast<char>(client_->seq() + 1)) +
                   std::string("\x1a\x03\x9a\x06\x00", 5));
  const v1::Fault fault = client_->TakeFault();
  EXPECT_THAT(fault, IsFault(kUnimplemented, "UNIMPLEMENTED"));
  EXPECT_THAT(fault.message(), HasSubstr("99"));
  broken_ = true;  // its seq is not the client's
}

}  // namespace
}  // namespace tensord::server
