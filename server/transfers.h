// The bulk lane's ends: uploads into a session, downloads from it.
#pragma once

#include <memory>

#include "server/compute_handler.h"
#include "server/session_table.h"
#include "server/stream_handler.h"

namespace tensord::server {

// The session that a bulk call names, if its token is right. UNAUTHENTICATED says no more than
// that.
absl::StatusOr<std::shared_ptr<Session>> FindForData(const SessionTable& table,
                                                     const std::string& session,
                                                     std::string_view token);

std::unique_ptr<UploadSink> MakeUploadSink(const SessionEnv& env, const SessionTable& table);

// One chunk by a unary call.
absl::StatusOr<v1::UploadStatus> UploadChunk(const SessionEnv& env, const SessionTable& table,
                                             const ChunkHeader& header,
                                             std::span<const std::string_view> pieces);

absl::StatusOr<std::unique_ptr<DownloadSource>> MakeDownloadSource(
    const SessionEnv& env, const SessionTable& table, const v1::DownloadRequest& request,
    StreamPtr stream);

// For `bytes` of shared memory, charged as staged.
absl::StatusOr<std::unique_ptr<RingLease>> MakeRingLease(const SessionTable& table,
                                                         const std::string& session,
                                                         std::string_view token, int64_t bytes);

}  // namespace tensord::server
