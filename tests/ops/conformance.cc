#include "tests/ops/conformance.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "engine/base/check.h"
#include "engine/base/strings.h"
#include "engine/ops/build.h"
#include "engine/ops/literals.h"
#include "engine/ops/registry.h"

namespace tensord::testing_support {
namespace {

constexpr std::string_view kArrow = " => ";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "f32[2,3]": a parameter, or the number 1 of a weak dtype.
ir::Ref ReadInput(ir::Function& function, std::string_view text) {
  const size_t bracket = text.find('[');
  const auto dtype = types::DTypeFromName(text.substr(0, bracket));
  TENSORD_CHECK(bracket != text.npos && text.back() == ']' && dtype.has_value(), text);
  if (types::IsWeak(*dtype)) {
    return ops::Constant(*function.graph, types::Scalar::Int(*dtype, 1));
  }
  types::Type type{*dtype, {}, {}};
  for (std::string_view dim : Split(text.substr(bracket), "[,]")) {
    int64_t extent = 0;
    TENSORD_CHECK(absl::SimpleAtoi(ToAbsl(dim), &extent), text);
    type.dims.push_back(extent);
  }
  return ops::AddParameter(function, type);
}

std::string Answer(const ir::OpRow& row, std::string_view inputs, std::string_view attrs) {
  ir::Function function;
  std::vector<ir::Ref> nodes;
  for (std::string_view text : Split(inputs, ";")) {
    if (!Trim(text).empty()) nodes.push_back(ReadInput(function, Trim(text)));
  }
  const auto named = ops::ParseAttrs(row, attrs);
  TENSORD_CHECK(named.ok(), named.status().ToString());
  const auto made = ops::Make(*function.graph, row, nodes, *named);
  if (!made.ok()) return StrCat("! ", made.status().message());
  std::string types;
  for (int i = 0; i < row.results; ++i) {
    StrAppend(&types, i == 0 ? "" : "; ", (*made)->type(i).ToString());
  }
  return types;
}

}  // namespace

std::string AnswerTypes(std::string_view call) {
  const size_t first = call.find('|'), second = call.find('|', first + 1);
  TENSORD_CHECK(second != call.npos, "not op | types | attributes: ", call);
  return Answer(ops::Op(Trim(call.substr(0, first))), call.substr(first + 1, second - first - 1),
                Trim(call.substr(second + 1)));
}

std::string RenewAnswers(std::string_view text) {
  std::string renewed;
  for (std::string_view line : Split(text, "\n")) {
    const std::string_view call = line.substr(0, line.find(kArrow));
    StrAppend(&renewed, call, kArrow, AnswerTypes(call), "\n");
  }
  return renewed;
}

}  // namespace tensord::testing_support
