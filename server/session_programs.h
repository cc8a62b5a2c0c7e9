// The Programs of one session: by digest and by slot, awaited ones included.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "engine/base/sha256.h"
#include "server/program.h"
#include "server/session_env.h"

namespace tensord::server {

// What a session knows of a Program. Exactly one of: it is there, it failed, it is awaited.
struct SessionProgram {
  base::Digest digest;
  ProgramRef program;
  runtime::ExecutableRef executable;  // once it is compiled
  absl::Status failure;
  uint64_t outputs = 1;  // of one that failed: ids that an Execute of it defines
  uint64_t upload = 0;   // awaited as this upload
  bool asked = false;    // NeedProgram was sent
  absl::flat_hash_set<std::string> told_copied;  // causes of Donated replies

  bool awaited() const { return program == nullptr && failure.ok(); }
};
using SessionProgramRef = std::shared_ptr<SessionProgram>;

// Lives on the session's strand.
class SessionPrograms {
 public:
  explicit SessionPrograms(const SessionEnv& env) : env_(env) {}
  // Whose work compiling is, before the first Fill.
  void SetLane(runtime::LaneRef lane) { lane_ = std::move(lane); }

  // What an item names; nullptr when the session has no such Program.
  SessionProgramRef FindSlot(uint32_t slot) const;
  SessionProgramRef FindDigest(const base::Digest& digest) const;
  SessionProgramRef FindUpload(uint64_t upload) const;

  // The Program of this digest, new ones as awaited, or as the daemon has it from another session.
  // RESOURCE_EXHAUSTED over max_programs.
  absl::StatusOr<SessionProgramRef> FindOrAdd(const base::Digest& digest);
  void SetSlot(uint32_t slot, const SessionProgramRef& program);
  // Fills an awaited one from the bytes of its body; what is wrong with them becomes its failure.
  void Fill(SessionProgram& program, std::string_view body);

  bool ReleaseSlot(uint32_t slot);
  bool ReleaseDigest(const base::Digest& digest);

 private:
  absl::Status TryFill(SessionProgram& program, std::string_view body);

  const SessionEnv& env_;
  runtime::LaneRef lane_;
  absl::flat_hash_map<base::Digest, SessionProgramRef, base::DigestHash> programs_;
  absl::flat_hash_map<uint32_t, SessionProgramRef> slots_;
};

// A digest field, which must have 32 bytes.
absl::StatusOr<base::Digest> ToDigest(const std::string& bytes);

}  // namespace tensord::server
