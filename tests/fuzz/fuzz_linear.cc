// Text of linear kernels: parsing and verifying accept or refuse, and what they accept prints back.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/kernel/linear.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tensord::kernel::Linear;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Linear> kernel = tensord::kernel::ParseLinear(text);
  if (!kernel.ok()) return 0;
  (void)tensord::kernel::Verify(*kernel);
  const std::string printed = tensord::kernel::Print(*kernel);
  const absl::StatusOr<Linear> again = tensord::kernel::ParseLinear(printed);
  TENSORD_CHECK(again.ok(), again.status().ToString(), "\n", printed);
  TENSORD_CHECK(tensord::kernel::Print(*again) == printed, printed);
  return 0;
}
