// TLS handshakes that are damaged, cut or slow: whoever means well gets in, and nothing is kept of
// the others. HOSTILE_SECONDS and HOSTILE_SEED as in hostile_fixture.h.
#include "tests/server/tls_garbage.h"

#include "tests/server/hostile_clients.h"
#include "tests/server/hostile_fixture.h"

namespace tensord::server {
namespace {

class TlsGarbageTest : public HostileTest {};

TEST_F(TlsGarbageTest, DamagedHandshakesAreOverAndOthersGetIn) {
  SCOPED_TRACE(HostileSeed());
  const Address& tls = targets_.back();
  Pinger session(StubOf());
  ASSERT_TRUE(session.Ping());
  ASSERT_TRUE(Negotiate(*StubOf(), "0123456789abcdef").ok());
  const size_t descriptors = OpenDescriptors();
  TlsGarbage garbage(HostileSeed());
  HostileClients hostile({tls}, HostileSeed());
  BrokenHandshakes handshakes(tls, garbage);
  for (const absl::Time end = absl::Now() + HostileTime(2); absl::Now() < end;) {
    for (int i = 0; i < 8; ++i) {
      hostile.Open(tls, garbage.NextHello(), "");
      hostile.Open(tls, "", garbage.NextHello());
      handshakes.Open();
    }
    for (int i = 0; i < 10; ++i) {
      hostile.Drip();
      handshakes.Advance();
      ASSERT_TRUE(session.Ping());
    }
    ASSERT_TRUE(Negotiate(*StubOf(), "0123456789abcdef").ok()) << "newcomers get in";
    hostile.StillOpen();
  }
  EXPECT_TRUE(Eventually([&] { return hostile.StillOpen() + handshakes.Advance() == 0; }))
      << "of " << hostile.opened();
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors() <= descriptors; }))
      << OpenDescriptors() << " descriptors, " << descriptors << " at the start";
  EXPECT_TRUE(session.Ping());
}

}  // namespace
}  // namespace tensord::server
