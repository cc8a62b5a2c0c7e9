// A daemon in the test's process with a listener of every kind, which waits a second for a first
// call, and a client that means well.
#pragma once

#include <dirent.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/server/tls_fixture.h"

namespace tensord::server {

// Connections without a call that the daemon keeps.
constexpr size_t kMostSilent = 64;

// HOSTILE_SECONDS, HOSTILE_SEED: for how long, and a seed; a few seconds of the same otherwise.
inline absl::Duration HostileTime(int seconds = 3) {
  const char* wanted = std::getenv("HOSTILE_SECONDS");
  return absl::Seconds(wanted == nullptr ? seconds : std::atoi(wanted));
}
inline uint32_t HostileSeed() {
  const char* wanted = std::getenv("HOSTILE_SEED");
  return wanted == nullptr ? 7 : static_cast<uint32_t>(std::atoi(wanted));
}

inline size_t OpenDescriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

// A session that pings and wants its answers.
class Pinger {
 public:
  explicit Pinger(std::unique_ptr<v1::Compute::Stub> stub)
      : stub_(std::move(stub)), stream_(stub_->Session(&context_)) {}
  ~Pinger() {
    stream_->WritesDone();
    v1::ServerFrame frame;
    while (stream_->Read(&frame)) {
    }
    EXPECT_TRUE(stream_->Finish().ok());
  }
  bool Ping() {
    v1::ClientFrame frame;
    frame.set_seq(++seq_);
    frame.add_items()->mutable_ping()->set_nonce(seq_);
    v1::ServerFrame answer;
    return stream_->Write(frame) && stream_->Read(&answer);
  }

 private:
  const std::unique_ptr<v1::Compute::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientFrame, v1::ServerFrame>> stream_;
  uint64_t seq_ = 0;
};

class HostileTest : public TlsTest {
 protected:
  void SetUp() override {
    TakeTokens();
    options_.listen = {"unix://" + dir_.path() + "/t.sock", "tcp://127.0.0.1:0",
                       "tls://127.0.0.1:0"};
    options_.first_call = absl::Seconds(1);
    options_.max_new_connections = kMostSilent;
    StartServer();
    for (const std::string& address : server_->addresses()) {
      targets_.push_back(*ParseAddress(address));
    }
  }
  std::unique_ptr<v1::Compute::Stub> PlainStub(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::Compute::NewStub(
        grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  }
  std::string TcpTarget() { return targets_[1].ToString().substr(std::string("tcp://").size()); }

  std::vector<Address> targets_;
};

}  // namespace tensord::server
