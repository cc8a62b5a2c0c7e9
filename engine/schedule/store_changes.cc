#include "engine/schedule/store_changes.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/schedule/kernel_builder.h"
#include "engine/schedule/params.h"

namespace tensord::schedule {
namespace {

using ir::Ref;

bool IsOwnElement(Ref node, const Output& output) {
  return node->is("load") && node->attr<int64_t>("param") == output.param &&
         node->attr<Sym>("index") == output.index && node->attr<Mask>("mask").always();
}

// What an output becomes where it changes at all; elsewhere it is the element that it is written
// over.
struct Change {
  Mask where;
  Ref value = nullptr;
};

bool IsConst(Ref node, int64_t value) {
  return node->is("const") && std::get<types::Scalar>(node->attr(0)).AsDouble() == value;
}

// The mask that a condition stands for, if it is one: valid, or padding of ones with zeros.
std::optional<Mask> MaskOf(Ref condition) {
  const bool padded = condition->is(ir::ScalarOp::kWhere) && IsConst(condition->input(1), 1) &&
                      IsConst(condition->input(2), 0);
  Ref valid = padded ? condition->input(0) : condition;
  if (!valid->is("valid") || !valid->inputs().empty()) return std::nullopt;
  return valid->attr<Mask>("mask");
}

// `value` where `mask` holds.
Ref Under(ir::Graph& graph, Ref value, const Mask& mask) {
  absl::flat_hash_map<Ref, Ref> moved;
  for (Ref node : ir::TopologicalOrder({&value, 1})) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(moved.at(input));
    const bool decided = node->is(ir::ScalarOp::kWhere) && MaskOf(node->input(0)) == mask;
    moved[node] = decided ? inputs[1] : graph.WithInputs(node, inputs);
  }
  return moved.at(value);
}

std::optional<Change> ChangeOf(const LoopKernel& kernel, const Output& output) {
  Ref value = output.value;
  if (!value->is(ir::ScalarOp::kWhere) || !IsOwnElement(value->input(2), output)) {
    return std::nullopt;
  }
  const std::optional<Mask> mask = MaskOf(value->input(0));
  if (!mask.has_value() || mask->never()) return std::nullopt;
  return Change{*mask, Under(*kernel.graph, value->input(1), *mask)};
}

// First and last point along one range of the grid.
struct Side {
  Sym first, last;
  bool has_first = false, has_last = false;

  // first <= range <= last, from one bound of a mask on range + rest; false when there are two.
  bool Add(const types::Bound& bound, const Sym& rest) {
    const bool low = bound.lo > bound.expr.min(), high = bound.hi < bound.expr.max();
    if ((low && has_first) || (high && has_last)) return false;
    if (low) first = Sym(bound.lo) - rest;
    if (high) last = Sym(bound.hi) - rest;
    has_first = has_first || low;
    has_last = has_last || high;
    return true;
  }
  bool Within(const Sym& extent) const {
    return first.IsNonNegative() && (extent - Sym(1) - last).IsNonNegative() &&
           (last - first + Sym(1)).IsNonNegative();
  }
};

bool DependsOnGrid(const Sym& sym, const std::vector<Range>& grid) {
  return std::any_of(grid.begin(), grid.end(),
                     [&](const Range& range) { return sym.DependsOn(range.name); });
}

// The points of the grid where `mask` holds, one side a range; nothing unless they are a box that
// lies inside the grid for all values of the variables.
std::optional<std::vector<Side>> BoxOf(const std::vector<Range>& grid, const Mask& mask) {
  std::vector<Side> box;
  for (const Range& range : grid) box.push_back({0, range.extent - Sym(1)});
  for (const types::Bound& bound : mask.bounds()) {
    const auto range = std::find_if(grid.begin(), grid.end(),
                                    [&](const Range& r) { return bound.expr.DependsOn(r.name); });
    if (range == grid.end()) return std::nullopt;
    const Sym::Linear linear = bound.expr.LinearIn(range->name);
    const bool shifted =
        linear.ok && linear.coefficient == Sym(1) && !DependsOnGrid(linear.rest, grid);
    if (!shifted || !box[range - grid.begin()].Add(bound, linear.rest)) return std::nullopt;
  }
  for (size_t i = 0; i < grid.size(); ++i) {
    if (!box[i].Within(grid[i].extent)) return std::nullopt;
  }
  return box;
}

// Loops over the box alone.
void Restrict(LoopKernel& kernel, const std::vector<Side>& box) {
  Sym::Substitution moved;
  for (size_t i = 0; i < box.size(); ++i) {
    Range& range = kernel.grid[i];
    range.extent = box[i].last - box[i].first + Sym(1);
    moved[range.name] = range.variable() + box[i].first;
  }
  SubstituteGrid(kernel, moved);
  MergeGrid(kernel);
  std::string name("u");
  for (const Range& range : kernel.grid) StrAppend(&name, "_", range.extent.max());
  kernel.name = std::move(name);
}

// The outputs of one box.
struct Part {
  std::vector<Side> box;
  Mask where;
  std::vector<Output> outputs;
};

std::optional<std::vector<Part>> PartsOf(const LoopKernel& kernel) {
  std::vector<Part> parts;
  for (const Output& output : kernel.outputs) {
    const std::optional<Change> change = ChangeOf(kernel, output);
    if (!change.has_value()) return std::nullopt;
    auto part = std::find_if(parts.begin(), parts.end(),
                             [&](const Part& p) { return p.where == change->where; });
    if (part == parts.end()) {
      auto box = BoxOf(kernel.grid, change->where);
      if (!box.has_value()) return std::nullopt;
      part = parts.insert(parts.end(), Part{*std::move(box), change->where, {}});
    }
    part->outputs.push_back({output.param, output.index, output.mask, change->value});
  }
  return parts;
}

// Whether a part reads what another one writes: they would have to run at once.
bool Entangled(const std::vector<Part>& parts) {
  for (const Part& reader : parts) {
    std::vector<Ref> values;
    for (const Output& output : reader.outputs) values.push_back(output.value);
    for (const Part& writer : parts) {
      if (&reader == &writer) continue;
      for (const Output& output : writer.outputs) {
        if (!LoadsOf(values, output.param).empty()) return true;
      }
    }
  }
  return false;
}

std::vector<Step> SplitByBox(Step step) {
  const auto parts = PartsOf(step.kernel);
  if (!parts.has_value() || Entangled(*parts)) return {std::move(step)};
  std::vector<Step> steps;
  for (const Part& part : *parts) {
    Step one = step;
    one.kernel.outputs = part.outputs;
    Restrict(one.kernel, part.box);
    DropUnusedParams(one.kernel, one.values);
    steps.push_back(std::move(one));
  }
  return steps;
}

}  // namespace

std::vector<Step> StoreOnlyChanges(Step step) {
  if (step.kernel.scatters.empty()) return SplitByBox(std::move(step));
  if (IsOwnElement(step.kernel.outputs[0].value, step.kernel.outputs[0])) {
    step.kernel.outputs.clear();
    step.kernel.grid.clear();
  }
  return {std::move(step)};
}

}  // namespace tensord::schedule
