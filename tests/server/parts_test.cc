// The small parts: lifecycle, admission, descriptor owners, metrics.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "server/admission.h"
#include "server/lifecycle.h"
#include "server/metrics.h"
#include "server/transport/unix_listener.h"

namespace tensord::server {
namespace {

using testing::HasSubstr;

TEST(Lifecycle, OnlyStepsForward) {
  Lifecycle lifecycle;
  EXPECT_FALSE(lifecycle.accepting());
  lifecycle.MarkReady();
  EXPECT_TRUE(lifecycle.accepting());
  lifecycle.BeginDrain();
  lifecycle.MarkReady();
  EXPECT_EQ(lifecycle.state(), State::kDraining);
  EXPECT_TRUE(lifecycle.accepting()) << "balancers look away first";
  lifecycle.Refuse();
  EXPECT_FALSE(lifecycle.accepting());
}

TEST(Lifecycle, HealthFollowsStateAndService) {
  Lifecycle lifecycle;
  EXPECT_EQ(lifecycle.HealthOf(""), Health::kNotServing);
  lifecycle.MarkReady();
  EXPECT_EQ(lifecycle.HealthOf(""), Health::kServing);
  EXPECT_EQ(lifecycle.HealthOf("device.llvm"), Health::kUnknownService);
  lifecycle.SetHealthy("device.llvm", false);
  EXPECT_EQ(lifecycle.HealthOf("device.llvm"), Health::kNotServing);
  lifecycle.SetHealthy("device.llvm", true);
  EXPECT_EQ(lifecycle.HealthOf("device.llvm"), Health::kServing);
  lifecycle.BeginDrain();
  EXPECT_EQ(lifecycle.HealthOf("device.llvm"), Health::kNotServing);
}

TEST(Lifecycle, TellsSubscribersAndLetsThemLeave) {
  Lifecycle lifecycle;
  int calls = 0;
  uint64_t id = 0;
  id = lifecycle.Subscribe([&] {
    ++calls;
    lifecycle.Unsubscribe(id);
  });
  lifecycle.MarkReady();
  lifecycle.BeginDrain();
  EXPECT_EQ(calls, 1);
}

TEST(Admission, GivesAPlaceBackWithItsTicket) {
  Admission admission({.sessions = 1, .calls = 1, .transfers = 1});
  absl::StatusOr<Admission::Ticket> first = admission.Admit(Budget::kSession);
  ASSERT_TRUE(first.ok());
  const absl::Status refused = admission.Admit(Budget::kSession).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("max-sessions: 1 of 1 are in use"));
  EXPECT_TRUE(admission.Admit(Budget::kTransfer).ok());
  {
    Admission::Ticket moved = *std::move(first);
  }
  EXPECT_TRUE(admission.Admit(Budget::kSession).ok());
  EXPECT_EQ(admission.InUse(Budget::kSession), 0);
}

TEST(DescriptorOwners, ANumberServesOneUidForEver) {
  transport::DescriptorOwners owners;
  base::Fd first = owners.Claim(base::Fd(open("/dev/null", O_RDONLY)), 1000, 1);
  const int number = first.get();
  const std::string peer = "fd:" + std::to_string(number);
  EXPECT_EQ(owners.Find(peer).principal.name, "uid:1000");
  first.Close();
  base::Fd second(open("/dev/null", O_RDONLY));
  ASSERT_EQ(second.get(), number) << "the kernel reuses the number";
  second = owners.Claim(std::move(second), 2000, 2);
  EXPECT_NE(second.get(), number);
  EXPECT_EQ(owners.Find(peer).principal.uid, 1000u);
  EXPECT_EQ(owners.Find("fd:" + std::to_string(second.get())).principal.uid, 2000u);
  base::Fd third = owners.Claim(base::Fd(open("/dev/null", O_RDONLY)), 1000, 3);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(owners.Find("ipv4:127.0.0.1:80").identified);
  EXPECT_FALSE(owners.Find("fd:99999").identified);
}

TEST(UnixListener, ReplacesADeadSocketAndRespectsALivingOne) {
  base::TempDir dir;
  const std::string path = dir.path() + "/sub/t.sock";
  auto first = transport::UnixListener::Bind(path);
  ASSERT_TRUE(first.ok()) << first.status();
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  EXPECT_THAT(transport::UnixListener::Bind(path).status().ToString(),
              HasSubstr("another process listens"));
  const std::string kept = dir.path() + "/kept.sock";
  ASSERT_EQ(rename(path.c_str(), kept.c_str()), 0);
  first->reset();  // leaves what is not its own alone
  ASSERT_EQ(stat(kept.c_str(), &info), 0);
  EXPECT_TRUE(transport::UnixListener::Bind(kept).ok()) << "nobody listens there";
  EXPECT_NE(stat(kept.c_str(), &info), 0) << "removed at the end";
  ASSERT_TRUE(base::WriteFileAtomically(path, "text").ok());
  EXPECT_THAT(transport::UnixListener::Bind(path).status().ToString(), HasSubstr("no socket"));
}

TEST(Metrics, StatsAnswerTheTableAndProbes) {
  Metrics metrics;
  metrics.AddProbe([](Metrics& m) { m.Set(Metric::launches, 77); });
  metrics.Add(Metric::frames_in, 3);
  const v1::StatsReply all = metrics.Stats({});
  EXPECT_TRUE(std::is_sorted(all.counters().begin(), all.counters().end(),
                             [](auto& a, auto& b) { return a.name() < b.name(); }));
  v1::StatsRequest request;
  request.add_names("launches");
  request.add_names("frames_in");
  const v1::StatsReply two = metrics.Stats(request);
  ASSERT_EQ(two.counters_size(), 2);
  EXPECT_EQ(two.counters(0).value(), 3u);
  EXPECT_EQ(two.counters(1).value(), 77u);
}

TEST(Metrics, PrometheusSeesCallsAndDurations) {
  Metrics metrics;
  metrics.NameMethods({"a.B/C"});
  metrics.CountCall(0, absl::StatusCode::kOk, absl::Milliseconds(3));
  metrics.CountCall(0, absl::StatusCode::kOk, absl::Hours(1));
  bool calls = false;
  bool seconds = false;
  for (const auto& family : metrics.Collect()) {
    if (family.name == "tensord_calls_total") {
      calls = true;
      EXPECT_EQ(family.metric.at(0).counter.value, 2);
    }
    if (family.name == "tensord_call_seconds") {
      seconds = true;
      EXPECT_EQ(family.metric.at(0).histogram.sample_count, 2u);
      EXPECT_NEAR(family.metric.at(0).histogram.sample_sum, 3600.003, 1e-6);
    }
  }
  EXPECT_TRUE(calls && seconds);
}

}  // namespace
}  // namespace tensord::server
