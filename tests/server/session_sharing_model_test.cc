// Sessions that publish, look up and donate at random: whatever a reader found must be what was
// published as that generation, to the bit, whatever its publisher did with the memory since.
#include <map>
#include <random>

#include "tests/server/publish_items.h"

namespace tensord::server {
namespace {

constexpr int kSessions = 4, kNames = 3, kSteps = 400;

using ItemKey = std::pair<uint64_t, uint32_t>;  // of_seq, of_item

class SharingModel {
 public:
  explicit SharingModel(uint64_t seed) : random_(seed) {
    for (int i = 0; i < kSessions; ++i) Open(sessions_, StrCat("uid:", 1 + i % 2));
    for (int i = 0; i < 2; ++i) Open(publishers_, StrCat("uid:", 1 + i));
  }

  void Run() {
    for (int step = 0; step < kSteps; ++step) Step();
    for (Session& session : sessions_) Send(session);
    Finish();
  }

  void Check() {
    for (Session& session : sessions_) {
      for (const auto& [key, expected] : session.computed) {
        EXPECT_EQ(DataOf(session, key), std::vector<float>(4, expected));
      }
      for (const auto& [lookup, fetch] : session.lookups) CheckLookup(session, lookup, fetch);
    }
  }
  int found() const { return found_; }

 private:
  struct Session {
    std::unique_ptr<TestClient> client;
    std::string principal;
    std::map<ItemKey, std::pair<std::string, float>> published;  // full name, its value
    std::map<ItemKey, float> computed;                           // Fetches of own values
    std::map<ItemKey, ItemKey> lookups;                          // its Fetch
    std::map<ItemKey, v1::Reply> replies;
  };

  void Open(std::vector<Session>& among, const std::string& principal) {
    Session& session = among.emplace_back();
    session.client = std::make_unique<TestClient>(world_, true, principal);
    session.principal = principal;
    session.client->AddProgram(1, DecrementBody());
  }
  uint64_t Below(uint64_t n) { return random_() % n; }
  ItemKey LastItem(Session& session) {
    return {session.client->seq() + 1,
            static_cast<uint32_t>(session.client->frame().items_size() - 1)};
  }
  std::string AnyName() { return StrCat("n", Below(kNames)); }

  void Step() {
    Session& session = sessions_[Below(kSessions)];
    switch (Below(8)) {
      case 0:
      case 1:
      case 2:
        return Publish(session, AnyName());
      case 3:
      case 4:
      case 5:
        return Lookup(session, Below(3) == 0 ? Below(8) : 0);
      case 6:
        if (Below(4) == 0) session.client->Item().mutable_unpublish()->set_name(AnyName());
        return;
      default:
        return Send(session);
    }
  }

  // Of a new value, which is donated half of the time.
  void Publish(Session& session, const std::string& name) {
    TestClient& client = *session.client;
    const float value = next_value_ += 10;
    const uint64_t one = client.PutFloats({1, 1, 1, 1});
    uint64_t id = client.PutFloats(std::vector<float>(4, value));
    float now = value;
    if (Below(2) == 0) {
      id = client.Node("add", {id, one});
      ++now;
    }
    AddPublish(client, name, {{"w", id}}).set_shared(true);
    session.published[LastItem(session)] = {StrCat(session.principal, "/", name), now};
    if (Below(2) == 0) {
      id = client.Execute(1, {id, one});
      --now;
    }
    client.Fetch(id);
    session.computed[LastItem(session)] = now;
  }

  // Of any principal's, which is donated, or kept, or freed.
  void Lookup(Session& session, uint64_t min_generation) {
    TestClient& client = *session.client;
    v1::Lookup& lookup = AddLookup(client, StrCat("uid:", 1 + Below(2), "/", AnyName()));
    lookup.set_min_generation(min_generation);
    const uint64_t id = lookup.first_id();
    const ItemKey key = LastItem(session);
    client.Fetch(id);
    session.lookups[key] = LastItem(session);
    if (Below(3) == 0) client.Execute(1, {id, client.PutFloats({1, 1, 1, 1})});
  }

  void Send(Session& session) {
    if (session.client->frame().items_size() > 0) session.client->Send();
    Collect(session);
  }
  void Collect(Session& session) {
    const auto any = [](const v1::Reply&) { return true; };
    while (session.client->Waiting(any) > 0) {
      v1::Reply reply = session.client->Await(any);
      session.replies[{reply.of_seq(), reply.of_item()}] = std::move(reply);
    }
  }

  // Publishes until nobody waits any more, and takes in every answer.
  void Finish() {
    std::vector<ItemKey> barriers;
    for (Session& session : sessions_) {
      session.client->Item().mutable_barrier();
      barriers.push_back(LastItem(session));
      Send(session);
    }
    for (int round = 0; round < 2000 && !AllDone(barriers); ++round) {
      for (Session& session : sessions_) Collect(session);
      for (int principal : {1, 2}) {
        Session& session = publishers_[static_cast<size_t>(principal - 1)];
        for (int i = 0; i < kNames; ++i) Publish(session, StrCat("n", i));
        session.client->Item().mutable_barrier();
        const ItemKey key = LastItem(session);
        Send(session);
        while (!session.replies.contains(key)) Collect(session);
      }
    }
    EXPECT_TRUE(AllDone(barriers)) << "a session is stuck";
    for (Session& session : sessions_) TakeValues(session);
    for (Session& session : publishers_) TakeValues(session);
  }
  bool AllDone(const std::vector<ItemKey>& barriers) const {
    for (size_t i = 0; i < barriers.size(); ++i) {
      if (!sessions_[i].replies.contains(barriers[i])) return false;
    }
    return true;
  }
  void TakeValues(Session& session) {
    for (const auto& [item, what] : session.published) {
      const v1::Published& published = session.replies[item].published();
      const auto [it, fresh] =
          values_.emplace(std::make_pair(published.name(), published.generation()), what.second);
      EXPECT_TRUE(fresh) << published.ShortDebugString();
      EXPECT_EQ(published.name(), what.first);
    }
  }

  static std::vector<float> DataOf(Session& session, const ItemKey& key) {
    return FromBytes<float>(session.replies[key].data().inline_());
  }
  void CheckLookup(Session& session, const ItemKey& lookup, const ItemKey& fetch) {
    const v1::Reply& reply = session.replies[lookup];
    if (!reply.has_found()) {
      EXPECT_EQ(reply.fault().reason(), "NAME_UNKNOWN") << reply.ShortDebugString();
      EXPECT_EQ(session.replies[fetch].fault().reason(), "NAME_UNKNOWN");
      return;
    }
    ++found_;
    const auto value = values_.find({reply.found().name(), reply.found().generation()});
    ASSERT_NE(value, values_.end()) << reply.ShortDebugString();
    EXPECT_EQ(DataOf(session, fetch), std::vector<float>(4, value->second));
  }

  SessionWorld world_;
  std::vector<Session> sessions_, publishers_;  // at random; those that end all waiting
  std::mt19937_64 random_;
  float next_value_ = 0;
  int found_ = 0;
  std::map<std::pair<std::string, uint64_t>, float> values_;  // by full name and generation
};

class SessionSharingModelTest : public testing::TestWithParam<int> {};

TEST_P(SessionSharingModelTest, EveryReaderHasWhatItsGenerationWas) {
  SharingModel model(static_cast<uint64_t>(GetParam()));
  model.Run();
  model.Check();
  EXPECT_GT(model.found(), 20);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionSharingModelTest, testing::Range(1, 21));

}  // namespace
}  // namespace tensord::server
