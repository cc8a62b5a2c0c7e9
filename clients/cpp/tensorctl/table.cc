#include "clients/cpp/tensorctl/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace tensord::ctl {
namespace {

std::string BytesText(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  return absl::StrFormat("%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
}

std::string NumberText(double number) { return absl::StrFormat("%.9g", number); }

std::string Text(const Cell& cell, Format format) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "yes" : "no";
  if (const auto* list = std::get_if<std::vector<double>>(&cell)) {
    std::string text;
    for (const double number : *list) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", NumberText(number));
    }
    return text;
  }
  if (const auto* number = std::get_if<int64_t>(&cell)) {
    if (format == Format::kBytes) return BytesText(static_cast<double>(*number));
    if (format == Format::kMicroseconds) {
      return absl::FormatDuration(absl::Microseconds(*number));
    }
    return absl::StrCat(*number);
  }
  const double number = std::get<double>(cell);
  return format == Format::kPercent ? absl::StrFormat("%.1f %%", 100 * number) : NumberText(number);
}

bool IsNumber(const Cell& cell) {
  return std::holds_alternative<int64_t>(cell) || std::holds_alternative<double>(cell);
}

std::string Padded(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, text.size()), ' ');
  return right ? space + text : text + space;
}

std::string RecordText(const Table& table) {
  size_t width = 0;
  for (const Column& column : table.columns) width = std::max(width, column.title.size());
  std::string text;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    absl::StrAppend(&text, Padded(table.columns[i].title, width, false), "  ",
                    Text(table.rows[0][i], table.columns[i].format), "\n");
  }
  return text;
}

std::string JsonNumber(double number) {
  return std::isfinite(number) ? absl::StrFormat("%.17g", number) : "null";
}

std::string Json(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return JsonString(*text);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&cell)) return absl::StrCat(*number);
  if (const auto* number = std::get_if<double>(&cell)) return JsonNumber(*number);
  std::string text = "[";
  for (const double number : std::get<std::vector<double>>(cell)) {
    absl::StrAppend(&text, text.size() == 1 ? "" : ", ", JsonNumber(number));
  }
  return text + "]";
}

std::string JsonRow(const Table& table, const std::vector<Cell>& row) {
  std::string text = "{";
  for (size_t i = 0; i < row.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", JsonString(table.columns[i].key), ": ",
                    Json(row[i]));
  }
  return text + "}";
}

}  // namespace

std::string ToText(const Table& table) {
  if (table.is_record) return RecordText(table);
  const size_t count = table.columns.size();
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : table.columns) lines[0].push_back(column.title);
  for (const std::vector<Cell>& row : table.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (size_t i = 0; i < count; ++i) line.push_back(Text(row[i], table.columns[i].format));
  }
  std::string text;
  for (const std::vector<std::string>& line : lines) {
    std::string padded;
    for (size_t i = 0; i < count; ++i) {
      size_t width = 0;
      for (const auto& other : lines) width = std::max(width, other[i].size());
      const bool right = !table.rows.empty() && IsNumber(table.rows[0][i]);
      absl::StrAppend(&padded, i == 0 ? "" : "  ", Padded(line[i], width, right));
    }
    padded.erase(padded.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, padded, "\n");
  }
  return text;
}

std::string ToJson(const Table& table) {
  if (table.is_record) return JsonRow(table, table.rows[0]) + "\n";
  std::string text = "[";
  for (const std::vector<Cell>& row : table.rows) {
    absl::StrAppend(&text, text.size() == 1 ? "\n  " : ",\n  ", JsonRow(table, row));
  }
  return text + (table.rows.empty() ? "]\n" : "\n]\n");
}

std::string JsonString(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace tensord::ctl
