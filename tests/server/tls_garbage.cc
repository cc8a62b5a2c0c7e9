#include "tests/server/tls_garbage.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "tests/server/hostile_clients.h"

namespace tensord::server {
namespace {

constexpr size_t kRecordHead = 5;  // kind, version, length

std::string Record(uint8_t kind, const std::string& payload) {
  std::string record(kRecordHead, '\3');
  record[0] = static_cast<char>(kind);
  record[3] = static_cast<char>(payload.size() >> 8);
  record[4] = static_cast<char>(payload.size());
  return record + payload;
}

}  // namespace

void TlsGarbage::FlipBits(std::string* bytes) {
  for (uint32_t n = 1 + Below(8); n > 0; --n) {
    (*bytes)[Below(bytes->size())] ^= static_cast<char>(1 << Below(8));
  }
}

// Of the record, of the handshake message, or two bytes anywhere.
void TlsGarbage::LieAboutLength(std::string* bytes) {
  if (bytes->size() < 12) return FlipBits(bytes);
  const size_t places[] = {3, 7, Below(bytes->size() - 1)};
  const size_t at = places[Below(3)];
  const uint32_t lies[] = {0, 1, 0x4000, 0x4101, 0xffff, Below(0x10000)};
  const uint32_t lie = lies[Below(6)];
  (*bytes)[at] = static_cast<char>(lie >> 8);
  (*bytes)[at + 1] = static_cast<char>(lie);
}

// The payload in records of a few bytes, empty ones among them.
void TlsGarbage::Split(std::string* records) {
  const std::string payload = records->substr(std::min(kRecordHead, records->size()));
  const size_t most = 1 + Below(64);
  records->clear();
  for (size_t at = 0; at < payload.size();) {
    const size_t size = Below(most + 1);
    *records += Record(22, payload.substr(at, size));
    at += size;
  }
}

void TlsGarbage::Insert(std::string* bytes) {
  std::string text(Below(2000), '\0');
  for (char& c : text) c = static_cast<char>(random_());
  const uint8_t kinds[] = {20, 21, 22, 23, 24, 0x80, 0};
  if (Below(2) == 0) text = Record(kinds[Below(7)], text);
  bytes->insert(Below(2) == 0 ? bytes->size() : Below(bytes->size() + 1), text);
}

void TlsGarbage::Damage(std::string* records) {
  for (uint32_t n = 1 + Below(3); n > 0 && !records->empty(); --n) {
    switch (Below(6)) {
      case 0:
        FlipBits(records);
        break;
      case 1:
        LieAboutLength(records);
        break;
      case 2:
        records->resize(Below(records->size()));
        break;
      case 3:
        Split(records);
        break;
      case 4:
        Insert(records);
        break;
      default:
        *records += *records;
        break;
    }
  }
}

std::string TlsGarbage::NextHello() {
  static const std::string hello = ClientHello();
  std::string bytes = hello;
  Damage(&bytes);
  return bytes;
}

BrokenHandshakes::BrokenHandshakes(Address target, TlsGarbage& garbage)
    : target_(std::move(target)), garbage_(garbage) {}

void BrokenHandshakes::Open() {
  Client& client = clients_.emplace_back();
  client.fd = RawConnection(target_);
  client.tls.reset(SSL_new(context_.get()));
  client.sound_flights = 1 + static_cast<int>(garbage_.Below(2));
  SSL_set_bio(client.tls.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  const unsigned char protocols[] = "\2h2";
  SSL_set_alpn_protos(client.tls.get(), protocols, 3);
  SSL_connect(client.tls.get());
  Say(client);
}

size_t BrokenHandshakes::Advance() {
  std::erase_if(clients_, [&](Client& client) {
    if (!Hear(client)) return true;
    // After the handshake: records that no key fits.
    if (SSL_connect(client.tls.get()) == 1) SSL_write(client.tls.get(), "PRI * HTTP/2.0", 14);
    Say(client);
    return false;
  });
  return clients_.size();
}

bool BrokenHandshakes::Hear(Client& client) const {
  char bytes[4096];
  ssize_t size = 0;
  while ((size = recv(client.fd.get(), bytes, sizeof(bytes), 0)) > 0) {
    BIO_write(SSL_get_rbio(client.tls.get()), bytes, static_cast<int>(size));
  }
  return size < 0 && errno == EAGAIN;
}

void BrokenHandshakes::Say(Client& client) {
  std::string flight(16384, '\0');
  const int size = BIO_read(SSL_get_wbio(client.tls.get()), flight.data(), 16384);
  if (size <= 0) return;
  flight.resize(static_cast<size_t>(size));
  if (client.sound_flights-- == 0) garbage_.Damage(&flight);
  send(client.fd.get(), flight.data(), flight.size(), MSG_NOSIGNAL);
}

}  // namespace tensord::server
