// What broken TLS clients say, by a seed.
#pragma once

#include <openssl/ssl.h>

#include <list>
#include <memory>
#include <random>
#include <string>

#include "engine/base/file.h"
#include "server/options.h"

namespace tensord::server {

// Writes openings of handshakes, each a real ClientHello that was damaged in some way: bits
// flipped, lengths that lie, records cut, split, repeated or of another kind.
class TlsGarbage {
 public:
  explicit TlsGarbage(uint32_t seed) : random_(seed) {}

  std::string NextHello();
  // The same of any records.
  void Damage(std::string* records);
  uint32_t Below(size_t n) { return static_cast<uint32_t>(random_() % n); }

 private:
  void FlipBits(std::string* bytes);
  void LieAboutLength(std::string* bytes);
  void Split(std::string* records);
  void Insert(std::string* bytes);

  std::mt19937 random_;
};

// Clients that shake hands as they should up to some flight, which is damaged; or stop there.
class BrokenHandshakes {
 public:
  BrokenHandshakes(Address target, TlsGarbage& garbage);

  void Open();
  // Answers what came, and forgets those that the daemon has closed; how many it has not.
  size_t Advance();

 private:
  struct Client {
    base::Fd fd;
    std::unique_ptr<SSL, decltype(&SSL_free)> tls{nullptr, SSL_free};
    int sound_flights = 0;  // until the one that is damaged
  };
  // False when the daemon has closed the connection.
  bool Hear(Client& client) const;
  void Say(Client& client);

  const Address target_;
  TlsGarbage& garbage_;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                                   SSL_CTX_free};
  std::list<Client> clients_;
};

}  // namespace tensord::server
