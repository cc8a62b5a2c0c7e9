// While a frame is applied: its context for the commands that it makes, its trace in log lines, and
// its span at the end.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "engine/base/log.h"
#include "server/telemetry/recorder.h"

namespace tensord::server::telemetry {

inline FrameRef MakeFrame(std::shared_ptr<const SessionLabel> session, absl::Time received,
                          std::string_view traceparent = {}) {
  FrameContext frame{std::move(session), received, ParseTraceparent(traceparent)};
  frame.parent = frame.trace.span;
  if (frame.trace.sampled()) frame.trace.span = NewSpanId();
  return std::make_shared<const FrameContext>(std::move(frame));
}

class FrameScope {
 public:
  // `recorder` may be nullptr; it and `now` outlive the scope.
  FrameScope(FrameRef frame, const Recorder* recorder, const std::function<absl::Time()>& now,
             int items, size_t bytes)
      : frame_(std::move(frame)),
        recorder_(recorder),
        now_(now),
        items_(items),
        bytes_(bytes),
        log_(frame_->trace.trace_hex()) {}
  ~FrameScope() {
    if (recorder_ != nullptr && frame_->trace.sampled()) {
      recorder_->FrameApplied(*frame_, now_(), items_, bytes_);
    }
  }
  FrameScope(const FrameScope&) = delete;
  FrameScope& operator=(const FrameScope&) = delete;

 private:
  const FrameRef frame_;
  const Recorder* const recorder_;
  const std::function<absl::Time()>& now_;
  const int items_;
  const size_t bytes_;
  const base::ScopedLogTrace log_;
};

}  // namespace tensord::server::telemetry
