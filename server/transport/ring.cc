#include "server/transport/ring.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include "engine/base/status.h"
#include "proto/tensord/bulk_copy.h"

namespace tensord::server::transport {
namespace {

constexpr size_t kLengthBytes = 4, kMaxMessage = 64 << 10;
constexpr absl::Duration kIdle = absl::Seconds(60);

std::string Framed(const google::protobuf::MessageLite& message) {
  std::string bytes(kLengthBytes, '\0');
  message.AppendToString(&bytes);
  const auto length = static_cast<uint32_t>(bytes.size() - kLengthBytes);
  std::memcpy(bytes.data(), &length, kLengthBytes);  // little-endian, as all that tensord runs on
  return bytes;
}

}  // namespace

Ring::Ring(base::Fd fd, const Peer& peer, const Services& services, StreamPtr stream)
    : fd_(std::move(fd)),
      peer_(peer),
      services_(services),
      stream_(std::move(stream)),
      used_(absl::Now()) {}

Ring::~Ring() {
  if (sink_ != nullptr) sink_->OnDetached();
  StopDownload();
  if (opened()) services_.metrics.Add(Metric::rings, -1);
  shutdown(fd_.get(), SHUT_RDWR);  // there may be another descriptor of it (NewConnections)
}

// ------------------------------------------------------------------ messages

bool Ring::OnReadable(absl::Time now) {
  used_ = now;
  char bytes[kLengthBytes + kMaxMessage];
  const ssize_t count = recv(fd_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
  if (count <= 0) return count < 0 && (errno == EAGAIN || errno == EINTR);
  in_.append(bytes, static_cast<size_t>(count));
  if (!greeted_) {
    if (in_.size() < kRingMagic.size()) return kRingMagic.starts_with(in_);
    if (!in_.starts_with(kRingMagic)) return false;
    greeted_ = true;
    in_.erase(0, kRingMagic.size());
  }
  return HandleAll();
}

// Every message that is whole.
bool Ring::HandleAll() {
  size_t at = 0;
  while (in_.size() - at >= kLengthBytes) {
    uint32_t length = 0;
    std::memcpy(&length, in_.data() + at, kLengthBytes);
    if (length > kMaxMessage) return false;
    if (in_.size() - at - kLengthBytes < length) break;
    v1::RingRequest request;
    if (!request.ParseFromArray(in_.data() + at + kLengthBytes, static_cast<int>(length)) ||
        !Handle(request)) {
      return false;
    }
    at += kLengthBytes + length;
  }
  in_.erase(0, at);
  return true;
}

bool Ring::Handle(const v1::RingRequest& request) {
  if (!opened()) return request.has_open() && Open(request.open());
  switch (request.kind_case()) {
    case v1::RingRequest::kUpload:
      return OnUpload(request.upload());
    case v1::RingRequest::kDownload:
      return OnDownload(request.download());
    case v1::RingRequest::kRelease:
      return OnRelease(request.release().slot());
    default:
      return false;
  }
}

// A few small replies are all that can be under way: a client that does not take them is cut off.
bool Ring::Send(const v1::RingReply& reply, int descriptor) {
  std::string bytes = Framed(reply);
  iovec part = {bytes.data(), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  return sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

bool Ring::SendEnd(const absl::Status& status) {
  v1::RingReply reply;
  reply.mutable_end()->set_code(static_cast<uint32_t>(status.code()));
  reply.mutable_end()->set_message(std::string(status.message()));
  return Send(reply);
}

absl::Status Ring::Counted(absl::Status refusal) const {
  if (absl::IsUnauthenticated(refusal)) services_.authenticator.CountRefusal(peer_, refusal);
  return refusal;
}

bool Ring::Open(const v1::RingOpen& open) {
  auto lease = services_.compute.OpenRing(open.session(), open.token(), geometry_.bytes());
  if (!lease.ok()) return SendEnd(Counted(lease.status())), false;
  auto memory = SealedMemory::Make(static_cast<size_t>(geometry_.bytes()));
  if (!memory.ok()) return SendEnd(memory.status()), false;
  session_ = open.session();
  token_ = open.token();
  lease_ = *std::move(lease);
  memory_.emplace(*std::move(memory));
  services_.metrics.Add(Metric::rings, 1);
  v1::RingReply reply;
  reply.mutable_opened()->set_slots(geometry_.slots);
  reply.mutable_opened()->set_slot_bytes(geometry_.slot_bytes);
  return Send(reply, memory_->fd());
}

bool Ring::OnTick(absl::Time now) const {
  return !opened() || (!lease_->ended() && now < used_ + kIdle);
}

// ------------------------------------------------------------------ uploads

bool Ring::OnUpload(const v1::RingUpload& upload) {
  const bool lent = source_ == nullptr && upload.slot() < geometry_.slots &&
                    upload.bytes() <= geometry_.slot_bytes;
  if (!lent) return false;
  v1::RingReply reply;
  v1::RingUploaded& uploaded = *reply.mutable_uploaded();
  uploaded.set_slot(upload.slot());
  absl::StatusOr<v1::UploadStatus> status = Add(upload);
  if (status.ok()) {
    *uploaded.mutable_status() = *std::move(status);
  } else {
    uploaded.set_code(static_cast<uint32_t>(status.status().code()));
    uploaded.set_message(std::string(status.status().message()));
  }
  return Send(reply);
}

absl::StatusOr<v1::UploadStatus> Ring::Add(const v1::RingUpload& upload) {
  ChunkHeader header{session_, token_, upload.upload(), upload.total(), upload.offset()};
  if (sink_ == nullptr || upload_ != upload.upload()) {
    if (sink_ != nullptr) sink_->OnDetached();
    sink_ = services_.compute.OpenUpload(peer_, stream_);
    upload_ = upload.upload();
  }
  const std::string_view piece(memory_->data() + size_t{upload.slot()} * geometry_.slot_bytes,
                               upload.bytes());
  services_.metrics.Add(Metric::bytes_uploaded, upload.bytes());
  services_.metrics.Add(Metric::bytes_shared, upload.bytes());
  const absl::StatusOr<Flow> flow = sink_->OnChunk(header, {&piece, 1});
  if (!flow.ok()) {
    sink_->OnDetached();
    sink_ = nullptr;
    return Counted(flow.status());
  }
  absl::StatusOr<v1::UploadStatus> status = sink_->OnHalfClose();
  if (status.ok() && status->complete()) {
    sink_->OnDetached();
    sink_ = nullptr;
  }
  return status;
}

// ------------------------------------------------------------------ downloads

bool Ring::OnDownload(v1::DownloadRequest request) {
  if (source_ != nullptr) return false;
  request.set_session(session_);
  request.set_token(token_);
  free_slots_.resize(geometry_.slots);
  std::iota(free_slots_.begin(), free_slots_.end(), 0);
  auto source = services_.compute.OpenDownload(peer_, request, stream_);
  if (!source.ok()) return SendEnd(Counted(source.status()));
  source_ = *std::move(source);
  return Fill();
}

bool Ring::OnRelease(uint32_t slot) {
  if (source_ == nullptr) return slot < geometry_.slots;  // of a download that has ended
  const bool taken =
      slot < geometry_.slots && std::count(free_slots_.begin(), free_slots_.end(), slot) == 0;
  if (!taken) return false;
  free_slots_.push_back(slot);
  return Fill();
}

bool Ring::OnWake() { return source_ == nullptr || Fill(); }

bool Ring::Fill() {
  const uint32_t most = wire::SlotsUnderWay(geometry_.slots, geometry_.slot_bytes);
  while (source_ != nullptr && free_slots_.size() > geometry_.slots - most) {
    const absl::StatusOr<Pull> pull = NextPiece();
    if (!pull.ok()) return EndDownload(pull.status());
    if (*pull == Pull::kEnd) return EndDownload(absl::OkStatus());
    if (*pull == Pull::kNothing) return true;
    if (!SendPiece()) return false;
  }
  return true;
}

absl::StatusOr<Pull> Ring::NextPiece() {
  if (!piece_.data.view.empty()) return Pull::kMessage;
  piece_ = OutChunk();
  return source_->NextChunk(&piece_);
}

// As much of the piece as a slot holds.
bool Ring::SendPiece() {
  const uint32_t slot = free_slots_.front();
  free_slots_.pop_front();
  const auto bytes =
      static_cast<uint32_t>(std::min<size_t>(piece_.data.view.size(), geometry_.slot_bytes));
  wire::HandOverCopy(memory_->data() + size_t{slot} * geometry_.slot_bytes, piece_.data.view.data(),
                     bytes);
  v1::RingReply reply;
  v1::RingPart& part = *reply.mutable_part();
  if (piece_.type != nullptr) *part.mutable_type() = *piece_.type;
  part.set_total(piece_.total);
  part.set_offset(piece_.offset);
  part.set_slot(slot);
  part.set_bytes(bytes);
  services_.metrics.Add(Metric::bytes_downloaded, bytes);
  services_.metrics.Add(Metric::bytes_shared, bytes);
  piece_.type = nullptr;
  piece_.total = 0;
  piece_.offset += bytes;
  piece_.data.view.remove_prefix(bytes);
  if (piece_.data.view.empty()) piece_.data = SharedBytes();
  return Send(reply);
}

void Ring::StopDownload() {
  if (source_ == nullptr) return;
  source_->OnDetached();
  source_ = nullptr;
  piece_ = OutChunk();
}

bool Ring::EndDownload(const absl::Status& status) {
  StopDownload();
  return SendEnd(status);
}

}  // namespace tensord::server::transport
