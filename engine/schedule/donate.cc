#include "engine/schedule/donate.h"

#include <algorithm>

namespace tensord::schedule {
namespace {

using ir::AttrValue;
using ir::Ref;

std::vector<Ref> Nodes(const LoopKernel& kernel) {
  std::vector<Ref> roots;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  return ir::TopologicalOrder(roots);
}

// Whether every load of `param` is of the element that `output` writes at the same point.
bool ReadsOnlyOwnElement(const LoopKernel& kernel, int param, const Output& output) {
  if (!output.mask.always()) return false;
  for (Ref node : Nodes(kernel)) {
    if (!node->is("load") || node->attr<int64_t>("param") != param) continue;
    if (node->attr<Sym>("index") != output.index || !node->attr<Mask>("mask").always())
      return false;
  }
  return true;
}

// Parameter `from` becomes `to` everywhere, and later numbers close the gap.
void ReplaceParam(LoopKernel& kernel, int from, int to) {
  const auto renumber = [&](int param) {
    if (param == from) param = to;
    return param > from ? param - 1 : param;
  };
  absl::flat_hash_map<Ref, Ref> moved;
  for (Ref node : Nodes(kernel)) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(moved.at(input));
    std::vector<AttrValue> attrs(node->attrs().begin(), node->attrs().end());
    if (node->is("load"))
      attrs[0] = int64_t{renumber(static_cast<int>(std::get<int64_t>(attrs[0])))};
    moved[node] = kernel.graph->Intern(node->op(), inputs, attrs, node->type());
  }
  for (Output& output : kernel.outputs) {
    output.value = moved.at(output.value);
    output.param = renumber(output.param);
  }
  kernel.params.erase(kernel.params.begin() + from);
}

class Donor {
 public:
  explicit Donor(Schedule& schedule) : schedule_(schedule) {}

  std::vector<Donation> Run(absl::Span<const int> donated) {
    for (int parameter : donated) Donate(parameter);
    return std::move(donations_);
  }

 private:
  int LastReader(int value) const {
    for (int step = static_cast<int>(schedule_.steps.size()) - 1; step >= 0; --step) {
      const auto& values = schedule_.steps[step].values;
      if (std::find(values.begin(), values.end(), value) != values.end()) return step;
    }
    return -1;
  }

  bool Taken(int value) const {
    return std::any_of(donations_.begin(), donations_.end(),
                       [&](const Donation& d) { return d.result == value; });
  }

  // The result's readers after the step see it in its new home; readers of the parameter before the
  // step have run. Only a value that is no result itself may be overwritten.
  void Donate(int parameter) {
    const int value = schedule_.parameters[parameter];
    const int reader = LastReader(value);
    if (reader < 0 || schedule_.values[value].result) return;
    Step& step = schedule_.steps[reader];
    if (step.kind != Step::kKernel || !step.kernel.scatters.empty()) return;
    const auto at = std::find(step.values.begin(), step.values.end(), value);
    const int param = static_cast<int>(at - step.values.begin());
    for (const Output& output : step.kernel.outputs) {
      const int target = step.values[output.param];
      const Value& result = schedule_.values[target];
      const bool fits =
          result.result && result.parameter < 0 && !Taken(target) &&
          result.type.dtype == schedule_.values[value].type.dtype &&
          step.kernel.params[output.param].elements == step.kernel.params[param].elements;
      if (!fits || !ReadsOnlyOwnElement(step.kernel, param, output)) continue;
      const int from = output.param;
      ReplaceParam(step.kernel, from, param);
      step.kernel.params[param].written = true;
      step.values.erase(step.values.begin() + from);
      // The step now names the parameter; so must everyone who reads the result later.
      for (size_t later = reader; later < schedule_.steps.size(); ++later) {
        for (int& v : schedule_.steps[later].values) v = v == target ? value : v;
      }
      donations_.push_back({parameter, target});
      return;
    }
  }

  Schedule& schedule_;
  std::vector<Donation> donations_;
};

}  // namespace

std::vector<Donation> DonateInPlace(Schedule& schedule, absl::Span<const int> donated) {
  return Donor(schedule).Run(donated);
}

}  // namespace tensord::schedule
