// LLVM IR text to an object file, with the LLVM library in this process.
//
// LLVM can abort or loop on text that its own verifier accepts: the device calls this in worker
// processes only (device/llvm/worker.h). One of the two files that include LLVM's headers.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tensord::codegen {

struct LlvmTarget {
  std::string triple;    // "x86_64-pc-linux-gnu"
  std::string cpu;       // "znver4"
  std::string features;  // "+avx2,+fma"
};

// This processor, found once. Aborts never; thread-safe.
const LlvmTarget& HostTarget();

std::string LlvmVersion();  // "19.1.7"

struct CompileOptions {
  // A pass pipeline as `opt -passes=` writes it; README.md says how the default was chosen.
  std::string passes = std::string(kDefaultPasses);
  int level = 2;          // of the code generator: 0 to 3
  bool assembly = false;  // text instead of an object, for people

  static constexpr std::string_view kDefaultPasses =
      "function(sroa,early-cse,instcombine<no-verify-fixpoint>,loop-mssa(licm))";
};

// The object file. INVALID_ARGUMENT quotes what LLVM's parser or verifier says. Not to be called on
// two threads at once.
absl::StatusOr<std::string> CompileLlvm(std::string_view text, const LlvmTarget& target,
                                        const CompileOptions& options = {});

// What happens instead of an abort when LLVM meets a fatal error or runs out of memory: `handler`
// gets the message and must not return.
void SetLlvmFatalHandler(void (*handler)(bool out_of_memory, const char* message));

}  // namespace tensord::codegen
