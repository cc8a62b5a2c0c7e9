// Bytes over 64 KiB: uploads and downloads in chunks, through shared memory where the daemon is on
// this host, else on a channel of their own.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/tensord/chunk.h"
#include "clients/cpp/tensord/shared_ring.h"
#include "tensord/v1/compute.pb.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {

class BulkLane {
 public:
  // `path`: of the daemon's Unix socket, or empty. `patience`: for how long a transfer that breaks
  // off is taken up again without getting further.
  BulkLane(std::shared_ptr<grpc::Channel> channel, std::string path, const v1::Welcome& welcome,
           absl::Duration patience);

  // Sends the bytes of an upload; returns when the daemon has them. Thread-safe.
  absl::Status Upload(uint64_t number, std::string_view bytes) const;

  // The bytes behind a ticket, in place of what `bytes` holds; undefined after an error.
  // Thread-safe.
  absl::Status Download(const v1::Data& data, absl::Duration timeout, std::string* bytes) const;

 private:
  absl::Status UploadInCalls(uint64_t number, std::string_view bytes, uint64_t from) const;
  absl::Status DownloadInCalls(v1::DownloadRequest request, absl::Duration timeout,
                               Received& received) const;
  absl::StatusOr<v1::UploadStatus> Send(uint64_t number, std::string_view bytes,
                                        uint64_t from) const;
  absl::StatusOr<uint64_t> Committed(uint64_t number, uint64_t total) const;
  v1::UploadChunk FirstChunk(uint64_t number, uint64_t total) const;

  const std::shared_ptr<grpc::Channel> channel_;
  const absl::Duration patience_;
  const std::string session_, token_;
  const size_t chunk_;
  mutable SharedLane shared_;
};

}  // namespace tensord::client
