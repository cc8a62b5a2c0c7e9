// The text of a function, back: one line per node, as Function::Print writes it.
#include <charconv>
#include <map>

#include "absl/strings/escaping.h"
#include "engine/base/status.h"
#include "engine/ir/function.h"

namespace tensord::ir {
namespace {

using Bounds = std::map<std::string, std::pair<int64_t, int64_t>>;

constexpr size_t kMaxNodes = 1 << 20;

// Reads one line from the left; every reader skips spaces first.
class Cursor {
 public:
  Cursor(std::string_view text, int line) : text_(text), line_(line) {}

  bool Take(std::string_view token) {
    Skip();
    if (text_.substr(0, token.size()) != token) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  absl::Status Expect(std::string_view token) {
    return Take(token) ? absl::OkStatus() : Error("expected '", token, "'");
  }
  // Up to a character of `stops`, outside brackets and quotes.
  std::string_view Until(std::string_view stops) {
    Skip();
    int depth = 0;
    bool quoted = false;
    size_t i = 0;
    for (; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '"' && (i == 0 || text_[i - 1] != '\\')) quoted = !quoted;
      if (quoted) continue;
      if (depth == 0 && stops.find(c) != std::string_view::npos) break;
      if (c == '[' || c == '(') ++depth;
      if (c == ']' || c == ')') --depth;
    }
    std::string_view piece = text_.substr(0, i);
    text_.remove_prefix(i);
    while (!piece.empty() && piece.back() == ' ') piece.remove_suffix(1);
    return piece;
  }
  absl::StatusOr<int64_t> Integer() {
    Skip();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) return Error("expected a number");
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return value;
  }
  bool AtEnd() {
    Skip();
    return text_.empty();
  }
  template <typename... Args>
  absl::Status Error(const Args&... args) const {
    return InvalidArgument("line ", line_, ": ", args..., " at '", text_.substr(0, 24), "'");
  }

 private:
  void Skip() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t')) text_.remove_prefix(1);
  }
  std::string_view text_;
  int line_;
};

class Parser {
 public:
  Parser(std::string_view text, const OpRow* (*find_op)(std::string_view))
      : lines_(Split(text, "\n")), find_op_(find_op) {}

  absl::StatusOr<Function> Run() {
    if (lines_.empty()) return InvalidArgument("line 1: expected 'function('");
    if (lines_.size() > kMaxNodes) return InvalidArgument("more than ", kMaxNodes, " lines");
    RETURN_IF_ERROR(Header(Cursor(lines_[0], 1)));
    for (size_t i = 1; i < lines_.size(); ++i) {
      Cursor line(lines_[i], static_cast<int>(i) + 1);
      if (line.Take("}")) return Finish(i);
      RETURN_IF_ERROR(NodeLine(line));
    }
    return InvalidArgument("line ", lines_.size(), ": expected '}'");
  }

 private:
  absl::Status Header(Cursor line) {
    RETURN_IF_ERROR(line.Expect("function("));
    std::vector<std::string_view> parameters;
    while (!line.Take(")")) {
      if (!parameters.empty()) RETURN_IF_ERROR(line.Expect(","));
      RETURN_IF_ERROR(line.Expect("%"));
      ASSIGN_OR_RETURN(const int64_t number, line.Integer());
      if (number != static_cast<int64_t>(parameters.size()))
        return line.Error("parameters count from %0");
      RETURN_IF_ERROR(line.Expect(":"));
      parameters.push_back(line.Until(",)"));
      if (line.AtEnd()) return line.Error("expected ')'");
    }
    RETURN_IF_ERROR(line.Expect("->"));
    RETURN_IF_ERROR(line.Expect("("));
    ASSIGN_OR_RETURN(results_, Numbers(line, "%"));
    if (line.Take("vars(")) RETURN_IF_ERROR(Variables(line));
    if (line.Take("donate(")) {
      ASSIGN_OR_RETURN(const std::vector<int64_t> donated, Numbers(line, ""));
      for (int64_t position : donated) function_.donated.push_back(static_cast<int>(position));
    }
    RETURN_IF_ERROR(line.Expect("{"));
    for (std::string_view text : parameters) {
      ASSIGN_OR_RETURN(const types::Type type, TypeOf(text, line));
      RETURN_IF_ERROR(Parameter(type, line));
    }
    for (int position : function_.donated) {
      if (position < 0 || position >= static_cast<int>(parameters.size())) {
        return line.Error("donate(", position, "): there are ", parameters.size(), " parameters");
      }
    }
    return absl::OkStatus();
  }

  // "%1, %2)" or "1, 2)".
  absl::StatusOr<std::vector<int64_t>> Numbers(Cursor& line, std::string_view prefix) {
    std::vector<int64_t> numbers;
    while (!line.Take(")")) {
      if (!numbers.empty()) RETURN_IF_ERROR(line.Expect(","));
      RETURN_IF_ERROR(line.Expect(prefix));
      ASSIGN_OR_RETURN(const int64_t number, line.Integer());
      numbers.push_back(number);
    }
    return numbers;
  }

