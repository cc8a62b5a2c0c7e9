#include "engine/codegen/llvm_compile.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

namespace tensord::codegen {
namespace {

llvm::StringRef ToLlvm(std::string_view text) { return {text.data(), text.size()}; }

// Both schedulers look at every pair of loads and stores of a block, which takes seconds in blocks
// of thousands. README.md has the figures; no kernel runs slower for it.
constexpr const char* kOptions[] = {"tensord", "-post-RA-scheduler=false",
                                    "-dag-maps-huge-region=200"};

void InitTargets() {
  static const bool done = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return llvm::cl::ParseCommandLineOptions(static_cast<int>(std::size(kOptions)), kOptions, "",
                                             &llvm::nulls());
  }();
  TENSORD_CHECK(done, "LLVM doesn't know an option");
}

absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> MakeMachine(const LlvmTarget& target,
                                                                 int level) {
  InitTargets();
  std::string error;
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(target.triple, error);
  if (found == nullptr) return InvalidArgument("llvm: ", error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.UniqueSectionNames = false;
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, static_cast<llvm::CodeGenOptLevel>(level)));
  if (machine == nullptr) return InvalidArgument("llvm: no code generator for ", target.triple);
  return machine;
}

absl::StatusOr<std::unique_ptr<llvm::Module>> ParseModule(std::string_view text,
                                                          llvm::LLVMContext& context,
                                                          const llvm::TargetMachine& machine) {
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module =
      llvm::parseAssemblyString(ToLlvm(text), diagnostic, context);
  if (module == nullptr) {
    return InvalidArgument("llvm: line ", diagnostic.getLineNo(), ": ",
                           diagnostic.getMessage().str(), ": ", diagnostic.getLineContents().str());
  }
  module->setDataLayout(machine.createDataLayout());
  module->setTargetTriple(machine.getTargetTriple().str());
  // Vectors are as wide as the kernel has them, whatever the processor's model prefers.
  for (llvm::Function& function : *module) {
    if (!function.isDeclaration()) function.addFnAttr("prefer-vector-width", "512");
  }
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(*module, &stream)) return InvalidArgument("llvm: ", problem);
  return module;
}

// The library functions of the text are our own: LLVM must not fold or replace calls to them.
llvm::TargetLibraryInfoImpl NoLibraryFunctions(const llvm::Module& module) {
  llvm::TargetLibraryInfoImpl info(llvm::Triple(module.getTargetTriple()));
  info.disableAllFunctions();
  return info;
}

absl::Status RunPasses(llvm::Module& module, llvm::TargetMachine& machine,
                       const std::string& passes) {
  if (passes.empty()) return absl::OkStatus();
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  const llvm::TargetLibraryInfoImpl library = NoLibraryFunctions(module);
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager pipeline;
  if (llvm::Error error = builder.parsePassPipeline(pipeline, passes)) {
    return InvalidArgument("llvm: passes: ", llvm::toString(std::move(error)));
  }
  pipeline.run(module, modules);
  return absl::OkStatus();
}

absl::StatusOr<std::string> EmitCode(llvm::Module& module, llvm::TargetMachine& machine,
                                     bool assembly) {
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager manager;
  manager.add(new llvm::TargetLibraryInfoWrapperPass(NoLibraryFunctions(module)));
  const auto kind =
      assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(manager, stream, nullptr, kind, /*DisableVerify=*/true)) {
    return Internal("llvm: no object writer for ", machine.getTargetTriple().str());
  }
  manager.run(module);
  return std::string(object.data(), object.size());
}

void (*fatal_handler)(bool, const char*) = nullptr;

}  // namespace

const LlvmTarget& HostTarget() {
  static const LlvmTarget* const target = [] {
    auto* t = new LlvmTarget;
    t->triple = llvm::sys::getProcessTriple();
    t->cpu = llvm::sys::getHostCPUName().str();
    std::vector<std::string> names;
    for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
      names.push_back(StrCat(feature.second ? "+" : "-", feature.first().str()));
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names)
      StrAppend(&t->features, t->features.empty() ? "" : ",", name);
    return t;
  }();
  return *target;
}

std::string LlvmVersion() { return LLVM_VERSION_STRING; }

absl::StatusOr<std::string> CompileLlvm(std::string_view text, const LlvmTarget& target,
                                        const CompileOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<llvm::TargetMachine> machine,
                   MakeMachine(target, options.level));
  llvm::LLVMContext context;
  std::string problem;
  context.setDiagnosticHandlerCallBack(
      [](const llvm::DiagnosticInfo* info, void* to) {
        if (info->getSeverity() != llvm::DS_Error) return;
        llvm::raw_string_ostream stream(*static_cast<std::string*>(to));
        llvm::DiagnosticPrinterRawOStream printer(stream);
        info->print(printer);
      },
      &problem);
  ASSIGN_OR_RETURN(std::unique_ptr<llvm::Module> module, ParseModule(text, context, *machine));
  RETURN_IF_ERROR(RunPasses(*module, *machine, options.passes));
  ASSIGN_OR_RETURN(std::string object, EmitCode(*module, *machine, options.assembly));
  if (!problem.empty()) return InvalidArgument("llvm: ", problem);
  return object;
}

void SetLlvmFatalHandler(void (*handler)(bool out_of_memory, const char* message)) {
  fatal_handler = handler;
  llvm::install_fatal_error_handler(
      [](void*, const char* message, bool) { fatal_handler(false, message); });
  llvm::install_bad_alloc_error_handler(
      [](void*, const char* message, bool) { fatal_handler(true, message); });
  std::set_new_handler([] { fatal_handler(true, "operator new"); });
}

}  // namespace tensord::codegen
