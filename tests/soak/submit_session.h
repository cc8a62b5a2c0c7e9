// A session by unary calls (Submit) that publishes and looks up: what session.h of the client does
// not do.
#pragma once

#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <string>

#include "tensord/v1/session.pb.h"

namespace tensord::soak {

// Ends the process when an answer is a fault.
class SubmitSession {
 public:
  explicit SubmitSession(const std::string& address);
  ~SubmitSession();  // says Bye

  // Publishes u8 bytes, in place of what was published: the generation.
  uint64_t Publish(const std::string& name, const std::string& bytes);
  // What is published under the name, in this generation or a later one.
  std::string Read(const std::string& name, uint64_t generation);
  void Unpublish(const std::string& name);

 private:
  using Wanted = std::function<bool(const v1::Reply&)>;
  v1::Item& Item() { return *frame_.add_items(); }
  // Sends what gathered, and more frames until a wanted reply is there.
  v1::Reply Ask(const Wanted& wanted);
  v1::ServerFrame Send();

  const std::shared_ptr<grpc::Channel> channel_;
  v1::ClientFrame frame_;
  v1::Welcome welcome_;
  uint64_t seq_ = 0, seen_ = 0, next_id_ = 1;
};

}  // namespace tensord::soak
