// Publish, Lookup, Unpublish: one session's values in another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PublishingTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    auto other = Session::Connect({.address = SharedAddress()});
    ASSERT_TRUE(other.ok()) << other.status();
    other_ = *std::move(other);
  }

  Tensor Number(float value) { return session_->Put<float>({1}, {value}); }
  Publication PublishNumber(float value, const PublishOptions& options = {}) {
    const auto made = session_->Publish(name_, {{"w", Number(value)}}, options);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(Publication());
  }
  float Read(const Found& found, const std::string& path) {
    const auto values = other_->Fetch<float>(found.tensors.at(path));
    EXPECT_TRUE(values.ok()) << values.status();
    return values.ok() ? values->at(0) : -1;
  }
  std::string ErrorOfPublish(const std::string& name, const PublishEntries& entries,
                             const PublishOptions& options = {}) {
    return std::string(session_->Publish(name, entries, options).status().message());
  }

  std::unique_ptr<Session> other_;
  // One that no other test uses.
  static inline int names_ = 0;
  const std::string name_ = "test/" + std::to_string(++names_);
};

TEST_F(PublishingTest, WhatIsPublishedIsFoundByAnotherSession) {
  const Tensor w = session_->Put<float>({2}, {1, 2}) * 2, b = session_->Put<int32_t>({}, {7});
  const auto made = session_->Publish(name_, {{"w", w}, {"b", b}});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(*made, (Publication{session_->welcome().principal() + "/" + name_, 1}));
  const auto found = other_->Lookup(name_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->name, made->name);
  EXPECT_EQ(found->generation, 1u);
  EXPECT_EQ(found->types.at("w").ToString(), "f32[2]");
  EXPECT_THAT(*other_->Fetch<float>(found->tensors.at("w") + 1), ElementsAre(3, 5));
  EXPECT_THAT(*other_->Fetch<int32_t>(found->tensors.at("b")), ElementsAre(7));
}

TEST_F(PublishingTest, PathsThatAreAskedForAreBound) {
  ASSERT_TRUE(session_->Publish(name_, {{"a", Number(1)}, {"b", Number(2)}}).ok());
  const auto found = other_->Lookup(session_->welcome().principal() + "/" + name_, {"b"});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->tensors.size(), 1u);
  EXPECT_EQ(Read(*found, "b"), 2);
}

TEST_F(PublishingTest, EachPublishIsAGenerationAndReadersKeepTheirs) {
  PublishNumber(1);
  const auto first = other_->Lookup(name_);
  EXPECT_EQ(PublishNumber(2).generation, 2u);
  const auto second = other_->Lookup(name_);
  EXPECT_EQ(Read(*first, "w"), 1);
  EXPECT_EQ(Read(*second, "w"), 2);
}

