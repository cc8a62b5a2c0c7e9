// The vocabulary as data: what clients are generated from.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "engine/base/sha256.h"
#include "engine/base/strings.h"
#include "engine/ops/registry.h"

namespace tensord::ops {
namespace {

using ir::OpRow;
using types::DType;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

std::string Field(std::string_view name, const std::string& json) {
  return StrCat(Quoted(name), ": ", json);
}

std::string Object(const std::vector<std::string>& fields) {
  return StrCat("{", absl::StrJoin(fields, ", "), "}");
}

std::string List(const std::vector<std::string>& items) {
  return StrCat("[", absl::StrJoin(items, ", "), "]");
}

// One item per line.
std::string Lines(const std::vector<std::string>& items, std::string_view indent) {
  if (items.empty()) return "[]";
  const std::string separator = StrCat(",\n", indent, "  ");
  return StrCat("[\n", indent, "  ", absl::StrJoin(items, separator), "\n", indent, "]");
}

std::string Bool(bool value) { return value ? "true" : "false"; }

template <typename T, typename F>
std::vector<std::string> Each(const T& items, F json) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(json(item));
  return out;
}

std::string InputJson(const ir::InputSpec& input) {
  return Object({Field("name", Quoted(input.name)), Field("doc", Quoted(input.doc)),
                 Field("optional", Bool(input.optional))});
}

// A default is text in the form of engine/ops/literals.h; null: the attribute is required.
std::string AttrJson(const ir::AttrSpec& attr) {
  const bool required = attr.default_text.empty();
  return Object({Field("name", Quoted(attr.name)), Field("kind", Quoted(ir::Name(attr.kind))),
                 Field("default", required ? "null" : Quoted(attr.default_text)),
                 Field("doc", Quoted(attr.doc))});
}

std::string ExampleJson(const ir::Example& example) {
  return Object({Field("inputs", List(Each(example.inputs, Quoted))),
                 Field("attrs", Quoted(example.attrs)),
                 Field("results", List(Each(example.results, Quoted)))});
}

std::string OpJson(const OpRow& row) {
  const std::vector<std::string> fields = {
      Field("name", Quoted(row.name)),
      Field("family", Quoted(ir::Name(row.family))),
      Field("doc", Quoted(row.doc)),
      Field("inputs", Lines(Each(row.inputs, InputJson), "      ")),
      Field("variadic", Bool((row.traits & ir::kVariadicInputs) != 0)),
      Field("attrs", Lines(Each(row.attrs, AttrJson), "      ")),
      Field("results", StrCat(row.results)),
      Field("dtype_rule", Quoted(ir::Name(row.dtype_rule))),
      Field("shape_rule", Quoted(ir::Name(row.shape_rule))),
      Field("examples", Lines(Each(row.examples, ExampleJson), "      "))};
  return StrCat("{\n      ", absl::StrJoin(fields, ",\n      "), "\n    }");
}

std::string_view KindName(types::DTypeKind kind) {
  constexpr std::string_view kNames[] = {"bool", "signed", "unsigned", "float"};
  return kNames[static_cast<int>(kind)];
}

std::string DTypeJson(const types::DTypeRow& row) {
  return Object({Field("name", Quoted(row.name)), Field("numpy", Quoted(row.numpy)),
                 Field("number", StrCat(static_cast<int>(row.dtype))),
                 Field("bytes", StrCat(row.bytes)), Field("kind", Quoted(KindName(row.kind))),
                 Field("sum", Quoted(types::Name(row.sum))),
                 Field("float", Quoted(types::Name(types::FloatOf(row.dtype))))});
}

std::vector<types::DTypeRow> DTypesAndWeak() {
  const auto all = types::AllDTypes();
  std::vector<types::DTypeRow> rows(all.begin(), all.end());
  rows.push_back(types::Row(DType::kWeakInt));
  rows.push_back(types::Row(DType::kWeakFloat));
  return rows;
}

// Row a, column b: the name of their promotion.
std::string PromotionJson() {
  const std::vector<types::DTypeRow> rows = DTypesAndWeak();
  std::vector<std::string> lines;
  for (const auto& a : rows) {
    lines.push_back(List(Each(rows, [&](const types::DTypeRow& b) {
      return Quoted(types::Name(types::Promote(a.dtype, b.dtype)));
    })));
  }
  return Lines(lines, "  ");
}

template <typename Rule>
std::string RuleNames() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Rule::kCustom); ++i) {
    names.push_back(Quoted(ir::Name(static_cast<Rule>(i))));
  }
  return List(names);
}

}  // namespace

std::string OpSetDigest() {
  static const std::string& digest = *new std::string([] {
    std::string text;
    for (const OpRow* row : AllOps()) {
      StrAppend(&text, row->name, " ", row->traits & ir::kVariadicInputs, " ", row->results, " ",
                ir::Name(row->dtype_rule), " ", ir::Name(row->shape_rule), "\n");
      for (const auto& input : row->inputs)
        StrAppend(&text, "  ", input.name, " ", input.optional, "\n");
      for (const auto& attr : row->attrs) {
        StrAppend(&text, "  ", attr.name, ": ", ir::Name(attr.kind), " = ", attr.default_text,
                  "\n");
      }
    }
    return base::ToHex(base::Sha256(text));
  }());
  return digest;
}

std::string OpsJson() {
  std::vector<std::string> ops;
  for (const OpRow* row : AllOps()) ops.push_back(OpJson(*row));
  const std::vector<std::string> fields = {
      Field("digest", Quoted(OpSetDigest())),
      Field("dtypes", Lines(Each(DTypesAndWeak(), DTypeJson), "  ")),
      Field("promotion", PromotionJson()),
      Field("dtype_rules", RuleNames<ir::DTypeRule>()),
      Field("shape_rules", RuleNames<ir::ShapeRule>()),
      Field("ops", Lines(ops, "  "))};
  return StrCat("{\n  ", absl::StrJoin(fields, ",\n  "), "\n}\n");
}

}  // namespace tensord::ops
