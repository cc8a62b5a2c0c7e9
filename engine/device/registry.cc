// Every device built in. device_list.inc is made by CMake from the device folders, because objects
// that register themselves are dropped from static libraries.
#include <charconv>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "engine/device/device.h"

#define TENSORD_DEVICE(name)        \
  namespace tensord::device::name { \
  const DeviceDriver& Driver();     \
  }
#include "device_list.inc"
#undef TENSORD_DEVICE

namespace tensord::device {
namespace {

// "opencl:0", or plain "llvm" where there can be only one.
std::vector<std::string> NamesOf(const DeviceDriver& driver) {
  std::vector<std::string> names;
  const int count = driver.count();
  for (int i = 0; i < count; ++i) {
    names.push_back(count == 1 ? std::string(driver.name) : StrCat(driver.name, ":", i));
  }
  return names;
}

absl::Status NoSuchDevice(std::string_view name) {
  std::vector<std::string> names;
  for (const DeviceDriver* driver : AllDrivers()) {
    for (std::string& one : NamesOf(*driver)) names.push_back(std::move(one));
  }
  return NotFound("no device \"", name, "\"; there are: ", absl::StrJoin(names, ", "));
}

}  // namespace

absl::Span<const DeviceDriver* const> AllDrivers() {
#define TENSORD_DEVICE(name) &name::Driver(),
  static const std::vector<const DeviceDriver*> drivers = {
#include "device_list.inc"
  };
#undef TENSORD_DEVICE
  return drivers;
}

absl::StatusOr<std::unique_ptr<Device>> OpenDevice(std::string_view name,
                                                   const DeviceOptions& options) {
  const size_t colon = name.find(':');
  const std::string_view driver_name = name.substr(0, colon);
  int index = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = name.substr(colon + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size()) return NoSuchDevice(name);
  }
  for (const DeviceDriver* driver : AllDrivers()) {
    if (driver->name != driver_name) continue;
    if (index < 0 || index >= driver->count()) return NoSuchDevice(name);
    return driver->open(index, options);
  }
  return NoSuchDevice(name);
}

}  // namespace tensord::device
