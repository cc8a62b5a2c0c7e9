// Nodes per second through the session core on one thread: frames of 256 nodes in the mix of a
// training step (convolutions, matmuls, reductions, movement, optimizer arithmetic), decoded,
// typed, interned, freed every ten thousand.
//
//   bench_session_nodes [million nodes]      prints one line of JSON
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "server/events.h"
#include "server/program.h"
#include "server/publications.h"
#include "server/session_core.h"
#include "tests/bench/row.h"

namespace tensord::server {
namespace {

constexpr int kNodesPerFrame = 256;
constexpr uint64_t kFreeEvery = 10'000;

class Owner : public SessionOwner, public Strand {
 public:
  explicit Owner(const SessionEnv& env) : env_(env) {}
  std::shared_ptr<Strand> strand() override { return shared_from_this(); }
  absl::StatusOr<std::unique_ptr<Membership>> Join(const Principal& principal) override {
    return table_.Join(principal, env_.limits);
  }
  void OnUploaded(uint64_t) override {}
  void OnWelcome() override {}
  void DropStream() override {}

 private:
  const SessionEnv& env_;
  SessionTable table_{env_.engine};
};

// Writes the frames of an endless training run.
class Recorder {
 public:
  Recorder() { Begin(); }

  // The frames of at least `nodes` more nodes.
  std::vector<std::string> Record(uint64_t nodes) {
    frames_.clear();
    const uint64_t until = recorded_ + nodes;
    while (recorded_ < until) Step();
    Flush();
    return std::move(frames_);
  }
  uint64_t recorded() const { return recorded_; }

 private:
  void Begin() {
    frame_.add_items()->mutable_hello()->set_max_version(1);
    for (const std::vector<uint64_t>& shape : std::vector<std::vector<uint64_t>>{
             {128, 1, 8, 8}, {16, 1, 3, 3}, {16}, {32, 16, 3, 3}, {32}, {512, 10}, {10}}) {
      leaves_.push_back(Put(shape));
    }
    for (size_t i = 1; i < leaves_.size(); ++i) {
      gradients_.push_back(leaves_[i]);
      momenta_.push_back(leaves_[i]);
    }
    rate_ = Const(0.01);
    decay_ = Const(0.9);
    keep_ = next_;
    freed_ = next_;
    Flush();
    frames_.clear();
  }

  uint64_t Put(const std::vector<uint64_t>& shape) {
    v1::Put& put = *frame_.add_items()->mutable_put();
    put.set_id(next_);
    put.mutable_type()->set_dtype(v1::DTYPE_F32);
    uint64_t bytes = 4;
    for (uint64_t d : shape) {
      put.mutable_type()->mutable_dims()->add_sizes(d);
      bytes *= d;
    }
    put.set_data(std::string(bytes, '\0'));
    return next_++;
  }

  uint32_t Text(const std::string& text) {
    for (size_t i = 0; i < texts_.size(); ++i) {
      if (texts_[i] == text) return static_cast<uint32_t>(i);
    }
    frame_.add_strings(text);
    texts_.push_back(text);
    return static_cast<uint32_t>(texts_.size() - 1);
  }

  uint64_t Node(const std::string& op, const std::vector<uint64_t>& inputs) {
    if (batch_ == nullptr) {
      batch_ = frame_.add_items()->mutable_nodes();
      batch_->set_first_id(next_);
    }
    batch_->add_op(Text(op));
    batch_->add_n_in(static_cast<uint32_t>(inputs.size()));
    for (uint64_t input : inputs) batch_->add_in(static_cast<int64_t>(next_ - input));
    ++recorded_;
    return next_++;
  }
  v1::Attr& Attr(const std::string& name) {
    v1::Attr& attr = *batch_->add_attrs();
    attr.set_node(static_cast<uint32_t>(batch_->op_size() - 1));
    attr.set_name(Text(name));
    return attr;
  }
  uint64_t Const(double value) {
    const uint64_t id = Node("const", {});
    Attr("value").set_f(value);
    return id;
  }
  uint64_t WithInts(const std::string& op, uint64_t x, const std::string& name,
                    const std::vector<int64_t>& values) {
    const uint64_t id = Node(op, {x});
    v1::Attr& attr = Attr(name);
    for (int64_t v : values) attr.mutable_ints()->add_v(v);
    return id;
  }
  uint64_t Reshape(uint64_t x, const std::vector<uint64_t>& dims) {
    const uint64_t id = Node("reshape", {x});
    v1::Attr& attr = Attr("dims");
    for (uint64_t d : dims) attr.mutable_dims()->add_sizes(d);
    return id;
  }

