// Connections that are cut: the session goes on, and nothing is done twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tests/cutting_proxy.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;

class ResumeTest : public testing::Test {
 protected:
  void SetUp() override { session_ = Connect({.address = proxy_.address()}); }
  static std::unique_ptr<Session> Connect(SessionOptions options) {
    auto session = Session::Connect(std::move(options));
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }

  CuttingProxy proxy_{SharedAddress()};
  std::unique_ptr<Session> session_;
};

TEST_F(ResumeTest, ValuesAreThereAfterACut) {
  const Tensor x = session_->Put<float>({2}, {1, 2});
  ASSERT_TRUE(session_->Fetch<float>(x).ok());
  proxy_.Cut();
  const auto values = session_->Fetch<float>(x + 1.0);
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, ElementsAre(2, 3));
  EXPECT_EQ(session_->resumptions(), 1u);
}

// x <- x * 0.999 + step, whose numbers tell when a step is lost or done twice.
std::vector<float> Iterate(Session& session, int steps) {
  std::vector<float> seen;
  Tensor x = session.Put<float>({1}, {1});
  for (int i = 0; i < steps; ++i) {
    x = x * 0.999 + static_cast<double>(i);
    const auto values = session.Fetch<float>(x);
    EXPECT_TRUE(values.ok()) << values.status();
    if (!values.ok()) break;
    seen.push_back((*values)[0]);
  }
  return seen;
}

TEST_F(ResumeTest, ARunThatIsCutAgainAndAgainIsTheSame) {
  constexpr int kSteps = 400;
  const auto undisturbed = Connect({.address = SharedAddress()});
  const std::vector<float> expected = Iterate(*undisturbed, kSteps);
  std::atomic<bool> over = false;
  std::thread cutter([&] {
    while (!over) {
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
      proxy_.Cut();
    }
  });
  EXPECT_EQ(Iterate(*session_, kSteps), expected);
  over = true;
  cutter.join();
  EXPECT_GT(session_->resumptions(), 2u);
}

TEST_F(ResumeTest, TransfersGoOnWhereTheyStopped) {
  std::vector<uint8_t> data(16 << 20);
  std::iota(data.begin(), data.end(), uint8_t{0});
  std::atomic<bool> over = false;
  std::thread cutter([&] {
    for (int i = 0; i < 3 && !over; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      proxy_.Cut();
    }
  });
  const auto back = session_->Fetch<uint8_t>(session_->Put<uint8_t>({data.size()}, data));
  over = true;
  cutter.join();
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, data);
}

TEST_F(ResumeTest, GivesUpInTheEnd) {
  auto impatient = Connect({.address = proxy_.address(), .reconnect = absl::ZeroDuration()});
  const Tensor x = impatient->Put<float>({1}, {1});
  ASSERT_TRUE(impatient->Fetch<float>(x).ok());
  proxy_.Cut();
  EXPECT_FALSE(impatient->Fetch<float>(x).ok());
}

TEST(BulkLaneTest, AnUploadWhoseAnswerWasLostIsDoneWhenTheDaemonHasTakenIt) {
  const Target target = *ParseAddress(SharedAddress());
  v1::Hello hello;
  hello.set_max_version(1);
  const auto connection =
      *Connection::Open(MakeChannel(target, nullptr), hello,
                        {.timeout = absl::Seconds(10),
                         .reconnect = absl::Seconds(10),
                         .credentials = std::make_shared<Credentials>(std::string())});
  const BulkLane lane(MakeChannel(target, nullptr), "", connection->welcome(), absl::Seconds(10));
  const std::string bytes(100'000, 'x');
  const uint64_t number = connection->NewUpload();
  ASSERT_TRUE(lane.Upload(number, bytes).ok());
  const std::vector<Tensor> bound =
      connection->Define(1, Connection::When::kNow, [&](uint64_t first, v1::Item* item) {
        v1::BindUpload& bind = *item->mutable_bind();
        bind.set_id(first);
        bind.mutable_type()->set_dtype(v1::DTYPE_U8);
        bind.mutable_type()->mutable_dims()->add_sizes(bytes.size());
        bind.set_upload(number);
      });
  v1::Item barrier;
  barrier.mutable_barrier();
  ASSERT_TRUE(connection->AskAndWait(barrier, absl::Seconds(10)).ok());
  EXPECT_EQ(lane.Upload(number, bytes), absl::OkStatus());
  connection->Close(absl::Seconds(1));
}

}  // namespace
}  // namespace tensord::client
