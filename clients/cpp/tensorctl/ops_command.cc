// ops: the vocabulary, from the JSON that ListOps answers.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "clients/cpp/tensorctl/commands.h"

namespace tensord::ctl {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

const std::string& Field(const Struct& object, const char* name) {
  return object.fields().at(name).string_value();
}

// "x, weight, [bias]".
std::string InputsText(const Struct& row) {
  std::string text;
  for (const Value& input : row.fields().at("inputs").list_value().values()) {
    const Struct& object = input.struct_value();
    const bool optional = object.fields().at("optional").bool_value();
    absl::StrAppend(&text, text.empty() ? "" : ", ", optional ? "[" : "", Field(object, "name"),
                    optional ? "]" : "");
  }
  return row.fields().at("variadic").bool_value() ? text + "..." : text;
}

// "axis=-1", or "axis:int" for one that must be given.
std::string AttrText(const Struct& attr) {
  const Value& fallback = attr.fields().at("default");
  const bool required = fallback.kind_case() == Value::kNullValue;
  return absl::StrCat(Field(attr, "name"), required ? ":" : "=",
                      required ? Field(attr, "kind") : fallback.string_value());
}

std::string AttrsText(const Struct& row) {
  std::string text;
  for (const Value& attr : row.fields().at("attrs").list_value().values()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", AttrText(attr.struct_value()));
  }
  return text;
}

std::string Joined(const Value& list) {
  std::string text;
  for (const Value& value : list.list_value().values()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", value.string_value());
  }
  return text;
}

void PrintOp(const Struct& row) {
  std::printf("%s(%s)  %s\n\n%s\n", Field(row, "name").c_str(), InputsText(row).c_str(),
              Field(row, "family").c_str(), Field(row, "doc").c_str());
  std::string parts;
  for (const Value& input : row.fields().at("inputs").list_value().values()) {
    const Struct& object = input.struct_value();
    if (!Field(object, "doc").empty()) {
      absl::StrAppend(&parts, "  ", Field(object, "name"), ": ", Field(object, "doc"), "\n");
    }
  }
  for (const Value& attr : row.fields().at("attrs").list_value().values()) {
    absl::StrAppend(&parts, "  ", AttrText(attr.struct_value()), "  ",
                    Field(attr.struct_value(), "doc"), "\n");
  }
  if (!parts.empty()) std::printf("\n%s", parts.c_str());
  for (const Value& example : row.fields().at("examples").list_value().values()) {
    const Struct& object = example.struct_value();
    const std::string inputs = Joined(object.fields().at("inputs"));
    const std::string& attrs = Field(object, "attrs");
    std::printf("\n  %s(%s%s%s) = %s", Field(row, "name").c_str(), inputs.c_str(),
                inputs.empty() || attrs.empty() ? "" : ", ", attrs.c_str(),
                Joined(object.fields().at("results")).c_str());
  }
  std::printf("\n");
}

ExitCode ShowOne(const Arguments& arguments, const Struct& document) {
  for (const Value& value : document.fields().at("ops").list_value().values()) {
    const Struct& row = value.struct_value();
    if (Field(row, "name") != arguments.words[0]) continue;
    if (!arguments.json) return PrintOp(row), kOk;
    std::string json;
    if (!google::protobuf::util::MessageToJsonString(row, &json).ok()) return kFailed;
    std::printf("%s\n", json.c_str());
    return kOk;
  }
  return Report(absl::NotFoundError(
      absl::StrCat("there is no op ", arguments.words[0], "; `tensorctl ops` lists them")));
}

}  // namespace

ExitCode ShowOps(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  const auto reply = daemon->ListOps();
  if (!reply.ok()) return Report(reply.status());
  Struct document;
  if (!google::protobuf::util::JsonStringToMessage(reply->json(), &document).ok()) {
    return Report(absl::InternalError("the daemon's list of ops is no JSON"));
  }
  if (!arguments.words.empty()) return ShowOne(arguments, document);
  Table table{{{"name", "NAME"},
               {"family", "FAMILY"},
               {"inputs", "INPUTS"},
               {"attributes", "ATTRIBUTES"},
               {"results", "RESULTS"}},
              {}};
  for (const Value& value : document.fields().at("ops").list_value().values()) {
    const Struct& row = value.struct_value();
    table.rows.push_back({Field(row, "name"), Field(row, "family"), InputsText(row), AttrsText(row),
                          static_cast<int64_t>(row.fields().at("results").number_value())});
  }
  return Print(arguments, table);
}

}  // namespace tensord::ctl
