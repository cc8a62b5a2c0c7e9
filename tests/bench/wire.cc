// One end of the wire for wire.py: the C++ client of a daemon, or a bare gRPC client of what
// wire_bare.cc serves. Reads a measurement's name a line, answers a number a line.
//
//   bench_wire daemon ADDRESS [TOKEN]      with devices null (round trips) and llvm (bulk bytes)
//   bench_wire shared ADDRESS [TOKEN]      the same, bulk bytes through shared memory
//   bench_wire bare ADDRESS
//
// A process each, because gRPC lets one thread of a process poll for all of its channels.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/rpc.h"
#include "clients/cpp/tensord/session.h"
#include "tests/bench/row.h"

namespace tensord::bench {
namespace {

namespace tc = tensord::client;

constexpr size_t kBulkBytes = size_t{256} << 20, kChunkBytes = size_t{1} << 20;
constexpr uint32_t kHostDevice = 2;  // llvm: numbers begin at 1
constexpr int kPings = 2000;
constexpr auto kIdle = std::chrono::seconds(2);

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "bench_wire: %s\n", status.ToString().c_str());
  std::exit(1);
}

template <typename T>
T Get(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status());
  return *std::move(value);
}

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A bare server, over a connection for the stream and another one for bulk.
class Bare {
 public:
  explicit Bare(const std::string& address)
      : channel_(Connect(address, 0)),
        bulk_(Connect(address, 1)),
        stub_(channel_),
        call_(stub_.PrepareCall(&context_, "/bare/Echo", &queue_)) {
    call_->StartCall(nullptr);
    Await();
    for (v1::UploadChunk& chunk : chunks_) chunk.set_data(std::string(kChunkBytes, 'x'));
  }
  ~Bare() {
    context_.TryCancel();
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Await();
  }

  void Ping() {
    grpc::Slice slice("thirty bytes, like an Execute.", 30);
    const grpc::ByteBuffer out(&slice, 1);
    call_->Read(&in_, nullptr);
    call_->Write(out, nullptr);
    Await();
    Await();
  }

  void Upload() {
    size_t sent = 0;
    const auto next = [&](v1::UploadChunk* chunk) {
      if (sent > 0) chunk->Swap(&chunks_[sent - 1]);  // back in its place
      if (sent == chunks_.size()) return false;
      chunk->Swap(&chunks_[sent++]);
      return true;
    };
    v1::UploadStatus reply;
    grpc::CompletionQueue queue;
    Check(tc::SendMany<v1::UploadStatus, v1::UploadChunk>(queue, bulk_, "/bare/Upload",
                                                          absl::InfiniteDuration(), next, &reply));
    if (reply.committed() != kBulkBytes) Die(absl::DataLossError("bare upload"));
  }

  void Download() {
    v1::DownloadRequest request;
    request.set_length(kBulkBytes);
    size_t got = 0;
    Check(tc::CallForMany<v1::DownloadChunk>(
        bulk_, "/bare/Download", request, absl::InfiniteDuration(), {[&](v1::DownloadChunk& chunk) {
          got += chunk.data().size();
          return true;
        }}));
    if (got != kBulkBytes) Die(absl::DataLossError("bare download"));
  }

 private:
  static std::shared_ptr<grpc::Channel> Connect(const std::string& address, int number) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("bench.number", number);  // a connection of its own
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  static void Check(const absl::Status& status) {
    if (!status.ok()) Die(status);
  }
  void Await() {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok)) Die(absl::InternalError("bare stream"));
  }

  std::shared_ptr<grpc::Channel> channel_, bulk_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer in_;
  std::vector<v1::UploadChunk> chunks_{kBulkBytes / kChunkBytes};  // a value in memory
};

// A large value, to and fro.
class Bulk {
 public:
  // `session` is kept.
  explicit Bulk(tc::Session& session) : session_(session) {
    Upload();
    Download();
    if (fetched_.bytes != bytes_) Die(absl::DataLossError("another value came back"));
  }

  void Upload() {
    value_ = session_.PutBytes({tc::DType::kU8, {kBulkBytes}, kHostDevice}, bytes_);
    if (absl::Status status = session_.Barrier({value_}); !status.ok()) Die(status);
  }
  void Download() {
    if (absl::Status status = session_.FetchInto(value_, &fetched_); !status.ok()) Die(status);
    if (fetched_.bytes.size() != kBulkBytes) Die(absl::DataLossError("download"));
  }
  // What a transfer costs at least, where both ends are memory.
  void Copy() { std::memcpy(fetched_.bytes.data(), bytes_.data(), bytes_.size()); }

 private:
  tc::Session& session_;
  tc::Tensor value_;
  tc::Value fetched_;
  const std::string bytes_ = std::string(kBulkBytes, 'x');
};

