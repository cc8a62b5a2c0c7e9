#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include <string_view>

#include "engine/base/log.h"

namespace tensord::server {
namespace {

base::LogLevel LevelOf(const gpr_log_func_args& line, std::string_view file) {
  if (file.find("security") != file.npos) return base::LogLevel::kInfo;
  switch (line.severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return base::LogLevel::kDebug;
    case GPR_LOG_SEVERITY_INFO:
      return base::LogLevel::kInfo;
    default:
      return base::LogLevel::kWarning;
  }
}

void LogLine(gpr_log_func_args* line) {
  std::string_view file(line->file);
  file = file.substr(file.rfind('/') + 1);
  TENSORD_LOG(LevelOf(*line, file), "grpc", {"said", line->message}, {"file", file},
              {"line", line->line});
}

}  // namespace

void TakeOverGrpcLog() { gpr_set_log_function(LogLine); }

}  // namespace tensord::server
