// What systemd hears of the daemon (Type=notify) and wants to hear (WatchdogSec=).
//
//   ServiceManager manager = ServiceManager::FromEnvironment();
//   manager.Notify("READY=1\nSTATUS=serving");
//
// The protocol is one datagram of NAME=value lines to the socket that $NOTIFY_SOCKET names. systemd
// documents it as stable and to be reimplemented (sd_notify(3), "Notes"), so the image needs no
// libsystemd and what that pulls in.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace tensord::server {

class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so
  // that no child speaks for this process. Without NOTIFY_SOCKET nothing is ever sent.
  static ServiceManager FromEnvironment();

  // `socket` is an absolute path, or "@name" of the abstract kind; "": none.
  explicit ServiceManager(std::string socket, absl::Duration watchdog = absl::ZeroDuration())
      : socket_(std::move(socket)), watchdog_(watchdog) {}

  // Waits a second at most. A manager that does not listen is no error.
  void Notify(std::string_view state) const;

  // Within this time it wants a WATCHDOG=1; zero: it does not.
  absl::Duration watchdog() const { return watchdog_; }

  // What it is told, in words for humans too.
  void Ready(std::string_view status) const;
  void Reloading() const;
  // It is to wait this long for the end, whatever its TimeoutStopSec= says.
  void Stopping(absl::Duration at_most) const;

 private:
  std::string socket_;
  absl::Duration watchdog_;
};

}  // namespace tensord::server
