#include "server/telemetry/recorder.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/strings.h"

namespace tensord::server::telemetry {
namespace {

SpanData ChildOf(const TraceContext& parent, std::string_view name, absl::Time start,
                 absl::Time end) {
  SpanData span;
  span.context = parent;
  span.context.span = NewSpanId();
  span.parent = parent.span;
  span.name = name;
  span.start = start;
  span.end = end;
  return span;
}

// What a command did, in all.
struct Work {
  int64_t kernels = 0, bytes = 0;
};

// Looks at the whole plan: for commands that somebody asks about.
Work WorkOf(const CommandRecord& record) {
  Work work{0, record.bytes};
  if (record.executable == nullptr) return work;
  const runtime::Plan& plan = runtime::PlanOf(*record.executable);
  work.kernels = std::count_if(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
    return step.kind == runtime::PlanStep::kLaunch;
  });
  for (const runtime::PlanValue& value : plan.values) {
    if (value.home != runtime::Home::kArena) work.bytes += value.bytes;
  }
  return work;
}

}  // namespace

// The ends of a command's stages, in order.
struct Recorder::Stages {
  Stages(const CommandRecord& record, absl::Time now)
      : received(record.frame->received),
        planned(std::clamp(record.planned, received, std::max(received, now))),
        started(std::clamp(record.started, planned, std::max(planned, now))),
        ended(std::max(started, now)) {}

  absl::Duration compile() const { return planned - received; }
  absl::Duration queued() const { return started - planned; }
  absl::Duration run() const { return ended - started; }
  absl::Duration total() const { return ended - received; }

  const absl::Time received, planned, started, ended;
};

std::string ProgramLabel(const base::Digest& digest) { return base::ToHex(digest).substr(0, 16); }

void Recorder::CommandEnded(const CommandRecord& record, absl::Time now,
                            const absl::Status& status) const {
  if (record.frame == nullptr) return;
  const Stages stages(record, now);
  if (record.program.has_value() && status.ok()) Observe(record, stages);
  const int64_t slow_ns = slow_ns_.load(std::memory_order_relaxed);
  if (slow_ns > 0 && stages.total() >= absl::Nanoseconds(slow_ns)) {
    const base::ScopedLogTrace trace(record.frame->trace.trace_hex());
    const Work work = WorkOf(record);
    const auto us = [](absl::Duration time) { return absl::ToInt64Microseconds(time); };
    LOG_WARNING("slow command", {"op", record.op}, {"session", record.frame->session->label},
                {"principal", record.frame->session->principal},
                {"program", record.program ? ProgramLabel(*record.program) : ""},
                {"total_us", us(stages.total())}, {"compile_us", us(stages.compile())},
                {"queued_us", us(stages.queued())}, {"run_us", us(stages.run())},
                {"plan_hit", record.plan_hit}, {"kernels", work.kernels}, {"bytes", work.bytes},
                {"code", absl::StatusCodeToString(status.code())});
  }
  if (export_ && record.frame->trace.sampled()) ExportCommand(record, stages, status);
}

void Recorder::Observe(const CommandRecord& record, const Stages& stages) const {
  const std::string program = ProgramLabel(*record.program);
  metrics_.Observe(HistogramMetric::execute_seconds, program, stages.total());
  metrics_.Observe(HistogramMetric::execute_compile_seconds, program, stages.compile());
  metrics_.Observe(HistogramMetric::execute_queued_seconds, program, stages.queued());
  metrics_.Observe(HistogramMetric::execute_run_seconds, program, stages.run());
}

void Recorder::ExportCommand(const CommandRecord& record, const Stages& stages,
                             const absl::Status& status) const {
  const Work work = WorkOf(record);
  SpanData span = ChildOf(record.frame->trace, record.op, stages.received, stages.ended);
  span.status = status;
  if (record.op != "Fetch") {
    if (record.program)
      span.attributes.emplace_back("tensord.program", base::ToHex(*record.program));
    span.attributes.emplace_back("tensord.plan_hit", record.plan_hit);
    span.attributes.emplace_back("tensord.kernels", work.kernels);
    export_(ChildOf(span.context, "compile", stages.received, stages.planned));
  }
  span.attributes.emplace_back("tensord.bytes", work.bytes);
  export_(ChildOf(span.context, "queued", stages.planned, stages.started));
  if (record.started < stages.ended || status.ok()) {
    export_(ChildOf(span.context, "run", stages.started, stages.ended));
  }
  export_(std::move(span));
}

void Recorder::FrameApplied(const FrameContext& frame, absl::Time now, int items,
                            size_t bytes) const {
  if (!export_ || !frame.trace.sampled()) return;
  SpanData span;
  span.context = frame.trace;
  span.parent = frame.parent;
  span.name = "frame";
  span.server = true;
  span.start = frame.received;
  span.end = std::max(frame.received, now);
  span.attributes = {{"tensord.session", frame.session->label},
                     {"tensord.principal", frame.session->principal},
                     {"tensord.items", int64_t{items}},
                     {"tensord.bytes", static_cast<int64_t>(bytes)}};
  export_(std::move(span));
}

}  // namespace tensord::server::telemetry
