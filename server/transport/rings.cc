#include "server/transport/rings.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "engine/base/mutex.h"
#include "server/transport/ring.h"

namespace tensord::server::transport {

// What other threads have for the one that serves.
class RingInbox {
 public:
  struct Arrival {
    base::Fd fd;
    Peer peer;
  };
  struct News {
    std::vector<Arrival> arrivals;
    std::vector<int> woken;
    bool stopped = false;
  };

  absl::Status Open() {
    event_ = base::Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return event_.valid() ? absl::OkStatus() : base::ErrnoStatus(errno, "eventfd", "rings");
  }
  int event() const { return event_.get(); }

  void Add(base::Fd fd, const Peer& peer) {
    MutexLock lock(mutex_);
    if (!news_.stopped) news_.arrivals.push_back({std::move(fd), peer});
    eventfd_write(event_.get(), 1);
  }
  void Wake(int fd) {
    MutexLock lock(mutex_);
    news_.woken.push_back(fd);
    eventfd_write(event_.get(), 1);
  }
  void Stop() {
    MutexLock lock(mutex_);
    news_.stopped = true;
    eventfd_write(event_.get(), 1);
  }

  News Take() {
    eventfd_t count = 0;
    eventfd_read(event_.get(), &count);
    MutexLock lock(mutex_);
    return std::exchange(news_, News{{}, {}, news_.stopped});
  }

 private:
  base::Fd event_;
  Mutex mutex_;
  News news_ ABSL_GUARDED_BY(mutex_);
};

namespace {

constexpr int kTickMs = 1000;
// How long the thread looks for a transfer's next message before it sleeps: waking it up costs the
// client as much as copying a tenth of a slot.
constexpr absl::Duration kLookOut = absl::Microseconds(50);

// What a ring's transfers wake.
class RingStream : public Stream {
 public:
  RingStream(std::shared_ptr<RingInbox> inbox, int fd) : inbox_(std::move(inbox)), fd_(fd) {}
  void Wake() override { inbox_->Wake(fd_); }
  void ResumeReading() override {}
  void Close(absl::Status) override { Abort(); }
  void Abort() override { cancelled_ = true; }
  bool cancelled() const override { return cancelled_; }

 private:
  const std::shared_ptr<RingInbox> inbox_;
  const int fd_;  // a later ring's too, once this one has ended: woken in vain
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

Rings::Rings(const Services& services, size_t max_rings)
    : services_(services), max_rings_(max_rings), inbox_(std::make_shared<RingInbox>()) {}

Rings::~Rings() { Stop(); }

absl::Status Rings::Start(Events events) {
  events_ = std::move(events);
  epoll_ = base::Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return base::ErrnoStatus(errno, "epoll", "rings");
  if (absl::Status status = inbox_->Open(); !status.ok()) return status;
  epoll_event event = {.events = EPOLLIN, .data = {.fd = inbox_->event()}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_->event(), &event);
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "io-shared");
  return absl::OkStatus();
}

void Rings::Stop() {
  if (!thread_.joinable()) return;
  inbox_->Stop();
  thread_.join();
  connections_.clear();
}

void Rings::Add(base::Fd fd, const Peer& peer) { inbox_->Add(std::move(fd), peer); }

void Rings::Loop() {
  epoll_event events[64];
  absl::Time ticked = absl::Now(), busy = ticked;
  for (;;) {
    const bool look_out = rings_ > 0 && absl::Now() < busy + kLookOut;
    const int wait = look_out ? 0 : rings_ > 0 ? kTickMs : -1;
    const int count = epoll_wait(epoll_.get(), events, 64, wait);
    if (count > 0) busy = absl::Now();
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd != inbox_->event()) {
        OnReadable(events[i].data.fd);
      } else if (!OnNews()) {
        return;
      }
    }
    if (absl::Now() >= ticked + absl::Milliseconds(kTickMs)) {
      ticked = absl::Now();
      OnTick();
    }
  }
}

// False: stop.
bool Rings::OnNews() {
  RingInbox::News news = inbox_->Take();
  for (RingInbox::Arrival& arrival : news.arrivals) Watch(std::move(arrival.fd), arrival.peer);
  for (const int fd : news.woken) OnWake(fd);
  return !news.stopped;
}

void Rings::Watch(base::Fd fd, const Peer& peer) {
  const int number = fd.get();
  epoll_event event = {.events = EPOLLIN, .data = {.fd = number}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event) != 0) return;
  connections_[number] = Connection{std::move(fd), peer, nullptr, false};
}

// By hand: what is watched is the socket, of which somebody may have another descriptor.
void Rings::Unwatch(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  const auto it = connections_.find(fd);
  if (it == connections_.end()) return;
  if (it->second.ring != nullptr) --rings_;
  connections_.erase(it);
}

bool Rings::Classify(int fd, Connection& connection) {
  char first = 0;
  const ssize_t count = recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  base::Fd own = std::move(connection.fd);
  if (count == 1 && first == kRingMagic[0]) {
    if (rings_ < max_rings_) {
      auto stream = std::make_shared<RingStream>(inbox_, fd);
      connection.ring =
          std::make_unique<Ring>(std::move(own), connection.peer, services_, std::move(stream));
      ++rings_;
      return true;
    }
    services_.metrics.Add(Metric::connections_cut);
    shutdown(own.get(), SHUT_RDWR);  // there is another descriptor of it (NewConnections)
  }
  Unwatch(fd);
  if (count == 1 && first != kRingMagic[0]) events_.on_other(std::move(own));
  return false;
}

void Rings::OnReadable(int fd) {
  const auto it = connections_.find(fd);
  if (it == connections_.end()) return;
  Connection& connection = it->second;
  if (connection.ring == nullptr && !Classify(fd, connection)) return;
  const bool alive = connection.ring->OnReadable(absl::Now());
  if (connection.ring->opened() && !std::exchange(connection.announced, true)) {
    events_.on_opened(fd);
  }
  if (!alive) Unwatch(fd);
}

void Rings::OnWake(int fd) {
  const auto it = connections_.find(fd);
  if (it == connections_.end() || it->second.ring == nullptr) return;
  if (!it->second.ring->OnWake()) Unwatch(fd);
}

void Rings::OnTick() {
  const absl::Time now = absl::Now();
  std::vector<int> ended;
  for (const auto& [fd, connection] : connections_) {
    if (connection.ring != nullptr && !connection.ring->OnTick(now)) ended.push_back(fd);
  }
  for (const int fd : ended) Unwatch(fd);
}

}  // namespace tensord::server::transport
