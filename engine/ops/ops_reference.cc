// The reference page, from the rows.
#include "absl/strings/str_join.h"
#include "engine/base/strings.h"
#include "engine/ops/registry.h"

namespace tensord::ops {
namespace {

using ir::OpRow;

// add(a, b), sum(x, axes=none, keepdims=false), cat(tensors.., axis=0)
std::string Signature(const OpRow& row) {
  std::vector<std::string> parts;
  for (const ir::InputSpec& input : row.inputs) {
    parts.push_back(StrCat(input.name, input.optional ? "?" : ""));
  }
  if ((row.traits & ir::kVariadicInputs) != 0) parts.back() += "..";
  for (const ir::AttrSpec& attr : row.attrs) {
    parts.push_back(attr.default_text.empty() ? std::string(attr.name)
                                              : StrCat(attr.name, "=", attr.default_text));
  }
  return StrCat(row.name, "(", absl::StrJoin(parts, ", "), ")");
}

std::string GradientNote(const OpRow& row) {
  if (row.gradient != nullptr) return "its own";
  if ((row.traits & ir::kNoGradient) != 0 || row.inputs.empty()) return "none";
  return row.expand != nullptr ? "of its meaning" : "carried by the engine";
}

void AppendOp(std::string& page, const OpRow& row) {
  StrAppend(&page, "### ", row.name, "\n\n`", Signature(row), "`\n\n", row.doc, "\n\n");
  for (const ir::InputSpec& input : row.inputs) {
    if (!input.doc.empty()) StrAppend(&page, "- `", input.name, "`: ", input.doc, "\n");
  }
  for (const ir::AttrSpec& attr : row.attrs) {
    StrAppend(&page, "- `", attr.name, "` (", ir::Name(attr.kind), ")",
              attr.doc.empty() ? "" : ": ", attr.doc, "\n");
  }
  StrAppend(&page, "- dtype: ", ir::Name(row.dtype_rule), "; shape: ", ir::Name(row.shape_rule),
            "; gradient: ", GradientNote(row), row.level == ir::Level::kCore ? "; core" : "",
            "\n\n");
  for (const ir::Example& example : row.examples) {
    StrAppend(&page, "      ",
              absl::StrJoin(example.inputs, ", ",
                            [](std::string* out, auto text) { StrAppend(out, text); }),
              example.attrs.empty() ? "" : "  with ", example.attrs, "\n        = ",
              absl::StrJoin(example.results, ", ",
                            [](std::string* out, auto text) { StrAppend(out, text); }),
              "\n");
  }
  StrAppend(&page, "\n");
}

}  // namespace

std::string OpsReference() {
  std::string page =
      "# Ops\n\nMade from the rows in `engine/ops/`; every example is run by a test.\n\n";
  std::string_view family;
  for (const OpRow* row : AllOps()) {
    if (ir::Name(row->family) != family) {
      family = ir::Name(row->family);
      StrAppend(&page, "## ", family, "\n\n");
    }
    AppendOp(page, *row);
  }
  return page;
}

}  // namespace tensord::ops