// The daemon: a Program of one op, and a value to run it on.
class Ours {
 public:
  Ours(const std::string& address, const std::string& token, bool shared_memory)
      : session_(Get(tc::Session::Connect(
            {.address = address, .token = token, .shared_memory = shared_memory}))),
        program_(Get(tc::MakeProgram({tc::Type{tc::DType::kF32, {1}}},
                                     [](tc::Graph&, const std::vector<tc::Tensor>& in) {
                                       return std::vector<tc::Tensor>{in[0] + in[0]};
                                     }))),
        x_(session_->Put<float>({1}, {1})),
        bulk_(*session_) {}

  void ExecuteAndFetch() {
    const std::vector<tc::Value> y = Get(session_->Run(program_, {x_}));
    if (y[0].bytes.size() != sizeof(float)) Die(absl::DataLossError("round trip"));
  }

  double Ping() { return absl::ToDoubleSeconds(Get(session_->Ping()).round_trip); }

  // Expressions of the usual kinds, values dropped on the way; until the daemon has applied all.
  void Nodes(int count) {
    const tc::Tensor a = session_->Put<float>({8, 8}, std::vector<float>(64, 1)),
                     b = session_->Put<float>({8}, std::vector<float>(8, 1));
    tc::Tensor h = a;
    for (int made = 0; made < count; made += 8) {
      h = tc::ops::Relu(h + b);
      h = h * a - b;
      h = tc::ops::Matmul(h, a);
      h = tc::ops::Permute(h, {1, 0});
      h = tc::ops::Reshape(h, {8, 8});
      h = tc::ops::Maximum(h, b);
    }
    Get(session_->Ping());
  }

  Bulk& bulk() { return bulk_; }

 private:
  const std::unique_ptr<tc::Session> session_;
  const tc::Program program_;
  const tc::Tensor x_;
  Bulk bulk_;
};

double MedianPing(const std::function<void()>& ping) {
  std::vector<double> times(kPings);
  for (double& time : times) time = SecondsOf(ping);
  return Median(times);
}

double AfterSilence(const std::function<void()>& ping) {
  std::this_thread::sleep_for(kIdle);
  return SecondsOf(ping);
}

double Rate(const std::function<void()>& transfer) {
  return static_cast<double>(kBulkBytes) / SecondsOf(transfer);
}

using Measurements = std::map<std::string, std::function<double()>>;

Measurements OfBare(Bare& bare) {
  return {{"round_trip", [&] { return MedianPing([&] { bare.Ping(); }); }},
          {"after_silence", [&] { return AfterSilence([&] { bare.Ping(); }); }},
          {"upload", [&] { return Rate([&] { bare.Upload(); }); }},
          {"download", [&] { return Rate([&] { bare.Download(); }); }}};
}

// The 99th percentile of pings of the session beside its transfers.
double PingBesideTransfers(Ours& ours) {
  std::atomic<bool> done = false;
  std::vector<double> pings;
  std::thread pinging([&] {
    while (!done) {
      pings.push_back(ours.Ping());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (int i = 0; i < 3; ++i) {
    ours.bulk().Upload();
    ours.bulk().Download();
  }
  done = true;
  pinging.join();
  return Quantile(pings, 0.99);
}

Measurements OfDaemon(Ours& ours) {
  constexpr int kNodes = 400'000;
  return {{"round_trip", [&] { return MedianPing([&] { ours.ExecuteAndFetch(); }); }},
          {"after_silence", [&] { return AfterSilence([&] { ours.ExecuteAndFetch(); }); }},
          {"upload", [&] { return Rate([&] { ours.bulk().Upload(); }); }},
          {"download", [&] { return Rate([&] { ours.bulk().Download(); }); }},
          {"copy", [&] { return Rate([&] { ours.bulk().Copy(); }); }},
          {"ping_beside", [&] { return PingBesideTransfers(ours); }},
          {"nodes", [&] { return kNodes / SecondsOf([&] { ours.Nodes(kNodes); }); }}};
}

int Serve(const Measurements& measurements) {
  for (std::string name; std::getline(std::cin, name);) {
    const auto found = measurements.find(name);
    if (found == measurements.end()) {
      std::fprintf(stderr, "bench_wire: no measurement is called '%s'\n", name.c_str());
      return 2;
    }
    std::printf("%.9g\n", found->second());
    std::fflush(stdout);
  }
  return 0;
}

int Main(const std::string& kind, const std::string& address, const std::string& token) {
  if (kind == "bare") {
    Bare bare(address);
    return Serve(OfBare(bare));
  }
  Ours ours(address, token, kind == "shared");
  return Serve(OfDaemon(ours));
}

}  // namespace
}  // namespace tensord::bench

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // as the daemon does
  const std::string kind = argc > 2 ? argv[1] : "";
  if (((kind == "daemon" || kind == "shared") && argc <= 4) || (kind == "bare" && argc == 3)) {
    return tensord::bench::Main(kind, argv[2], argc == 4 ? argv[3] : "");
  }
  std::fprintf(stderr, "usage: %s daemon|shared ADDRESS [TOKEN] | bare ADDRESS\n", argv[0]);
  return 2;
}
