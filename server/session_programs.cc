#include "server/session_programs.h"

#include <cstring>

#include "engine/runtime/fault.h"

namespace tensord::server {

using absl::StatusCode;
using runtime::Fault;

absl::StatusOr<base::Digest> ToDigest(const std::string& bytes) {
  base::Digest digest;
  if (bytes.size() != digest.size()) {
    return Fault(StatusCode::kInvalidArgument, "DIGEST", "a digest of ", bytes.size(),
                 " bytes, a SHA-256 has 32");
  }
  std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

SessionProgramRef SessionPrograms::FindSlot(uint32_t slot) const {
  const auto it = slots_.find(slot);
  return it == slots_.end() ? nullptr : it->second;
}

SessionProgramRef SessionPrograms::FindDigest(const base::Digest& digest) const {
  const auto it = programs_.find(digest);
  return it == programs_.end() ? nullptr : it->second;
}

SessionProgramRef SessionPrograms::FindUpload(uint64_t upload) const {
  for (const auto& [digest, program] : programs_) {
    if (program->awaited() && program->upload == upload) return program;
  }
  return nullptr;
}

absl::StatusOr<SessionProgramRef> SessionPrograms::FindOrAdd(const base::Digest& digest) {
  if (SessionProgramRef found = FindDigest(digest)) return found;
  const uint64_t max = env_.limits.max_programs();
  if (max > 0 && programs_.size() >= max) {
    return runtime::OverLimit("max_programs", programs_.size() + 1, max, "Programs of the session");
  }
  auto program = std::make_shared<SessionProgram>();
  program->digest = digest;
  program->program = env_.programs.Find(digest);
  programs_[digest] = program;
  return program;
}

void SessionPrograms::SetSlot(uint32_t slot, const SessionProgramRef& program) {
  if (slot != 0) slots_[slot] = program;
}

void SessionPrograms::Fill(SessionProgram& program, std::string_view body) {
  program.failure = TryFill(program, body);
  program.upload = 0;
}

absl::Status SessionPrograms::TryFill(SessionProgram& program, std::string_view body) {
  if (base::Sha256(body) != program.digest) {
    return Fault(StatusCode::kInvalidArgument, "DIGEST",
                 "Program: the SHA-256 of the body is not its digest, but ",
                 base::ToHex(base::Sha256(body)));
  }
  if (ProgramRef known = env_.programs.Find(program.digest)) {
    program.program = std::move(known);
    return absl::OkStatus();
  }
  v1::ProgramBody message;
  if (body.size() > INT32_MAX ||
      !message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return Fault(StatusCode::kInvalidArgument, "BODY", "Program: the body is no ProgramBody");
  }
  program.outputs = static_cast<uint64_t>(std::max(message.out_size(), 1));
  const auto find = [&](const std::string& bytes) -> ir::FunctionRef {
    const absl::StatusOr<base::Digest> digest = ToDigest(bytes);
    if (!digest.ok()) return nullptr;
    const SessionProgramRef found = FindDigest(*digest);
    return found == nullptr || found->program == nullptr ? nullptr : found->program->function_ref();
  };
  const BodyOptions options{env_.devices, static_cast<int64_t>(env_.limits.max_program_nodes())};
  ASSIGN_OR_RETURN(program.program, Program::Make(message, options, find, env_.engine, lane_));
  env_.programs.Insert(program.digest, program.program);
  return absl::OkStatus();
}

bool SessionPrograms::ReleaseSlot(uint32_t slot) {
  const auto it = slots_.find(slot);
  if (it == slots_.end()) return false;
  const SessionProgramRef program = it->second;
  return ReleaseDigest(program->digest);
}

bool SessionPrograms::ReleaseDigest(const base::Digest& digest) {
  absl::erase_if(slots_, [&](const auto& entry) { return entry.second->digest == digest; });
  return programs_.erase(digest) > 0;
}

}  // namespace tensord::server
