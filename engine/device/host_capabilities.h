#pragma once

#include <string>

#include "engine/device/device.h"
#include "engine/types/capabilities.h"

namespace tensord::device {

// The host's processor as a device: threads (those of `options`, else all this process may use),
// vector width, caches, native dtypes. Empty target: that is the compiler's knowledge.
types::Capabilities HostCapabilities(std::string name, const DeviceOptions& options);

}  // namespace tensord::device
