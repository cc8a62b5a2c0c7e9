#include "server/events.h"

#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "server/watcher.h"

namespace tensord::server {

// What a Watch call pulls from.
class EventBus::Source : public EventSource {
 public:
  Source(EventBus& bus, WatcherRef watcher) : bus_(bus), watcher_(std::move(watcher)) {}
  Pull NextEvent(v1::Event* event) override { return watcher_->Next(event); }
  void OnDetached() override { bus_.Remove(watcher_); }

 private:
  EventBus& bus_;
  const WatcherRef watcher_;
};

EventBus::EventBus(Metrics& metrics, Now now) : metrics_(metrics), now_(std::move(now)) {}
EventBus::~EventBus() = default;

// ------------------------------------------------------------------ watchers

absl::StatusOr<std::unique_ptr<EventSource>> EventBus::Watch(const Principal& principal,
                                                             const v1::WatchRequest& request,
                                                             StreamPtr stream) {
  RETURN_IF_ERROR(Watcher::Check(request));
  auto watcher = std::make_shared<Watcher>(principal.name, request, std::move(stream));
  watcher->due = now_() + watcher->interval();
  metrics_.Add(Metric::watchers);
  ++count_;
  MutexLock lock(mutex_);
  watchers_.push_back(watcher);
  if (watcher->interval() > absl::ZeroDuration()) {
    if (ticker_ == nullptr) ticker_ = std::make_unique<Ticker>([this] { return TellStats(); });
    ticker_->Wake();
  }
  return std::make_unique<Source>(*this, std::move(watcher));
}

void EventBus::Remove(const WatcherRef& watcher) {
  metrics_.Add(Metric::watchers, -1);
  --count_;
  MutexLock lock(mutex_);
  watchers_.erase(std::remove(watchers_.begin(), watchers_.end(), watcher), watchers_.end());
}

std::vector<EventBus::WatcherRef> EventBus::All() const {
  MutexLock lock(mutex_);
  return watchers_;
}

// ------------------------------------------------------------------ telling

// A stream that is woken pulls inside the call: no locks are held there.
void EventBus::Send(v1::Event event, const std::vector<WatcherRef>& to) {
  event.set_unix_us(static_cast<uint64_t>(absl::ToUnixMicros(now_())));
  for (const WatcherRef& watcher : to) {
    if (!watcher->Wants(event)) continue;
    if (!watcher->Add(event)) metrics_.Add(Metric::events_lost);
    watcher->Wake();
  }
}

void EventBus::Tell(v1::Event event) { Send(std::move(event), All()); }

void EventBus::TellOf(const SessionTag& tag, v1::EventKind kind, std::string_view message) {
  if (count_ == 0) return;
  v1::Event event;
  event.set_kind(kind);
  event.set_principal(std::string(tag.principal));
  event.set_session(std::string(tag.session));
  event.set_label(std::string(tag.label));
  event.set_message(std::string(message));
  Tell(std::move(event));
}

void EventBus::SessionOpened(const SessionTag& tag) {
  TellOf(tag, v1::EVENT_KIND_SESSION_OPENED, "");
}
void EventBus::SessionDetached(const SessionTag& tag) {
  TellOf(tag, v1::EVENT_KIND_SESSION_DETACHED, "");
}
void EventBus::SessionResumed(const SessionTag& tag) {
  TellOf(tag, v1::EVENT_KIND_SESSION_RESUMED, "");
}
void EventBus::SessionClosed(const SessionTag& tag, std::string_view why) {
  TellOf(tag, v1::EVENT_KIND_SESSION_CLOSED, why);
}

void EventBus::FaultSent(const SessionTag& tag, const v1::Fault& fault) {
  if (count_ == 0) return;
  const std::string message = StrCat(fault.reason(), ": ", fault.message());
  TellOf(tag, v1::EVENT_KIND_FAULT, message);
  if (fault.reason() == "LIMIT") TellOf(tag, v1::EVENT_KIND_LIMIT, message);
}

void EventBus::StateChanged(std::string_view state) {
  if (count_ == 0) return;
  v1::Event event;
  event.set_kind(v1::EVENT_KIND_STATE);
  event.set_message(std::string(state));
  Tell(std::move(event));
}

void EventBus::Compiled(uint64_t kernels, absl::Duration time) {
  if (count_ == 0) return;
  v1::Event event;
  event.set_kind(v1::EVENT_KIND_COMPILED);
  event.set_message(StrCat(kernels, kernels == 1 ? " kernel" : " kernels", " compiled"));
  event.set_count(static_cast<uint64_t>(absl::ToInt64Nanoseconds(time)));
  Tell(std::move(event));
}

// ------------------------------------------------------------------ STATS

absl::Duration EventBus::TellStats() {
  const absl::Time now = now_();
  absl::Time next = absl::InfiniteFuture();
  std::vector<WatcherRef> due;
  {
    MutexLock lock(mutex_);
    for (const WatcherRef& watcher : watchers_) {
      if (watcher->interval() == absl::ZeroDuration()) continue;
      if (watcher->due <= now) {
        due.push_back(watcher);
        watcher->due += watcher->interval();  // what was missed is not made up for
        if (watcher->due <= now) watcher->due = now + watcher->interval();
      }
      next = std::min(next, watcher->due);
    }
  }
  if (!due.empty()) {
    v1::Event event;
    event.set_kind(v1::EVENT_KIND_STATS);
    *event.mutable_counters() = std::move(*metrics_.Stats({}).mutable_counters());
    Send(std::move(event), due);
  }
  return next - now;
}

}  // namespace tensord::server
