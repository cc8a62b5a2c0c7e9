// A daemon that takes down what one session sends, answers what asks, and computes nothing. It
// takes uploads, and forgets them.
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "clients/cpp/tests/temporary_folder.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {

class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const std::string& address() const { return address_; }
  // The bytes of the session's ClientFrames; to be asked for once it has ended.
  const std::vector<std::string>& frames() const { return frames_; }

 private:
  void Serve();
  void TakeUploads();
  v1::ServerFrame AnswerTo(const v1::ClientFrame& frame);

  const TemporaryFolder folder_;
  const std::string address_ = "unix://" + (folder_ / "s.sock");
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_, uploads_queue_;
  std::unique_ptr<grpc::Server> server_;
  uint64_t seq_ = 0;
  std::vector<std::string> frames_;
  std::thread thread_, uploads_thread_;
};

}  // namespace tensord::client
