// A device that is kept from its work for a while.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "engine/runtime/engine.h"

namespace tensord::server {

// Holds the first device of an engine: what is submitted from now on, by whomever, waits until
// Release.
class HeldDevice {
 public:
  explicit HeldDevice(runtime::Engine& engine) {
    engine.Notify(nullptr, {}, [go = go_.get_future().share(), held = &held_](absl::Status) {
      held->set_value();
      go.wait();
    });
    held_.get_future().wait();
  }
  ~HeldDevice() { Release(); }
  void Release() {
    if (!std::exchange(released_, true)) go_.set_value();
  }

 private:
  std::promise<void> go_, held_;
  bool released_ = false;
};

}  // namespace tensord::server
