// A client over a network that loses streams, keeps old ones talking and repeats frames, against
// plain arithmetic: everything is applied once and answered once, with the right numbers.
// TENSORD_SIMULATIONS sets how many runs (1,000).
#include <cstdlib>
#include <deque>
#include <random>

#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

// One stream: what is on its way to the server, and the server's end.
struct Link {
  std::shared_ptr<FakeStream> stream = std::make_shared<FakeStream>();
  std::unique_ptr<StreamHandler> handler;
  std::deque<std::string> under_way;
};

class Simulation {
 public:
  Simulation(SessionWorld& world, uint32_t seed) : world_(world), random_(seed) {
    Connect();
    frame_.add_items()->mutable_hello()->set_max_version(1);
    Send();
    Settle([&] { return !welcome_.session().empty(); });
  }

  void Run() {
    const int steps = Below(60) + 10;
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    Send();
    Settle([&] { return answers_.size() == expected_.size() && applied_ == seq_; });
    EXPECT_EQ(answers_.size(), expected_.size());
    EXPECT_EQ(faults_, 0);
    frame_.add_items()->mutable_bye();
    Send();
    const std::string name = welcome_.session();
    Settle([&] { return world_.table().Find(name) == nullptr; });
  }

  ~Simulation() {
    links_.clear();
    if (const auto session = world_.table().Find(welcome_.session())) session->End();
  }

