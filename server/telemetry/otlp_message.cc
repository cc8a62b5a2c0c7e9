#include "server/telemetry/otlp_message.h"

#include <unistd.h>

#include <string>

#include "engine/base/strings.h"

namespace tensord::server::telemetry {
namespace {

namespace otlp = opentelemetry::proto;

template <size_t N>
std::string BytesOf(const std::array<uint8_t, N>& id) {
  return {id.begin(), id.end()};
}

uint64_t NanosOf(absl::Time time) { return static_cast<uint64_t>(absl::ToUnixNanos(time)); }

void Fill(std::string_view key, const SpanData::Value& value, otlp::common::v1::KeyValue* out) {
  out->set_key(std::string(key));
  otlp::common::v1::AnyValue& any = *out->mutable_value();
  if (const auto* flag = std::get_if<bool>(&value)) any.set_bool_value(*flag);
  if (const auto* number = std::get_if<int64_t>(&value)) any.set_int_value(*number);
  if (const auto* text = std::get_if<std::string>(&value)) any.set_string_value(*text);
}

void FillResource(otlp::resource::v1::Resource* out) {
  char host[256] = "unknown";
  gethostname(host, sizeof(host) - 1);
  Fill("service.name", std::string("tensord"), out->add_attributes());
  Fill("service.version", std::string(TENSORD_VERSION), out->add_attributes());
  Fill("service.instance.id", StrCat(host, ":", getpid()), out->add_attributes());
}

void FillSpan(const SpanData& span, otlp::trace::v1::Span* out) {
  out->set_trace_id(BytesOf(span.context.trace));
  out->set_span_id(BytesOf(span.context.span));
  if (span.parent != SpanId{}) out->set_parent_span_id(BytesOf(span.parent));
  out->set_name(std::string(span.name));
  out->set_kind(span.server ? otlp::trace::v1::Span::SPAN_KIND_SERVER
                            : otlp::trace::v1::Span::SPAN_KIND_INTERNAL);
  out->set_start_time_unix_nano(NanosOf(span.start));
  out->set_end_time_unix_nano(NanosOf(span.end));
  out->set_flags(span.context.flags);
  for (const auto& [key, value] : span.attributes) Fill(key, value, out->add_attributes());
  if (span.status.ok()) return;
  out->mutable_status()->set_code(otlp::trace::v1::Status::STATUS_CODE_ERROR);
  out->mutable_status()->set_message(std::string(span.status.message()));
}

}  // namespace

otlp::collector::trace::v1::ExportTraceServiceRequest ToOtlp(std::span<const SpanData> spans) {
  otlp::collector::trace::v1::ExportTraceServiceRequest request;
  otlp::trace::v1::ResourceSpans& group = *request.add_resource_spans();
  FillResource(group.mutable_resource());
  otlp::trace::v1::ScopeSpans& scope = *group.add_scope_spans();
  scope.mutable_scope()->set_name("tensord");
  scope.mutable_scope()->set_version(TENSORD_VERSION);
  for (const SpanData& span : spans) FillSpan(span, scope.add_spans());
  return request;
}

}  // namespace tensord::server::telemetry
