#include "clients/cpp/tensord/sources.h"

#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/container/flat_hash_map.h"

namespace tensord::client {
namespace {

constexpr size_t kMaxFile = 256, kMaxFunction = 128;  // bytes, of tensord.v1.Source

// The text's address stands for the text: a place is written once in a program.
using Place = std::tuple<const char*, uint32_t, const char*>;

struct Table {
  std::mutex mutex;
  absl::flat_hash_map<Place, uint32_t> index;
  std::vector<v1::Source> sources;
};

Table& TheTable() {
  static Table& table = *new Table;
  return table;
}

// The end of a path says most, the beginning of a function's name.
v1::Source MakeSource(const std::source_location& where, uint32_t index) {
  v1::Source source;
  source.set_index(index);
  const std::string_view file = where.file_name();
  source.set_file(std::string(file.substr(file.size() > kMaxFile ? file.size() - kMaxFile : 0)));
  source.set_line(where.line());
  source.set_function(std::string(std::string_view(where.function_name()).substr(0, kMaxFunction)));
  return source;
}

uint32_t Register(const std::source_location& where, const Place& place) {
  Table& table = TheTable();
  const std::lock_guard lock(table.mutex);
  const auto [it, is_new] =
      table.index.try_emplace(place, static_cast<uint32_t>(table.sources.size()) + 1);
  if (is_new) table.sources.push_back(MakeSource(where, it->second));
  return it->second;
}

}  // namespace

uint32_t SourceOf(const std::source_location& where) {
  if (where.line() == 0) return 0;
  thread_local absl::flat_hash_map<Place, uint32_t> known;
  const Place place{where.file_name(), where.line(), where.function_name()};
  const auto [it, is_new] = known.try_emplace(place, 0);
  if (is_new) it->second = Register(where, place);
  return it->second;
}

std::optional<v1::Source> FindSource(uint32_t index) {
  Table& table = TheTable();
  const std::lock_guard lock(table.mutex);
  if (index == 0 || index > table.sources.size()) return std::nullopt;
  return table.sources[index - 1];
}

std::vector<v1::Source> SourcesAfter(uint32_t last) {
  Table& table = TheTable();
  const std::lock_guard lock(table.mutex);
  if (last >= table.sources.size()) return {};
  return {table.sources.begin() + last, table.sources.end()};
}

}  // namespace tensord::client
