// Functions to executables: the stages in order, each behind its cache.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/thread_pool.h"
#include "engine/runtime/counters.h"
#include "engine/runtime/disk_cache.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/single_flight.h"

namespace tensord::runtime {

class Executable {
 public:
  Plan plan;
  // By kernel of the plan and device index.
  std::vector<std::vector<std::shared_ptr<const device::Program>>> programs;
};

class Compiler {
 public:
  // `devices` outlive the compiler.
  Compiler(const EngineOptions& options, std::vector<device::Device*> devices, DiskCache disk,
           Counters& counters);

  // Blocks. Thread-safe.
  absl::StatusOr<ExecutableRef> Prepare(const ir::Function& function);
  // What Prepare would answer at once, else nullptr. `key` is KeyOf(function).
  ExecutableRef Find(const std::string& key);
  std::string KeyOf(const ir::Function& function) const;

 private:
  absl::StatusOr<ExecutableRef> Make(const ir::Function& function, const std::string& key);
  absl::StatusOr<Plan> FindOrMakePlan(const ir::Function& function, const std::string& key);
  absl::StatusOr<Plan> MakePlan(const ir::Function& function);
  absl::Status LoadPrograms(Executable& executable);
  absl::StatusOr<std::shared_ptr<const device::Program>> LoadProgram(const PlanKernel& kernel,
                                                                     device::Device& device);
  absl::StatusOr<std::shared_ptr<const device::Program>> CompileProgram(const PlanKernel& kernel,
                                                                        const std::string& key,
                                                                        device::Device& device);

  const EngineOptions options_;
  const std::vector<device::Device*> devices_;
  const DiskCache disk_;
  Counters& counters_;
  SingleFlight<Executable> executables_;
  SingleFlight<device::Program> programs_;
  base::TaskPool pool_;
};

}  // namespace tensord::runtime
