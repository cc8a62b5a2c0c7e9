// Strings that travel once and are numbers from then on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace tensord::client {

class StringTable {
 public:
  // The number of a string, from 0; a new one joins the table.
  uint32_t Intern(std::string_view text) {
    const auto it = index_.find(absl::string_view(text.data(), text.size()));
    if (it != index_.end()) return it->second;
    const auto number = static_cast<uint32_t>(index_.size());
    index_.emplace(std::string(text), number);
    fresh_.emplace_back(text);
    return number;
  }
  // Those that joined since it was last asked, in order.
  std::vector<std::string> TakeNew() { return std::exchange(fresh_, {}); }

 private:
  absl::flat_hash_map<std::string, uint32_t> index_;
  std::vector<std::string> fresh_;
};

}  // namespace tensord::client
