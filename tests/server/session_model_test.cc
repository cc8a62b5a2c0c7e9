// Random sessions against a model that copies everything: every answer and every fault is foreseen.
#include <map>
#include <random>
#include <set>

#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using Place = std::pair<uint64_t, uint32_t>;  // (frame, item)
using Floats = std::vector<float>;

// What the protocol promises, in the plainest way.
class Model {
 public:
  struct Value {
    Floats data;
    uint64_t cause = 0;  // not 0: poison
  };
  enum class Missing { kNo, kUnknown, kFreed, kDonated };

  Missing Find(uint64_t id) const {
    if (values.contains(id)) return Missing::kNo;
    return donated.contains(id) ? Missing::kDonated
           : freed.contains(id) ? Missing::kFreed
                                : Missing::kUnknown;
  }
  bool Used(uint64_t id) const { return Find(id) != Missing::kUnknown; }

  // A node: whether it faults.
  bool Node(uint64_t id, const std::string& op, const std::vector<uint64_t>& inputs) {
    if (Used(id)) return true;
    Value& out = values[id];
    for (uint64_t input : inputs) {
      if (input == id || Find(input) != Missing::kNo) return out.cause = id, true;
    }
    for (uint64_t input : inputs) {
      if (values[input].cause != 0) return out.cause = values[input].cause, false;
    }
    if (inputs.size() == 2 && values[inputs[0]].data.size() != values[inputs[1]].data.size()) {
      return out.cause = id, true;
    }
    out.data = Compute(op, inputs);
    return false;
  }

  // out = a * b - a, out + 1 = -b; `a` is donated. Whether it faults.
  bool Execute(uint64_t out, uint64_t a, uint64_t b) {
    const bool fault = TryExecute(out, a, b);
    if (values.erase(a) > 0) donated.insert(a);
    return fault;
  }

  bool Free(uint64_t id) {
    if (values.erase(id) == 0) return true;
    freed.insert(id);
    return false;
  }

  std::map<uint64_t, Value> values;
  std::set<uint64_t> freed, donated;

 private:
  Floats Compute(const std::string& op, const std::vector<uint64_t>& inputs) {
    const Floats& a = values[inputs[0]].data;
    Floats out = a;
    for (size_t i = 0; i < a.size(); ++i) {
      const float b = inputs.size() > 1 ? values[inputs[1]].data[i] : 0;
      out[i] = op == "add"       ? a[i] + b
               : op == "mul"     ? a[i] * b
               : op == "maximum" ? std::max(a[i], b)
                                 : -a[i];
    }
    return out;
  }

  bool Poison(uint64_t first, uint64_t cause, bool fault) {
    for (uint64_t id : {first, first + 1}) {
      if (!Used(id)) values[id].cause = cause;
    }
    return fault;
  }

  bool TryExecute(uint64_t out, uint64_t a, uint64_t b) {
    if (Used(out) || Used(out + 1)) return Poison(out, out, true);
    if (Find(a) != Missing::kNo || Find(b) != Missing::kNo) return Poison(out, out, true);
    for (uint64_t id : {a, b}) {
      if (values[id].cause == 0 && values[id].data.size() != 4) return Poison(out, out, true);
    }
    for (uint64_t id : {a, b}) {
      if (values[id].cause != 0) return Poison(out, values[id].cause, false);
    }
    if (a == b) return Poison(out, out, true);
    Value& first = values[out];
    Value& second = values[out + 1];
    for (size_t i = 0; i < 4; ++i) {
      const float x = values[a].data[i], y = values[b].data[i];
      first.data.push_back(x * y - x);
      second.data.push_back(-y);
    }
    return false;
  }
};

class RandomSession {
 public:
  RandomSession(SessionWorld& world, uint64_t seed) : client_(world), random_(seed) {
    BodyWriter body;
    const uint64_t a = body.Input(F32({4})), b = body.Input(F32({4}));
    body.Output(body.Node("sub", {body.Node("mul", {a, b}), a}));
    body.Output(body.Node("neg", {b}));
    body.Donate(0);
    client_.AddProgram(1, body.Bytes());
    client_.Send();
  }

  void Run(int frames) {
    for (int i = 0; i < frames && !testing::Test::HasFailure(); ++i) {
      const int items = 1 + Any(12);
      for (int k = 0; k < items; ++k) AddItem();
      client_.Send();
      if (Any(4) == 0) Check();
    }
    Check();
  }

