// A ComputeHandler without an engine: echoes frames, keeps uploads, serves them as downloads, and
// remembers what the transport told it.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/compute_handler.h"

namespace tensord::server {

// What a test may look at while the daemon owns the handler.
struct FakeState {
  std::mutex mutex;
  std::vector<std::string> principals;  // of sessions, as opened
  std::vector<absl::Status> detached;   // statuses of ended sessions
  std::vector<StreamPtr> streams;       // of sessions
  std::map<uint64_t, std::string> uploads;
  std::vector<Reply<v1::RunReply>> runs;  // not yet answered
  std::atomic<int> frames = 0;
  std::atomic<int> ticks = 0;
  std::atomic<int> going_away = 0;
  std::atomic<int> transfers_ended = 0;
  std::atomic<bool> pause = false;      // sessions answer kPause to every frame
  std::atomic<bool> hold_runs = false;  // Run is answered by the test, from `runs`
  std::atomic<bool> idle = true;
};

std::unique_ptr<ComputeHandler> MakeFakeHandler(std::shared_ptr<FakeState> state);

}  // namespace tensord::server
