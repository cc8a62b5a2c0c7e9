#include "clients/cpp/tensord/shared_ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <deque>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/tensord/bulk_copy.h"

namespace tensord::client {
namespace {

constexpr std::string_view kMagic = "tensord\x01";
constexpr size_t kLengthBytes = 4, kMaxMessage = 64 << 10;
constexpr uint64_t kWorthwhile = 256 << 10;
constexpr absl::Duration kLookOut = absl::Microseconds(50);
constexpr absl::Duration kOpenTimeout = absl::Seconds(5), kPause = absl::Seconds(10);
static_assert(std::endian::native == std::endian::little);

absl::Status Gone(std::string_view what) {
  return absl::UnavailableError(absl::StrCat("shared memory: ", std::string(what)));
}

int ConnectTo(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return -1;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

int DescriptorIn(msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
  return descriptor;
}

absl::Status StatusOf(uint32_t code, const std::string& message) {
  return absl::Status(static_cast<absl::StatusCode>(code), message);
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0 && errno != EINTR) return false;
    if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SharedRing>> SharedRing::Open(const std::string& path,
                                                             const std::string& session,
                                                             const std::string& token) {
  const int fd = ConnectTo(path);
  if (fd < 0) return Gone(std::strerror(errno));
  std::unique_ptr<SharedRing> ring(new SharedRing(fd, -1));
  if (!SendAll(fd, kMagic)) return Gone("the daemon has none");
  v1::RingRequest request;
  request.mutable_open()->set_session(session);
  request.mutable_open()->set_token(token);
  if (absl::Status status = ring->Send(request); !status.ok()) return status;
  const absl::StatusOr<v1::RingReply> reply = ring->Receive(absl::Now() + kOpenTimeout);
  if (!reply.ok()) return reply.status();
  if (!reply->has_opened()) return StatusOf(reply->end().code(), reply->end().message());
  if (absl::Status status = ring->Map(reply->opened()); !status.ok()) return status;
  return ring;
}

// The seals are what keeps a daemon that shrinks the memory from being a SIGBUS here.
absl::Status SharedRing::Map(const v1::RingOpened& opened) {
  const size_t bytes = size_t{opened.slots()} * opened.slot_bytes();
  struct stat info = {};
  if (descriptor_ < 0 || fstat(descriptor_, &info) != 0) return Gone("no descriptor came");
  const int seals = fcntl(descriptor_, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || bytes == 0 ||
      info.st_size < static_cast<off_t>(bytes)) {
    return Gone("it is not sealed, or too small");
  }
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor_, 0);
  if (memory == MAP_FAILED) return Gone(std::strerror(errno));
  memory_ = static_cast<char*>(memory);
  slots_ = opened.slots();
  slot_bytes_ = opened.slot_bytes();
  return absl::OkStatus();
}

SharedRing::~SharedRing() {
  if (memory_ != nullptr) munmap(memory_, size_t{slots_} * slot_bytes_);
  if (descriptor_ >= 0) close(descriptor_);
  close(fd_);
}

// ------------------------------------------------------------------ messages

absl::Status SharedRing::Send(const v1::RingRequest& request) {
  std::string bytes(kLengthBytes, '\0');
  request.AppendToString(&bytes);
  const auto length = static_cast<uint32_t>(bytes.size() - kLengthBytes);
  std::memcpy(bytes.data(), &length, kLengthBytes);
  return SendAll(fd_, bytes) ? absl::OkStatus() : Gone("the daemon closed the connection");
}

// The next message is near while a transfer goes on: sleeping is put off a little.
absl::Status SharedRing::AwaitMore(absl::Time deadline) const {
  pollfd watched = {fd_, POLLIN, 0};
  const absl::Time start = absl::Now();
  for (absl::Time now = start; now < std::min(start + kLookOut, deadline); now = absl::Now()) {
    if (poll(&watched, 1, 0) != 0) return absl::OkStatus();
  }
  int most = -1;
  if (deadline != absl::InfiniteFuture()) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    most = static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
  }
  if (poll(&watched, 1, most) != 0) return absl::OkStatus();
  return absl::DeadlineExceededError("shared memory");
}

absl::Status SharedRing::ReceiveMore(absl::Time deadline) {
  if (absl::Status status = AwaitMore(deadline); !status.ok()) return status;
  char bytes[4096];
  iovec part = {bytes, sizeof(bytes)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t count = recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
  if (count < 0 && errno == EINTR) return absl::OkStatus();
  if (count <= 0) return Gone("the daemon closed the connection");
  in_.append(bytes, static_cast<size_t>(count));
  if (const int descriptor = DescriptorIn(message); descriptor >= 0) {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = descriptor;
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::RingReply> SharedRing::Receive(absl::Time deadline) {
  for (;;) {
    uint32_t length = 0;
    if (in_.size() >= kLengthBytes) std::memcpy(&length, in_.data(), kLengthBytes);
    if (length > kMaxMessage) return Gone("the answer is none of its messages");
    if (in_.size() >= kLengthBytes + length) {
      v1::RingReply reply;
      if (!reply.ParseFromArray(in_.data() + kLengthBytes, static_cast<int>(length))) {
        return Gone("the answer is none of its messages");
      }
      in_.erase(0, kLengthBytes + length);
      return reply;
    }
    if (absl::Status status = ReceiveMore(deadline); !status.ok()) return status;
  }
}

// ------------------------------------------------------------------ transfers

// The slot that has been given back.
absl::StatusOr<uint32_t> SharedRing::AwaitUploaded() {
  const absl::StatusOr<v1::RingReply> reply = Receive(absl::InfiniteFuture());
  if (!reply.ok()) return reply.status();
  if (!reply->has_uploaded()) return StatusOf(reply->end().code(), reply->end().message());
  const v1::RingUploaded& uploaded = reply->uploaded();
  if (uploaded.code() != 0) return StatusOf(uploaded.code(), uploaded.message());
  if (uploaded.slot() >= slots_) return Gone("the daemon gave back a slot that does not exist");
  return uploaded.slot();
}

absl::Status SharedRing::Upload(uint64_t number, std::string_view bytes, uint64_t from) {
  const uint32_t most = wire::SlotsUnderWay(slots_, slot_bytes_);
  std::deque<uint32_t> free(slots_);
  std::iota(free.begin(), free.end(), 0);
  while (from < bytes.size()) {
    if (free.size() == slots_ - most) {
      const absl::StatusOr<uint32_t> slot = AwaitUploaded();
      if (!slot.ok()) return slot.status();
      free.push_back(*slot);
    }
    const uint32_t slot = free.front();
    free.pop_front();
    const std::string_view part = bytes.substr(from, slot_bytes_);
    wire::HandOverCopy(SlotAt(slot), part.data(), part.size());
    v1::RingRequest request;
    v1::RingUpload& upload = *request.mutable_upload();
    upload.set_upload(number);
    upload.set_total(bytes.size());
    upload.set_offset(from);
    upload.set_slot(slot);
    upload.set_bytes(static_cast<uint32_t>(part.size()));
    if (absl::Status status = Send(request); !status.ok()) return status;
    from += part.size();
  }
  for (size_t lent = slots_ - free.size(); lent > 0; --lent) {
    if (const auto slot = AwaitUploaded(); !slot.ok()) return slot.status();
  }
  return absl::OkStatus();
}

absl::Status SharedRing::Download(const v1::DownloadRequest& request, absl::Time deadline,
                                  Received& received) {
  v1::RingRequest first;
  *first.mutable_download() = request;
  if (absl::Status status = Send(first); !status.ok()) return status;
  for (;;) {
    const absl::StatusOr<v1::RingReply> reply = Receive(deadline);
    if (!reply.ok()) return reply.status();
    if (reply->has_end()) return StatusOf(reply->end().code(), reply->end().message());
    const v1::RingPart& part = reply->part();
    if (part.slot() >= slots_ || part.bytes() > slot_bytes_) {
      return Gone("the daemon filled a slot that does not exist");
    }
    if (!received.Add(SlotAt(part.slot()), part.bytes())) {
      return absl::DataLossError("the daemon sent more bytes than the value has");
    }
    v1::RingRequest release;
    release.mutable_release()->set_slot(part.slot());
    if (absl::Status status = Send(release); !status.ok()) return status;
  }
}

// ------------------------------------------------------------------ a session's

absl::Status SharedLane::Open() {
  if (ring_ != nullptr) return absl::OkStatus();
  if (absl::Now() < again_) return Gone("it could not be opened");
  absl::StatusOr<std::unique_ptr<SharedRing>> ring = SharedRing::Open(path_, session_, token_);
  if (!ring.ok()) {
    again_ = absl::Now() + kPause;
    return Gone(std::string(ring.status().message()));
  }
  ring_ = *std::move(ring);
  return absl::OkStatus();
}

absl::Status SharedLane::Upload(uint64_t number, std::string_view bytes) {
  if (path_.empty() || bytes.size() < kWorthwhile) return Gone("not for this");
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return Gone("busy");
  absl::Status status = Open();
  if (status.ok()) status = ring_->Upload(number, bytes, 0);
  if (!status.ok()) ring_ = nullptr;
  return status;
}

absl::Status SharedLane::Download(const v1::DownloadRequest& request, absl::Time deadline,
                                  Received& received) {
  if (path_.empty() || received.size() < kWorthwhile) return Gone("not for this");
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return Gone("busy");
  absl::Status status = Open();
  if (status.ok()) status = ring_->Download(request, deadline, received);
  if (!status.ok()) ring_ = nullptr;
  return status;
}

}  // namespace tensord::client