  void Step() {
    const auto& p = leaves_;
    const uint64_t scaled = Node("mul", {p[0], decay_});
    uint64_t h = Node("conv", {scaled, p[1]});
    h = Node("add", {h, Reshape(p[2], {16, 1, 1})});
    h = Node("relu", {h});
    h = Node("conv", {h, p[3]});
    h = Node("add", {h, Reshape(p[4], {32, 1, 1})});
    h = Node("relu", {h});
    h = Node("mul", {h, h});
    h = Reshape(h, {128, 512});
    h = Node("add", {Node("matmul", {h, p[5]}), p[6]});
    h = Node("log_softmax", {h});
    h = WithInts("sum", Node("neg", {h}), "axes", {1});
    const uint64_t loss = Node("mean", {h});
    for (size_t i = 1; i < leaves_.size(); ++i) {
      const uint64_t g = Node("mul", {gradients_[i - 1], loss});
      const uint64_t m = Node("add", {Node("mul", {momenta_[i - 1], decay_}), g});
      momenta_[i - 1] = m;
      leaves_[i] = Node("sub", {leaves_[i], Node("mul", {m, rate_})});
    }
    if (batch_->op_size() >= kNodesPerFrame) Flush();
    if (next_ - freed_ >= kFreeEvery) Forget();
  }

  // Frees all but the state, which is evaluated elsewhere in a real run: here it begins anew.
  void Forget() {
    Flush();
    v1::IdSpan& span = *frame_.add_items()->mutable_free()->add_ids();
    span.set_first(freed_);
    span.set_count(static_cast<uint32_t>(next_ - freed_));
    freed_ = next_;
    for (size_t i = 1; i < leaves_.size(); ++i) leaves_[i] = momenta_[i - 1] = i + 1;
    ++epoch_;
    decay_ = Const(0.9 + static_cast<double>(epoch_) * 1e-9);  // nothing is found interned
  }

  void Flush() {
    frame_.set_seq(++seq_);
    frame_.set_max_reply_bytes(uint64_t{1} << 60);
    frames_.push_back(frame_.SerializeAsString());
    if (seq_ == 1) first_ = frames_.back();
    frame_.Clear();
    batch_ = nullptr;
  }

 public:
  const std::string& first() const { return first_; }

 private:
  v1::ClientFrame frame_;
  v1::NodeBatch* batch_ = nullptr;
  std::vector<std::string> texts_, frames_;
  std::string first_;
  std::vector<uint64_t> leaves_, gradients_, momenta_;
  uint64_t next_ = 1, seq_ = 0, recorded_ = 0, keep_ = 0, freed_ = 0, epoch_ = 0;
  uint64_t rate_ = 0, decay_ = 0;
};

int Main(int millions) {
  auto engine = runtime::Engine::Create({.devices = {"null"}, .threads = 1});
  if (!engine.ok()) return std::fprintf(stderr, "%s\n", engine.status().ToString().c_str()), 1;
  Metrics metrics;
  Authenticator authenticator;
  ProgramStore programs;
  Publications publications;
  EventBus events(metrics);
  const SessionEnv env{**engine,      programs,        publications, events, metrics,
                       authenticator, DefaultLimits(), "",           1,      1};
  const auto owner = std::make_shared<Owner>(env);
  SessionOutbox outbox;
  SessionCore core(env, {"bench", true, {"bench", 0}}, *owner, outbox);
  Recorder recorder;
  core.OnFrame(recorder.first());
  core.Advance();
  std::vector<double> rates;
  SharedBytes reply;
  for (int i = 0; i < millions * 4; ++i) {
    const uint64_t before = recorder.recorded();
    const std::vector<std::string> frames = recorder.Record(250'000);
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& frame : frames) {
      core.OnFrame(frame);
      core.Advance();
      while (outbox.Next(&reply) == Pull::kMessage) {
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    rates.push_back(static_cast<double>(recorder.recorded() - before) / took.count());
  }
  if (core.over() || metrics.Get(Metric::faults) != 0) {
    std::fprintf(stderr, "faults: %ld\n", static_cast<long>(metrics.Get(Metric::faults)));
    return 1;
  }
  bench::Print({.name = "session nodes",
                .unit = "nodes/s",
                .threads = 1,
                .ours = bench::Median(rates),
                .spread = bench::Spread(rates)});
  return 0;
}

}  // namespace
}  // namespace tensord::server

int main(int argc, char** argv) { return tensord::server::Main(argc > 1 ? std::atoi(argv[1]) : 2); }
