// Who a call acts for. Limits, names, fairness and metrics hang on the principal.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace tensord::server {

// The name tells where it comes from, so that no source can make another's names:
//
//   uid:1000                       a Unix-socket peer, by the kernel's word
//   alice                          a line of the token file (never with a colon)
//   jwt:SUBJECT                    a JWT's claim
//   uri:URI, dns:NAME, cn:NAME     a client certificate: its first URI, else DNS name, else CN
struct Principal {
  std::string name;
  uid_t uid = static_cast<uid_t>(-1);  // of a Unix-socket peer; -1 elsewhere
  // Until when the proof holds; it is no part of who somebody is.
  absl::Time expires = absl::InfiniteFuture();

  bool operator==(const Principal& other) const { return name == other.name && uid == other.uid; }
};

// `source`, a colon, and `name` with everything but letters, digits and _ . - @ : as %XX. Different
// names stay different, and none has a slash: publications are called "principal/path".
std::string PrincipalName(std::string_view source, std::string_view name);

// What the transport itself knows of the other side, before any message is read.
struct Peer {
  std::string address;      // "unix:uid=1000,pid=4242", "ipv4:127.0.0.1:40312"
  bool identified = false;  // `principal` is proved: by the kernel, or by a client certificate
  Principal principal;      // of an identified peer
};

}  // namespace tensord::server
