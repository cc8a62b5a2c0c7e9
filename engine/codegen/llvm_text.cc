#include "engine/codegen/llvm_text.h"

#include "engine/base/status.h"
#include "engine/codegen/llvm_region.h"
#include "engine/codegen/regions.h"

namespace tensord::codegen {
namespace {

// The constant that the launcher looks for.
std::string Table(const RegionPlan& plan, std::string_view name) {
  const size_t n = plan.regions.size();
  const std::string array = StrCat("[", n, " x { ptr, ptr }]");
  std::string rows;
  for (size_t i = 0; i < n; ++i) {
    const std::string trip =
        plan.regions[i].parallel ? StrCat("@", name, "_trip", i) : std::string("null");
    StrAppend(&rows, i == 0 ? " " : ", ", "{ ptr, ptr } { ptr @", name, "_run", i, ", ptr ", trip,
              " }");
  }
  return StrCat("@", kKernelTableSymbol, " = constant { i32, i32, i64, i64, ", array, " } { i32 ",
                kKernelTableFormat, ", i32 ", n, ", i64 ", plan.scratch_bytes, ", i64 ",
                plan.frame_bytes, ", ", array,
                n == 0 ? " zeroinitializer" : StrCat(" [", rows, " ]"), " }\n");
}

}  // namespace

absl::StatusOr<std::string> LlvmTextRenderer::Render(const kernel::Linear& kernel) const {
  ASSIGN_OR_RETURN(const RegionPlan plan,
                   PlanRegions(kernel, options_.max_stack_bytes, options_.max_scratch_bytes));
  LlvmRegionWriter writer(kernel, plan);
  std::string functions;
  for (size_t i = 0; i < plan.regions.size(); ++i) {
    const Region& region = plan.regions[i];
    StrAppend(&functions, "\n", writer.Run(region, StrCat(kernel.name, "_run", i)));
    if (region.parallel) {
      StrAppend(&functions, "\n", writer.Trip(region, StrCat(kernel.name, "_trip", i)));
    }
  }
  std::string text =
      StrCat("; kernel ", kernel.name, "\n", Table(plan, kernel.name),
             "@zero = internal constant [64 x i8] zeroinitializer, align 64\n", functions, "\n");
  for (const std::string& line : writer.writer().declarations()) StrAppend(&text, line, "\n");
  StrAppend(&text, "\nattributes #0 = { nounwind \"no-builtins\" }\n",
            "attributes #1 = { nounwind willreturn memory(none) nobuiltin }\n");
  return text;
}

}  // namespace tensord::codegen
