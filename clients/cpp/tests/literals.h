// The text forms of ops.json and conformance/types.txt (clients/conformance/README.md).
#pragma once

#include <google/protobuf/struct.pb.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/cpp/tensord/graph.h"
#include "clients/cpp/tensord/session.h"

namespace tensord::client {

// A row of ops.json, as far as calls need it.
struct OpRow {
  std::string name;
  std::map<std::string, std::string> attr_kinds;
  size_t results = 1;
  struct Example {
    std::vector<std::string> inputs;
    std::string attrs;
    std::vector<std::string> results;
  };
  std::vector<Example> examples;
};

// By name, from the JSON that ListOps answers.
std::map<std::string, OpRow> ReadOps(const std::string& json);

// Pieces between `separator`, outside of brackets and quotes, trimmed; none of an empty text.
std::vector<std::string> SplitOutside(std::string_view text, char separator);
std::string_view Trim(std::string_view text);

// Those of "[1, 2]".
std::vector<std::string> ListItems(std::string_view text);
// "f32:1.5", "2", "true".
Scalar ReadScalar(const std::string& text);

// "f32[2,3]", "f32[2*n]".
Type ReadType(std::string_view text);
// "f32[2] {1, nan}" as its type and its numbers: doubles for floats, int64 bits for the others.
struct Literal {
  Type type;
  std::vector<double> floats;
  std::vector<int64_t> integers;
};
Literal ReadLiteral(std::string_view text);
bool IsFloat(DType dtype);
// "axis=1, mode=\"max\"": those that are not none.
std::vector<std::pair<std::string, AttrValue>> ReadAttrs(const OpRow& row, std::string_view text);

}  // namespace tensord::client
