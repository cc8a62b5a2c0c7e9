// Health, reflection, stats, metrics over HTTP, tokens over TCP, and the drain.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <set>

#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "tests/server/server_fixture.h"

namespace tensord::server {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1alpha::ServerReflection;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;
using testing::HasSubstr;

class ServicesTest : public ServerTest {
 protected:
  grpc::Status Check(const std::string& service, HealthCheckResponse* response) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(service);
    return Health::NewStub(channel_)->Check(&context, request, response);
  }

  ServerReflectionResponse Reflect(const ServerReflectionRequest& request) {
    grpc::ClientContext context;
    auto stub = ServerReflection::NewStub(channel_);
    auto stream = stub->ServerReflectionInfo(&context);
    ServerReflectionResponse response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return response;
  }
};

TEST_F(ServicesTest, HealthKnowsItsServices) {
  StartServer();
  HealthCheckResponse response;
  for (const char* service : {"", "tensord.v1.Compute"}) {
    ASSERT_TRUE(Check(service, &response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
  EXPECT_EQ(Check("nobody", &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServicesTest, HealthWatchReportsChanges) {
  StartServer();
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("device.llvm");
  auto stub = Health::NewStub(channel_);
  auto reader = stub->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  server_->lifecycle().SetHealthy("device.llvm", true);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  server_->lifecycle().BeginDrain();
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  server_->Stop();
  EXPECT_FALSE(reader->Read(&response));
  reader->Finish();
}

TEST_F(ServicesTest, ReflectionListsAndDescribesEverything) {
  StartServer();
  ServerReflectionRequest request;
  request.set_list_services("");
  std::set<std::string> names;
  const ServerReflectionResponse list = Reflect(request);
  for (const auto& service : list.list_services_response().service()) {
    names.insert(service.name());
  }
  EXPECT_EQ(names, std::set<std::string>({"grpc.health.v1.Health",
                                          "grpc.reflection.v1alpha.ServerReflection",
                                          "tensord.v1.Compute"}));
  request.set_file_containing_symbol("tensord.v1.Compute");
  std::set<std::string> files;
  const ServerReflectionResponse described = Reflect(request);
  for (const std::string& bytes : described.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(bytes));
    files.insert(file.name());
  }
  EXPECT_EQ(files, std::set<std::string>({"tensord/v1/compute.proto", "tensord/v1/graph.proto",
                                          "tensord/v1/session.proto", "tensord/v1/types.proto"}));
  request.set_file_by_filename("absent.proto");
  EXPECT_EQ(Reflect(request).error_response().error_code(),
            static_cast<int>(grpc::StatusCode::NOT_FOUND));
}

TEST_F(ServicesTest, ReflectionAnswersManyRequestsOnOneStream) {
  StartServer();
  grpc::ClientContext context;
  auto stub = ServerReflection::NewStub(channel_);
  auto stream = stub->ServerReflectionInfo(&context);
  ServerReflectionRequest request;
  request.set_file_containing_symbol("tensord.v1.Compute");
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(stream->Write(request));
    stream->WritesDone();
  });
  ServerReflectionResponse response;
  int answers = 0;
  while (stream->Read(&response)) ++answers;
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answers, 500);
}

TEST_F(ServicesTest, StatsCountFrames) {
  StartServer();
  grpc::ClientContext session;
  auto stream = stub_->Session(&session);
  v1::ServerFrame answer;
  ASSERT_TRUE(stream->Write(PingFrame(1)) && stream->Read(&answer));
  grpc::ClientContext context;
  v1::StatsRequest request;
  request.add_names("frames_in");
  v1::StatsReply reply;
  ASSERT_TRUE(stub_->GetStats(&context, request, &reply).ok());
  ASSERT_EQ(reply.counters_size(), 1);
  EXPECT_EQ(reply.counters(0).value(), 1u);
  session.TryCancel();
}

std::string HttpGet(int port, const std::string& path) {
  base::Fd fd(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  EXPECT_EQ(send(fd.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char bytes[4096];
  for (ssize_t n; (n = recv(fd.get(), bytes, sizeof(bytes), 0)) > 0;) answer.append(bytes, n);
  return answer;
}

TEST_F(ServicesTest, PrometheusReadsTheMetrics) {
  options_.metrics_listen = "127.0.0.1:0";
  StartServer();
  HealthCheckResponse response;
  ASSERT_TRUE(Check("", &response).ok());
  ASSERT_TRUE(Eventually([&] {
    return HttpGet(server_->metrics_port(), "/metrics").find("grpc.health.v1") != std::string::npos;
  }));
  const std::string page = HttpGet(server_->metrics_port(), "/metrics");
  EXPECT_THAT(page, HasSubstr("tensord_kernels_compiled_total 0"));
  EXPECT_THAT(page, HasSubstr("tensord_connections_total 1"));
  EXPECT_THAT(page, HasSubstr("method=\"grpc.health.v1.Health/Check\""));
}

TEST_F(ServicesTest, AMetricsAddressInUseStopsTheStart) {
  options_.metrics_listen = "256.0.0.1:1";
  auto server = Server::Start(options_, [this](const HandlerContext&) {
    return absl::StatusOr<std::unique_ptr<ComputeHandler>>(MakeFakeHandler(state_));
  });
  EXPECT_THAT(server.status().ToString(), HasSubstr("cannot serve metrics"));
}

TEST_F(ServicesTest, TcpWantsTheToken) {
  options_.listen = {"tcp://127.0.0.1:0"};
  options_.token_file = dir_.path() + "/tokens";
  ASSERT_TRUE(base::WriteFileAtomically(options_.token_file, "alice 0123456789abcdef\n").ok());
  StartServer();
  EXPECT_THAT(server_->addresses().front(), testing::Not(testing::EndsWith(":0")));
  v1::Hello hello;
  v1::Welcome welcome;
  {
    grpc::ClientContext context;
    EXPECT_EQ(stub_->Negotiate(&context, hello, &welcome).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  hello.mutable_credentials()->set_bearer("0123456789abcdeX");
  {
    grpc::ClientContext context;
    const grpc::Status status = stub_->Negotiate(&context, hello, &welcome);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(status.error_message(), "the token is not valid");
  }
  EXPECT_EQ(server_->metrics().Get(Metric::auth_failures), 2);
  hello.mutable_credentials()->set_bearer("0123456789abcdef");
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->Negotiate(&context, hello, &welcome).ok());
  EXPECT_EQ(welcome.principal(), "alice");
}

TEST_F(ServicesTest, ATakenPortStopsTheStart) {
  options_.listen = {"tcp://127.0.0.1:0"};
  options_.token_file = dir_.path() + "/tokens";
  ASSERT_TRUE(base::WriteFileAtomically(options_.token_file, "alice 0123456789abcdef\n").ok());
  StartServer();
  options_.listen = server_->addresses();
  auto second = Server::Start(options_, [this](const HandlerContext&) {
    return absl::StatusOr<std::unique_ptr<ComputeHandler>>(MakeFakeHandler(state_));
  });
  EXPECT_THAT(second.status().ToString(), HasSubstr("already in use"));
}

TEST_F(ServicesTest, ADrainServesThenRefusesThenStops) {
  StartServer();
  state_->idle = false;
  std::vector<absl::Duration> waits;
  HealthCheckResponse health;
  v1::RunReply reply;
  server_->Drain(absl::Seconds(3), [&](absl::Duration time) {
    waits.push_back(time);
    grpc::ClientContext context;
    const grpc::Status run = stub_->Run(&context, {}, &reply);
    EXPECT_TRUE(Check("", &health).ok());
    EXPECT_EQ(health.status(), HealthCheckResponse::NOT_SERVING);
    if (waits.size() == 1) {
      EXPECT_EQ(time, absl::Seconds(3));
      EXPECT_TRUE(run.ok()) << "within the delay everything works";
      EXPECT_EQ(state_->going_away, 0);
    } else {
      EXPECT_EQ(run.error_code(), grpc::StatusCode::UNAVAILABLE);
      EXPECT_EQ(run.error_message(), "the daemon is draining; try again later or elsewhere");
      EXPECT_EQ(state_->going_away, 1);
      state_->idle = true;
    }
    return false;
  });
  EXPECT_EQ(waits.size(), 2u);
  EXPECT_FALSE(Check("", &health).ok());
}

TEST_F(ServicesTest, StoppingEndsOpenStreams) {
  StartServer();
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  v1::ServerFrame answer;
  ASSERT_TRUE(stream->Write(PingFrame(1)) && stream->Read(&answer));
  server_->Stop();
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_FALSE(stream->Finish().ok());
  EXPECT_EQ(DetachedCount(), 1u);
}

}  // namespace
}  // namespace tensord::server
