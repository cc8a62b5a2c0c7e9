#include "clients/cpp/tests/literals.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace tensord::client {
namespace {

using google::protobuf::Struct;

std::vector<std::string> Strings(const google::protobuf::Value& list) {
  std::vector<std::string> strings;
  for (const auto& value : list.list_value().values()) strings.push_back(value.string_value());
  return strings;
}

OpRow ReadRow(const Struct& object) {
  OpRow row;
  row.name = object.fields().at("name").string_value();
  row.results = static_cast<size_t>(object.fields().at("results").number_value());
  for (const auto& attr : object.fields().at("attrs").list_value().values()) {
    const auto& fields = attr.struct_value().fields();
    row.attr_kinds[fields.at("name").string_value()] = fields.at("kind").string_value();
  }
  for (const auto& example : object.fields().at("examples").list_value().values()) {
    const auto& fields = example.struct_value().fields();
    row.examples.push_back({Strings(fields.at("inputs")), fields.at("attrs").string_value(),
                            Strings(fields.at("results"))});
  }
  return row;
}

std::string Unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

double ReadDouble(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  return std::strtod(text.c_str(), nullptr);
}

int64_t ReadInteger(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.starts_with("-")) return std::strtoll(text.c_str(), nullptr, 10);
  return static_cast<int64_t>(std::strtoull(text.c_str(), nullptr, 10));
}

}  // namespace

Scalar ReadScalar(const std::string& text) {
  const std::string number = text.substr(text.find(':') == text.npos ? 0 : text.find(':') + 1);
  if (number == "true" || number == "false") return number == "true";
  if (number.find_first_not_of("0123456789") == number.npos) {
    return std::strtoull(number.c_str(), nullptr, 10);
  }
  if (number.find_first_not_of("-0123456789") == number.npos) return ReadInteger(number);
  return ReadDouble(number);
}

std::vector<std::string> ListItems(std::string_view text) {
  if (text.starts_with("[")) text = text.substr(1, text.size() - 2);
  return SplitOutside(text, ',');
}

namespace {

Dims ReadDims(std::string_view text) {
  Dims dims;
  for (const std::string& item : ListItems(text)) {
    const bool number = item.find_first_not_of("-0123456789") == item.npos;
    dims.push_back(number ? Dim(ReadInteger(item)) : Dim(item));
  }
  return dims;
}

AttrValue ReadValue(const std::string& kind, const std::string& text) {
  if (kind == "int") return ReadInteger(text);
  if (kind == "float") return ReadDouble(text);
  if (kind == "bool") return text == "true";
  if (kind == "string") return Unquoted(text);
  if (kind == "dtype") return DTypeOfName(text).value_or(DType::kUnspecified);
  if (kind == "scalar") return ReadScalar(text);
  if (kind == "dims") return ReadDims(text);
  std::vector<int64_t> integers;
  for (const std::string& item : ListItems(text)) integers.push_back(ReadInteger(item));
  return integers;
}

}  // namespace

std::map<std::string, OpRow> ReadOps(const std::string& json) {
  Struct document;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &document).ok());
  std::map<std::string, OpRow> rows;
  for (const auto& value : document.fields().at("ops").list_value().values()) {
    OpRow row = ReadRow(value.struct_value());
    rows[row.name] = std::move(row);
  }
  return rows;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> SplitOutside(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    const bool end = i == text.size() || (text[i] == separator && depth == 0 && !quoted);
    if (end) {
      const std::string_view piece = Trim(text.substr(begin, i - begin));
      if (!piece.empty()) pieces.emplace_back(piece);
      begin = i + 1;
      continue;
    }
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '[' || text[i] == '{') ++depth;
    if (text[i] == ']' || text[i] == '}') --depth;
  }
  return pieces;
}

Type ReadType(std::string_view text) {
  text = Trim(text);
  const size_t bracket = text.find('[');
  Type type;
  type.dtype = DTypeOfName(text.substr(0, bracket)).value_or(DType::kUnspecified);
  EXPECT_NE(type.dtype, DType::kUnspecified) << text;
  type.dims = ReadDims(text.substr(bracket));
  return type;
}

bool IsFloat(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF32 ||
         dtype == DType::kF64 || dtype == DType::kWeakFloat;
}

Literal ReadLiteral(std::string_view text) {
  const size_t brace = text.find('{');
  Literal literal{ReadType(text.substr(0, brace)), {}, {}};
  const std::string_view body = text.substr(brace + 1, text.rfind('}') - brace - 1);
  for (const std::string& number : SplitOutside(body, ',')) {
    literal.floats.push_back(ReadDouble(number));
    literal.integers.push_back(ReadInteger(number));
  }
  if (literal.floats.size() == 1) {
    literal.floats.resize(static_cast<size_t>(literal.type.elements()), literal.floats[0]);
    literal.integers.resize(static_cast<size_t>(literal.type.elements()), literal.integers[0]);
  }
  return literal;
}

std::vector<std::pair<std::string, AttrValue>> ReadAttrs(const OpRow& row, std::string_view text) {
  std::vector<std::pair<std::string, AttrValue>> attrs;
  for (const std::string& part : SplitOutside(text, ',')) {
    const size_t equals = part.find('=');
    const std::string name(Trim(std::string_view(part).substr(0, equals)));
    const std::string value(Trim(std::string_view(part).substr(equals + 1)));
    const auto kind = row.attr_kinds.find(name);
    if (kind == row.attr_kinds.end()) {
      ADD_FAILURE() << row.name << " has no attribute " << name;
    } else if (value != "none") {
      attrs.emplace_back(name, ReadValue(kind->second, value));
    }
  }
  return attrs;
}

}  // namespace tensord::client
