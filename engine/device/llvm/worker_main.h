// What a compile worker process does.
//
// Any program that links the llvm device can be one: started with kWorkerFlag as its first argument
// it serves compiles and exits, before its main is entered. So a test, the daemon and a program
// that embeds the engine all spawn themselves (/proc/self/exe), and there is no second file to
// install, find, or keep at the same version.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tensord::device::llvm {

struct WorkerLimits {
  int64_t memory_bytes = 0;  // 0: none
  int parent = 0;            // the process that it must not outlive
};

// The arguments after the program's name, and back; false for other arguments.
std::vector<std::string> WorkerArguments(const WorkerLimits& limits);
bool ParseWorkerArguments(int argc, char* const* argv, WorkerLimits* limits);

// Serves frames on kWorkerFd until the other end closes.
[[noreturn]] void ServeCompiles(const WorkerLimits& limits);

// Keeps this object file, and with it the check at start-up, in programs that link a static
// library.
void LinkWorkerMain();

}  // namespace tensord::device::llvm
