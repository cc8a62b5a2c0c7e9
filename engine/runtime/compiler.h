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

  // Blocks. Thread-safe. `owner`: whose entries of the caches become what is made (CacheOrder).
  absl::StatusOr<ExecutableRef> Prepare(const ir::Function& function, uint64_t owner);
  // What Prepare would answer at once, else nullptr. `key` is KeyOf(function).
  ExecutableRef Find(const std::string& key, uint64_t owner);
  std::string KeyOf(const ir::Function& function) const;

 private:
  using Executables = SingleFlight<Executable>;
  using Programs = SingleFlight<device::Program>;
  struct SizedPlan {
    Plan plan;
    int64_t bytes;  // serialized
  };

  absl::StatusOr<Executables::Made> Make(const ir::Function& function, const std::string& key,
                                         uint64_t owner);
  absl::StatusOr<SizedPlan> FindOrMakePlan(const ir::Function& function, const std::string& key,
                                           uint64_t owner);
  absl::StatusOr<Plan> MakePlan(const ir::Function& function);
  absl::Status LoadPrograms(Executable& executable, uint64_t owner);
  absl::StatusOr<Programs::Ref> LoadProgram(const PlanKernel& kernel, device::Device& device,
                                            uint64_t owner);
  absl::StatusOr<Programs::Made> CompileProgram(const PlanKernel& kernel, const std::string& key,
                                                device::Device& device, uint64_t owner);
  void Store(std::string_view kind, const std::string& key, std::string_view payload,
             uint64_t owner);

  const EngineOptions options_;
  const std::vector<device::Device*> devices_;
  const DiskCache disk_;
  Counters& counters_;
  Executables executables_;
  Programs programs_;
  base::TaskPool pool_;
};

}  // namespace tensord::runtime
