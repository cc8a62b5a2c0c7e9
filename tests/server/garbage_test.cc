// What no well-meaning client sends: the daemon refuses it and serves the next caller.
#include <grpcpp/completion_queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "tests/server/server_fixture.h"

namespace tensord::server {
namespace {

class GarbageTest : public ServerTest {
 protected:
  void SetUp() override { StartServer(); }

  // Sends `bytes` as the one message of a call, and answers how the call ended.
  grpc::Status Send(const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Slice slice(bytes);
    grpc::ByteBuffer buffer(&slice, 1);
    auto call = stub.PrepareCall(&context, method, &queue);
    grpc::Status status;
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    call->WriteLast(buffer, grpc::WriteOptions(), nullptr);
    queue.Next(&tag, &ok);
    grpc::ByteBuffer answer;
    do {
      call->Read(&answer, nullptr);
      queue.Next(&tag, &ok);
    } while (ok);
    call->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    return status;
  }

  void ExpectAlive() {
    grpc::ClientContext context;
    v1::ListDevicesReply reply;
    EXPECT_TRUE(stub_->ListDevices(&context, {}, &reply).ok());
  }

  base::Fd RawConnection() {
    base::Fd fd(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (dir_.path() + "/t.sock").c_str());
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }
};

TEST_F(GarbageTest, BytesThatAreNoMessageEndTheCall) {
  const std::string garbage = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
  for (const char* method : {"Session", "Upload", "Download", "Submit", "UploadPart", "Run",
                             "Watch", "Negotiate", "ListOps", "ListDevices", "GetStats"}) {
    const grpc::Status status = Send(std::string("/tensord.v1.Compute/") + method, garbage);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
  }
  EXPECT_EQ(Send("/grpc.health.v1.Health/Check", garbage).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Send("/grpc.health.v1.Health/Watch", garbage).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  ExpectAlive();
}

TEST_F(GarbageTest, RandomBytesNeverHarmTheDaemon) {
  std::mt19937 random(7);
  const char* const methods[] = {"Session", "Upload", "Download", "Submit", "UploadPart", "Run"};
  for (int i = 0; i < 600; ++i) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    Send(std::string("/tensord.v1.Compute/") + methods[i % 6], bytes);
  }
  ExpectAlive();
}

TEST_F(GarbageTest, UnknownMethodsAreUnimplemented) {
  EXPECT_EQ(Send("/tensord.v1.Compute/Explode", "").error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Send("/a/b", "").error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GarbageTest, AMissingRequestIsRefused) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, "/tensord.v1.Compute/ListDevices", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  call->WritesDone(nullptr);
  queue.Next(&tag, &ok);
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GarbageTest, ConnectionsThatSpeakNoHttp2AreDropped) {
  std::mt19937 random(11);
  for (int i = 0; i < 100; ++i) {
    base::Fd fd = RawConnection();
    std::string bytes(1 + random() % 4096, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (i % 3 == 0) bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes;
    if (send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) continue;
  }
  ExpectAlive();
}

TEST_F(GarbageTest, ASilentConnectionDoesNotHoldTheStopUp) {
  base::Fd silent = RawConnection();
  base::Fd half = RawConnection();
  const std::string preface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  ASSERT_EQ(send(half.get(), preface.data(), preface.size(), 0), 33);
  ExpectAlive();
  const absl::Time begin = absl::Now();
  server_->Stop();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

}  // namespace
}  // namespace tensord::server
