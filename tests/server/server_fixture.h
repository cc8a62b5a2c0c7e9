// A daemon in the test's process, on a Unix socket of its own.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/base/file.h"
#include "server/server.h"
#include "server/session_env.h"
#include "server/session_handler.h"
#include "tensord/v1/compute.grpc.pb.h"
#include "tests/server/fake_handler.h"

namespace tensord::server {

// Waits up to 20 s for `holds`.
inline bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 20000; ++i) {
    if (holds()) return true;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return false;
}

// The daemon's own handler, on the device cpu.
inline absl::StatusOr<std::unique_ptr<ComputeHandler>> MakeHandlerOnCpu(
    const HandlerContext& context) {
  auto engine = runtime::Engine::Create({.devices = {"cpu"}, .threads = 1});
  if (!engine.ok()) return engine.status();
  return MakeSessionHandler(*std::move(engine), context.metrics, context.authenticator,
                            {.limits = DefaultLimits(), .lifecycle = &context.lifecycle});
}

class ServerTest : public ::testing::Test {
 protected:
  // Options of the daemon, to be changed before StartServer.
  ServerTest() {
    options_.listen = {"unix://" + dir_.path() + "/t.sock"};
    options_.drain_timeout = absl::Seconds(5);
  }

  void StartServer() {
    auto server = Server::Start(options_, [this](const HandlerContext&) {
      return absl::StatusOr<std::unique_ptr<ComputeHandler>>(MakeFakeHandler(state_));
    });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = Connect();
    stub_ = v1::Compute::NewStub(channel_);
  }

  // A new connection to the daemon's first address.
  std::shared_ptr<grpc::Channel> Connect() {
    std::string address = server_->addresses().front();
    if (address.starts_with("tcp://")) address = address.substr(6);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }

  size_t DetachedCount() {
    std::lock_guard lock(state_->mutex);
    return state_->detached.size();
  }

  static v1::ClientFrame PingFrame(uint64_t seq) {
    v1::ClientFrame frame;
    frame.set_seq(seq);
    frame.add_items()->mutable_ping()->set_nonce(seq * 7);
    return frame;
  }

  base::TempDir dir_;
  Options options_;
  std::shared_ptr<FakeState> state_ = std::make_shared<FakeState>();
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Compute::Stub> stub_;
};

}  // namespace tensord::server
