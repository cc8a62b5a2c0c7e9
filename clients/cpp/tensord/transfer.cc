#include "clients/cpp/tensord/transfer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/tensord/attempts.h"
#include "clients/cpp/tensord/rpc.h"

namespace tensord::client {
namespace {

constexpr uint64_t kMaxChunk = 1 << 20;

// Waits before a lost call is followed by another one; false when it is not to be.
bool Again(Attempts& attempts, const absl::Status& status, uint64_t progress,
           absl::Duration patience) {
  if (!CanGoOn(status)) return false;
  const std::optional<absl::Duration> pause = attempts.Next(progress, patience);
  if (pause.has_value()) absl::SleepFor(*pause);
  return pause.has_value();
}

size_t ChunkBytes(const v1::Limits& limits) {
  const uint64_t most = limits.max_chunk_bytes();
  return static_cast<size_t>(most == 0 ? kMaxChunk : std::min(most, kMaxChunk));
}

}  // namespace

BulkLane::BulkLane(std::shared_ptr<grpc::Channel> channel, std::string path,
                   const v1::Welcome& welcome, absl::Duration patience)
    : channel_(std::move(channel)),
      patience_(patience),
      session_(welcome.session()),
      token_(welcome.data_token()),
      chunk_(ChunkBytes(welcome.limits())),
      shared_(std::move(path), session_, token_) {}

v1::UploadChunk BulkLane::FirstChunk(uint64_t number, uint64_t total) const {
  v1::UploadChunk chunk;
  chunk.set_session(session_);
  chunk.set_token(token_);
  chunk.set_upload(number);
  chunk.set_total(total);
  return chunk;
}

absl::StatusOr<v1::UploadStatus> BulkLane::Send(uint64_t number, std::string_view bytes,
                                                uint64_t from) const {
  v1::UploadStatus reply;
  LentBytes lent;
  bool first = true;
  const auto next = [&](grpc::ByteBuffer* chunk) {
    if (from >= bytes.size() && !first) return false;
    v1::UploadChunk header = first ? FirstChunk(number, bytes.size()) : v1::UploadChunk();
    first = false;
    header.set_offset(from);
    const std::string_view part = bytes.substr(from, chunk_);
    *chunk = lent.Chunk(header, part);
    from += part.size();
    return true;
  };
  grpc::CompletionQueue queue;
  absl::Status status = SendMany<v1::UploadStatus, grpc::ByteBuffer>(
      queue, channel_, "/tensord.v1.Compute/Upload", absl::InfiniteDuration(), next, &reply);
  lent.AwaitReturn(queue);  // a call that is still there may keep what it sent, to send it again
  if (!status.ok()) return status;
  return reply;
}

absl::StatusOr<uint64_t> BulkLane::Committed(uint64_t number, uint64_t total) const {
  v1::UploadStatus reply;
  absl::Status status = CallUnary(channel_, "/tensord.v1.Compute/UploadPart",
                                  FirstChunk(number, total), absl::Seconds(10), &reply);
  if (!status.ok()) return status;
  return reply.committed();
}

absl::Status BulkLane::Upload(uint64_t number, std::string_view bytes) const {
  absl::Status shared = shared_.Upload(number, bytes);
  if (!absl::IsUnavailable(shared)) return shared;
  return UploadInCalls(number, bytes, 0);
}

absl::Status BulkLane::UploadInCalls(uint64_t number, std::string_view bytes, uint64_t from) const {
  Attempts attempts;
  for (;;) {
    const absl::StatusOr<v1::UploadStatus> sent = Send(number, bytes, from);
    if (sent.ok() && sent->complete()) return absl::OkStatus();
    if (sent.ok()) {
      return absl::DataLossError(
          absl::StrCat("the upload of ", bytes.size(), " bytes stopped at ", sent->committed()));
    }
    // It has ended: the answer to an attempt before, which may have been through shared memory, is
    // lost.
    const bool ended = absl::IsAlreadyExists(sent.status());
    if (!ended && !Again(attempts, sent.status(), from, patience_)) return sent.status();
    const absl::StatusOr<uint64_t> committed = Committed(number, bytes.size());
    if (committed.ok()) from = *committed;
    if (committed.ok() && from == bytes.size()) return absl::OkStatus();
    if (ended) return sent.status();
  }
}

absl::Status BulkLane::Download(const v1::Data& data, absl::Duration timeout,
                                std::string* bytes) const {
  v1::DownloadRequest request;
  request.set_session(session_);
  request.set_token(token_);
  request.set_ticket(data.ticket());
  Received received(data.bytes(), bytes);
  absl::Status status = shared_.Download(request, absl::Now() + timeout, received);
  if (absl::IsUnavailable(status)) {
    status = DownloadInCalls(std::move(request), timeout, received);
  }
  if (!status.ok() || received.complete()) return status;
  return absl::DataLossError(
      absl::StrCat("the download of ", data.bytes(), " bytes stopped at ", received.count()));
}

// What has not been received yet.
absl::Status BulkLane::DownloadInCalls(v1::DownloadRequest request, absl::Duration timeout,
                                       Received& received) const {
  bool valid = true;
  const auto on_chunk = [&](grpc::ByteBuffer& chunk) { return valid = received.AddChunk(chunk); };
  Attempts attempts;
  for (;;) {
    request.set_offset(received.count());
    absl::Status status = CallForMany<grpc::ByteBuffer>(channel_, "/tensord.v1.Compute/Download",
                                                        request, timeout, {on_chunk});
    if (!valid) return absl::InternalError("the daemon sent bytes that are no DownloadChunk");
    if (status.ok() || received.complete()) return absl::OkStatus();
    if (!Again(attempts, status, received.count(), patience_)) return status;
  }
}

}  // namespace tensord::client
