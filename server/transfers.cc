#include "server/transfers.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "engine/runtime/fault.h"
#include "server/convert.h"
#include "server/session.h"

namespace tensord::server {
namespace {

constexpr uint64_t kChunkBytes = 1 << 20;
constexpr size_t kCopiesAhead = 3;

class SessionUpload : public UploadSink {
 public:
  SessionUpload(const SessionEnv& env, const SessionTable& table) : env_(env), table_(table) {}

  absl::StatusOr<Flow> OnChunk(const ChunkHeader& header,
                               std::span<const std::string_view> pieces) override {
    if (session_ == nullptr) {
      ASSIGN_OR_RETURN(session_, FindForData(table_, header.session, header.token));
      first_ = header;
    }
    ChunkHeader full = header;
    full.upload = first_.upload;
    full.total = first_.total;
    if ((header.upload != 0 && header.upload != first_.upload) ||
        (header.total != 0 && header.total != first_.total)) {
      return absl::InvalidArgumentError("a chunk of another upload than the first of this call");
    }
    ASSIGN_OR_RETURN(status_, session_->uploads().Add(full, pieces, env_.now()));
    return Flow::kContinue;
  }

  absl::StatusOr<v1::UploadStatus> OnHalfClose() override {
    if (session_ == nullptr) return absl::InvalidArgumentError("an upload without a chunk");
    return status_;
  }

  void OnDetached() override { session_ = nullptr; }

 private:
  const SessionEnv& env_;
  const SessionTable& table_;
  std::shared_ptr<Session> session_;
  ChunkHeader first_;
  v1::UploadStatus status_;
};

// What a download and the callbacks of its copies share.
class DownloadState : public std::enable_shared_from_this<DownloadState> {
 public:
  DownloadState(runtime::Engine& engine, StreamPtr stream)
      : engine_(engine), stream_(std::move(stream)) {}

  void OnPart(absl::StatusOr<SessionCore::Part> part) {
    {
      MutexLock lock(mutex_);
      outcome_ = part.status();
      if (part.ok()) {
        part_ = *std::move(part);
        host_ = engine_.HostBytes(part_.value);
        FromType(part_.value.type, &type_);
      }
      known_ = true;
    }
    CopyAhead();
    stream_->Wake();
  }

  absl::StatusOr<Pull> Next(OutChunk* chunk) {
    {
      MutexLock lock(mutex_);
      if (!known_) return Pull::kNothing;
      RETURN_IF_ERROR(outcome_);
      if (sent_ == part_.length && told_) return Pull::kEnd;
      chunk->offset = part_.offset + sent_;
      if (sent_ < part_.length) {
        ASSIGN_OR_RETURN(chunk->data, host_ != nullptr ? PieceInPlace() : CopiedPiece());
        if (chunk->data.view.empty()) return Pull::kNothing;
        sent_ += chunk->data.view.size();
      }
      if (!std::exchange(told_, true)) {
        chunk->type = &type_;
        chunk->total = part_.length;
      }
    }
    CopyAhead();
    return Pull::kMessage;
  }

  void Stop() {
    MutexLock lock(mutex_);
    stopped_ = true;
  }

 private:
  struct Copy {
    std::string bytes;
    bool done = false;
    absl::Status status;
  };

  // A value is immutable, and nothing writes over a buffer that is held: it is sent from where it
  // is.
  SharedBytes PieceInPlace() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const char* at = reinterpret_cast<const char*>(host_) + part_.offset + sent_;
    return {{at, std::min(kChunkBytes, part_.length - sent_)}, part_.value.buffer};
  }

  // Empty: its copy is still under way.
  absl::StatusOr<SharedBytes> CopiedPiece() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (copies_.empty() || !copies_.front()->done) return SharedBytes();
    const std::shared_ptr<Copy> copy = std::move(copies_.front());
    copies_.pop_front();
    RETURN_IF_ERROR(copy->status);
    return SharedBytes{copy->bytes, copy};
  }

