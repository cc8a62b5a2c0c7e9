// The methods of Compute that move raw bytes: each adapts one interface of stream_handler.h to a
// call. Made by the rows of compute_service.cc.
#pragma once

#include <memory>

#include "server/transport/method.h"

namespace tensord::server {

using MakeCall = std::unique_ptr<transport::CallHandler>(const transport::Services& services,
                                                         transport::Call& call);

// The caller's principal; a failure is counted.
absl::StatusOr<Principal> Authenticate(const transport::Services& services, const Peer& peer,
                                       const v1::Credentials& credentials);

MakeCall MakeSession, MakeUpload, MakeDownload, MakeSubmit, MakeUploadPart, MakeWatch;

}  // namespace tensord::server
