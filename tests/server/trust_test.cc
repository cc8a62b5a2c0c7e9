// What one principal can do to another with the daemon's real handler: nothing. Each attempt is
// refused in words that tell nothing, counted and logged.
#include "tests/server/session_harness.h"
#include "tests/server/tls_fixture.h"

namespace tensord::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using testing::Not;

// A session's stream: frames out, replies in.
class Caller {
 public:
  explicit Caller(v1::Compute::Stub& stub) : stream_(stub.Session(&context_)) {}
  void Send(const v1::ClientFrame& frame) { stream_->Write(frame); }
  // The next reply; none when the stream has ended.
  std::optional<v1::Reply> Read() {
    v1::ServerFrame frame;
    while (frame.replies_size() == 0) {
      if (!stream_->Read(&frame)) return std::nullopt;
    }
    return frame.replies(0);
  }
  v1::Reply Ask(const v1::ClientFrame& frame) {
    Send(frame);
    return Read().value_or(v1::Reply());
  }
  grpc::Status End() {
    v1::ServerFrame frame;
    while (stream_->Read(&frame)) {
    }
    return stream_->Finish();
  }
  void Cancel() { context_.TryCancel(), End(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientFrame, v1::ServerFrame>> stream_;
};

v1::ClientFrame Hello(const std::string& token = "") {
  v1::ClientFrame frame;
  frame.set_seq(1);
  frame.add_items()->mutable_hello()->set_max_version(1);
  if (!token.empty()) {
    frame.mutable_items(0)->mutable_hello()->mutable_credentials()->set_bearer(token);
  }
  return frame;
}

v1::ClientFrame ResumeFrame(const v1::Welcome& welcome) {
  v1::ClientFrame frame;
  v1::Resume& resume = *frame.add_items()->mutable_resume();
  resume.set_session(welcome.session());
  resume.set_resume_secret(welcome.resume_secret());
  resume.set_epoch(welcome.epoch());
  return frame;
}

class TrustTest : public TlsTest {
 protected:
  void SetUp() override {
    WantClientCertificates();
    options_.jwt_key_file = dir_.path() + "/jwt.pem";
    options_.jwt_audience = "tensord";
    WritePrivate(options_.jwt_key_file, PublicPem(jwt_key_));
    auto server = Server::Start(options_, MakeHandlerOnCpu);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ann_stub_ = StubOf(&ann_);
    bob_stub_ = StubOf(&bob_);
    ann_session_ = std::make_unique<Caller>(*ann_stub_);
    ann_welcome_ = ann_session_->Ask(Hello()).welcome();
    ASSERT_EQ(ann_welcome_.principal(), "cn:ann");
    testing::internal::CaptureStderr();
  }
  void TearDown() override {
    log_ = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log_, Not(HasSubstr(ann_welcome_.resume_secret())));
    EXPECT_THAT(log_, Not(HasSubstr(ann_welcome_.data_token())));
    if (ann_session_ != nullptr) ann_session_->Cancel();
  }
  // Bob asks for a session; the fault he gets.
  v1::Fault BobResumes(const v1::Welcome& welcome) {
    Caller bob(*bob_stub_);
    const v1::Fault fault = bob.Ask(ResumeFrame(welcome)).fault();
    bob.Cancel();
    return fault;
  }
  grpc::Status BobSubmits(const std::string& session, const std::string& secret) {
    grpc::ClientContext context;
    v1::ClientFrame frame;
    frame.set_seq(2);
    frame.set_session(session);
    frame.set_token(secret);
    v1::ServerFrame reply;
    return bob_stub_->Submit(&context, frame, &reply);
  }
  grpc::Status BobUploads(const std::string& session, const std::string& token) {
    grpc::ClientContext context;
    v1::UploadChunk chunk;
    chunk.set_session(session);
    chunk.set_token(token);
    chunk.set_upload(1);
    chunk.set_total(4);
    chunk.set_data("evil");
    v1::UploadStatus reply;
    return bob_stub_->UploadPart(&context, chunk, &reply);
  }
  grpc::Status BobStreamsAnUpload(const std::string& session, const std::string& token) {
    grpc::ClientContext context;
    v1::UploadStatus reply;
    auto writer = bob_stub_->Upload(&context, &reply);
    v1::UploadChunk chunk;
    chunk.set_session(session);
    chunk.set_token(token);
    chunk.set_upload(1);
    chunk.set_total(4);
    writer->Write(chunk);
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status BobDownloads(const std::string& session, const std::string& token) {
    grpc::ClientContext context;
    v1::DownloadRequest request;
    request.set_session(session);
    request.set_token(token);
    request.set_id(1);
    auto reader = bob_stub_->Download(&context, request);
    v1::DownloadChunk chunk;
    while (reader->Read(&chunk)) {
    }
    return reader->Finish();
  }
  std::string Jwt(const std::string& audience, absl::Duration life) {
    const std::string payload = R"({"sub":"eve","aud":")" + audience + R"(","exp":)" +
                                std::to_string(absl::ToUnixSeconds(absl::Now() + life)) + "}";
    return SignedToken(R"({"alg":"ES256"})", payload, "ES256", jwt_key_);
  }

  const Key jwt_key_ = MakeKey("P-256");
  const Certificate ann_ = MakeCertificate({.common_name = "ann"}, &ca_);
  const Certificate bob_ = MakeCertificate({.common_name = "bob"}, &ca_);
  std::unique_ptr<v1::Compute::Stub> ann_stub_, bob_stub_;
  std::unique_ptr<Caller> ann_session_;
  v1::Welcome ann_welcome_;
  std::string log_;
};

TEST_F(TrustTest, AnotherPrincipalsSessionCannotBeResumedEvenWithItsSecret) {
  const v1::Fault foreign = BobResumes(ann_welcome_);
  v1::Welcome unknown = ann_welcome_;
  unknown.set_session("0123456789abcdef");
  EXPECT_EQ(foreign.reason(), "SESSION_UNKNOWN");
  EXPECT_EQ(BobResumes(unknown).SerializeAsString(), foreign.SerializeAsString())
      << "whether there is such a session can't be told";
  EXPECT_EQ(AuthFailures(), 2);
  v1::ClientFrame ping = PingFrame(2);
  EXPECT_TRUE(ann_session_->Ask(ping).has_pong()) << "nobody was fenced";
}

TEST_F(TrustTest, ASubmitWantsTheSecretAndTellsNothing) {
  const grpc::Status foreign = BobSubmits(ann_welcome_.session(), std::string(32, 'x'));
  const grpc::Status unknown = BobSubmits("0123456789abcdef", std::string(32, 'x'));
  EXPECT_EQ(foreign.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(foreign.error_message(), unknown.error_message());
  EXPECT_EQ(BobSubmits(ann_welcome_.session(), ann_welcome_.data_token()).error_code(),
            StatusCode::NOT_FOUND)
      << "a data token is no secret";
  EXPECT_EQ(AuthFailures(), 3);
}

TEST_F(TrustTest, DataMovesWithTheDataTokenOnly) {
  const std::string& session = ann_welcome_.session();
  for (const std::string& token :
       {std::string(), std::string(32, 'x'), ann_welcome_.resume_secret()}) {
    for (const grpc::Status& status :
         {BobUploads(session, token), BobStreamsAnUpload(session, token),
          BobDownloads(session, token), BobUploads("0123456789abcdef", token)}) {
      EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
      EXPECT_EQ(status.error_message(), "there is no such session, or the data token is wrong");
    }
  }
  EXPECT_EQ(AuthFailures(), 12);
  EXPECT_EQ(server_->metrics().Get(Metric::staging_bytes), 0);
}

TEST_F(TrustTest, AnUploadOfOneSessionIsNotAnothers) {
  Caller bob(*bob_stub_);
  const v1::Welcome welcome = bob.Ask(Hello()).welcome();
  ASSERT_TRUE(BobUploads(welcome.session(), welcome.data_token()).ok());
  EXPECT_EQ(BobUploads(ann_welcome_.session(), welcome.data_token()).error_code(),
            StatusCode::UNAUTHENTICATED);
  bob.Cancel();
}

TEST_F(TrustTest, AnotherPrincipalsNameIsAsUnknownAsOneThatIsNot) {
  v1::ClientFrame publish;
  publish.set_seq(2);
  v1::Put& put = *publish.add_items()->mutable_put();
  put.set_id(1);
  *put.mutable_type() = F32({1});
  put.set_data(std::string(4, '\0'));
  publish.add_items()->mutable_publish()->set_name("weights");
  publish.mutable_items(1)->mutable_publish()->add_entries()->set_path("w");
  publish.mutable_items(1)->mutable_publish()->mutable_entries(0)->set_id(1);
  EXPECT_EQ(ann_session_->Ask(publish).published().name(), "cn:ann/weights");
  Caller bob(*bob_stub_);
  bob.Ask(Hello());
  std::vector<v1::Fault> faults;
  uint64_t seq = 1;
  for (const char* name : {"cn:ann/weights", "cn:ann/nothing"}) {
    v1::ClientFrame lookup;
    lookup.set_seq(++seq);
    lookup.add_items()->mutable_lookup()->set_name(name);
    faults.push_back(bob.Ask(lookup).fault());
    EXPECT_EQ(faults.back().reason(), "NAME_UNKNOWN");
    EXPECT_THAT(faults.back().message(), HasSubstr(name));
  }
  v1::ClientFrame unpublish;
  unpublish.set_seq(++seq);
  unpublish.add_items()->mutable_unpublish()->set_name("cn:ann/weights");
  EXPECT_EQ(bob.Ask(unpublish).fault().reason(), "NAME");
  bob.Cancel();
}

TEST_F(TrustTest, BadTokensBeginNoSession) {
  const std::pair<std::string, const char*> refused[] = {
      {Jwt("tensord", -absl::Minutes(2)), "expired"},
      {Jwt("another", absl::Minutes(2)), "another audience"},
      {"no-token-at-all-0123456", "the token is not valid"}};
  for (const auto& [token, why] : refused) {
    Caller eve(*bob_stub_);
    const v1::Fault fault = eve.Ask(Hello(token)).fault();
    EXPECT_EQ(fault.reason(), "AUTH");
    EXPECT_THAT(fault.message(), HasSubstr(why));
    EXPECT_EQ(eve.End().error_code(), StatusCode::UNAUTHENTICATED);
  }
  EXPECT_EQ(AuthFailures(), 3);
  Caller eve(*bob_stub_);
  EXPECT_EQ(eve.Ask(Hello(Jwt("tensord", absl::Minutes(2)))).welcome().principal(), "jwt:eve");
  eve.Cancel();
}

TEST_F(TrustTest, ARefreshByAnotherPrincipalIsRefused) {
  v1::ClientFrame frame;
  frame.set_seq(2);
  frame.add_items()->mutable_auth()->mutable_credentials()->set_bearer(
      Jwt("tensord", absl::Minutes(2)));
  EXPECT_EQ(ann_session_->Ask(frame).fault().reason(), "FORBIDDEN");
  EXPECT_EQ(AuthFailures(), 1);
}

TEST_F(TrustTest, AWatchEndsWithTheCertificateThatItBeganWith) {
  const Certificate short_lived =
      MakeCertificate({.common_name = "ann", .ends = absl::Now() + absl::Seconds(3)}, &ca_);
  const auto stub = StubOf(&short_lived);
  grpc::ClientContext context;
  auto reader = stub->Watch(&context, {});
  v1::Event event;
  while (reader->Read(&event)) {
  }
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("expired"));
}

}  // namespace
}  // namespace tensord::server
