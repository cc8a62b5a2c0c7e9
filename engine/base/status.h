// Errors at the doors: absl::Status with two macros, and short makers for the codes tensord uses.
//
//   ASSIGN_OR_RETURN(Type type, InferType(row, inputs));
//   RETURN_IF_ERROR(CheckRank(type));
//   return InvalidArgument("matmul: inner extents differ: ", k0, " and ", k1, "; transpose one
//   operand");
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/strings.h"

namespace tensord {

template <typename... Args>
absl::Status InvalidArgument(const Args&... args) {
  return absl::InvalidArgumentError(StrCat(args...));
}
template <typename... Args>
absl::Status NotFound(const Args&... args) {
  return absl::NotFoundError(StrCat(args...));
}
template <typename... Args>
absl::Status FailedPrecondition(const Args&... args) {
  return absl::FailedPreconditionError(StrCat(args...));
}
template <typename... Args>
absl::Status ResourceExhausted(const Args&... args) {
  return absl::ResourceExhaustedError(StrCat(args...));
}
template <typename... Args>
absl::Status Unimplemented(const Args&... args) {
  return absl::UnimplementedError(StrCat(args...));
}
template <typename... Args>
absl::Status Internal(const Args&... args) {
  return absl::InternalError(StrCat(args...));
}

// The same code with `prefix` before the message.
inline absl::Status Annotate(const absl::Status& status, std::string_view prefix) {
  return status.ok() ? status
                     : absl::Status(status.code(), StrCat(prefix, FromAbsl(status.message())));
}

}  // namespace tensord

#define RETURN_IF_ERROR(expr)                           \
  do {                                                  \
    if (absl::Status status_ = (expr); !status_.ok()) { \
      return status_;                                   \
    }                                                   \
  } while (false)

#define TENSORD_CONCAT_INNER(a, b) a##b
#define TENSORD_CONCAT(a, b) TENSORD_CONCAT_INNER(a, b)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr)    \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = *std::move(tmp)
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(TENSORD_CONCAT(status_or_, __COUNTER__), lhs, expr)
