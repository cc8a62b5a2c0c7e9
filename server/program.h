// Programs: bodies that clients send once and execute often.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/base/sha256.h"
#include "engine/runtime/engine.h"
#include "server/node_decoder.h"
#include "tensord/v1/graph.pb.h"

namespace tensord::server {

// The function that a body describes. Errors say which item and node, with their reason.
struct BodyOptions {
  int devices = 1;
  int64_t max_nodes = 1'000'000;
};
using FindProgram = absl::FunctionRef<ir::FunctionRef(const std::string& digest)>;
absl::StatusOr<std::shared_ptr<const ir::Function>> BuildBody(const v1::ProgramBody& body,
                                                              const BodyOptions& options,
                                                              FindProgram find_program);

// Immutable, but for its executable, which arrives when it is compiled. Thread-safe.
class Program {
 public:
  using Then = absl::AnyInvocable<void(absl::StatusOr<runtime::ExecutableRef>) &&>;

  // Starts to compile it, as work of the lane.
  static absl::StatusOr<std::shared_ptr<Program>> Make(const v1::ProgramBody& body,
                                                       const BodyOptions& options,
                                                       FindProgram find_program,
                                                       runtime::Engine& engine,
                                                       const runtime::LaneRef& lane);

  const ir::Function& function() const { return *function_; }
  const std::shared_ptr<const ir::Function>& function_ref() const { return function_; }
  const types::Type& input(size_t i) const { return function_->parameters[i]->type(); }
  const types::Type& output(size_t i) const { return function_->results[i]->type(); }
  size_t inputs() const { return function_->parameters.size(); }
  size_t outputs() const { return function_->results.size(); }
  bool donate_required() const { return donate_required_; }
  const std::string& label() const { return label_; }

  // Calls `then` with the executable, or with why there is none: at once, or when it is known, on
  // any thread.
  void WhenReady(Then then);

 private:
  Program() = default;
  void OnPrepared(const absl::StatusOr<runtime::ExecutableRef>& executable);

  std::shared_ptr<const ir::Function> function_;
  bool donate_required_ = false;
  std::string label_;
  Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  absl::StatusOr<runtime::ExecutableRef> executable_ ABSL_GUARDED_BY(mutex_);
  std::vector<Then> waiting_ ABSL_GUARDED_BY(mutex_);
};
using ProgramRef = std::shared_ptr<Program>;

// The Programs that some session holds, by digest. Thread-safe.
class ProgramStore {
 public:
  ProgramRef Find(const base::Digest& digest);
  void Insert(const base::Digest& digest, const ProgramRef& program);

 private:
  Mutex mutex_;
  absl::flat_hash_map<base::Digest, std::weak_ptr<Program>, base::DigestHash> programs_
      ABSL_GUARDED_BY(mutex_);
  size_t prune_at_ ABSL_GUARDED_BY(mutex_) = 64;
};

}  // namespace tensord::server
