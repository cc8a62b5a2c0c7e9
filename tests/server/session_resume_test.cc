// A session outlives its stream: leases, secrets, fences, and frames that are sent again.
#include "engine/base/file.h"
#include "tests/server/faults.h"
#include "tests/server/pki.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;

class SessionResumeTest : public testing::Test {
 protected:
  void Tick(absl::Duration time) {
    world_.Pass(time);
    for (const auto& session : world_.table().All()) session->OnTick(world_.now());
  }

  SessionWorld world_{"cpu"};
  TestClient client_{world_};
};

TEST_F(SessionResumeTest, ValuesOutliveTheStream) {
  const uint64_t x = client_.PutFloats({1, 2});
  EXPECT_THAT(client_.FetchFloats(x), ElementsAre(1, 2));
  client_.LoseStream();
  const v1::Reply reply = client_.Resume();
  ASSERT_TRUE(reply.has_welcome()) << reply.ShortDebugString();
  EXPECT_TRUE(reply.welcome().resumed());
  EXPECT_EQ(reply.welcome().fencing(), 2u);
  EXPECT_THAT(client_.FetchFloats(client_.Node("add", {x, x})), ElementsAre(2, 4));
}

TEST_F(SessionResumeTest, AFrameThatIsSentAgainIsAppliedOnce) {
  const uint64_t x = client_.PutFloats({1});
  client_.Node("add", {x, x});
  client_.Send();  // applied, but the client never hears of it
  client_.LoseStream();
  const uint64_t z = client_.Node("add", {x + 1, x + 1});
  client_.Send();  // lost with the stream
  ASSERT_TRUE(client_.Resume().has_welcome());
  EXPECT_THAT(client_.FetchFloats(z), ElementsAre(4));
  EXPECT_EQ(client_.TakeFaults().size(), 0u);
}

TEST_F(SessionResumeTest, RepliesThatWereLostAreSentAgainAndOnce) {
  const uint64_t x = client_.PutFloats({7});
  client_.Fetch(x);
  client_.Send();
  SharedBytes lost;  // taken by the stream, never seen by the client
  ASSERT_TRUE(client_.AwaitNews());
  while (client_.handler().NextFrame(&lost) == server::Pull::kMessage) {
  }
  client_.LoseStream();
  ASSERT_TRUE(client_.Resume().has_welcome());
  const auto is_data = [](const v1::Reply& reply) { return reply.has_data(); };
  EXPECT_THAT(FromBytes<float>(client_.Await(is_data).data().inline_()), ElementsAre(7));
  client_.Barrier();
  EXPECT_EQ(client_.Waiting(is_data), 0u);
}

TEST_F(SessionResumeTest, TheSecondStreamFencesTheFirst) {
  const std::shared_ptr<FakeStream> first = client_.shared_stream();
  const auto handler = client_.TakeHandler();
  ASSERT_TRUE(client_.Resume().has_welcome());
  ASSERT_TRUE(first->closed().has_value());
  EXPECT_EQ(first->closed()->code(), absl::StatusCode::kAborted);
  SharedBytes frame;
  EXPECT_EQ(handler->NextFrame(&frame), Pull::kEnd);
  v1::ClientFrame late;
  late.set_seq(client_.seq() + 1);
  late.add_items()->mutable_bye();
  handler->OnFrame(late.SerializeAsString());  // unheard
  handler->OnDetached(absl::CancelledError("gone"));
  EXPECT_THAT(client_.FetchFloats(client_.PutFloats({5})), ElementsAre(5));
}

TEST_F(SessionResumeTest, ASecretServesOnceTheNextOneIsKnown) {
  const std::string old = client_.welcome().resume_secret();
  ASSERT_TRUE(client_.Resume().has_welcome());
  EXPECT_NE(client_.welcome().resume_secret(), old);
  // The Welcome may have been lost: until the client has said something, the old secret serves.
  ASSERT_TRUE(client_.Resume([&](v1::Resume& r) { r.set_resume_secret(old); }).has_welcome());
  client_.Barrier();
  const v1::Reply refused = client_.Resume([&](v1::Resume& r) { r.set_resume_secret(old); });
  EXPECT_THAT(refused.fault(), IsFault(absl::StatusCode::kNotFound, "SESSION_UNKNOWN"));
}

TEST_F(SessionResumeTest, RefusesWhatIsNotEntitled) {
  const auto refusal = [&](const std::function<void(v1::Resume&)>& change) {
    return client_.Resume(change).fault();
  };
  const auto unknown = IsFault(absl::StatusCode::kNotFound, "SESSION_UNKNOWN");
  EXPECT_THAT(refusal([](v1::Resume& r) { r.set_resume_secret(""); }), unknown);
  EXPECT_THAT(refusal([](v1::Resume& r) { r.set_resume_secret(std::string(32, 'x')); }), unknown);
  EXPECT_THAT(refusal([](v1::Resume& r) { r.set_session(std::string(16, 'x')); }), unknown);
  EXPECT_THAT(refusal([](v1::Resume& r) { r.set_epoch(r.epoch() + 1); }),
              IsFault(absl::StatusCode::kNotFound, "EPOCH_LOST"));
  EXPECT_THAT(refusal([](v1::Resume& r) { r.set_last_seen(1000); }),
              IsFault(absl::StatusCode::kInvalidArgument, "GAP"));
  EXPECT_TRUE(client_.Resume().has_welcome()) << "refusals leave the session alone";
}

