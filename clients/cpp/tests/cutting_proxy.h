// A proxy before a daemon's Unix socket whose connections can be cut.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "clients/cpp/tests/temporary_folder.h"

namespace tensord::client {

class CuttingProxy {
 public:
  // Passes bytes between a socket of its own and `target` ("unix:///path").
  explicit CuttingProxy(const std::string& target);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  const std::string& address() const { return address_; }
  // Ends every connection there is.
  void Cut();

 private:
  void Accept();

  const TemporaryFolder folder_;
  std::string address_, target_;
  int listener_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread acceptor_;
  std::mutex mutex_;  // of those below it
  std::vector<std::thread> pumps_;
  std::vector<int> sockets_;
};

}  // namespace tensord::client
