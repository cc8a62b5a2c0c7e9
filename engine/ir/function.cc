#include "engine/ir/function.h"

#include "absl/strings/str_join.h"
#include "engine/base/sha256.h"
#include "engine/base/strings.h"

namespace tensord::ir {
namespace {

using Numbers = absl::flat_hash_map<Ref, int>;

// Parameters keep their positions; the rest follow in first-visit order.
Numbers NumberNodes(const Function& function, absl::Span<const Ref> order) {
  Numbers numbers;
  for (Ref parameter : function.parameters) {
    numbers.emplace(parameter, static_cast<int>(numbers.size()));
  }
  for (Ref node : order) numbers.try_emplace(node, static_cast<int>(numbers.size()));
  return numbers;
}

std::string TypesText(Ref node) {
  std::vector<std::string> texts;
  texts.reserve(static_cast<size_t>(node->results()));
  for (int i = 0; i < node->results(); ++i) texts.push_back(node->type(i).ToString());
  return texts.size() == 1 ? texts[0] : StrCat("(", absl::StrJoin(texts, ", "), ")");
}

std::string AttrsText(Ref node) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < node->attrs().size(); ++i) {
    if (node->attr(static_cast<int>(i)).index() == 0) continue;
    parts.push_back(
        StrCat(node->op().attrs[i].name, " = ", ToString(node->attr(static_cast<int>(i)))));
  }
  return parts.empty() ? "" : StrCat(" {", absl::StrJoin(parts, ", "), "}");
}

void AppendNode(std::string& out, Ref node, const Numbers& numbers) {
  StrAppend(&out, "  %", numbers.at(node), " = ", node->op().name);
  const char* separator = " ";
  for (Ref input : node->inputs()) {
    StrAppend(&out, separator, "%", numbers.at(input));
    separator = ", ";
  }
  StrAppend(&out, AttrsText(node), " : ", TypesText(node), "\n");
}

std::string Header(const Function& f, const Numbers& numbers) {
  std::vector<std::string> parameters, results, variables;
  for (size_t i = 0; i < f.parameters.size(); ++i) {
    parameters.push_back(StrCat("%", i, ": ", f.parameters[i]->type().ToString()));
  }
  for (Ref result : f.results) results.push_back(StrCat("%", numbers.at(result)));
  for (const BoundVariable& v : f.variables) {
    variables.push_back(StrCat(v.name, " in [", v.min, ", ", v.max, "]"));
  }
  std::string text = StrCat("function(", absl::StrJoin(parameters, ", "), ") -> (",
                            absl::StrJoin(results, ", "), ")");
  if (!variables.empty()) StrAppend(&text, " vars(", absl::StrJoin(variables, ", "), ")");
  if (!f.donated.empty()) StrAppend(&text, " donate(", absl::StrJoin(f.donated, ", "), ")");
  return text;
}

}  // namespace

std::string Function::Print() const {
  const std::vector<Ref> order = TopologicalOrder(results);
  const Numbers numbers = NumberNodes(*this, order);
  std::string text = StrCat(Header(*this, numbers), " {\n");
  for (Ref node : order) {
    if (numbers.at(node) >= static_cast<int>(parameters.size())) AppendNode(text, node, numbers);
  }
  return text + "}\n";
}

std::array<uint8_t, 32> Function::Digest() const { return base::Sha256(Print()); }

std::vector<Ref> CopyInto(Graph& into, absl::Span<const Ref> roots,
                          const absl::flat_hash_map<Ref, Ref>& mapped) {
  absl::flat_hash_set<Ref> stop;
  for (const auto& [from, to] : mapped) stop.insert(from);
  absl::flat_hash_map<Ref, Ref> copies = mapped;
  std::vector<Ref> inputs;
  std::vector<types::Type> types;
  for (Ref node : TopologicalOrder(roots, &stop)) {
    if (copies.contains(node)) continue;
    inputs.clear();
    types.clear();
    for (Ref input : node->inputs()) inputs.push_back(copies.at(input));
    for (int i = 0; i < node->results(); ++i) types.push_back(node->type(i));
    copies.emplace(node, into.Intern(node->op(), inputs, node->attrs(), types));
  }
  std::vector<Ref> result;
  for (Ref root : roots) result.push_back(copies.at(root));
  return result;
}

}  // namespace tensord::ir