TEST_F(SessionResumeTest, AnotherPrincipalsSessionIsUnknown) {
  TestClient other(world_, true, "uid:2");
  const v1::Reply reply = other.Resume([&](v1::Resume& r) {
    r.set_session(client_.welcome().session());
    r.set_resume_secret(client_.welcome().resume_secret());
  });
  EXPECT_THAT(reply.fault(), IsFault(absl::StatusCode::kNotFound, "SESSION_UNKNOWN"));
}

TEST_F(SessionResumeTest, TheLeaseEndsADetachedSession) {
  const std::string name = client_.welcome().session();
  client_.PutFloats(std::vector<float>(1024));
  client_.Barrier();
  client_.LoseStream();
  Tick(absl::Seconds(59));
  EXPECT_NE(world_.table().Find(name), nullptr);
  EXPECT_GT(world_.table().resident_bytes(), 0);
  Tick(absl::Seconds(2));
  EXPECT_EQ(world_.table().Find(name), nullptr);
  EXPECT_EQ(world_.table().resident_bytes(), 0);
  EXPECT_THAT(client_.Resume().fault(), IsFault(absl::StatusCode::kNotFound, "LEASE_EXPIRED"));
}

TEST_F(SessionResumeTest, AResumedSessionHasNoLeaseToKeep) {
  client_.LoseStream();
  Tick(absl::Seconds(50));
  ASSERT_TRUE(client_.Resume().has_welcome());
  Tick(absl::Seconds(100));
  EXPECT_FALSE(client_.Barrier());
}

TEST_F(SessionResumeTest, CredentialsThatExpireLoseTheStreamAndNotTheSession) {
  client_.ProveUntil(world_.now() + absl::Seconds(10));
  ASSERT_TRUE(client_.Resume().has_welcome());
  const uint64_t x = client_.PutFloats({3});
  client_.Barrier();
  Tick(absl::Seconds(9));
  EXPECT_FALSE(client_.stream().aborted);
  EXPECT_TRUE(client_.session().MayMoveData(client_.welcome().data_token()));
  Tick(absl::Seconds(1));
  EXPECT_TRUE(client_.stream().aborted);
  EXPECT_FALSE(client_.session().MayMoveData(client_.welcome().data_token()));
  client_.ProveUntil(world_.now() + absl::Seconds(10));
  ASSERT_TRUE(client_.Resume().has_welcome());
  EXPECT_THAT(client_.FetchFloats(x), ElementsAre(3));
  EXPECT_TRUE(client_.session().MayMoveData(client_.welcome().data_token()));
}

TEST_F(SessionResumeTest, ARefreshInTimeKeepsTheStream) {
  const Key key = MakeKey("ED25519");
  base::TempDir dir;
  WritePrivate(dir.path() + "/keys", PublicPem(key));
  ASSERT_TRUE(world_.authenticator()
                  .Load({.jwt_key_file = dir.path() + "/keys", .jwt = {.audience = "t"}})
                  .ok());
  const absl::Time start = absl::Now();
  const auto token = [&](absl::Duration life) {
    return SignedToken(R"({"alg":"EdDSA"})",
                       R"({"sub":"ann","aud":"t","exp":)" +
                           std::to_string(absl::ToUnixSeconds(start + life)) + "}",
                       "EdDSA", key);
  };
  TestClient refreshed(world_, false), forgetful(world_, false);
  for (TestClient* client : {&refreshed, &forgetful}) {
    v1::Hello& hello = *client->Item().mutable_hello();
    hello.set_max_version(1);
    hello.mutable_credentials()->set_bearer(token(absl::Minutes(1)));
    client->Send();
  }
  refreshed.Item().mutable_auth()->mutable_credentials()->set_bearer(token(absl::Minutes(9)));
  refreshed.Send();
  Tick(start - world_.now() + absl::Minutes(2));
  EXPECT_TRUE(forgetful.stream().aborted);
  EXPECT_FALSE(refreshed.stream().aborted);
  Tick(absl::Minutes(8));
  EXPECT_TRUE(refreshed.stream().aborted);
}

TEST_F(SessionResumeTest, ByeEndsTheSessionForGood) {
  client_.Item().mutable_bye();
  client_.Send();
  EXPECT_THAT(client_.Resume().fault(), IsFault(absl::StatusCode::kNotFound, "SESSION_UNKNOWN"));
}

TEST_F(SessionResumeTest, WorkGoesOnWhileNobodyListens) {
  const uint64_t x = client_.PutFloats({3});
  const uint64_t y = client_.Node("mul", {x, x});
  client_.Evaluate({y});
  client_.Send();
  client_.LoseStream();
  ASSERT_TRUE(client_.Resume().has_welcome());
  client_.Barrier();
  EXPECT_EQ(client_.Describe(y).state(), v1::VALUE_STATE_READY);
}

}  // namespace
}  // namespace tensord::server
