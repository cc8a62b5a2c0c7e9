#include "tests/server/hostile_clients.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "engine/base/check.h"

namespace tensord::server {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// An HTTP/2 frame's head and its payload.
std::string Frame(char type, char flags, char stream, const std::string& payload) {
  std::string frame(9, '\0');
  frame[1] = static_cast<char>(payload.size() >> 8);
  frame[2] = static_cast<char>(payload.size());
  frame[3] = type;
  frame[4] = flags;
  frame[8] = stream;
  return frame + payload;
}

std::string EmptySettings() { return Frame(4, 0, 0, ""); }
// HEADERS that do not end, and CONTINUATIONs that do not end them.
std::string EndlessHeaders() {
  std::string frames = Frame(1, 0, 1, "\x83\x86");
  for (int i = 0; i < 64; ++i) frames += Frame(9, 0, 1, std::string("\x40\x01x\x01y", 5));
  return frames;
}

}  // namespace

std::string ClientHello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_connect(ssl.get());
  char bytes[4096];
  const int size = BIO_read(SSL_get_wbio(ssl.get()), bytes, sizeof(bytes));
  TENSORD_CHECK(size > 0);
  return std::string(bytes, static_cast<size_t>(size));
}

base::Fd RawConnection(const Address& address) {
  const bool local = address.kind == Address::Kind::kUnix;
  base::Fd fd(socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int failed = 0;
  if (local) {
    sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::strcpy(to.sun_path, address.path.c_str());
    failed = connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to));
  } else {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(address.port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    failed = connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to));
  }
  TENSORD_CHECK(failed == 0, std::strerror(errno));
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

std::string HostileClients::RandomText(size_t most) {
  std::string text(1 + random_() % most, '\0');
  for (char& c : text) c = static_cast<char>(random_());
  return text;
}

void HostileClients::Open(const Address& target, const std::string& at_once,
                          const std::string& slowly) {
  Client& client = clients_.emplace_back(RawConnection(target), slowly);
  if (!at_once.empty()) send(client.fd.get(), at_once.data(), at_once.size(), MSG_NOSIGNAL);
  ++opened_;
}

void HostileClients::OpenMore() {
  static const std::string hello = ClientHello();
  for (const Address& target : targets_) {
    Open(target, "", "");  // says nothing
    Open(target, RandomText(4096), "");
    Open(target, hello.substr(0, random_() % hello.size()), "");
    Open(target, hello + RandomText(600), "");
    Open(target, "", hello);
    Open(target, "", kPreface + EmptySettings());
    Open(target, kPreface + EmptySettings(), EndlessHeaders());
    Open(target, kPreface + EmptySettings() + RandomText(2000), "");
    Open(target, kPreface + EmptySettings(), "");
  }
}

void HostileClients::Drip() {
  for (Client& client : clients_) {
    if (client.rest.empty()) continue;
    send(client.fd.get(), client.rest.data(), 1, MSG_NOSIGNAL);
    client.rest.erase(0, 1);
  }
}

size_t HostileClients::StillOpen() {
  std::erase_if(clients_, [](const Client& client) {
    char bytes[4096];
    ssize_t size = 0;
    while ((size = recv(client.fd.get(), bytes, sizeof(bytes), 0)) > 0) {
    }
    return size == 0 || errno != EAGAIN;
  });
  return clients_.size();
}

}  // namespace tensord::server
