// Shared memory on the daemon's Unix socket, from the side of clients that do as they like.
#include "server/transport/ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <random>

#include "proto/tensord/bulk_copy.h"
#include "server/transport/rings.h"
#include "tests/server/server_fixture.h"

namespace tensord::server {
namespace {

using testing::HasSubstr;
using transport::kRingMagic;

// A connection to the socket, with the memory that came over it.
class RawRing {
 public:
  explicit RawRing(const std::string& url) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = url.substr(strlen("unix://"));
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const timeval patience = {20, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }

  void Say(std::string_view bytes) { send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void Ask(const v1::RingRequest& request) {
    const std::string bytes = request.SerializeAsString();
    const auto length = static_cast<uint32_t>(bytes.size());
    Say(std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + bytes);
  }
  void Open(const std::string& session) {
    Say(kRingMagic);
    v1::RingRequest request;
    request.mutable_open()->set_session(session);
    Ask(request);
  }
  void Upload(uint64_t number, uint64_t total, uint64_t offset, uint32_t slot, uint32_t bytes) {
    v1::RingRequest request;
    v1::RingUpload& upload = *request.mutable_upload();
    upload.set_upload(number);
    upload.set_total(total);
    upload.set_offset(offset);
    upload.set_slot(slot);
    upload.set_bytes(bytes);
    Ask(request);
  }
  void Download(uint64_t id) {
    v1::RingRequest request;
    request.mutable_download()->set_id(id);
    Ask(request);
  }
  void Release(uint32_t slot) {
    v1::RingRequest request;
    request.mutable_release()->set_slot(slot);
    Ask(request);
  }

  // The next reply; none when the daemon closes the connection.
  std::optional<v1::RingReply> Hear() {
    uint32_t length = 0;
    if (!Read(reinterpret_cast<char*>(&length), sizeof(length))) return std::nullopt;
    std::string bytes(length, '\0');
    v1::RingReply reply;
    if (!Read(bytes.data(), length) || !reply.ParseFromString(bytes)) return std::nullopt;
    return reply;
  }
  bool Closed() { return !Hear().has_value(); }

  // After `opened`.
  void Map(const v1::RingOpened& opened) {
    slot_bytes = opened.slot_bytes();
    size = size_t{opened.slots()} * slot_bytes;
    memory = static_cast<char*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0));
    ASSERT_NE(memory, MAP_FAILED);
  }
  char* Slot(uint32_t slot) { return memory + size_t{slot} * slot_bytes; }

  base::Fd descriptor;
  char* memory = nullptr;
  size_t size = 0;
  uint32_t slot_bytes = 0;

 private:
  bool Read(char* to, size_t count) {
    while (count > 0) {
      iovec part = {to, count};
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
      msghdr message = {};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      const ssize_t got = recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
      if (got <= 0) return false;
      if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
        descriptor = base::Fd(fd);
      }
      to += got;
      count -= static_cast<size_t>(got);
    }
    return true;
  }

  base::Fd fd_;
};

