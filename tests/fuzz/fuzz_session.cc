// The session core, fed with frames. Three kinds of input, by the first byte:
//
//   'r'  raw: frames as the wire would bring them, each behind a length of two bytes
//   'm'  many: bytes steer two clients of one core, of one principal or of two, that lose streams,
//        take sessions up again and look up what the other one publishes
//   else structured: bytes steer a writer of mostly sound frames of one session
//
// After each input nothing may be left: no session, node, command or byte, and no publication.
//
// Runs on the device `null`: the graph, its types, plans and memory are real, values are not.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "server/events.h"
#include "server/program.h"
#include "server/publications.h"
#include "server/session.h"
#include "tests/fuzz/frame_writer.h"
#include "tests/fuzz/session_player.h"

namespace tensord::server {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

std::unique_ptr<runtime::Engine> OpenEngine() {
  auto opened = runtime::Engine::Create(
      {.devices = {"null"}, .threads = 1, .memory_limit = int64_t{64} << 20});
  TENSORD_CHECK(opened.ok(), opened.status().ToString());
  return *std::move(opened);
}

struct World {
  World() {
    base::SetLogFd(-1);
    v1::Limits limits = DefaultLimits();
    limits.set_max_nodes(20'000);
    limits.set_max_values(20'000);
    limits.set_max_staging_bytes(1 << 20);
    env.reset(new SessionEnv{*engine, programs, publications, events, metrics, authenticator,
                             limits, "", 1, 1});
  }

  // What is held by anybody; empty: nothing.
  std::string Left() const {
    std::string left;
    const auto note = [&](const char* what, int64_t count) {
      if (count != 0) StrAppend(&left, " ", what, " ", count);
    };
    note("sessions", static_cast<int64_t>(table.sessions()));
    note("resident bytes", table.resident_bytes());
    note("staging bytes", table.staging_bytes());
    note("publications", static_cast<int64_t>(publications.size()));
    for (const auto& account : table.Accounts()) {
      note("sessions of the principal", account->sessions);
      note("nodes", account->nodes->used);
      note("commands", account->in_flight->used);
    }
    for (const runtime::DeviceInfo& device : engine->devices()) {
      note("bytes of the device", device.memory_used);
    }
    return left;
  }

  // The device's threads end what they began.
  void ExpectNothingLeft() {
    publications.OnTick(absl::InfiniteFuture());
    const absl::Time until = absl::Now() + kPatience;
    while (!Left().empty() && absl::Now() < until) absl::SleepFor(absl::Microseconds(20));
    TENSORD_CHECK(Left().empty(), StrCat("left behind:", Left()));
  }

  std::unique_ptr<runtime::Engine> engine = OpenEngine();
  ProgramStore programs;
  Publications publications;
  Metrics metrics;
  EventBus events{metrics};
  Authenticator authenticator;
  SessionTable table{*engine};
  std::unique_ptr<SessionEnv> env;
};

void Drain(Session& session) {
  SharedBytes frame;
  while (session.NextFrame(1, &frame) == Pull::kMessage) {
    v1::ServerFrame parsed;
    TENSORD_CHECK(parsed.ParseFromArray(frame.view.data(), static_cast<int>(frame.view.size())));
    TENSORD_CHECK(parsed.completed() <= parsed.applied());
  }
}

void FeedRaw(Session& session, const uint8_t* data, size_t size) {
  while (size >= 2) {
    const size_t length = std::min<size_t>(data[0] | data[1] << 8, size - 2);
    session.OnFrame(1, {reinterpret_cast<const char*>(data + 2), length});
    Drain(session);
    data += 2 + length;
    size -= 2 + length;
  }
}

void Upload(Session& session, Choices& choices, absl::Time now) {
  const uint64_t number = choices.Below(5), total = choices.Below(64), size = choices.Below(64);
  const std::string data(size, 'u');
  const std::string_view piece = data;
  (void)session.uploads().Add(
      {"", "", number, total, choices.Below(3) == 0 ? choices.Below(64) : 0}, {&piece, 1}, now);
}

void FeedStructured(World& world, Session& session, const uint8_t* data, size_t size) {
  Choices choices(data, size);
  FrameWriter writer(choices);
  for (int frames = 0; !choices.empty() && frames < 64; ++frames) {
    session.OnFrame(1, writer.NextFrame());
    Drain(session);
    if (choices.Below(8) == 7) Upload(session, choices, world.env->now());
    if (choices.Below(16) == 15) session.OnTick(absl::Now() + absl::Seconds(choices.Below(64)));
  }
}

void RunOne(World& world, const uint8_t* data, size_t size) {
  const auto session = Session::Make(*world.env, world.table, {"fuzz", true, {"fuzz", 0}},
                                     std::make_shared<NullStream>());
  if (size > 0 && data[0] == 'r') {
    FeedRaw(*session, data + 1, size - 1);
  } else {
    FeedStructured(world, *session, data, size);
  }
  session->OnHalfClose(1);
  Drain(*session);
  session->OnDetached(1);
  session->End();
}

void RunMany(World& world, const uint8_t* data, size_t size) {
  Choices choices(data, size);
  const bool related = choices.Below(4) == 3;
  const std::string one = "one", other = related ? one : "other";
  SessionPlayer first(*world.env, world.table, choices, one, related ? "" : other);
  SessionPlayer second(*world.env, world.table, choices, other, related ? "" : one);
  for (int steps = 0; !choices.empty() && steps < 128; ++steps) {
    if (choices.Below(2) == 0) {
      first.Step(second);
    } else {
      second.Step(first);
    }
    if (choices.Below(16) == 15) world.publications.OnTick(absl::Now());
  }
}

}  // namespace
}  // namespace tensord::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tensord::server;
  static World& world = *new World;
  if (size > 0 && data[0] == 'm') {
    RunMany(world, data + 1, size - 1);
  } else {
    RunOne(world, data, size);
  }
  world.ExpectNothingLeft();
  return 0;
}
