// Runs executables: reserves memory, launches in order, tells when it is done. Knows no session.
#pragma once

#include <vector>

#include "engine/runtime/compiler.h"
#include "engine/runtime/engine.h"

namespace tensord::runtime {

class Executor {
 public:
  // `lane`: of requests that name none.
  Executor(std::vector<device::Device*> devices, LaneRef lane, Counters& counters)
      : devices_(std::move(devices)), lane_(std::move(lane)), counters_(counters) {}

  // As Engine::Run. Thread-safe: queues order what they get.
  absl::StatusOr<std::vector<Value>> Run(RunRequest request);

  absl::StatusOr<Value> Allocate(
      const Lane& lane, const types::Type& type,
      const std::function<std::shared_ptr<void>(int64_t)>& charge = nullptr);

 private:
  struct Job;
  struct Donated;
  absl::Status Check(const RunRequest& request) const;
  absl::Status CheckDonated(const RunRequest& request) const;
  Donated DonatedOf(const RunRequest& request) const;
  absl::Status Reserve(Job& job);
  absl::Status ReserveValue(Job& job, size_t value);
  absl::Status ReserveCopies(Job& job, absl::Span<const int32_t> parameters);
  void Launch(Job& job, const PlanStep& step);
  void Copy(Job& job, const PlanStep& step);
  device::Argument ArgumentOf(const Job& job, int32_t value) const;

  const std::vector<device::Device*> devices_;
  const LaneRef lane_;
  Counters& counters_;
};

}  // namespace tensord::runtime