 private:
  using Question = std::pair<uint64_t, uint32_t>;  // a frame and an item of it

  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  void Step() {
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
        return Work();
      case 3:
        return Send();
      case 4:
      case 5:
        return Deliver(links_[Below(static_cast<int>(links_.size()))]);
      case 6:
      case 7:
        return Listen();
      case 8:
        return Repeat();
      case 9:
        return Lose();
      case 10:
        return Forget();
      default:
        if (!connected_) Resume();
    }
  }

  // ------------------------------------------------------------------ what the client wants

  void Work() {
    const int kind = values_.size() < 2 ? 0 : Below(4);
    if (kind == 0) {
      v1::Put& put = *frame_.add_items()->mutable_put();
      put.set_id(next_id_);
      *put.mutable_type() = F32({1});
      const float value = static_cast<float>(Below(100));
      put.set_data(BytesOf<float>({value}));
      values_[next_id_++] = value;
    } else if (kind == 1) {
      const uint64_t a = Any(), b = Any();
      writer_.Add(*frame_.add_items()->mutable_nodes(), next_id_, "add", {a, b});
      values_[next_id_++] = values_[a] + values_[b];
    } else if (kind == 2) {
      v1::Fetch& fetch = *frame_.add_items()->mutable_fetch();
      fetch.set_id(Any());
      Expect(values_[fetch.id()]);
    } else {
      frame_.add_items()->mutable_ping()->set_nonce(seq_ * 1000 + expected_.size());
      Expect(static_cast<float>(seq_ * 1000 + expected_.size()));
    }
  }

  uint64_t Any() {
    auto it = values_.begin();
    std::advance(it, Below(static_cast<int>(values_.size())));
    return it->first;
  }

  void Expect(float value) {
    expected_[{seq_ + 1, static_cast<uint32_t>(frame_.items_size() - 1)}] = value;
  }

  // ------------------------------------------------------------------ the client's protocol

  Link& current() { return links_.back(); }

  void Connect() {
    Link link;
    link.handler =
        MakeSessionStream(world_.env(), world_.table(), {"sim", true, {"uid:1", 1}}, link.stream);
    links_.push_back(std::move(link));
    connected_ = true;
  }

  void Send() {
    frame_.set_seq(++seq_);
    frame_.set_acked(seen_);
    frame_.set_max_reply_bytes(received_ + (1 << 20));
    const std::string& bytes = unapplied_[seq_] = frame_.SerializeAsString();
    if (connected_ && !welcoming_) current().under_way.push_back(bytes);
    frame_.Clear();
  }

  // Old frames may be sent once more.
  void Repeat() {
    if (!connected_ || welcoming_ || unapplied_.empty()) return;
    current().under_way.push_back(unapplied_.begin()->second);
  }

  void Resume() {
    Connect();
    v1::ClientFrame frame;
    v1::Resume& resume = *frame.add_items()->mutable_resume();
    resume.set_session(welcome_.session());
    resume.set_resume_secret(welcome_.resume_secret());
    resume.set_epoch(welcome_.epoch());
    resume.set_last_seen(seen_);
    current().under_way.push_back(frame.SerializeAsString());
    welcoming_ = true;
  }

  void Take(const v1::ServerFrame& frame, size_t bytes) {
    for (const v1::Reply& reply : frame.replies()) {
      if (reply.has_welcome()) Welcome(reply.welcome());
    }
    applied_ = std::max(applied_, frame.applied());
    unapplied_.erase(unapplied_.begin(), unapplied_.upper_bound(applied_));
    if (frame.seq() != 0 && frame.seq() <= seen_) return;
    if (frame.seq() != 0) {
      EXPECT_EQ(frame.seq(), seen_ + 1) << "a frame was skipped";
      seen_ = frame.seq();
      received_ += bytes;
    }
    for (const v1::Reply& reply : frame.replies()) Answer(reply);
  }

  void Welcome(const v1::Welcome& welcome) {
    welcome_ = welcome;
    if (!std::exchange(welcoming_, false)) return;
    EXPECT_TRUE(welcome.resumed());
    unapplied_.erase(unapplied_.begin(), unapplied_.upper_bound(welcome.applied()));
    for (const auto& [seq, bytes] : unapplied_) current().under_way.push_back(bytes);
  }

  void Answer(const v1::Reply& reply) {
    if (reply.has_fault()) {
      ++faults_;
      ADD_FAILURE() << reply.ShortDebugString();
    }
    if (!reply.has_data() && !reply.has_pong()) return;
    const Question question = {reply.of_seq(), reply.of_item()};
    ASSERT_TRUE(expected_.contains(question)) << "nobody asked: " << reply.ShortDebugString();
    EXPECT_TRUE(answers_.insert(question).second) << "answered twice";
    const float value = reply.has_pong() ? static_cast<float>(reply.pong().nonce())
                                         : FromBytes<float>(reply.data().inline_())[0];
    EXPECT_EQ(value, expected_[question]);
  }

  // ------------------------------------------------------------------ the network

  void Deliver(Link& link) {
    for (int n = Below(4); n >= 0 && !link.under_way.empty() && link.handler; --n) {
      link.handler->OnFrame(link.under_way.front());
      link.under_way.pop_front();
    }
  }

  void Listen() {
    SharedBytes bytes;
    Pull pull = Pull::kNothing;
    while (connected_ && (pull = current().handler->NextFrame(&bytes)) == Pull::kMessage) {
      v1::ServerFrame frame;
      ASSERT_TRUE(frame.ParseFromArray(bytes.view.data(), static_cast<int>(bytes.view.size())));
      Take(frame, bytes.view.size());
    }
    if (pull == Pull::kEnd) connected_ = welcoming_ = false;  // fenced by an older stream, or over
  }

  // The client's side of the stream is gone, and perhaps what the server sent last. The server may
  // not notice, and may still hear frames that are under way: another stream races with this one.
  void Lose() {
    if (!connected_ || welcome_.session().empty()) return;
    SharedBytes lost;
    for (int n = Below(3); n > 0; --n) (void)current().handler->NextFrame(&lost);
    connected_ = false;
    welcoming_ = false;
    if (Below(2) == 0) End(links_.back());
  }

  // The server notices that a stream is gone.
  void Forget() {
    for (size_t i = 0; i + (connected_ ? 1 : 0) < links_.size(); ++i) {
      if (Below(2) == 0) End(links_[i]);
    }
  }

  void End(Link& link) {
    if (link.handler != nullptr) link.handler->OnDetached(absl::CancelledError("lost"));
    link.handler = nullptr;
    link.under_way.clear();
  }

  // Nothing is lost any more, until `done`.
  void Settle(const std::function<bool()>& done) {
    for (int i = 0; i < 50'000 && !done() && !testing::Test::HasFailure(); ++i) {
      if (!connected_) Resume();
      while (!current().under_way.empty()) Deliver(current());
      Listen();
      if (!done()) absl::SleepFor(absl::Microseconds(50));
    }
    EXPECT_TRUE(done()) << "applied " << applied_ << " of " << seq_ << ", answered "
                        << answers_.size() << " of " << expected_.size();
  }

  SessionWorld& world_;
  std::mt19937 random_;
  std::deque<Link> links_;
  bool connected_ = false, welcoming_ = false;
  v1::Welcome welcome_;
  v1::ClientFrame frame_;
  BatchWriter writer_{[this](const std::string& text) { frame_.add_strings(text); }};
  std::map<uint64_t, float> values_;  // the reference
  std::map<Question, float> expected_;
  std::set<Question> answers_;
  std::map<uint64_t, std::string> unapplied_;
  uint64_t next_id_ = 1, seq_ = 0, seen_ = 0, applied_ = 0, received_ = 0;
  int faults_ = 0;
};

TEST(SessionSimulation, EverythingIsAppliedAndAnsweredOnce) {
  const char* wanted = std::getenv("TENSORD_SIMULATIONS");
  const int runs = wanted == nullptr ? 1000 : std::atoi(wanted);
  SessionWorld world("cpu");
  for (int seed = 0; seed < runs && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Simulation(world, static_cast<uint32_t>(seed)).Run();
  }
  EXPECT_EQ(world.table().resident_bytes(), 0);
  EXPECT_EQ(world.table().sessions(), 0u);
}

}  // namespace
}  // namespace tensord::server
