// The clean-up matrix: every kind of item, ended in every way, leaves nothing behind: no device or
// staging bytes, no sessions, nodes, commands or publications, no call of the engine under way.
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "engine/runtime/counters.h"
#include "tests/server/held_device.h"
#include "tests/server/publish_items.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

constexpr uint64_t kSoon = 1'000'000;  // of timeout_us

// What the items below are made from.
struct Ground {
  uint64_t x = 0;      // f32[4]
  uint64_t wrong = 0;  // poison
};

struct Kind {
  std::string name;
  // Adds the item, of `input`; with a timeout where it has one, if not 0.
  std::function<void(TestClient& client, uint64_t input, uint64_t timeout_us)> add;
};

const std::vector<Kind> kKinds = {
    {"Put", [](TestClient& c, uint64_t, uint64_t) { c.PutFloats({5, 6, 7, 8}); }},
    {"Nodes", [](TestClient& c, uint64_t x, uint64_t) { c.Node("neg", {c.Node("exp", {x})}); }},
    {"Evaluate",
     [](TestClient& c, uint64_t x, uint64_t timeout) {
       c.Evaluate({c.Node("neg", {x})});
       v1::ClientFrame& frame = c.frame();
       frame.mutable_items(frame.items_size() - 1)->mutable_evaluate()->set_timeout_us(timeout);
     }},
    {"Fetch", [](TestClient& c, uint64_t x,
                 uint64_t timeout) { c.Fetch(c.Node("exp", {x})).set_timeout_us(timeout); }},
    {"Execute",
     [](TestClient& c, uint64_t x, uint64_t timeout) {
       c.Execute(1, {x});
       v1::ClientFrame& frame = c.frame();
       frame.mutable_items(frame.items_size() - 1)->mutable_execute()->set_timeout_us(timeout);
     }},
    {"DonatingExecute",
     [](TestClient& c, uint64_t, uint64_t timeout) {
       c.Execute(2, {c.PutFloats({1, 2, 3, 4})});
       v1::ClientFrame& frame = c.frame();
       frame.mutable_items(frame.items_size() - 1)->mutable_execute()->set_timeout_us(timeout);
     }},
    {"UnknownProgram",
     [](TestClient& c, uint64_t x, uint64_t timeout) {
       v1::Execute& execute = *c.Item().mutable_execute();
       execute.set_digest(Sha256Bytes("no such body"));
       execute.add_in()->set_first(x);
       execute.mutable_in(0)->set_count(1);
       execute.set_first_out(c.NextId());
       execute.set_timeout_us(timeout);
     }},
    {"WholeUpload",
     [](TestClient& c, uint64_t, uint64_t) {
       EXPECT_TRUE(c.Upload(1, std::string(16, '\0'), 16).ok());
       c.Bind(c.NextId(), F32({4}), 1);
     }},
    {"HalfUpload",
     [](TestClient& c, uint64_t, uint64_t) {
       EXPECT_TRUE(c.Upload(2, std::string(8, '\0'), 16).ok());
       c.Bind(c.NextId(), F32({4}), 2);
     }},
    {"UnboundUpload",
     [](TestClient& c, uint64_t, uint64_t) {
       EXPECT_TRUE(c.Upload(3, std::string(1 << 20, '\0'), 1 << 20).ok());
     }},
    {"Program",
     [](TestClient& c, uint64_t, uint64_t) {
       BodyWriter body;
       body.Output(body.Node("cos", {body.Input(F32({4}))}));
       c.AddProgram(9, body.Bytes());
     }},
    {"Gradient",
     [](TestClient& c, uint64_t x, uint64_t) {
       v1::Gradient& gradient = *c.Item().mutable_gradient();
       gradient.add_targets(c.Node("sum", {c.Node("mul", {x, x})}));
       gradient.add_wrt(x);
       gradient.set_first_out(c.NextId());
     }},
    {"Barrier",
     [](TestClient& c, uint64_t x, uint64_t) {
       c.Evaluate({c.Node("sin", {x})});
       c.Item().mutable_barrier();
     }},
    {"Publish",
     [](TestClient& c, uint64_t x, uint64_t) {
       AddPublish(c, "matrix", {{"w", c.Node("neg", {x})}}).set_ttl_ms(1000);
     }},
    {"WaitingLookup",
     [](TestClient& c, uint64_t, uint64_t timeout) {
       v1::Lookup& lookup = AddLookup(c, "never");
       lookup.set_min_generation(1);
       lookup.set_timeout_us(timeout);
     }},
    {"Describe",
     [](TestClient& c, uint64_t x, uint64_t) {
       v1::IdSpan& span = *c.Item().mutable_describe()->add_ids();
       span.set_first(x);
       span.set_count(1);
     }},
    {"Ping", [](TestClient& c, uint64_t, uint64_t) { c.Item().mutable_ping(); }},
};

class Matrix {
 public:
  Matrix() {
    world_.engine().devices();
    memory_ = Memory();
  }

