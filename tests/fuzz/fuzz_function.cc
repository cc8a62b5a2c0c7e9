// Text of functions: the parser accepts or refuses, and what it accepts prints back.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/runtime/function_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto function = tensord::runtime::ParseFunctionText(text, 2);
  if (!function.ok()) return 0;
  const std::string printed = (*function)->Print();
  const auto again = tensord::runtime::ParseFunctionText(printed, 2);
  TENSORD_CHECK(again.ok(), again.status().ToString(), "\n", printed);
  TENSORD_CHECK((*again)->Print() == printed, printed);
  return 0;
}
