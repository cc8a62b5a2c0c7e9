// What a command answers: aligned columns for people, JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tensord::ctl {

using Cell = std::variant<std::string, int64_t, double, bool, std::vector<double>>;

enum class Format : uint8_t { kPlain, kBytes, kMicroseconds, kPercent };

struct Column {
  std::string key;  // in JSON, where numbers are plain: bytes, microseconds, a share of 1
  std::string title;
  Format format = Format::kPlain;
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  // One thing with named properties: "title  value" lines, and a JSON object instead of an array.
  bool is_record = false;
};

std::string ToText(const Table& table);
std::string ToJson(const Table& table);

// "a\"b" in quotes.
std::string JsonString(const std::string& text);

}  // namespace tensord::ctl