 private:
  int Any(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  Place Here() {
    return {client_.seq() + 1, static_cast<uint32_t>(client_.frame().items_size() - 1)};
  }
  void Expect(bool fault) {
    if (fault) faults_.insert(Here());
  }

  // An id: mostly one that lives, at times any.
  uint64_t AnyId() {
    if (model_.values.empty() || Any(20) == 0) return 1 + static_cast<uint64_t>(Any(400));
    auto it = model_.values.begin();
    std::advance(it, Any(static_cast<int>(model_.values.size())));
    return it->first;
  }
  // A new id, rarely one that was used.
  uint64_t NewId(uint64_t count) {
    return Any(40) == 0 && next_ > 1 ? 1 + random_() % (next_ - 1) : (next_ += count) - count;
  }

  void AddItem() {
    switch (Any(11)) {
      case 0:
      case 1:
        return AddPut();
      case 2:
      case 3:
      case 4:
        return AddNodes();
      case 5:
        return AddFetch();
      case 6:
        return AddEvaluate();
      case 7:
        return AddExecute();
      case 8:
        return AddFree();
      case 9:
        return AddDescribe();
      default:
        client_.Item().mutable_barrier();
        barriers_.insert(Here());
    }
  }

  void AddPut() {
    v1::Put& put = *client_.Item().mutable_put();
    const size_t size = Any(8) == 0 ? 3 : 4;
    Floats data;
    for (size_t i = 0; i < size; ++i) data.push_back(static_cast<float>(Any(200) - 100) / 8);
    put.set_id(NewId(1));
    *put.mutable_type() = F32({size});
    put.set_data(server::BytesOf(data));
    const bool used = model_.Used(put.id());
    if (!used) model_.values[put.id()].data = data;
    Expect(used);
  }

  void AddNodes() {
    static const std::vector<std::string> binary = {"add", "mul", "maximum"};
    v1::NodeBatch& batch = *client_.Item().mutable_nodes();
    const int nodes = 1 + Any(4);
    for (int i = 0; i < nodes; ++i) {
      const uint64_t id = next_++;
      const bool two = Any(3) != 0;
      const std::string op = two ? binary[static_cast<size_t>(Any(3))] : "neg";
      std::vector<uint64_t> inputs = {AnyId()};
      if (two) inputs.push_back(AnyId());
      client_.writer().Add(batch, id, op, inputs);
      Expect(model_.Node(id, op, inputs));
    }
  }

  void AddFetch() {
    const uint64_t id = AnyId();
    client_.Fetch(id);
    fetches_[Here()] = {id, model_.Find(id) == Model::Missing::kNo
                                ? model_.values[id]
                                : Model::Value{{}, ~uint64_t{0}}};
  }

  void AddEvaluate() {
    std::vector<uint64_t> ids;
    bool fault = false;
    for (int i = 0; i < 1 + Any(3); ++i) {
      ids.push_back(AnyId());
      fault |= model_.Find(ids.back()) != Model::Missing::kNo;
    }
    client_.Evaluate(ids);
    Expect(fault);
  }

  void AddExecute() {
    const uint64_t a = AnyId(), b = AnyId();
    v1::Execute& execute = *client_.Item().mutable_execute();
    execute.set_slot(1);
    execute.add_in()->set_first(a);
    execute.add_in()->set_first(b);
    execute.set_first_out(NewId(2));
    Expect(model_.Execute(execute.first_out(), a, b));
  }

  void AddFree() {
    const uint64_t id = AnyId();
    client_.Free(id);
    Expect(model_.Free(id));
  }

  void AddDescribe() {
    const uint64_t id = AnyId();
    client_.Item().mutable_describe()->add_ids()->set_first(id);
    describes_[Here()] = {model_.Find(id),
                          model_.Find(id) == Model::Missing::kNo && model_.values[id].cause != 0};
  }

  // Compares everything that was answered since the last time.
  void Check() {
    client_.Barrier();
    EXPECT_EQ(client_.applied(), client_.seq());
    for (const auto& [place, expected] : fetches_) CheckFetch(ReplyTo(place), expected);
    for (const auto& [place, expected] : describes_) {
      CheckState(ReplyTo(place).described().values(0).state(), expected);
    }
    for (const Place& place : barriers_) EXPECT_TRUE(ReplyTo(place).has_barrier_done());
    std::multiset<Place> seen;
    for (const v1::Fault& fault : client_.TakeFaults()) {
      seen.insert({fault.of_seq(), fault.of_item()});
    }
    EXPECT_EQ(seen, faults_);
    fetches_.clear();
    describes_.clear();
    barriers_.clear();
    faults_.clear();
  }

  v1::Reply ReplyTo(const Place& place) {
    return client_.Await([&](const v1::Reply& reply) {
      return reply.of_seq() == place.first && reply.of_item() == place.second;
    });
  }

  static void CheckFetch(const v1::Reply& reply,
                         const std::pair<uint64_t, Model::Value>& expected) {
    const auto& [id, value] = expected;
    if (value.cause == ~uint64_t{0}) {
      EXPECT_TRUE(reply.has_fault()) << reply.ShortDebugString();
    } else if (value.cause != 0) {
      EXPECT_EQ(reply.fault().cause(), value.cause) << reply.ShortDebugString();
    } else {
      EXPECT_EQ(reply.data().id(), id) << reply.ShortDebugString();
      EXPECT_EQ(reply.data().inline_(), server::BytesOf(value.data)) << id;
    }
  }

  static void CheckState(v1::ValueState state, const std::pair<Model::Missing, bool>& expected) {
    const auto& [missing, poisoned] = expected;
    if (missing == Model::Missing::kUnknown) {
      EXPECT_EQ(state, v1::VALUE_STATE_UNKNOWN);
    }
    if (missing == Model::Missing::kFreed) {
      EXPECT_EQ(state, v1::VALUE_STATE_FREED);
    }
    if (missing == Model::Missing::kDonated) {
      EXPECT_EQ(state, v1::VALUE_STATE_DONATED);
    }
    if (missing == Model::Missing::kNo) {
      EXPECT_EQ(state == v1::VALUE_STATE_POISONED, poisoned);
      EXPECT_NE(state, v1::VALUE_STATE_UNKNOWN);
    }
  }

  TestClient client_;
  std::mt19937_64 random_;
  Model model_;
  uint64_t next_ = 1;
  std::map<Place, std::pair<uint64_t, Model::Value>> fetches_;
  std::map<Place, std::pair<Model::Missing, bool>> describes_;
  std::set<Place> barriers_;
  std::multiset<Place> faults_;
};

TEST(SessionModelTest, RandomSessionsDoWhatTheModelSays) {
  SessionWorld world("cpu");
  for (uint64_t seed = 1; seed <= 12 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    RandomSession(world, seed).Run(60);
  }
}

}  // namespace
}  // namespace tensord::server