  absl::Status Variables(Cursor& line) {
    while (!line.Take(")")) {
      if (!function_.variables.empty()) RETURN_IF_ERROR(line.Expect(","));
      BoundVariable variable;
      variable.name = std::string(line.Until(" "));
      RETURN_IF_ERROR(line.Expect("in"));
      RETURN_IF_ERROR(line.Expect("["));
      ASSIGN_OR_RETURN(variable.min, line.Integer());
      RETURN_IF_ERROR(line.Expect(","));
      ASSIGN_OR_RETURN(variable.max, line.Integer());
      RETURN_IF_ERROR(line.Expect("]"));
      if (variable.name.empty() || variable.min > variable.max)
        return line.Error("bounds of a variable");
      bounds_[variable.name] = {variable.min, variable.max};
      function_.variables.push_back(std::move(variable));
    }
    return absl::OkStatus();
  }

  absl::Status Parameter(const types::Type& type, const Cursor& line) {
    const OpRow* row = find_op_("param");
    if (row == nullptr) return line.Error("no op named param");
    const AttrValue attrs[] = {static_cast<int64_t>(function_.parameters.size()), type.dtype,
                               type.dims};
    function_.parameters.push_back(function_.graph->Intern(*row, {}, attrs, type));
    nodes_[static_cast<int64_t>(nodes_.size())] = function_.parameters.back();
    return absl::OkStatus();
  }

