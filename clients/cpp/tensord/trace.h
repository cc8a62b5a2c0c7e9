// W3C Trace Context (https://www.w3.org/TR/trace-context): which trace, and what in it, asks the
// daemon for something. Its spans and log lines then belong to that trace.
//
//   const absl::StatusOr<Trace> trace = Trace::Parse(request.header("traceparent"));
//   if (!trace.ok()) return trace.status();
//   const TraceScope scope(*trace);  // for what this thread records and asks for from here on
//   const auto values = session->Fetch<float>(y);
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace tensord::client {

class Trace {
 public:
  Trace() = default;  // none
  // Errors: INVALID_ARGUMENT, a text that is no traceparent.
  static absl::StatusOr<Trace> Parse(std::string_view traceparent);

  const std::string& traceparent() const { return text_; }  // "" for none

 private:
  std::string text_;
};

// Of its thread, from its constructor to its destructor; scopes nest. A frame belongs to one trace,
// so each change makes a frame leave.
class TraceScope {
 public:
  explicit TraceScope(Trace trace) : trace_(std::move(trace)), outer_(current_) {
    current_ = &trace_;
  }
  ~TraceScope() { current_ = outer_; }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  // The innermost one of this thread.
  static const Trace& Current() {
    static const Trace& none = *new Trace;
    return current_ == nullptr ? none : *current_;
  }

 private:
  const Trace trace_;
  const Trace* const outer_;
  static inline thread_local const Trace* current_ = nullptr;
};

}  // namespace tensord::client
