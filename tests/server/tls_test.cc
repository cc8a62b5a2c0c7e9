// TLS listeners: who gets in, who does not, and certificates that change while the daemon runs.
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/tls_fixture.h"

namespace tensord::server {
namespace {

using grpc::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The fake handler's Negotiate says who called.
TEST_F(TlsTest, ATokenServesWithoutClientCertificates) {
  TakeTokens();
  StartServer();
  const auto stub = StubOf();
  ASSERT_TRUE(Negotiate(*stub, "0123456789abcdef").ok());
  EXPECT_EQ(welcome_.principal(), "alice");
  EXPECT_EQ(Negotiate(*stub).error_code(), StatusCode::UNAUTHENTICATED);
  const grpc::Status wrong = Negotiate(*stub, "0123456789abcdeX");
  EXPECT_EQ(wrong.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(wrong.error_message(), "the token is not valid");
  EXPECT_EQ(AuthFailures(), 2);
}

TEST_F(TlsTest, ACertificateNamesThePrincipal) {
  WantClientCertificates();
  StartServer();
  const Certificate ann = MakeCertificate({.common_name = "ann"}, &ca_);
  const Certificate pod =
      MakeCertificate({.common_name = "x", .alternative_names = "URI:spiffe://a/b"}, &ca_);
  ASSERT_TRUE(Negotiate(*StubOf(&ann)).ok());
  EXPECT_EQ(welcome_.principal(), "cn:ann");
  ASSERT_TRUE(Negotiate(*StubOf(&pod)).ok());
  EXPECT_EQ(welcome_.principal(), "uri:spiffe:%2F%2Fa%2Fb");
  EXPECT_EQ(AuthFailures(), 0);
}

TEST_F(TlsTest, ACertificateThatIsNotToBeTrustedIsRefusedInWordsAndCounted) {
  WantClientCertificates();
  TakeTokens();
  StartServer();
  const Certificate other_ca = MakeCertificate({.common_name = "CA", .is_ca = true});
  const Certificate foreign = MakeCertificate({.common_name = "ann"}, &other_ca);
  const Certificate self_signed = MakeCertificate({.common_name = "ann"});
  const Certificate expired =
      MakeCertificate({.common_name = "ann", .ends = absl::Now() - absl::Minutes(1)}, &ca_);
  testing::internal::CaptureStderr();
  const std::pair<const Certificate*, const char*> refused[] = {{&foreign, "refused"},
                                                                {&self_signed, "self-signed"},
                                                                {&expired, "expired"},
                                                                {nullptr, "none was shown"}};
  for (const auto& [certificate, why] : refused) {
    // A good token does not help: the listener wants both sides of TLS to be known.
    const grpc::Status status = Negotiate(*StubOf(certificate), "0123456789abcdef");
    EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
    EXPECT_THAT(status.error_message(), HasSubstr(why));
  }
  EXPECT_EQ(AuthFailures(), 4);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("msg=refused"), HasSubstr("has expired"), Not(HasSubstr("0123456"))));
}

TEST_F(TlsTest, NoMethodIsServedWithoutACertificate) {
  WantClientCertificates();
  StartServer();
  const std::string address = server_->addresses().front().substr(std::string("tls://").size());
  const auto channel =
      grpc::CreateChannel(address, grpc::SslCredentials({.pem_root_certs = ca_.pem}));
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_EQ(grpc::health::v1::Health::NewStub(channel)->Check(&context, {}, &response).error_code(),
            StatusCode::UNAUTHENTICATED);
}

TEST_F(TlsTest, AConnectionWithoutATrustedCertificateIsCutOffHoweverOftenItCalls) {
  WantClientCertificates();
  options_.first_call = absl::Seconds(1);
  StartServer();
  const Certificate ann = MakeCertificate({.common_name = "ann"}, &ca_);
  const auto trusted = StubOf(&ann), stranger = StubOf();
  EXPECT_TRUE(Negotiate(*trusted).ok());
  EXPECT_TRUE(Eventually([&] {
    Negotiate(*stranger);
    return server_->metrics().Get(Metric::connections_cut) > 0;
  }));
  EXPECT_TRUE(Negotiate(*trusted).ok());
}

TEST_F(TlsTest, TheDaemonsCertificateMustBeTheOneTheClientTrusts) {
  TakeTokens();
  StartServer();
  const Certificate other_ca = MakeCertificate({.common_name = "CA", .is_ca = true});
  EXPECT_EQ(Negotiate(*StubOf(nullptr, other_ca), "0123456789abcdef").error_code(),
            StatusCode::UNAVAILABLE);
  EXPECT_EQ(AuthFailures(), 0);
}

TEST_F(TlsTest, NewConnectionsSeeANewCertificateAndOldOnesGoOn) {
  WantClientCertificates();
  StartServer();
  const Certificate ann = MakeCertificate({.common_name = "ann"}, &ca_);
  const auto old = StubOf(&ann);
  grpc::ClientContext context;
  auto session = old->Session(&context);
  v1::ServerFrame frame;
  ASSERT_TRUE(session->Write(PingFrame(1)) && session->Read(&frame));

  const Certificate next_ca = MakeCertificate({.common_name = "next CA", .is_ca = true});
  WriteOwn(MakeCertificate({.common_name = "daemon", .alternative_names = kNames}, &next_ca));
  WritePrivate(options_.tls_client_ca, ca_.pem + next_ca.pem);
  const Certificate bob = MakeCertificate({.common_name = "bob"}, &next_ca);
  EXPECT_TRUE(Eventually([&] { return Negotiate(*StubOf(&bob, next_ca)).ok(); }));
  EXPECT_EQ(welcome_.principal(), "cn:bob");
  EXPECT_TRUE(Negotiate(*StubOf(&ann, next_ca)).ok());
  ASSERT_TRUE(session->Write(PingFrame(2)) && session->Read(&frame)) << "the old one lives";
  EXPECT_TRUE(Negotiate(*old).ok());
  session->WritesDone();
  while (session->Read(&frame)) {
  }
  EXPECT_TRUE(session->Finish().ok());
}

TEST_F(TlsTest, ACaThatIsTakenAwayEndsWhatItVouchedFor) {
  WantClientCertificates();
  StartServer();
  const Certificate ann = MakeCertificate({.common_name = "ann"}, &ca_);
  const auto stub = StubOf(&ann);
  ASSERT_TRUE(Negotiate(*stub).ok());
  WritePrivate(options_.tls_client_ca,
               MakeCertificate({.common_name = "next CA", .is_ca = true}).pem);
  EXPECT_TRUE(
      Eventually([&] { return Negotiate(*stub).error_code() == StatusCode::UNAUTHENTICATED; }));
}

TEST_F(TlsTest, ATlsListenerStandsBesideAUnixSocket) {
  WantClientCertificates();
  options_.listen = {"unix://" + dir_.path() + "/t.sock", "tls://localhost:0"};
  StartServer();
  ASSERT_TRUE(Negotiate(*stub_).ok());
  EXPECT_THAT(welcome_.principal(), HasSubstr("uid:"));
  const Certificate ann = MakeCertificate({.common_name = "ann"}, &ca_);
  ASSERT_TRUE(Negotiate(*StubOf(&ann)).ok());
  EXPECT_EQ(welcome_.principal(), "cn:ann");
}

TEST_F(TlsTest, UnsoundFilesStopTheStart) {
  TakeTokens();
  WritePrivate(options_.tls_key, PrivatePem(MakeKey("P-256")));
  const auto server = Server::Start(options_, [this](const HandlerContext&) {
    return absl::StatusOr<std::unique_ptr<ComputeHandler>>(MakeFakeHandler(state_));
  });
  EXPECT_THAT(server.status().ToString(), HasSubstr("not that of the first certificate"));
}

}  // namespace
}  // namespace tensord::server
