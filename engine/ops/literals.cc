#include "engine/ops/literals.h"

#include <charconv>

#include "absl/strings/numbers.h"
#include "engine/base/status.h"

namespace tensord::ops {
namespace {

using ir::AttrKind;
using ir::AttrValue;
using types::DType;
using types::Scalar;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

absl::Status Bad(std::string_view what, std::string_view text) {
  return InvalidArgument("\"", text, "\" is no ", what);
}

absl::StatusOr<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return Bad("integer", text);
  return value;
}

absl::StatusOr<double> ParseFloat(std::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(ToAbsl(text), &value)) return Bad("number", text);
  return value;
}

absl::StatusOr<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return Bad("bool", text);
}

absl::StatusOr<DType> ParseDType(std::string_view text) {
  if (const auto dtype = types::DTypeFromName(text)) return *dtype;
  return Bad("dtype", text);
}

absl::StatusOr<Scalar> ParseScalarOf(DType dtype, std::string_view text) {
  if (types::IsFloat(dtype)) {
    ASSIGN_OR_RETURN(const double value, ParseFloat(text));
    return Scalar::Float(dtype, value);
  }
  if (types::IsBool(dtype)) {
    ASSIGN_OR_RETURN(const bool value, ParseBool(text));
    return Scalar::Int(dtype, value ? 1 : 0);
  }
  uint64_t wide = 0;
  if (absl::SimpleAtoi(ToAbsl(text), &wide)) return Scalar::Int(dtype, static_cast<int64_t>(wide));
  ASSIGN_OR_RETURN(const int64_t value, ParseInt(text));
  return Scalar::Int(dtype, value);
}

// "f32:0.5", or a weak scalar: "3", "0.5", "true".
absl::StatusOr<Scalar> ParseScalar(std::string_view text) {
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    ASSIGN_OR_RETURN(const DType dtype, ParseDType(text.substr(0, colon)));
    return ParseScalarOf(dtype, text.substr(colon + 1));
  }
  if (text == "true" || text == "false") return ParseScalarOf(DType::kBool, text);
  const bool integer = text.find_first_not_of("+-0123456789") == std::string_view::npos;
  return ParseScalarOf(integer ? DType::kWeakInt : DType::kWeakFloat, text);
}

absl::StatusOr<ir::Ints> ParseInts(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return Bad("list", text);
  ir::Ints values;
  for (std::string_view piece : Split(text.substr(1, text.size() - 2), ", ")) {
    ASSIGN_OR_RETURN(const int64_t value, ParseInt(piece));
    values.push_back(value);
  }
  return values;
}

std::string Unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

template <typename T>
absl::StatusOr<AttrValue> AsAttr(absl::StatusOr<T> value) {
  if (!value.ok()) return value.status();
  return AttrValue(*std::move(value));
}

const ir::AttrSpec* FindSpec(const ir::OpRow& row, std::string_view name) {
  for (const ir::AttrSpec& spec : row.attrs) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

// The length of the first "name=value" of `text`: up to a comma outside brackets and quotes.
size_t FirstPiece(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '[') ++depth;
    if (text[i] == ']') --depth;
    if (text[i] == ',' && depth == 0 && !quoted) return i;
  }
  return text.size();
}

}  // namespace

absl::StatusOr<AttrValue> ParseAttrValue(AttrKind kind, std::string_view text) {
  text = Trim(text);
  if (text == "none") return AttrValue();
  switch (kind) {
    case AttrKind::kInt:
      return AsAttr(ParseInt(text));
    case AttrKind::kFloat:
      return AsAttr(ParseFloat(text));
    case AttrKind::kBool:
      return AsAttr(ParseBool(text));
    case AttrKind::kString:
      return AttrValue(Unquoted(text));
    case AttrKind::kInts:
      return AsAttr(ParseInts(text));
    case AttrKind::kDType:
      return AsAttr(ParseDType(text));
    case AttrKind::kScalar:
      return AsAttr(ParseScalar(text));
    case AttrKind::kDims: {
      ASSIGN_OR_RETURN(const ir::Ints values, ParseInts(text));
      return AttrValue(types::Dims(values.begin(), values.end()));
    }
    default:
      return Bad("attribute text", text);
  }
}

absl::StatusOr<std::vector<NamedAttr>> ParseAttrs(const ir::OpRow& row, std::string_view text) {
  std::vector<NamedAttr> attrs;
  while (!Trim(text).empty()) {
    const size_t end = FirstPiece(text);
    const std::string_view piece = Trim(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    const size_t equals = piece.find('=');
    const ir::AttrSpec* spec = FindSpec(row, Trim(piece.substr(0, equals)));
    if (equals == std::string_view::npos || spec == nullptr)
      return Bad("attribute of the op", piece);
    ASSIGN_OR_RETURN(AttrValue value, ParseAttrValue(spec->kind, piece.substr(equals + 1)));
    attrs.push_back({spec->name, std::move(value)});
  }
  return attrs;
}

absl::StatusOr<types::HostTensor> ParseTensor(std::string_view text) {
  const size_t shape = text.find('['), values = text.find('{');
  if (shape == std::string_view::npos || values == std::string_view::npos || shape > values ||
      text.back() != '}') {
    return Bad("tensor literal", text);
  }
  ASSIGN_OR_RETURN(const DType dtype, ParseDType(Trim(text.substr(0, shape))));
  ASSIGN_OR_RETURN(ir::Ints dims, ParseInts(Trim(text.substr(shape, values - shape))));
  types::HostTensor tensor(dtype, std::move(dims));
  const auto pieces = Split(text.substr(values + 1, text.size() - values - 2), ", ");
  const auto count = static_cast<int64_t>(pieces.size());
  if (count != tensor.elements() && count != 1)
    return Bad("tensor literal of that many elements", text);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    ASSIGN_OR_RETURN(const Scalar value, ParseScalarOf(dtype, pieces[count == 1 ? 0 : i]));
    tensor.Set(i, value);
  }
  return tensor;
}

}  // namespace tensord::ops
