#include "engine/schedule/loop.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "engine/base/strings.h"

namespace tensord::schedule {
namespace {

using ir::AttrKind;
using ir::Level;
using ir::OpRow;

OpRow LoopRow(std::string_view name, std::vector<ir::AttrSpec> attrs, std::string_view doc) {
  OpRow row;
  row.name = name;
  row.family = ir::Family::kLoop;
  row.level = Level::kLoop;
  row.attrs = std::move(attrs);
  row.doc = doc;
  return row;
}

std::string NodeText(Ref node, const absl::flat_hash_map<Ref, int>& numbers) {
  std::string text = StrCat("  %", numbers.at(node), " = ", node->op().name);
  for (Ref input : node->inputs()) StrAppend(&text, " %", numbers.at(input));
  for (size_t i = 0; i < node->attrs().size(); ++i) {
    StrAppend(&text, " ", node->op().attrs[i].name, "=",
              ir::ToString(node->attr(static_cast<int>(i))));
  }
  return StrCat(text, " : ", types::Name(node->dtype()), "\n");
}

}  // namespace

const OpRow& LoadOp() {
  static const OpRow row = LoopRow("load",
                                   {{.name = "param", .kind = AttrKind::kInt},
                                    {.name = "index", .kind = AttrKind::kSym},
                                    {.name = "mask", .kind = AttrKind::kMask}},
                                   "An element of a kernel parameter; 0 where the mask fails.");
  return row;
}

const OpRow& IndexOp() {
  static const OpRow row = LoopRow(
      "index",
      {{.name = "value", .kind = AttrKind::kSym}, {.name = "dtype", .kind = AttrKind::kDType}},
      "An index expression as a value.");
  return row;
}

const OpRow& ValidOp() {
  static const OpRow row =
      LoopRow("valid", {{.name = "mask", .kind = AttrKind::kMask}}, "Whether the mask holds.");
  return row;
}

const OpRow& FoldOp() {
  static const OpRow row = LoopRow("fold",
                                   {{.name = "monoid", .kind = AttrKind::kString},
                                    {.name = "extents", .kind = AttrKind::kDims},
                                    {.name = "lanes", .kind = AttrKind::kInt},
                                    {.name = "first", .kind = AttrKind::kInt}},
                                   "Input 0 folded over ranges .k<first>, ...");
  return row;
}

const OpRow& OnlineFoldOp() {
  static const OpRow row = LoopRow("online_fold",
                                   {{.name = "monoid", .kind = AttrKind::kString},
                                    {.name = "extents", .kind = AttrKind::kDims},
                                    {.name = "lanes", .kind = AttrKind::kInt},
                                    {.name = "first", .kind = AttrKind::kInt},
                                    {.name = "infinite", .kind = AttrKind::kString}},
                                   "The sum of exp(input 0 - max of input 0) times input 1.");
  return row;
}

const OpRow& HoleOp() {
  static const OpRow row = LoopRow("hole", {}, "The argument of an expression.");
  return row;
}

bool IsFold(Ref node) { return &node->op() == &FoldOp() || &node->op() == &OnlineFoldOp(); }
const types::Dims& FoldExtents(Ref fold) { return std::get<types::Dims>(fold->attr(1)); }
int64_t FoldLanesOf(Ref fold) { return std::get<int64_t>(fold->attr(2)); }
int FirstRange(Ref fold) { return static_cast<int>(std::get<int64_t>(fold->attr(3))); }

std::string GridName(int axis) { return StrCat(".g", axis); }
std::string FoldName(int range) { return StrCat(".k", range); }
std::string OpaqueName(Ref value, bool changes_in_fold) {
  return StrCat(changes_in_fold ? ".kv" : ".v", value->id());
}
bool IsGridName(std::string_view name) { return name.substr(0, 2) == ".g"; }
bool IsFoldName(std::string_view name) { return name.substr(0, 2) == ".k"; }
int FoldRangeOf(std::string_view name) {
  if (name.size() < 3 || !IsFoldName(name) || name[2] < '0' || name[2] > '9') return -1;
  int number = 0;
  for (char digit : name.substr(2)) number = 10 * number + (digit - '0');
  return number;
}
bool IsOpaqueName(std::string_view name) {
  return name.substr(0, 2) == ".v" || name.substr(0, 3) == ".kv";
}

std::vector<std::string> OpaqueNames(absl::Span<const ir::AttrValue> attrs) {
  std::vector<std::string> names;
  const auto collect = [&](const Sym& sym) {
    if (sym.is_constant()) return;
    for (const Sym::VariableInfo& variable : sym.Variables()) {
      const bool known = std::find(names.begin(), names.end(), variable.name) != names.end();
      if (IsOpaqueName(variable.name) && !known) names.push_back(variable.name);
    }
  };
  for (const ir::AttrValue& attr : attrs) {
    if (const auto* sym = std::get_if<Sym>(&attr)) collect(*sym);
    if (const auto* mask = std::get_if<Mask>(&attr)) {
      for (const types::Bound& bound : mask->bounds()) collect(bound.expr);
    }
  }
  return names;
}

Sym Range::variable() const {
  return Sym::Variable(name, 0, std::max<int64_t>(extent.max() - 1, 0));
}

std::string LoopKernel::Print() const {
  std::vector<Ref> roots;
  for (const Output& output : outputs) roots.push_back(output.value);
  for (const Scatter& scatter : scatters) {
    roots.push_back(scatter.position);
    roots.push_back(scatter.update);
  }
  absl::flat_hash_map<Ref, int> numbers;
  std::string text = StrCat("loops @", name, " grid(");
  for (const Range& range : grid) StrAppend(&text, range.name, "<", range.extent.ToString(), " ");
  StrAppend(&text, ") {\n");
  for (Ref node : ir::TopologicalOrder(roots)) {
    numbers.emplace(node, static_cast<int>(numbers.size()));
    StrAppend(&text, NodeText(node, numbers));
  }
  for (const Output& output : outputs) {
    StrAppend(&text, "  p", output.param, "[", output.index.ToString(), "] = %",
              numbers.at(output.value), "\n");
  }
  for (const Scatter& s : scatters) {
    StrAppend(&text, "  scatter ", s.mode, " over ", s.updates.name, "<",
              s.updates.extent.ToString(), " at %", numbers.at(s.position), " value %",
              numbers.at(s.update), "\n");
  }
  return text + "}\n";
}

}  // namespace tensord::schedule