  // Everything is as before any session.
  void ExpectNothingLeft() {
    world_.Pass(absl::Minutes(10));
    for (const auto& session : world_.table().All()) session->OnTick(world_.now());
    world_.publications().OnTick(world_.now());
    EXPECT_EQ(world_.table().sessions(), 0u);
    EXPECT_EQ(world_.publications().size(), 0u);
    const auto account = world_.table().AccountOf({.name = "uid:1"}, world_.env().limits);
    AwaitDevice(*account);
    // A compile that the session still waited for holds it until it ends.
    for (int i = 0; i < 10'000 && account->sessions > 0; ++i) absl::SleepFor(absl::Milliseconds(1));
    AwaitDevice(*account);
    EXPECT_EQ(world_.table().resident_bytes(), 0);
    EXPECT_EQ(world_.table().staging_bytes(), 0);
    EXPECT_EQ(account->sessions, 0);
    EXPECT_EQ(account->nodes->used, 0);
    EXPECT_EQ(account->in_flight->used, 0);
    EXPECT_EQ(Memory(), memory_);
  }

  SessionWorld& world() { return world_; }

 private:
  int64_t Memory() { return world_.engine().devices()[0].memory_used; }
  // What was submitted is done, and has let go of what it held.
  void AwaitDevice(const Account& account) {
    for (int i = 0; i < 2; ++i) {
      std::promise<void> done;
      world_.engine().Notify(account.lane, {}, [&](const absl::Status&) { done.set_value(); });
      done.get_future().wait();
    }
  }

  SessionWorld world_;
  int64_t memory_ = 0;
};

class Actor {
 public:
  explicit Actor(SessionWorld& world) : world_(world), client_(world) {
    BodyWriter body;
    body.Output(body.Node("neg", {body.Input(F32({4}))}));
    client_.AddProgram(1, body.Bytes());
    BodyWriter update;
    update.Output(update.Node("exp", {update.Input(F32({4}))}));
    update.Donate(0);
    client_.AddProgram(2, update.Bytes());
    ground_.x = client_.PutFloats({1, 2, 3, 4});
    ground_.wrong = client_.Node("matmul", {ground_.x, client_.PutFloats({1, 2})});
    client_.FetchFloats(client_.Execute(1, {ground_.x}));
    client_.FetchFloats(client_.Execute(2, {client_.PutFloats({1, 2, 3, 4})}));
    client_.TakeFaults();
  }

  uint64_t Send(const Kind& kind, uint64_t timeout_us = 0) {
    kind.add(client_, ground_.x, timeout_us);
    return client_.Send();
  }
  uint64_t SendOfPoison(const Kind& kind) {
    kind.add(client_, ground_.wrong, 0);
    return client_.Send();
  }
  void Cancel(uint64_t seq) {
    v1::Cancel& cancel = *client_.Item().mutable_cancel();
    cancel.set_first_seq(seq);
    cancel.set_last_seq(seq);
    client_.Send();
  }
  void Bye() {
    client_.Item().mutable_bye();
    client_.Send();
    client_.TakeFaults();
  }
  void Pass(absl::Duration time) {
    world_.Pass(time);
    client_.session().OnTick(world_.now());
  }
  TestClient& client() { return client_; }

 private:
  SessionWorld& world_;
  TestClient client_;
  Ground ground_;
};

struct Ending {
  std::string name;
  std::function<void(const Kind& kind, SessionWorld& world, Actor& actor)> act;
};

const std::vector<Ending> kEndings = {
    {"Ok",
     [](const Kind& kind, SessionWorld&, Actor& actor) {
       actor.Send(kind, kSoon);
       actor.Pass(absl::Seconds(2));  // for what waits for somebody else
       actor.Bye();
     }},
    {"Fault",
     [](const Kind& kind, SessionWorld&, Actor& actor) {
       actor.SendOfPoison(kind);
       actor.Bye();
     }},
    {"Cancel",
     [](const Kind& kind, SessionWorld& world, Actor& actor) {
       HeldDevice held(world.engine());
       actor.Cancel(actor.Send(kind));
       held.Release();
       actor.Bye();
     }},
    {"Deadline",
     [](const Kind& kind, SessionWorld& world, Actor& actor) {
       HeldDevice held(world.engine());
       actor.Send(kind, kSoon);
       actor.Pass(absl::Seconds(2));
       held.Release();
       actor.Bye();
     }},
    {"ByeMeanwhile",
     [](const Kind& kind, SessionWorld& world, Actor& actor) {
       HeldDevice held(world.engine());
       actor.Send(kind);
       actor.Bye();
     }},
    {"ConnectionCut",  // and taken up again
     [](const Kind& kind, SessionWorld& world, Actor& actor) {
       HeldDevice held(world.engine());
       actor.Send(kind);
       actor.client().LoseStream();
       held.Release();
       EXPECT_TRUE(actor.client().Resume().has_welcome());
       actor.Bye();
     }},
    {"LeaseExpired",  // as after the client was killed
     [](const Kind& kind, SessionWorld& world, Actor& actor) {
       HeldDevice held(world.engine());
       actor.Send(kind);
       const std::shared_ptr<Session> session = world.table().All().front();
       actor.client().LoseStream();
       world.Pass(absl::Seconds(61));
       session->OnTick(world.now());
       EXPECT_EQ(world.table().sessions(), 0u);
     }},
    {"DaemonDrained",
     [](const Kind& kind, SessionWorld& world, Actor& actor) {
       HeldDevice held(world.engine());
       actor.Send(kind);
       actor.client().session().OnGoingAway(absl::Seconds(1));
       actor.client().session().End();
     }},
};

class CleanUpTest : public testing::TestWithParam<std::tuple<size_t, size_t>> {};

TEST_P(CleanUpTest, LeavesNothing) {
  const Kind& kind = kKinds[std::get<0>(GetParam())];
  const Ending& ending = kEndings[std::get<1>(GetParam())];
  Matrix matrix;
  {
    Actor actor(matrix.world());
    ending.act(kind, matrix.world(), actor);
  }
  matrix.ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Matrix, CleanUpTest,
                         testing::Combine(testing::Range<size_t>(0, kKinds.size()),
                                          testing::Range<size_t>(0, kEndings.size())),
                         [](const auto& info) {
                           return kKinds[std::get<0>(info.param)].name +
                                  kEndings[std::get<1>(info.param)].name;
                         });

}  // namespace
}  // namespace tensord::server
