// Who work is done for. Lanes share each device's time equally, a kernel at a time, however much
// each submits; the work of one lane runs in the order of submission.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/device/device.h"

namespace tensord::runtime {

// Immutable. Does not outlive its engine.
class Lane {
 public:
  // A queue of each device, in the order of placements.
  Lane(uint64_t id, std::vector<std::unique_ptr<device::Queue>> queues)
      : id_(id), queues_(std::move(queues)) {}

  uint64_t id() const { return id_; }  // never 0, never that of another lane
  device::Queue& queue(size_t device) const { return *queues_.at(device); }

  // The time that devices have spent on its work.
  int64_t BusyNanoseconds() const {
    int64_t sum = 0;
    for (const auto& queue : queues_) sum += queue->BusyNanoseconds();
    return sum;
  }

 private:
  const uint64_t id_;
  const std::vector<std::unique_ptr<device::Queue>> queues_;
};
using LaneRef = std::shared_ptr<const Lane>;

}  // namespace tensord::runtime
