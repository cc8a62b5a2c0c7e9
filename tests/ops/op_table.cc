#include "tests/ops/op_table.h"

#include <map>

#include "absl/strings/numbers.h"
#include "engine/base/check.h"
#include "engine/base/strings.h"
#include "engine/kernel/math_f32.h"
#include "engine/ops/registry.h"
#include "tests/ops/op_table_forms.h"

namespace tensord::testing_support {
namespace {

FormInput ParseInput(std::string_view text) {
  if (text == "key" || text == "ctr") return {text[0], 0, {}};
  FormInput input;
  input.kind = text[0];
  const size_t open = text.find('[');
  TENSORD_CHECK(open != text.npos && text.back() == ']', "a form's input: ", text);
  if (open > 1)
    TENSORD_CHECK(absl::SimpleAtoi(ToAbsl(text.substr(1, open - 1)), &input.bound), text);
  const std::string_view dims = text.substr(open + 1, text.size() - open - 2);
  for (std::string_view d : Split(dims, ",")) {
    TENSORD_CHECK(absl::SimpleAtoi(ToAbsl(d), &input.shape.emplace_back()), text);
  }
  return input;
}

Form ParseForm(std::string_view text) {
  Form form;
  form.shape_class = static_cast<ShapeClass>(text[0]);
  const std::string_view rest = text.substr(2);
  if (text[1] == '!') {
    form.excuse = std::string(rest);
    return form;
  }
  const std::vector<std::string_view> parts = Split(rest, ";");
  for (std::string_view input : Split(parts[0], " ")) form.inputs.push_back(ParseInput(input));
  if (parts.size() > 1) form.attrs = std::string(parts[1]);
  return form;
}

bool Has(const std::vector<Form>& forms, ShapeClass shape_class) {
  for (const Form& form : forms)
    if (form.shape_class == shape_class) return true;
  return false;
}

template <typename Rows>
auto* Find(const Rows& table, std::string_view row) {
  for (const auto& entry : table) {
    for (std::string_view name : Split(entry.rows, " "))
      if (name == row) return &entry;
  }
  return static_cast<const std::decay_t<decltype(table[0])>*>(nullptr);
}

}  // namespace

std::vector<Form> FormsOf(const ir::OpRow& row) {
  std::vector<Form> forms;
  if (const FormsEntry* entry = Find(kForms, row.name)) {
    for (std::string_view text : entry->forms) forms.push_back(ParseForm(text));
  } else if (row.shape_rule == ir::ShapeRule::kBroadcast ||
             row.shape_rule == ir::ShapeRule::kSame) {
    for (std::string_view text : kElementwiseForms.at(row.inputs.size() - 1))
      forms.push_back(ParseForm(text));
  }
  if (!forms.empty() && row.inputs.size() < 2 && !Has(forms, ShapeClass::kBroadcast)) {
    forms.push_back(ParseForm("B! one input at most"));
  }
  return forms;
}

Range RangeOf(const ir::OpRow& row) {
  const RangeEntry* entry = Find(kRanges, row.name);
  return entry == nullptr ? Range() : entry->range;
}

std::string_view LeftOut(const ir::OpRow& row) {
  const ReasonEntry* entry = Find(kLeftOut, row.name);
  return entry == nullptr ? "" : entry->reason;
}

std::string_view NotDifferenced(const ir::OpRow& row) {
  const ReasonEntry* entry = Find(kNotDifferenced, row.name);
  return entry == nullptr ? "" : entry->reason;
}

std::string_view NotDifferenced(const ir::OpRow& row, size_t input) {
  const ReasonEntry* entry = Find(kNotDifferenced, StrCat(row.name, "/", input));
  return entry == nullptr ? "" : entry->reason;
}

Tolerance ToleranceOf(const ir::OpRow& row) {
  if (const ToleranceEntry* entry = Find(kTolerances, row.name)) return entry->tolerance;
  if (row.scalar.has_value()) {
    if ((ir::Row(*row.scalar).traits & ir::kTranscendental) == 0) return {Closeness::kExact, 0};
    const kernel::F32Expansion* f32 = kernel::FindF32Expansion(*row.scalar);
    return {Closeness::kUlps, f32 == nullptr ? 4 : std::max(4.0, f32->max_ulp + 1)};
  }
  switch (row.family) {
    case ir::Family::kMovement:
    case ir::Family::kCreate:
    case ir::Family::kIndex:
    case ir::Family::kStructure:
    case ir::Family::kComparison:
    case ir::Family::kBitwise:
    case ir::Family::kSelect:
      return {Closeness::kExact, 0};
    default:
      return {Closeness::kMixed, 8};
  }
}

}  // namespace tensord::testing_support