TEST_F(PublishingTest, AReaderSeesAllEntriesOfOneGeneration) {
  std::atomic<bool> over = false;
  std::thread writer([&] {
    for (int i = 0; !over; ++i) {
      const Tensor number = Number(static_cast<float>(i));
      EXPECT_TRUE(session_->Publish(name_, {{"a", number}, {"b", number + 0}}).ok());
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto found = other_->Lookup(name_, {"a", "b"}, {.generation = 1});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(Read(*found, "a"), Read(*found, "b"));
  }
  over = true;
  writer.join();
}

TEST_F(PublishingTest, WhereOneEntryIsPoisonedNothingIsPublished) {
  const auto made =
      session_->Publish(name_, {{"good", Number(1)}, {"bad", ops::Reshape(Number(1), {7})}});
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("entry \"bad\""));
  EXPECT_EQ(FaultOf(made.status())->reason, "SHAPE");
  EXPECT_EQ(other_->Lookup(name_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PublishingTest, ALookupWaitsForItsGeneration) {
  PublishNumber(1);
  std::promise<absl::StatusOr<Found>> promise;
  other_->LookupAsync(name_, {}, [&](auto found) { promise.set_value(std::move(found)); },
                      {.generation = 2});
  ASSERT_TRUE(other_->Ping().ok());  // the daemon has the Lookup
  auto found = promise.get_future();
  EXPECT_EQ(found.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  PublishNumber(2);
  EXPECT_EQ(Read(*found.get(), "w"), 2);
}

TEST_F(PublishingTest, ALookupGivesUpInTime) {
  const absl::Time start = absl::Now();
  for (int i = 0; i < 5; ++i) {
    const auto found =
        other_->Lookup(name_, {"w"}, {.generation = 1, .timeout = absl::Milliseconds(20)});
    EXPECT_EQ(found.status().code(), absl::StatusCode::kNotFound) << found.status();
    EXPECT_THAT(std::string(found.status().message()), HasSubstr("was not published in time"));
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(2.5)) << "a second each: at the ticks alone";
}

TEST_F(PublishingTest, UnpublishEndsTheNameAndReadersKeepTheValues) {
  const Publication made = PublishNumber(3);
  const auto found = other_->Lookup(name_);
  EXPECT_TRUE(session_->Unpublish(made.name).ok());
  EXPECT_EQ(other_->Lookup(name_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FaultOf(session_->Unpublish(name_))->reason, "NAME_UNKNOWN");
  session_ = nullptr;
  EXPECT_EQ(Read(*found, "w"), 3);
}

TEST_F(PublishingTest, AnUnpublishTakesNoFailureFromTheNextBarrier) {
  PublishNumber(1);
  const Tensor bad = ops::Reshape(Number(1), {7});
  ASSERT_TRUE(session_->Unpublish(name_).ok());
  EXPECT_EQ(session_->Barrier().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(session_->Barrier().ok());
}

TEST_F(PublishingTest, ATimeToLiveEndsTheName) {
  PublishNumber(1, {.ttl = absl::Milliseconds(30)});
  EXPECT_TRUE(Eventually(
      [&] { return other_->Lookup(name_).status().code() == absl::StatusCode::kNotFound; }));
}

TEST_F(PublishingTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(FaultOf(other_->Lookup(name_).status())->reason, "NAME_UNKNOWN");
  PublishNumber(1);
  EXPECT_THAT(std::string(other_->Lookup(name_, {"v"}).status().message()),
              HasSubstr("no entry \"v\""));
}

TEST_F(PublishingTest, TheIdsOfAFailedLookupAreFreed) {
  PublishNumber(1);
  const uint64_t before = other_->Put<float>({1}, {1}).id();
  ASSERT_FALSE(other_->Lookup(name_, {"v", "w"}).ok());
  EXPECT_TRUE(Eventually([&] {
    const auto described = other_->DescribeIds({before + 1, before + 2});
    return described->at(0).state == v1::VALUE_STATE_FREED &&
           described->at(1).state == v1::VALUE_STATE_FREED;
  }));
}

TEST_F(PublishingTest, MistakesAreToldWithoutTheDaemon) {
  const Tensor x = Number(1);
  const auto other = other_->Put<float>({1}, {1});
  EXPECT_THAT(ErrorOfPublish("no spaces", {{"w", x}}),
              HasSubstr("publish: \"no spaces\" is no name of a publication: expected name/of/it, "
                        "letters, digits, _ . - and / between pieces, at most 256 bytes"));
  EXPECT_THAT(ErrorOfPublish(std::string(257, 'a'), {{"w", x}}), HasSubstr("at most 256 bytes"));
  EXPECT_THAT(ErrorOfPublish("a//b", {{"w", x}}), HasSubstr("is no name"));
  EXPECT_THAT(ErrorOfPublish(name_, {{"w", x}, {"w", x}}), HasSubstr("\"w\" is there twice"));
  EXPECT_THAT(ErrorOfPublish(name_, {{std::string(257, 'p'), x}}),
              HasSubstr("a path of 257 bytes, at most 256 are allowed"));
  EXPECT_THAT(ErrorOfPublish(name_, {{"w", other}}), HasSubstr("belongs to another session"));
  EXPECT_THAT(ErrorOfPublish(name_, {{"w", x}}, {.ttl = absl::ZeroDuration()}),
              HasSubstr("ttl 0; expected more than 0"));
  EXPECT_THAT(std::string(session_->Lookup("no name").status().message()),
              HasSubstr("expected name/of/it or principal/name/of/it"));
  EXPECT_THAT(std::string(session_->Unpublish("/").message()), HasSubstr("unpublish: \"/\""));
}

TEST_F(PublishingTest, CallbacksAnswerLater) {
  std::promise<absl::StatusOr<Publication>> made;
  session_->PublishAsync(name_, {{"w", Number(4)}}, [&](auto answer) { made.set_value(answer); });
  EXPECT_EQ(made.get_future().get()->generation, 1u);
  std::promise<absl::Status> ended;
  session_->UnpublishAsync(name_, [&](const absl::Status& status) { ended.set_value(status); });
  EXPECT_TRUE(ended.get_future().get().ok());
}

TEST(Publishing, OnlyWhatIsSharedIsSeenByOthers) {
  const TemporaryFolder folder;
  const std::string tokens = folder / "tokens", ann(32, 'a'), ben(32, 'b');
  std::ofstream(tokens) << "ann " << ann << "\nben " << ben << "\n";
  std::filesystem::permissions(tokens, std::filesystem::perms::owner_read);
  const DaemonProcess daemon({"--token-file=" + tokens, "--listen=tcp://127.0.0.1:0"});
  const auto owner = Session::Connect({.address = daemon.address(), .token = ann});
  const auto reader = Session::Connect({.address = daemon.address(), .token = ben});
  ASSERT_TRUE(owner.ok() && reader.ok()) << owner.status() << reader.status();
  const Tensor x = (*owner)->Put<float>({1}, {5});
  const auto own = (*owner)->Publish("own", {{"x", x}});
  const auto shared = (*owner)->Publish("shared", {{"x", x}}, {.shared = true});
  ASSERT_TRUE(own.ok() && shared.ok()) << own.status() << shared.status();
  EXPECT_EQ(FaultOf((*reader)->Lookup(own->name).status())->reason, "NAME_UNKNOWN");
  const auto found = (*reader)->Lookup(shared->name);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*(*reader)->Fetch<float>(found->tensors.at("x")), ElementsAre(5));
}

}  // namespace
}  // namespace tensord::client
