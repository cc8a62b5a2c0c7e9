// Clients that mean no good: garbage, half a handshake, a byte now and then.
#pragma once

#include <list>
#include <random>
#include <string>

#include "engine/base/file.h"
#include "server/options.h"

namespace tensord::server {

// What a TLS client says first.
std::string ClientHello();

// Connects to a listener, and does not block from then on.
base::Fd RawConnection(const Address& address);

// Opens hostile connections to listeners and keeps them, each after a pattern of its own.
class HostileClients {
 public:
  HostileClients(std::vector<Address> targets, uint32_t seed)
      : targets_(std::move(targets)), random_(seed) {}

  // One more of each pattern to each listener.
  void OpenMore();
  // One that says `at_once`, and `slowly` a byte at a time.
  void Open(const Address& target, const std::string& at_once, const std::string& slowly);
  // The slow ones say their next byte.
  void Drip();

  size_t opened() const { return opened_; }
  // Forgets those that the daemon has closed; how many it has not.
  size_t StillOpen();
  void CloseAll() { clients_.clear(); }

 private:
  struct Client {
    base::Fd fd;
    std::string rest;  // what is to be said a byte at a time
  };
  std::string RandomText(size_t most);

  const std::vector<Address> targets_;
  std::mt19937 random_;
  std::list<Client> clients_;
  size_t opened_ = 0;
};

}  // namespace tensord::server