  // "f32[2,n+1]@1"
  absl::StatusOr<types::Type> TypeOf(std::string_view text, const Cursor& line) {
    types::Type type;
    const size_t open = text.find('['), close = text.rfind(']');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
      return line.Error("expected a type, got '", text, "'");
    }
    const auto dtype = types::DTypeFromName(text.substr(0, open));
    if (!dtype.has_value()) return line.Error("no dtype '", text.substr(0, open), "'");
    type.dtype = *dtype;
    ASSIGN_OR_RETURN(type.dims, DimsOf(text.substr(open + 1, close - open - 1)));
    RETURN_IF_ERROR(types::CheckDims(type.dims));
    if (text.substr(close + 1, 1) == "@") {
      Cursor device(text.substr(close + 2), 0);
      ASSIGN_OR_RETURN(const int64_t number, device.Integer());
      if (number < 0 || number > 0xffff) return line.Error("device ", number);
      type.placement.device = static_cast<uint16_t>(number);
    }
    return type;
  }

  absl::StatusOr<types::Dims> DimsOf(std::string_view text) {
    types::Dims dims;
    Cursor cursor(text, 0);
    while (!cursor.AtEnd()) {
      if (!dims.empty()) RETURN_IF_ERROR(cursor.Expect(","));
      ASSIGN_OR_RETURN(types::Sym dim, types::ParseSym(cursor.Until(","), bounds_));
      if (dims.size() == types::kMaxRank)
        return cursor.Error("more than ", types::kMaxRank, " dims");
      dims.push_back(std::move(dim));
    }
    return dims;
  }

  absl::Status NodeLine(Cursor& line) {
    RETURN_IF_ERROR(line.Expect("%"));
    ASSIGN_OR_RETURN(const int64_t number, line.Integer());
    RETURN_IF_ERROR(line.Expect("="));
    const std::string_view name = line.Until(" ");
    const OpRow* row = find_op_(name);
    if (row == nullptr) return line.Error("no op named '", name, "'");
    std::vector<Ref> inputs;
    while (line.Take("%")) {
      ASSIGN_OR_RETURN(const int64_t input, line.Integer());
      auto it = nodes_.find(input);
      if (it == nodes_.end()) return line.Error("%", input, " is not defined above");
      inputs.push_back(it->second);
      if (!line.Take(",")) break;
    }
    ASSIGN_OR_RETURN(const std::vector<AttrValue> attrs, Attrs(line, *row));
    ASSIGN_OR_RETURN(const std::vector<types::Type> types, Types(line));
    if (static_cast<int>(types.size()) != row->results)
      return line.Error(name, " has ", row->results, " results");
    const bool fresh =
        nodes_.emplace(number, function_.graph->Intern(*row, inputs, attrs, types)).second;
    return fresh ? absl::OkStatus() : line.Error("%", number, " is defined twice");
  }

  absl::StatusOr<std::vector<types::Type>> Types(Cursor& line) {
    RETURN_IF_ERROR(line.Expect(":"));
    std::vector<types::Type> types;
    const bool tuple = line.Take("(");
    do {
      ASSIGN_OR_RETURN(types::Type type, TypeOf(line.Until(",)"), line));
      types.push_back(std::move(type));
    } while (tuple && line.Take(","));
    if (tuple) RETURN_IF_ERROR(line.Expect(")"));
    if (!line.AtEnd()) return line.Error("expected the end of the line");
    return types;
  }

  absl::StatusOr<std::vector<AttrValue>> Attrs(Cursor& line, const OpRow& row) {
    std::vector<AttrValue> attrs(row.attrs.size());
    if (!line.Take("{")) return attrs;
    while (!line.Take("}")) {
      const std::string_view name = line.Until(" =");
      RETURN_IF_ERROR(line.Expect("="));
      const std::string_view text = line.Until(",}");
      size_t i = 0;
      while (i < row.attrs.size() && row.attrs[i].name != name) ++i;
      if (i == row.attrs.size()) return line.Error(row.name, " has no attribute '", name, "'");
      ASSIGN_OR_RETURN(attrs[i], AttrOf(row.attrs[i].kind, text, line));
      line.Take(",");
      if (line.AtEnd()) return line.Error("expected '}'");
    }
    return attrs;
  }

  absl::StatusOr<AttrValue> AttrOf(AttrKind kind, std::string_view text, const Cursor& line) {
    Cursor cursor(text, 0);
    switch (kind) {
      case AttrKind::kInt:
        return cursor.Integer();
      case AttrKind::kFloat:
        return FloatOf(text, line);
      case AttrKind::kBool:
        if (text == "true" || text == "false") return AttrValue(text == "true");
        return line.Error("expected true or false");
      case AttrKind::kString:
        return StringOf(text, line);
      case AttrKind::kInts:
        return IntsOf(text, line);
      case AttrKind::kDims: {
        if (text.size() < 2 || text.front() != '[' || text.back() != ']')
          return line.Error("expected dims");
        return DimsOf(text.substr(1, text.size() - 2));
      }
      case AttrKind::kDType: {
        const auto dtype = types::DTypeFromName(text);
        if (!dtype.has_value()) return line.Error("no dtype '", text, "'");
        return *dtype;
      }
      case AttrKind::kScalar:
        return ScalarOf(text, line);
      default:
        return line.Error("an attribute of kind ", Name(kind), " has no text form");
    }
  }

  static absl::StatusOr<AttrValue> FloatOf(std::string_view text, const Cursor& line) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      return line.Error("expected a float");
    return AttrValue(value);
  }
  static absl::StatusOr<AttrValue> StringOf(std::string_view text, const Cursor& line) {
    std::string value;
    const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    if (!quoted || !absl::CUnescape(ToAbsl(text.substr(1, text.size() - 2)), &value)) {
      return line.Error("expected a quoted string");
    }
    return AttrValue(std::move(value));
  }
  static absl::StatusOr<AttrValue> IntsOf(std::string_view text, const Cursor& line) {
    Ints values;
    if (text.size() < 2 || text.front() != '[' || text.back() != ']')
      return line.Error("expected ints");
    Cursor cursor(text.substr(1, text.size() - 2), 0);
    while (!cursor.AtEnd()) {
      if (!values.empty()) RETURN_IF_ERROR(cursor.Expect(","));
      ASSIGN_OR_RETURN(const int64_t value, cursor.Integer());
      values.push_back(value);
    }
    return AttrValue(std::move(values));
  }
  // "f32:0.5", "i32:-3", "bool:true"
  static absl::StatusOr<AttrValue> ScalarOf(std::string_view text, const Cursor& line) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return line.Error("expected dtype:value");
    const std::string_view name = text.substr(0, colon), value = text.substr(colon + 1);
    types::DType dtype = types::DTypeFromName(name).value_or(types::DType::kInvalid);
    for (types::DType weak : {types::DType::kWeakInt, types::DType::kWeakFloat}) {
      if (name == types::Name(weak)) dtype = weak;
    }
    if (dtype == types::DType::kInvalid) return line.Error("no dtype '", name, "'");
    if (types::IsBool(dtype)) return AttrValue(types::Scalar::Int(dtype, value == "true"));
    if (types::IsFloat(dtype) || dtype == types::DType::kWeakFloat) {
      ASSIGN_OR_RETURN(const AttrValue parsed, FloatOf(value, line));
      return AttrValue(types::Scalar::Float(dtype, std::get<double>(parsed)));
    }
    if (types::IsUnsigned(dtype)) {
      uint64_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc()) return line.Error("expected a number");
      return AttrValue(types::Scalar::Int(dtype, static_cast<int64_t>(number)));
    }
    ASSIGN_OR_RETURN(const int64_t number, Cursor(value, 0).Integer());
    return AttrValue(types::Scalar::Int(dtype, number));
  }

  absl::StatusOr<Function> Finish(size_t line) {
    for (int64_t number : results_) {
      auto it = nodes_.find(number);
      if (it == nodes_.end())
        return InvalidArgument("line ", line + 1, ": result %", number, " is not defined");
      function_.results.push_back(it->second);
    }
    return std::move(function_);
  }

  std::vector<std::string_view> lines_;
  const OpRow* (*find_op_)(std::string_view);
  Function function_;
  Bounds bounds_;
  std::map<int64_t, Ref> nodes_;
  std::vector<int64_t> results_;
};

}  // namespace

absl::StatusOr<Function> ParseFunction(std::string_view text,
                                       const OpRow* (*find_op)(std::string_view)) {
  return Parser(text, find_op).Run();
}

}  // namespace tensord::ir
