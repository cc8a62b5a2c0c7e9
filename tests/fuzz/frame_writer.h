// Bytes of a fuzzer as choices, and a writer of mostly sound frames that they steer, so that items
// meet each other.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "tensord/v1/session.pb.h"

namespace tensord::server {

// Bytes as choices; zeros when they are used up.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}
  bool empty() const { return at_ == end_; }
  uint8_t Byte() { return at_ < end_ ? *at_++ : 0; }
  uint64_t Below(uint64_t n) { return Byte() % n; }
  uint64_t Number() {
    switch (Below(8)) {
      case 0:
        return uint64_t{1} << Below(64);
      case 1:
        return ~uint64_t{0} - Byte();
      case 2:
        return Byte() * 256u + Byte();
      default:
        return Below(20);
    }
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

// The frames of one session, from its Hello on.
class FrameWriter {
 public:
  // `other`: the principal whose publications are looked up too; empty: none. What is published
  // under kPrivateName is then not shared.
  explicit FrameWriter(Choices& choices, std::string other = "");

  std::string NextFrame(uint64_t acked = 0);
  uint64_t seq() const { return seq_; }  // of the last frame

  // Lookups, by frame and item, of what another principal does not share.
  const std::set<std::pair<uint64_t, uint32_t>>& forbidden() const { return forbidden_; }

 private:
  uint64_t AnyId();
  uint64_t NewId(uint64_t count);
  void AddSpan(v1::IdSpan& span);
  void SetDims(v1::Dims& dims);
  uint64_t SetType(v1::TensorType& type);
  void SetAttr(v1::Attr& attr);
  void AddNodes(v1::NodeBatch& batch);
  void SetGradient(v1::Gradient& gradient, bool session);
  void AddProgram(v1::Program& program);
  std::string AnyName();
  void SetPublish(v1::Publish& publish);
  void SetLookup(v1::Lookup& lookup);
  void SetExecute(v1::Execute& execute);
  void AddItem(v1::Item& item);

  static constexpr char kPrivateName[] = "c";

  Choices& choices_;
  const std::string other_;
  std::set<std::pair<uint64_t, uint32_t>> forbidden_;
  v1::ClientFrame frame_;
  uint64_t seq_ = 0, next_ = 1;
};

}  // namespace tensord::server
