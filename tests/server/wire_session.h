// A session over a real socket, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tensord/v1/compute.grpc.pb.h"

namespace tensord::server {

// A session over the socket; frames are written and replies read in turn.
class WireSession {
 public:
  explicit WireSession(v1::Compute::Stub& stub, const std::string& label = "")
      : stream_(stub.Session(&context_)) {
    Add().mutable_hello()->set_max_version(1);
    frame_.mutable_items(0)->mutable_hello()->set_label(label);
    EXPECT_TRUE(Ask().has_welcome());
  }
  ~WireSession() {
    Add().mutable_bye();
    Write();
    v1::ServerFrame frame;
    while (stream_->Read(&frame)) {
    }
    EXPECT_TRUE(stream_->Finish().ok());
  }

  v1::Item& Add() { return *frame_.add_items(); }
  void Write() {
    frame_.set_seq(++seq_);
    frame_.set_max_reply_bytes(64 << 20);
    EXPECT_TRUE(stream_->Write(frame_));
    frame_.Clear();
  }
  v1::Reply Read(uint64_t seq, uint32_t item) {
    v1::ServerFrame frame;
    while (stream_->Read(&frame)) {
      for (const v1::Reply& reply : frame.replies()) {
        if (reply.of_seq() == seq && reply.of_item() == item) return reply;
        others.push_back(reply);
      }
    }
    ADD_FAILURE() << "the stream ended";
    return {};
  }
  // Sends what was added; the reply to the last item.
  v1::Reply Ask() {
    const auto item = static_cast<uint32_t>(frame_.items_size() - 1);
    Write();
    return Read(seq_, item);
  }
  uint64_t seq() const { return seq_; }
  v1::ClientFrame& frame() { return frame_; }
  std::vector<v1::Reply> others;  // those that were read on the way

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientFrame, v1::ServerFrame>> stream_;
  v1::ClientFrame frame_;
  uint64_t seq_ = 0;
};

}  // namespace tensord::server