  // Asks for the next pieces, without locks held: a device may answer at once.
  void CopyAhead() {
    for (;;) {
      std::shared_ptr<Copy> copy;
      uint64_t at = 0;
      {
        MutexLock lock(mutex_);
        if (stopped_ || !outcome_.ok() || host_ != nullptr || asked_ == part_.length ||
            copies_.size() >= kCopiesAhead) {
          return;
        }
        copy = std::make_shared<Copy>();
        copy->bytes.resize(std::min(kChunkBytes, part_.length - asked_));
        at = part_.offset + asked_;
        asked_ += copy->bytes.size();
        copies_.push_back(copy);
      }
      const absl::Span<std::byte> to(reinterpret_cast<std::byte*>(copy->bytes.data()),
                                     copy->bytes.size());
      engine_.CopyOut(part_.lane, to, part_.value, static_cast<int64_t>(at),
                      [self = shared_from_this(), copy](absl::Status status) {
                        {
                          MutexLock lock(self->mutex_);
                          copy->done = true;
                          copy->status = std::move(status);
                        }
                        self->stream_->Wake();
                      });
    }
  }

  runtime::Engine& engine_;
  const StreamPtr stream_;
  Mutex mutex_;
  bool known_ ABSL_GUARDED_BY(mutex_) = false;
  bool told_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status outcome_ ABSL_GUARDED_BY(mutex_);
  // These do not change once known.
  SessionCore::Part part_;
  const std::byte* host_ = nullptr;  // of the value, where it can be sent in place
  v1::TensorType type_;
  uint64_t asked_ ABSL_GUARDED_BY(mutex_) = 0, sent_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::shared_ptr<Copy>> copies_ ABSL_GUARDED_BY(mutex_);
};

class SessionDownload : public DownloadSource {
 public:
  explicit SessionDownload(std::shared_ptr<DownloadState> state) : state_(std::move(state)) {}
  absl::StatusOr<Pull> NextChunk(OutChunk* chunk) override { return state_->Next(chunk); }
  void OnDetached() override { state_->Stop(); }

 private:
  const std::shared_ptr<DownloadState> state_;
};

class SessionRingLease : public RingLease {
 public:
  SessionRingLease(const std::shared_ptr<Session>& session, std::string_view token, int64_t bytes)
      : session_(session), token_(token), charge_(session->uploads().staging(), bytes) {}

  bool ended() const override {
    const std::shared_ptr<Session> session = session_.lock();
    return session == nullptr || !session->MayMoveData(token_);
  }

 private:
  const std::weak_ptr<Session> session_;
  const std::string token_;
  const Charge charge_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<Session>> FindForData(const SessionTable& table,
                                                     const std::string& session,
                                                     std::string_view token) {
  std::shared_ptr<Session> found = table.Find(session);
  if (found != nullptr && found->MayMoveData(token)) return found;
  return runtime::Fault(absl::StatusCode::kUnauthenticated, "SESSION_UNKNOWN",
                        "there is no such session, or the data token is wrong");
}

std::unique_ptr<UploadSink> MakeUploadSink(const SessionEnv& env, const SessionTable& table) {
  return std::make_unique<SessionUpload>(env, table);
}

absl::StatusOr<v1::UploadStatus> UploadChunk(const SessionEnv& env, const SessionTable& table,
                                             const ChunkHeader& header,
                                             std::span<const std::string_view> pieces) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Session> session,
                   FindForData(table, header.session, header.token));
  return session->uploads().Add(header, pieces, env.now());
}

absl::StatusOr<std::unique_ptr<DownloadSource>> MakeDownloadSource(
    const SessionEnv& env, const SessionTable& table, const v1::DownloadRequest& request,
    StreamPtr stream) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Session> session,
                   FindForData(table, request.session(), request.token()));
  auto state = std::make_shared<DownloadState>(env.engine, std::move(stream));
  session->Download(
      request, [state](absl::StatusOr<SessionCore::Part> part) { state->OnPart(std::move(part)); });
  return std::make_unique<SessionDownload>(std::move(state));
}

absl::StatusOr<std::unique_ptr<RingLease>> MakeRingLease(const SessionTable& table,
                                                         const std::string& session,
                                                         std::string_view token, int64_t bytes) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Session> found, FindForData(table, session, token));
  RETURN_IF_ERROR(found->uploads().staging()->Allow(bytes, "max_staging_bytes", "staged bytes"));
  return std::make_unique<SessionRingLease>(found, token, bytes);
}

}  // namespace tensord::server
