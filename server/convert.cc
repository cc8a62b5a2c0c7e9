#include "server/convert.h"

#include "engine/runtime/fault.h"

namespace tensord::server {

using absl::StatusCode;
using runtime::Fault;

absl::StatusOr<types::DType> ToDType(int number) {
  if (const auto dtype = types::DTypeFromNumber(number)) return *dtype;
  if (number == 0) return Fault(StatusCode::kInvalidArgument, "DTYPE", "the dtype is not said");
  return Fault(StatusCode::kUnimplemented, "DTYPE", "dtype number ", number, " is not known");
}

namespace {

constexpr size_t kMaxExpression = 256;

absl::StatusOr<types::Sym> ToSym(const v1::Dim& dim, const runtime::VariableBounds& bounds) {
  if (dim.d_case() == v1::Dim::kSize) {
    if (dim.size() <= static_cast<uint64_t>(types::kMaxElements)) {
      return types::Sym(static_cast<int64_t>(dim.size()));
    }
    return Fault(StatusCode::kInvalidArgument, "OVERFLOW", "dimension of ", dim.size(),
                 ", at most 2^46");
  }
  if (dim.d_case() != v1::Dim::kExpr) {
    return Fault(StatusCode::kUnimplemented, "SHAPE", "a dimension of a kind that is not known");
  }
  if (dim.expr().size() > kMaxExpression) {
    return Fault(StatusCode::kInvalidArgument, "SHAPE", "an expression of ", dim.expr().size(),
                 " bytes, at most ", kMaxExpression);
  }
  if (dim.expr().find('#') != std::string::npos) {
    return Fault(StatusCode::kUnimplemented, "SHAPE", "dimension \"", dim.expr(),
                 "\": sizes that a value holds are not supported");
  }
  absl::StatusOr<types::Sym> sym = types::ParseSym(dim.expr(), bounds);
  if (!sym.ok()) return runtime::WithReason(sym.status(), "SHAPE");
  if (sym->Complexity() <= types::Sym::kMaxComplexity) return sym;
  return Fault(StatusCode::kInvalidArgument, "SHAPE", "dimension \"", dim.expr(),
               "\" is too complex");
}

}  // namespace

absl::StatusOr<types::Dims> ToDims(const v1::Dims& dims, const runtime::VariableBounds& bounds) {
  types::Dims out;
  if (dims.sizes_size() > 0 && dims.dims_size() > 0) {
    return Fault(StatusCode::kInvalidArgument, "SHAPE", "both sizes and dims are given");
  }
  const int rank = dims.sizes_size() + dims.dims_size();
  if (rank > types::kMaxRank) {
    return Fault(StatusCode::kInvalidArgument, "SHAPE", "rank ", rank, ", at most ",
                 types::kMaxRank);
  }
  for (uint64_t size : dims.sizes()) {
    if (size > static_cast<uint64_t>(types::kMaxElements)) {
      return Fault(StatusCode::kInvalidArgument, "OVERFLOW", "dimension of ", size,
                   ", at most 2^46");
    }
    out.push_back(static_cast<int64_t>(size));
  }
  for (const v1::Dim& dim : dims.dims()) {
    ASSIGN_OR_RETURN(types::Sym sym, ToSym(dim, bounds));
    out.push_back(std::move(sym));
  }
  return out;
}

absl::StatusOr<types::Type> ToType(const v1::TensorType& type,
                                   const runtime::VariableBounds& bounds, int devices) {
  types::Type out;
  ASSIGN_OR_RETURN(out.dtype, ToDType(type.dtype()));
  if (types::IsWeak(out.dtype)) {
    return Fault(StatusCode::kInvalidArgument, "DTYPE", types::Name(out.dtype),
                 " is for constants; a value that is stored has another dtype");
  }
  ASSIGN_OR_RETURN(out.dims, ToDims(type.dims(), bounds));
  if (absl::Status status = types::CheckDims(out.dims); !status.ok()) {
    return runtime::WithReason(status, "OVERFLOW");
  }
  if (type.device() > static_cast<uint32_t>(devices)) {
    return Fault(StatusCode::kNotFound, "DEVICE", "device ", type.device(), "; there are ",
                 devices);
  }
  if (type.device() > 0) out.placement.device = static_cast<uint16_t>(type.device() - 1);
  return out;
}

void FromType(const types::Type& type, v1::TensorType* out) {
  out->set_dtype(static_cast<v1::DType>(type.dtype));
  out->set_device(type.placement.device + 1u);
  if (type.dims.empty()) return;
  v1::Dims& dims = *out->mutable_dims();
  for (const types::Sym& dim : type.dims) {
    if (type.is_static()) {
      dims.add_sizes(static_cast<uint64_t>(dim.constant()));
    } else if (dim.is_constant()) {
      dims.add_dims()->set_size(static_cast<uint64_t>(dim.constant()));
    } else {
      dims.add_dims()->set_expr(dim.ToString());
    }
  }
}

v1::Device FromDevice(const runtime::DeviceInfo& info, int index, bool with_use) {
  v1::Device out;
  out.set_number(static_cast<uint32_t>(index + 1));
  out.set_name(info.name);
  out.set_description(info.name);
  out.set_memory_bytes(static_cast<uint64_t>(info.memory_limit));
  if (with_use) out.set_memory_used(static_cast<uint64_t>(info.memory_used));
  out.set_threads(static_cast<uint32_t>(info.capabilities.threads));
  for (const types::DTypeRow& row : types::AllDTypes()) {
    out.add_dtypes(static_cast<v1::DType>(row.dtype));
  }
  out.set_healthy(true);
  out.set_is_default(index == 0);
  return out;
}

absl::Status CheckBytes(const types::Type& type, std::string_view bytes) {
  const auto want = static_cast<uint64_t>(type.max_bytes());
  if (bytes.size() != want) {
    return Fault(StatusCode::kInvalidArgument, bytes.size() < want ? "TRUNCATED" : "TYPE_MISMATCH",
                 type.ToString(), " has ", want, " bytes, ", bytes.size(), " were given");
  }
  if (type.dtype == types::DType::kBool) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (static_cast<uint8_t>(bytes[i]) <= 1) continue;
      return Fault(StatusCode::kInvalidArgument, "DTYPE", type.ToString(), ": byte ", i, " is ",
                   static_cast<int>(static_cast<uint8_t>(bytes[i])), ", a bool is 0 or 1");
    }
  }
  return absl::OkStatus();
}

}  // namespace tensord::server
