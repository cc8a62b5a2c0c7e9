// A session that misbehaves beside one that must not notice.
#pragma once

#include "tests/server/faults.h"
#include "tests/server/session_harness.h"

namespace tensord::server {

// Two sessions of one daemon: one misbehaves, the other must not notice.
class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    client_ = std::make_unique<TestClient>(world_);
    other_ = std::make_unique<TestClient>(world_);
    theirs_ = other_->PutFloats({1, 2});
    x_ = client_->PutFloats({1, 2, 3, 4});
    client_->Send();
    other_->Send();
  }

  void TearDown() override {
    EXPECT_THAT(other_->FetchFloats(other_->Node("add", {theirs_, theirs_})),
                testing::ElementsAre(2, 4));
    EXPECT_THAT(other_->TakeFaults(), testing::IsEmpty());
    if (broken_) return;
    client_->TakeFaults();
    EXPECT_THAT(client_->FetchFloats(client_->Node("neg", {x_})),
                testing::ElementsAre(-1, -2, -3, -4));
    EXPECT_THAT(client_->TakeFaults(), testing::IsEmpty());
  }

  // The fault of a node with this description; its id is defined as poison all the same.
  v1::Fault FaultOf(const std::string& op, const std::vector<uint64_t>& inputs,
                    const AttrMap& attrs = {}) {
    const uint64_t id = client_->Node(op, inputs, attrs);
    client_->Send();
    v1::Fault fault = client_->TakeFault();
    EXPECT_EQ(fault.node(), id);
    EXPECT_EQ(fault.op(), op);
    EXPECT_EQ(fault.of_seq(), client_->seq());
    EXPECT_EQ(fault.poisoned_size(), 1);
    EXPECT_EQ(fault.poisoned(0).first(), id);
    EXPECT_EQ(client_->Describe(id).state(), v1::VALUE_STATE_POISONED);
    const v1::Fault fetched = client_->FetchFault(client_->Node("neg", {id}));
    EXPECT_EQ(fetched.cause(), id);
    EXPECT_EQ(fetched.message(), fault.message());
    EXPECT_THAT(client_->TakeFaults(), testing::IsEmpty());
    return fault;
  }

  // The end of the session that these bytes bring about.
  v1::Fault BreachOf(TestClient& client, const std::string& bytes) {
    client.SendRaw(bytes);
    v1::Fault fault = client.TakeFault();
    EXPECT_TRUE(fault.fatal());
    EXPECT_TRUE(client.stream().closed().has_value());
    EXPECT_EQ(static_cast<uint32_t>(client.stream().closed()->code()), fault.code());
    client.SendRaw(bytes);  // ignored
    EXPECT_THAT(client.TakeFaults(), testing::IsEmpty());
    return fault;
  }

  SessionWorld world_{"cpu"};
  std::unique_ptr<TestClient> client_, other_;
  uint64_t x_ = 0, theirs_ = 0;
  bool broken_ = false;  // the session is over: not used in TearDown
};

}  // namespace tensord::server
