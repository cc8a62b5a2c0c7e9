#include "server/uploads.h"

#include "engine/runtime/fault.h"
#include "proto/tensord/bulk_copy.h"

namespace tensord::server {

using absl::StatusCode;
using runtime::Fault;

Uploads::Uploads(runtime::Engine& engine, Limits limits, std::shared_ptr<Ledger> staging,
                 std::function<void(uint64_t)> on_complete)
    : engine_(engine),
      limits_(limits),
      staging_(std::move(staging)),
      on_complete_(std::move(on_complete)) {}

absl::StatusOr<Uploads::Upload*> Uploads::FindOrBegin(const ChunkHeader& header) {
  if (closed_) return Fault(StatusCode::kUnauthenticated, "SESSION_UNKNOWN", "the session is over");
  if (const auto it = uploads_.find(header.upload); it != uploads_.end()) {
    if (it->second.total == header.total) return &it->second;
    return Fault(StatusCode::kInvalidArgument, "UPLOAD", "upload ", header.upload, ": total is ",
                 header.total, ", it began with ", it->second.total);
  }
  if (header.upload == 0 || taken_.Contains(header.upload)) {
    return Fault(StatusCode::kAlreadyExists, "UPLOAD", "upload ", header.upload,
                 header.upload == 0 ? ": numbers begin at 1" : " has ended; take a new number");
  }
  const auto total = static_cast<int64_t>(std::min<uint64_t>(header.total, INT64_MAX));
  if (total > limits_.max_bytes) {
    return runtime::OverLimit("max_staging_bytes", header.total,
                              static_cast<uint64_t>(limits_.max_bytes), "bytes of an upload");
  }
  if (static_cast<int64_t>(uploads_.size()) >= limits_.max_uploads) {
    return runtime::OverLimit("max_uploads", uploads_.size() + 1,
                              static_cast<uint64_t>(limits_.max_uploads), "uploads");
  }
  RETURN_IF_ERROR(staging_->Allow(total, "max_staging_bytes", "staged bytes"));
  ASSIGN_OR_RETURN(runtime::BufferPtr buffer, engine_.AllocateStaging(total));
  Upload& upload = uploads_[header.upload];
  upload.total = header.total;
  upload.content.size = header.total;
  upload.content.buffer = std::move(buffer);
  upload.content.charge = std::make_unique<Charge>(staging_, total);
  return &upload;
}

absl::Status Uploads::Append(const ChunkHeader& header, std::span<const std::string_view> pieces,
                             Upload& upload) {
  uint64_t at = header.offset, size = 0;
  for (std::string_view piece : pieces) size += piece.size();
  if (at > upload.committed) {
    return Fault(StatusCode::kOutOfRange, "UPLOAD", "upload ", header.upload, ": offset ", at,
                 ", committed are ", upload.committed);
  }
  if (size > upload.total - at) {
    return Fault(StatusCode::kInvalidArgument, "UPLOAD", "upload ", header.upload, ": bytes up to ",
                 at + size, " of a total of ", upload.total);
  }
  for (std::string_view piece : pieces) {
    wire::StreamingCopy(upload.content.data() + at, piece.data(), piece.size());
    at += piece.size();
  }
  upload.committed = std::max(upload.committed, at);
  return absl::OkStatus();
}

absl::StatusOr<v1::UploadStatus> Uploads::Add(const ChunkHeader& header,
                                              std::span<const std::string_view> pieces,
                                              absl::Time now) {
  v1::UploadStatus status;
  bool became_complete = false;
  {
    MutexLock lock(mutex_);
    status.set_upload(header.upload);
    status.set_total(header.total);
    if (taken_.Contains(header.upload) && pieces.empty()) {  // a lost answer is asked for again
      status.set_committed(header.total);
      status.set_complete(true);
      return status;
    }
    ASSIGN_OR_RETURN(Upload* const upload, FindOrBegin(header));
    const bool fresh = upload->progress == absl::Time();
    const uint64_t before = upload->committed;
    RETURN_IF_ERROR(Append(header, pieces, *upload));
    upload->progress = now;
    status.set_committed(upload->committed);
    status.set_complete(upload->committed == upload->total);
    became_complete = status.complete() && (fresh || before < upload->total);
  }
  if (became_complete) on_complete_(header.upload);
  return status;
}

std::unique_ptr<Uploads::Content> Uploads::Take(uint64_t number) {
  MutexLock lock(mutex_);
  const auto it = uploads_.find(number);
  if (it == uploads_.end() || it->second.committed != it->second.total) return nullptr;
  auto content = std::make_unique<Content>(std::move(it->second.content));
  uploads_.erase(it);
  taken_.Add(number);
  return content;
}

Uploads::State Uploads::StateOf(uint64_t number) const {
  MutexLock lock(mutex_);
  const auto it = uploads_.find(number);
  if (it == uploads_.end()) return taken_.Contains(number) ? State::kTaken : State::kUnknown;
  return it->second.committed == it->second.total ? State::kComplete : State::kUnderWay;
}

absl::Time Uploads::LastProgress(uint64_t number) const {
  MutexLock lock(mutex_);
  const auto it = uploads_.find(number);
  return it == uploads_.end() ? absl::InfinitePast() : it->second.progress;
}

void Uploads::Drop(uint64_t number) {
  MutexLock lock(mutex_);
  uploads_.erase(number);
  taken_.Add(number);
}

void Uploads::Expire(absl::Time before) {
  MutexLock lock(mutex_);
  for (auto it = uploads_.begin(); it != uploads_.end();) {
    const auto at = it++;
    if (at->second.progress >= before) continue;
    taken_.Add(at->first);
    uploads_.erase(at);
  }
}

void Uploads::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  uploads_.clear();
}

}  // namespace tensord::server
