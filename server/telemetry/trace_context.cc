#include "server/telemetry/trace_context.h"

#include <cstring>
#include <random>
#include <span>

namespace tensord::server::telemetry {
namespace {

constexpr size_t kLength = 55;  // of version 00

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;  // upper case too: the specification refuses it
}

bool ReadHex(std::string_view text, std::span<uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = DigitOf(text[2 * i]), low = DigitOf(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace

std::string TraceContext::trace_hex() const {
  if (!valid()) return "";
  std::string hex;
  for (const uint8_t byte : trace) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

TraceContext ParseTraceparent(std::string_view text) {
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  uint8_t version = 0;
  TraceContext context;
  const bool hex = ReadHex(text.substr(0, 2), {&version, 1}) &&
                   ReadHex(text.substr(3, 32), context.trace) &&
                   ReadHex(text.substr(36, 16), context.span) &&
                   ReadHex(text.substr(53, 2), {&context.flags, 1});
  if (!hex || version == 0xff || context.span == SpanId{}) return {};
  if (text.size() > kLength && (version == 0 || text[kLength] != '-')) return {};
  return context;
}

SpanId NewSpanId() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  SpanId id = {};
  while (id == SpanId{}) {
    const uint64_t bits = random();
    std::memcpy(id.data(), &bits, id.size());
  }
  return id;
}

}  // namespace tensord::server::telemetry
