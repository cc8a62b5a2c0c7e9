// One engine per device for a whole test program: kernels that tests share are compiled once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/runtime/engine.h"

namespace tensord::testing_support {

// Every device of this build that computes.
inline std::vector<std::string> ComputingDevices() {
  std::vector<std::string> names;
  for (const device::DeviceDriver* driver : device::AllDrivers()) {
    if (driver->name != "null") names.emplace_back(driver->name);
  }
  return names;
}

inline runtime::Engine& EngineOf(const std::string& device, int threads = 2, uint64_t seed = 0) {
  static auto* engines = new std::map<std::string, std::unique_ptr<runtime::Engine>>();
  auto& engine = (*engines)[StrCat(device, "/", threads, "/", seed)];
  if (engine == nullptr) {
    auto created =
        runtime::Engine::Create({.devices = {device}, .threads = threads, .schedule_seed = seed});
    TENSORD_CHECK(created.ok(), created.status().ToString());
    engine = *std::move(created);
  }
  return *engine;
}

}  // namespace tensord::testing_support
