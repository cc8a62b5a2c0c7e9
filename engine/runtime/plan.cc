#include "engine/runtime/plan.h"

#include <map>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

namespace tensord::runtime {
namespace {

using base::ByteReader;
using base::ByteWriter;
using Bounds = std::map<std::string, std::pair<int64_t, int64_t>>;

constexpr std::string_view kMagic = "TPLN";
constexpr uint32_t kVersion = 2;
constexpr size_t kMaxText = size_t{1} << 28;

void WriteType(ByteWriter& out, const types::Type& type) {
  out.Fixed<uint8_t>(static_cast<uint8_t>(type.dtype));
  out.Fixed<uint16_t>(type.placement.device);
  out.Varint(type.dims.size());
  for (const types::Sym& dim : type.dims) {
    out.Bool(dim.is_constant());
    dim.is_constant() ? out.SignedVarint(dim.constant()) : out.String(dim.ToString());
  }
}

absl::StatusOr<types::Type> ReadType(ByteReader& in, const Bounds& bounds) {
  types::Type type;
  ASSIGN_OR_RETURN(const uint8_t dtype, in.Fixed<uint8_t>());
  const auto known = types::DTypeFromNumber(dtype);
  if (!known.has_value()) return InvalidArgument("plan: unknown dtype ", dtype);
  type.dtype = *known;
  ASSIGN_OR_RETURN(type.placement.device, in.Fixed<uint16_t>());
  ASSIGN_OR_RETURN(const size_t rank, in.Count(1, types::kMaxRank));
  for (size_t i = 0; i < rank; ++i) {
    ASSIGN_OR_RETURN(const bool constant, in.Bool());
    if (constant) {
      ASSIGN_OR_RETURN(const int64_t size, in.SignedVarint());
      type.dims.push_back(size);
    } else {
      ASSIGN_OR_RETURN(const std::string text, in.String(4096));
      ASSIGN_OR_RETURN(types::Sym dim, types::ParseSym(text, bounds));
      type.dims.push_back(std::move(dim));
    }
  }
  return type;
}

void WriteInts(ByteWriter& out, const std::vector<int32_t>& values) {
  out.Varint(values.size());
  for (int32_t value : values) out.Varint(static_cast<uint64_t>(value));
}

// Indices below `limit`.
absl::StatusOr<std::vector<int32_t>> ReadInts(ByteReader& in, size_t limit) {
  ASSIGN_OR_RETURN(const size_t count, in.Count());
  std::vector<int32_t> values(count);
  for (int32_t& value : values) {
    ASSIGN_OR_RETURN(const uint64_t read, in.Varint());
    if (read >= limit) return InvalidArgument("plan: index ", read, " of ", limit);
    value = static_cast<int32_t>(read);
  }
  return values;
}

absl::Status ReadValues(ByteReader& in, Plan& plan) {
  ASSIGN_OR_RETURN(const size_t count, in.Count(4));
  for (size_t i = 0; i < count; ++i) {
    PlanValue value;
    ASSIGN_OR_RETURN(const uint8_t home, in.Fixed<uint8_t>());
    if (home > static_cast<uint8_t>(Home::kArena)) return InvalidArgument("plan: home ", home);
    value.home = static_cast<Home>(home);
    ASSIGN_OR_RETURN(const uint64_t number, in.Varint());
    if (value.home == Home::kParameter && number >= plan.parameters.size()) {
      return InvalidArgument("plan: parameter ", number);
    }
    value.number = static_cast<int32_t>(number);
    ASSIGN_OR_RETURN(value.offset, in.SignedVarint());
    ASSIGN_OR_RETURN(value.bytes, in.SignedVarint());
    ASSIGN_OR_RETURN(value.device, in.Fixed<uint16_t>());
    if (value.offset < 0 || value.bytes < 0) return InvalidArgument("plan: negative size");
    plan.values.push_back(value);
  }
  return absl::OkStatus();
}

absl::Status ReadKernels(ByteReader& in, Plan& plan) {
  ASSIGN_OR_RETURN(const size_t count, in.Count(2));
  for (size_t i = 0; i < count; ++i) {
    PlanKernel kernel;
    ASSIGN_OR_RETURN(kernel.name, in.String(256));
    ASSIGN_OR_RETURN(kernel.text, in.String(kMaxText));
    plan.kernels.push_back(std::move(kernel));
  }
  return absl::OkStatus();
}

absl::Status ReadSteps(ByteReader& in, Plan& plan) {
  ASSIGN_OR_RETURN(const size_t count, in.Count(4));
  for (size_t i = 0; i < count; ++i) {
    PlanStep step;
    ASSIGN_OR_RETURN(const uint8_t kind, in.Fixed<uint8_t>());
    if (kind > PlanStep::kCopy) return InvalidArgument("plan: step kind ", kind);
    step.kind = static_cast<PlanStep::Kind>(kind);
    ASSIGN_OR_RETURN(step.device, in.Fixed<uint16_t>());
    ASSIGN_OR_RETURN(const uint64_t kernel, in.Varint());
    if (step.kind == PlanStep::kLaunch && kernel >= plan.kernels.size()) {
      return InvalidArgument("plan: kernel ", kernel, " of ", plan.kernels.size());
    }
    step.kernel = static_cast<int32_t>(kernel);
    ASSIGN_OR_RETURN(step.values, ReadInts(in, plan.values.size()));
    ASSIGN_OR_RETURN(step.in_place, in.Bool());
    plan.steps.push_back(std::move(step));
  }
  return absl::OkStatus();
}

absl::Status ReadTail(ByteReader& in, const Bounds& bounds, Plan& plan) {
  ASSIGN_OR_RETURN(const size_t results, in.Count(4));
  for (size_t i = 0; i < results; ++i) {
    PlanResult result;
    ASSIGN_OR_RETURN(const uint64_t value, in.Varint());
    if (value >= plan.values.size()) return InvalidArgument("plan: result value ", value);
    result.value = static_cast<int32_t>(value);
    ASSIGN_OR_RETURN(result.type, ReadType(in, bounds));
    plan.results.push_back(std::move(result));
  }
  ASSIGN_OR_RETURN(plan.donated, ReadInts(in, plan.parameters.size()));
  ASSIGN_OR_RETURN(const size_t refusals, in.Count(2));
  for (size_t i = 0; i < refusals; ++i) {
    PlanRefusal refusal;
    ASSIGN_OR_RETURN(const uint64_t parameter, in.Varint());
    if (parameter >= plan.parameters.size()) return InvalidArgument("plan: parameter ", parameter);
    refusal.parameter = static_cast<int32_t>(parameter);
    ASSIGN_OR_RETURN(refusal.why, in.String(256));
    plan.not_donated.push_back(std::move(refusal));
  }
  ASSIGN_OR_RETURN(const size_t arenas, in.Count());
  for (size_t i = 0; i < arenas; ++i) {
    ASSIGN_OR_RETURN(const int64_t bytes, in.SignedVarint());
    plan.arena_bytes.push_back(bytes);
  }
  ASSIGN_OR_RETURN(plan.peak_live_bytes, in.SignedVarint());
  ASSIGN_OR_RETURN(plan.donated_bytes, in.SignedVarint());
  return in.End();
}

absl::StatusOr<Bounds> ReadVariables(ByteReader& in, Plan& plan) {
  Bounds bounds;
  ASSIGN_OR_RETURN(const size_t count, in.Count(3));
  for (size_t i = 0; i < count; ++i) {
    ir::BoundVariable variable;
    ASSIGN_OR_RETURN(variable.name, in.String(256));
    ASSIGN_OR_RETURN(variable.min, in.SignedVarint());
    ASSIGN_OR_RETURN(variable.max, in.SignedVarint());
    if (variable.min > variable.max) return InvalidArgument("plan: bounds of ", variable.name);
    bounds[variable.name] = {variable.min, variable.max};
    plan.variables.push_back(std::move(variable));
  }
  return bounds;
}

void WriteSteps(ByteWriter& out, const Plan& plan) {
  out.Varint(plan.kernels.size());
  for (const PlanKernel& kernel : plan.kernels) {
    out.String(kernel.name);
    out.String(kernel.text);
  }
  out.Varint(plan.steps.size());
  for (const PlanStep& step : plan.steps) {
    out.Fixed<uint8_t>(step.kind);
    out.Fixed<uint16_t>(step.device);
    out.Varint(static_cast<uint64_t>(step.kernel));
    WriteInts(out, step.values);
    out.Bool(step.in_place);
  }
}

}  // namespace

std::string Serialize(const Plan& plan) {
  ByteWriter out;
  out.Header(kMagic, kVersion);
  out.Varint(plan.variables.size());
  for (const ir::BoundVariable& variable : plan.variables) {
    out.String(variable.name);
    out.SignedVarint(variable.min);
    out.SignedVarint(variable.max);
  }
  out.Varint(plan.parameters.size());
  for (const types::Type& type : plan.parameters) WriteType(out, type);
  out.Varint(plan.values.size());
  for (const PlanValue& value : plan.values) {
    out.Fixed<uint8_t>(static_cast<uint8_t>(value.home));
    out.Varint(static_cast<uint64_t>(value.number));
    out.SignedVarint(value.offset);
    out.SignedVarint(value.bytes);
    out.Fixed<uint16_t>(value.device);
  }
  WriteSteps(out, plan);
  out.Varint(plan.results.size());
  for (const PlanResult& result : plan.results) {
    out.Varint(static_cast<uint64_t>(result.value));
    WriteType(out, result.type);
  }
  WriteInts(out, plan.donated);
  out.Varint(plan.not_donated.size());
  for (const PlanRefusal& refusal : plan.not_donated) {
    out.Varint(static_cast<uint64_t>(refusal.parameter));
    out.String(refusal.why);
  }
  out.Varint(plan.arena_bytes.size());
  for (int64_t bytes : plan.arena_bytes) out.SignedVarint(bytes);
  out.SignedVarint(plan.peak_live_bytes);
  out.SignedVarint(plan.donated_bytes);
  return out.Take();
}

absl::StatusOr<Plan> ParsePlan(std::string_view bytes) {
  ByteReader in(bytes);
  RETURN_IF_ERROR(in.Header(kMagic, kVersion));
  Plan plan;
  ASSIGN_OR_RETURN(const Bounds bounds, ReadVariables(in, plan));
  ASSIGN_OR_RETURN(const size_t parameters, in.Count(4));
  for (size_t i = 0; i < parameters; ++i) {
    ASSIGN_OR_RETURN(types::Type type, ReadType(in, bounds));
    plan.parameters.push_back(std::move(type));
  }
  RETURN_IF_ERROR(ReadValues(in, plan));
  RETURN_IF_ERROR(ReadKernels(in, plan));
  RETURN_IF_ERROR(ReadSteps(in, plan));
  RETURN_IF_ERROR(ReadTail(in, bounds, plan));
  return plan;
}

}  // namespace tensord::runtime
