#include "engine/passes/pipeline.h"

#include <chrono>
#include <cstdio>

#include "engine/base/settings.h"
#include "engine/base/status.h"
#include "engine/passes/passes.h"

namespace tensord::passes {
namespace {

constexpr Pass kPipeline[] = {
    {"expand", ExpandComposites},
    {"simplify", Simplify},
    {"split_folds", SplitFolds},
};

ir::Function Copy(const ir::Function& from) {
  ir::Function to;
  std::vector<ir::Ref> roots = from.parameters;
  roots.insert(roots.end(), from.results.begin(), from.results.end());
  const std::vector<ir::Ref> copies = ir::CopyInto(*to.graph, roots, {});
  const auto middle = copies.begin() + static_cast<int64_t>(from.parameters.size());
  to.parameters.assign(copies.begin(), middle);
  to.results.assign(middle, copies.end());
  to.variables = from.variables;
  to.donated = from.donated;
  return to;
}

void Dump(const Pass& pass, const std::string& before, const ir::Function& after, double us) {
  std::fprintf(stderr, "=== before %s\n%s=== after %s (%.0f us)\n%s", pass.name.data(),
               before.c_str(), pass.name.data(), us, after.Print().c_str());
}

}  // namespace

absl::Span<const Pass> Pipeline() { return kPipeline; }

absl::StatusOr<ir::Function> RunPipeline(const ir::Function& function) {
  ir::Function result = Copy(function);
  for (const Pass& pass : kPipeline) {
    const bool dump = base::DumpWanted(pass.name);
    const std::string before = dump ? result.Print() : "";
    const auto start = std::chrono::steady_clock::now();
    if (absl::Status status = pass.run(result); !status.ok()) {
      return Annotate(status, StrCat("pass ", pass.name, ": "));
    }
    const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - start;
    if (dump) Dump(pass, before, result, us.count());
  }
  return result;
}

}  // namespace tensord::passes