class RingTest : public ServerTest {
 protected:
  void SetUp() override { StartServer(); }
  RawRing Dial() { return RawRing(server_->addresses().front()); }
  RawRing Opened() {
    RawRing ring = Dial();
    ring.Open("session");
    const auto reply = ring.Hear();
    EXPECT_TRUE(reply.has_value() && reply->has_opened());
    if (reply.has_value()) ring.Map(reply->opened());
    return ring;
  }
  // Others are served, whatever was done.
  void ExpectServed() {
    grpc::ClientContext context;
    v1::ListOpsReply reply;
    const grpc::Status status = stub_->ListOps(&context, v1::ListOpsRequest(), &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
};

TEST_F(RingTest, CarriesAnUploadAndADownload) {
  RawRing ring = Opened();
  const std::string text = "what lies in a slot";
  std::memcpy(ring.Slot(3), text.data(), text.size());
  ring.Upload(7, text.size(), 0, 3, static_cast<uint32_t>(text.size()));
  const auto uploaded = ring.Hear();
  ASSERT_TRUE(uploaded.has_value());
  EXPECT_EQ(uploaded->uploaded().slot(), 3u);
  EXPECT_EQ(uploaded->uploaded().status().committed(), text.size());
  ring.Download(7);
  const auto part = ring.Hear();
  ASSERT_TRUE(part.has_value() && part->has_part());
  EXPECT_EQ(part->part().total(), text.size());
  EXPECT_EQ(std::string(ring.Slot(part->part().slot()), part->part().bytes()), text);
  const auto end = ring.Hear();
  ASSERT_TRUE(end.has_value() && end->has_end());
  EXPECT_EQ(end->end().code(), 0u);
}

TEST_F(RingTest, ADownloadTakesOnlySlotsThatItHasBack) {
  RawRing ring = Opened();
  const auto slots = static_cast<uint32_t>(ring.size / ring.slot_bytes), pieces = 3 * slots;
  const uint32_t under_way = wire::SlotsUnderWay(slots, static_cast<uint32_t>(ring.slot_bytes));
  const size_t total = pieces * ring.slot_bytes;
  for (size_t at = 0; at < total; at += ring.slot_bytes) {
    std::memset(ring.Slot(0), static_cast<int>(at / ring.slot_bytes), ring.slot_bytes);
    ring.Upload(1, total, at, 0, ring.slot_bytes);
    ASSERT_EQ(ring.Hear()->uploaded().code(), 0u);
  }
  ring.Download(1);
  for (uint32_t i = 0; i < pieces; ++i) {
    const auto part = ring.Hear();
    ASSERT_TRUE(part.has_value() && part->has_part());
    const uint32_t slot = part->part().slot();
    EXPECT_EQ(ring.Slot(slot)[5], static_cast<char>(i));
    if (i + 1 < under_way) continue;  // these are kept
    EXPECT_GE(slot, under_way - 1);
    ring.Release(slot);
  }
  EXPECT_TRUE(ring.Hear()->has_end());
}

TEST_F(RingTest, TheMemoryKeepsItsSize) {
  RawRing ring = Opened();
  EXPECT_EQ(ftruncate(ring.descriptor.get(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(ring.descriptor.get(), static_cast<off_t>(2 * ring.size)), -1);
  EXPECT_EQ(fcntl(ring.descriptor.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
}

TEST_F(RingTest, ASessionThatIsNotThereIsRefusedAndCounted) {
  RawRing ring = Dial();
  ring.Open("");
  const auto reply = ring.Hear();
  ASSERT_TRUE(reply.has_value() && reply->has_end());
  EXPECT_EQ(reply->end().code(), static_cast<uint32_t>(absl::StatusCode::kUnauthenticated));
  EXPECT_FALSE(ring.descriptor.valid());
  EXPECT_TRUE(ring.Closed());
  EXPECT_EQ(server_->metrics().Get(Metric::auth_failures), 1);
}

TEST_F(RingTest, ErrorsOfTransfersAreToldAndLeaveTheRing) {
  RawRing ring = Opened();
  ring.Upload(1, 100, 50, 0, 10);  // behind a gap
  EXPECT_NE(ring.Hear()->uploaded().code(), 0u);
  ring.Download(99);
  const auto end = ring.Hear();
  ASSERT_TRUE(end.has_value() && end->has_end());
  EXPECT_THAT(end->end().message(), HasSubstr("99"));
  ring.Upload(2, 1, 0, 0, 1);
  EXPECT_EQ(ring.Hear()->uploaded().status().committed(), 1u);
}

using Mischief = std::pair<const char*, std::function<void(RawRing&)>>;
class RingMischiefTest : public RingTest, public testing::WithParamInterface<Mischief> {};

TEST_P(RingMischiefTest, EndsItsOwnConnectionAlone) {
  RawRing other = Opened();
  RawRing ring = Opened();
  GetParam().second(ring);
  EXPECT_TRUE(ring.Closed());
  EXPECT_TRUE(Eventually([&] { return server_->metrics().Get(Metric::rings) == 1; }));
  other.Upload(1, 1, 0, 0, 1);
  EXPECT_EQ(other.Hear()->uploaded().status().committed(), 1u);
  ExpectServed();
}

INSTANTIATE_TEST_SUITE_P(
    Of, RingMischiefTest,
    testing::Values(
        Mischief{"ASlotThatIsNone", [](RawRing& r) { r.Upload(1, 9, 0, 8, 9); }},
        Mischief{"ASlotFarAway", [](RawRing& r) { r.Upload(1, 9, 0, ~0u, 9); }},
        Mischief{"MoreThanASlot", [](RawRing& r) { r.Upload(1, 1 << 30, 0, 7, r.slot_bytes + 1); }},
        Mischief{"AnEndlessSlot", [](RawRing& r) { r.Upload(1, ~0ull, 0, 1, ~0u); }},
        Mischief{"ReleaseOfASlotThatIsNone", [](RawRing& r) { r.Release(8); }},
        Mischief{"ALongMessage", [](RawRing& r) { r.Say(std::string("\xff\xff\xff\x7f", 4)); }},
        Mischief{"Garbage", [](RawRing& r) { r.Say(std::string("\x03\0\0\0\xff\xff\xff", 7)); }},
        Mischief{"NoRequest", [](RawRing& r) { r.Ask(v1::RingRequest()); }},
        Mischief{"OpenTwice",
                 [](RawRing& r) {
                   v1::RingRequest request;
                   request.mutable_open()->set_session("session");
                   r.Ask(request);
                 }}),
    [](const auto& info) { return info.param.first; });

TEST_F(RingTest, OtherWordsThanTheMagicAreRefused) {
  RawRing ring = Dial();
  ring.Say("tensorXYZ");
  EXPECT_TRUE(ring.Closed());
  ExpectServed();
}

TEST_F(RingTest, TheMagicMayComeInPieces) {
  RawRing ring = Dial();
  for (const char byte : kRingMagic) {
    ring.Say({&byte, 1});
    absl::SleepFor(absl::Milliseconds(2));
  }
  v1::RingRequest request;
  request.mutable_open()->set_session("session");
  ring.Ask(request);
  EXPECT_TRUE(ring.Hear()->has_opened());
}

TEST_F(RingTest, AClientThatTakesNoRepliesIsCutOff) {
  RawRing ring = Opened();
  for (int i = 0; i < 100'000; ++i) ring.Upload(99, 1, 1, 0, 0);  // each is answered
  EXPECT_TRUE(Eventually([&] { return server_->metrics().Get(Metric::rings) == 0; }));
  ExpectServed();
}

TEST_F(RingTest, RandomMessagesHarmNobody) {
  std::minstd_rand random(7);
  for (int round = 0; round < 30; ++round) {
    RawRing ring = Opened();
    for (int i = 0; i < 40; ++i) {
      std::string bytes(random() % 24, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      const auto length = static_cast<uint32_t>(bytes.size());
      ring.Say(std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + bytes);
    }
  }
  EXPECT_TRUE(Eventually([&] { return server_->metrics().Get(Metric::rings) == 0; }));
  ExpectServed();
}

TEST_F(RingTest, EndsWithItsClient) {
  {
    RawRing ring = Opened();
  }
  EXPECT_TRUE(Eventually([&] { return server_->metrics().Get(Metric::rings) == 0; }));
}

}  // namespace
}  // namespace tensord::server
