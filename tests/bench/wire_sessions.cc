// Many idle sessions of one daemon: what each costs it in memory, and all of them in processor
// time. The client side is bare streams on one completion queue.
//
//   bench_wire_sessions ADDRESS PID SESSIONS SECONDS   prints two rows, one JSON object a line
//
// ADDRESS as gRPC writes it, PID the daemon's.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tensord/v1/session.pb.h"
#include "tests/bench/row.h"

namespace tensord::bench {
namespace {

constexpr int kStreamsOfAChannel = 1000;

class Streams {
 public:
  explicit Streams(const std::string& address) : address_(address) {}
  ~Streams() {
    for (const auto& stream : streams_) stream->context.TryCancel();
    for (const auto& stream : streams_) {
      grpc::Status status;
      stream->call->Finish(&status, nullptr);
      Await();
    }
  }

  // One session more: until its Welcome is there.
  void Open() {
    if (streams_.size() % kStreamsOfAChannel == 0) Connect();
    streams_.push_back(std::make_unique<One>());
    One& one = *streams_.back();
    one.call = stubs_.back()->PrepareCall(&one.context, "/tensord.v1.Compute/Session", &queue_);
    one.call->StartCall(nullptr);
    Await();
    v1::ClientFrame hello;
    hello.set_seq(1);
    hello.add_items()->mutable_hello()->set_max_version(1);
    grpc::ByteBuffer bytes;
    bool own = false;
    grpc::SerializationTraits<v1::ClientFrame>::Serialize(hello, &bytes, &own);
    one.call->Write(bytes, nullptr);
    Await();
    for (v1::ServerFrame frame; frame.replies().empty();) {  // credit comes first
      grpc::ByteBuffer in;
      one.call->Read(&in, nullptr);
      Await();
      if (!grpc::SerializationTraits<v1::ServerFrame>::Deserialize(&in, &frame).ok()) std::exit(1);
      if (!frame.replies().empty() && frame.replies(0).has_welcome()) return;
    }
    std::fprintf(stderr, "bench_wire_sessions: session %zu is not welcome\n", streams_.size());
    std::exit(1);
  }

 private:
  struct One {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
  };

  void Connect() {
    grpc::ChannelArguments arguments;
    arguments.SetInt("bench.number", static_cast<int>(stubs_.size()));  // a connection of its own
    stubs_.push_back(std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments)));
  }
  void Await() {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok) || !ok) {
      std::fprintf(stderr, "bench_wire_sessions: session %zu broke off\n", streams_.size());
      std::exit(1);
    }
  }

  const std::string address_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::vector<std::unique_ptr<One>> streams_;
};

double ResidentBytes(const std::string& pid) {
  double pages = 0;
  std::ifstream("/proc/" + pid + "/statm") >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// User and system time so far.
double ProcessorSeconds(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int Main(const std::string& address, const std::string& pid, int sessions, int seconds) {
  Streams streams(address);
  for (int i = 0; i < 100; ++i) streams.Open();  // what the first ones bring about
  const double before = ResidentBytes(pid);
  for (int i = 0; i < sessions; ++i) streams.Open();
  const double each = (ResidentBytes(pid) - before) / sessions;
  const double started = ProcessorSeconds(pid);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double share = (ProcessorSeconds(pid) - started) / seconds;
  Print({.name = "idle session, memory of each", .unit = "B", .ours = each, .allowed = 64 << 10});
  Print(
      {.name = "idle sessions, share of a processor", .unit = "", .ours = share, .allowed = 0.01});
  return 0;
}

}  // namespace
}  // namespace tensord::bench

int main(int argc, char** argv) {
  if (argc == 5) {
    return tensord::bench::Main(argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  }
  std::fprintf(stderr, "usage: %s ADDRESS PID SESSIONS SECONDS\n", argv[0]);
  return 2;
}
