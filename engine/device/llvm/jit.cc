#include "engine/device/llvm/jit.h"

#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ExecutorProcessControl.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace tensord::device::llvm {
namespace {

namespace orc = ::llvm::orc;

absl::Status FromLlvm(::llvm::Error error, std::string_view what) {
  if (!error) return absl::OkStatus();
  return InvalidArgument(StrCat("llvm: ", what, ": "), ::llvm::toString(std::move(error)));
}

struct LibraryFunction {
  const char* name;
  void* address;
};

#define TENSORD_MATH1(name)                                                      \
  {#name, reinterpret_cast<void*>(static_cast<double (*)(double)>(::name))}, {   \
    #name "f", reinterpret_cast<void*>(static_cast<float (*)(float)>(::name##f)) \
  }
#define TENSORD_MATH2(name)                                                             \
  {#name, reinterpret_cast<void*>(static_cast<double (*)(double, double)>(::name))}, {  \
    #name "f", reinterpret_cast<void*>(static_cast<float (*)(float, float)>(::name##f)) \
  }
#define TENSORD_MATH3(name)                                                                    \
  {#name, reinterpret_cast<void*>(static_cast<double (*)(double, double, double)>(::name))}, { \
    #name "f", reinterpret_cast<void*>(static_cast<float (*)(float, float, float)>(::name##f)) \
  }

// What codegen/llvm_alu.cc and LLVM's code generator may call.
const LibraryFunction kLibrary[] = {
    TENSORD_MATH1(exp),
    TENSORD_MATH1(exp2),
    TENSORD_MATH1(expm1),
    TENSORD_MATH1(log),
    TENSORD_MATH1(log2),
    TENSORD_MATH1(log10),
    TENSORD_MATH1(log1p),
    TENSORD_MATH1(sin),
    TENSORD_MATH1(cos),
    TENSORD_MATH1(tan),
    TENSORD_MATH1(asin),
    TENSORD_MATH1(acos),
    TENSORD_MATH1(atan),
    TENSORD_MATH1(sinh),
    TENSORD_MATH1(cosh),
    TENSORD_MATH1(tanh),
    TENSORD_MATH1(asinh),
    TENSORD_MATH1(acosh),
    TENSORD_MATH1(atanh),
    TENSORD_MATH1(erf),
    TENSORD_MATH1(erfc),
    TENSORD_MATH1(floor),
    TENSORD_MATH1(ceil),
    TENSORD_MATH1(trunc),
    TENSORD_MATH1(sqrt),
    TENSORD_MATH2(pow),
    TENSORD_MATH2(atan2),
    TENSORD_MATH2(fmod),
    TENSORD_MATH3(fma),
    {"memcpy", reinterpret_cast<void*>(static_cast<void* (*)(void*, const void*, size_t)>(memcpy))},
    {"memmove",
     reinterpret_cast<void*>(static_cast<void* (*)(void*, const void*, size_t)>(memmove))},
    {"memset", reinterpret_cast<void*>(static_cast<void* (*)(void*, int, size_t)>(memset))},
};

#undef TENSORD_MATH1
#undef TENSORD_MATH2
#undef TENSORD_MATH3

class OrcJit : public Jit, public std::enable_shared_from_this<OrcJit> {
 public:
  static absl::StatusOr<std::shared_ptr<Jit>> Make();
  ~OrcJit() override {
    if (::llvm::Error error = session_.endSession()) ::llvm::consumeError(std::move(error));
  }

  absl::StatusOr<std::unique_ptr<LoadedCode>> Load(std::string_view object,
                                                   const std::string& symbol) override;
  void Unload(orc::JITDylib& library);

 private:
  OrcJit(std::unique_ptr<orc::ExecutorProcessControl> control,
         std::unique_ptr<::llvm::jitlink::JITLinkMemoryManager> memory)
      : session_(std::move(control)), memory_(std::move(memory)), linker_(session_, *memory_) {
    // Errors come back from lookup as well.
    session_.setErrorReporter([](::llvm::Error error) { ::llvm::consumeError(std::move(error)); });
  }
  absl::Status DefineLibrary();

  std::mutex mutex_;
  orc::ExecutionSession session_;
  std::unique_ptr<::llvm::jitlink::JITLinkMemoryManager> memory_;
  orc::ObjectLinkingLayer linker_;
  orc::JITDylib* library_ = nullptr;
  int64_t loaded_ = 0;
};

class OrcCode : public LoadedCode {
 public:
  OrcCode(std::shared_ptr<OrcJit> jit, orc::JITDylib& library, const void* entry)
      : jit_(std::move(jit)), library_(library), entry_(entry) {}
  ~OrcCode() override { jit_->Unload(library_); }
  const void* entry() const override { return entry_; }

 private:
  std::shared_ptr<OrcJit> jit_;
  orc::JITDylib& library_;
  const void* entry_;
};

absl::StatusOr<std::shared_ptr<Jit>> OrcJit::Make() {
  auto control = orc::SelfExecutorProcessControl::Create();
  if (!control) return FromLlvm(control.takeError(), "starting the loader");
  auto memory = ::llvm::jitlink::InProcessMemoryManager::Create();
  if (!memory) return FromLlvm(memory.takeError(), "starting the loader");
  std::shared_ptr<OrcJit> jit(new OrcJit(std::move(*control), std::move(*memory)));
  RETURN_IF_ERROR(jit->DefineLibrary());
  return jit;
}

absl::Status OrcJit::DefineLibrary() {
  library_ = &session_.createBareJITDylib("library");
  orc::SymbolMap symbols;
  for (const LibraryFunction& function : kLibrary) {
    symbols[session_.intern(function.name)] = {orc::ExecutorAddr::fromPtr(function.address),
                                               ::llvm::JITSymbolFlags::Exported};
  }
  return FromLlvm(library_->define(orc::absoluteSymbols(std::move(symbols))), "library");
}

absl::StatusOr<std::unique_ptr<LoadedCode>> OrcJit::Load(std::string_view object,
                                                         const std::string& symbol) {
  std::lock_guard lock(mutex_);
  orc::JITDylib& library = session_.createBareJITDylib(StrCat("kernel", loaded_++));
  library.addToLinkOrder(*library_);
  auto buffer = ::llvm::MemoryBuffer::getMemBufferCopy({object.data(), object.size()}, "kernel");
  absl::Status status = FromLlvm(linker_.add(library, std::move(buffer)), "loading");
  if (status.ok()) {
    auto found = session_.lookup({&library}, session_.intern(symbol));
    if (found) {
      return std::make_unique<OrcCode>(shared_from_this(), library,
                                       found->getAddress().toPtr<const void*>());
    }
    status = FromLlvm(found.takeError(), "linking");
  }
  if (::llvm::Error error = session_.removeJITDylib(library)) {
    ::llvm::consumeError(std::move(error));
  }
  return status;
}

void OrcJit::Unload(orc::JITDylib& library) {
  std::lock_guard lock(mutex_);
  if (::llvm::Error error = session_.removeJITDylib(library)) {
    ::llvm::consumeError(std::move(error));
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<Jit>> Jit::Create() { return OrcJit::Make(); }

}  // namespace tensord::device::llvm
