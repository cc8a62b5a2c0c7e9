// Spans as the message that a collector takes.
#pragma once

#include <span>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "server/telemetry/span_data.h"

namespace tensord::server::telemetry {

opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest ToOtlp(
    std::span<const SpanData> spans);

}  // namespace tensord::server::telemetry
