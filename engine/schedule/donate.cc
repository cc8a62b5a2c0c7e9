#include "engine/schedule/donate.h"

#include <algorithm>

#include "engine/schedule/params.h"
#include "engine/schedule/store_changes.h"

namespace tensord::schedule {
namespace {

using ir::Ref;

// Whether every load of `param` is of the element that `output` writes at the same point. A block
// of points loads all it needs before it stores.
bool ReadsOnlyOwnElement(const LoopKernel& kernel, int param, const Output& output) {
  if (!output.mask.always()) return false;
  for (Ref load : LoadsOf(OutputValues(kernel), param)) {
    if (load->attr<Sym>("index") != output.index || !load->attr<Mask>("mask").always())
      return false;
  }
  return LoadsOf(ScatterValues(kernel), param).empty();  // they run when the outputs are stored
}

// Output `from` is written over parameter `to`.
void WriteOver(Step& step, int from, int to) {
  LoopKernel& kernel = step.kernel;
  std::vector<int> numbers;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const int number = static_cast<int>(i) == from ? to : static_cast<int>(i);
    numbers.push_back(number > from ? number - 1 : number);
  }
  RenumberParams(kernel, numbers);
  kernel.params[static_cast<size_t>(to)].written = true;
  kernel.params.erase(kernel.params.begin() + from);
  step.values.erase(step.values.begin() + from);
}

class Donor {
 public:
  explicit Donor(Schedule& schedule)
      : schedule_(schedule), taken_by_(schedule.steps.size(), size_t{0}) {}

  Donations Run(absl::Span<const int> donated) {
    for (int parameter : donated) {
      const std::string_view why = Donate(parameter);
      if (!why.empty()) donations_.refused.push_back({parameter, std::string(why)});
    }
    StoreChanges();
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

  bool Fits(const Step& step, const Output& output, int param) const {
    const Value& result = schedule_.values[step.values[output.param]];
    const std::vector<Param>& params = step.kernel.params;
    return result.result && result.parameter < 0 &&
           params[output.param].dtype == params[param].dtype &&
           params[output.param].elements == params[param].elements;
  }

  // The result's readers after the step see it in its new home; readers of the parameter before the
  // step have run. Only a value that is no result itself may be overwritten. Answers why not.
  std::string_view Donate(int parameter) {
    const int value = schedule_.parameters[parameter];
    if (schedule_.values[value].result) return "is a result itself";
    const int reader = LastReader(value);
    if (reader < 0) return "";
    Step& step = schedule_.steps[reader];
    if (step.kind != Step::kKernel) return "is copied to another device";
    const auto at = std::find(step.values.begin(), step.values.end(), value);
    const int param = static_cast<int>(at - step.values.begin());
    bool fits = false;
    for (const Output& output : step.kernel.outputs) {
      if (!Fits(step, output, param)) continue;
      fits = true;
      if (!ReadsOnlyOwnElement(step.kernel, param, output)) continue;
      Take(reader, parameter, output.param, param);
      return "";
    }
    return fits ? "is read last by a kernel that reads elements other than the one it writes"
                : "is read last by a kernel that makes no result of its dtype and size";
  }

  void Take(int reader, int parameter, int from, int param) {
    const int value = schedule_.parameters[parameter],
              target = schedule_.steps[reader].values[from];
    WriteOver(schedule_.steps[reader], from, param);
    ++taken_by_[reader];
    // The step now names the parameter; so must everyone who reads the result later.
    for (size_t later = reader; later < schedule_.steps.size(); ++later) {
      for (int& v : schedule_.steps[later].values) v = v == target ? value : v;
    }
    donations_.taken.push_back({parameter, target});
  }

  void StoreChanges() {
    std::vector<Step> steps;
    for (size_t i = 0; i < schedule_.steps.size(); ++i) {
      Step& step = schedule_.steps[i];
      if (taken_by_[i] == 0 || taken_by_[i] < step.kernel.outputs.size()) {
        steps.push_back(std::move(step));
        continue;
      }
      for (Step& part : StoreOnlyChanges(std::move(step))) steps.push_back(std::move(part));
    }
    schedule_.steps = std::move(steps);
  }

  Schedule& schedule_;
  Donations donations_;
  std::vector<size_t> taken_by_;  // outputs of each step that are written over parameters
};

}  // namespace

Donations DonateInPlace(Schedule& schedule, absl::Span<const int> donated) {
  return Donor(schedule).Run(donated);
}

}  // namespace tensord::schedule
