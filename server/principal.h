// Who a call acts for. Limits, names, fairness and metrics hang on the principal.
#pragma once

#include <sys/types.h>

#include <string>

namespace tensord::server {

struct Principal {
  std::string name;                    // "uid:1000", or the name a token stands for
  uid_t uid = static_cast<uid_t>(-1);  // of a Unix-socket peer; -1 elsewhere

  bool operator==(const Principal&) const = default;
};

// What the transport itself knows of the other side, before any message is read.
struct Peer {
  std::string address;      // "unix:uid=1000,pid=4242", "ipv4:127.0.0.1:40312"
  bool identified = false;  // true: `principal` is proved by the kernel, no credentials are needed
  Principal principal;      // of an identified peer
};

}  // namespace tensord::server
