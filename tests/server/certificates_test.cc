// Certificates: those of clients, and the daemon's own files.
#include <gmock/gmock.h>

#include "engine/base/file.h"
#include "server/client_certificate.h"
#include "server/tls_files.h"
#include "tests/server/pki.h"

namespace tensord::server {
namespace {

using testing::HasSubstr;

class ClientCertificateTest : public testing::Test {
 protected:
  std::string NameOf(const CertificateRequest& request) {
    return Verify(MakeCertificate(request, &ca_).pem);
  }
  // The principal's name, or why there is none.
  std::string Verify(const std::string& pem, const std::string& chain = "") {
    const auto verifier = ClientVerifier::Make(ca_.pem);
    EXPECT_TRUE(verifier.ok()) << verifier.status();
    const auto principal = (*verifier)->Verify(pem, chain, absl::Now());
    if (principal.ok()) expires_ = principal->expires;
    return principal.ok() ? principal->name : std::string(principal.status().message());
  }

  const Certificate ca_ = MakeCertificate({.common_name = "CA", .is_ca = true});
  absl::Time expires_;
};

TEST_F(ClientCertificateTest, TheFirstUriElseDnsElseCommonNameIsThePrincipal) {
  EXPECT_EQ(NameOf({.common_name = "c",
                    .alternative_names = "DNS:d.example,URI:spiffe://x/y,URI:spiffe://x/z"}),
            "uri:spiffe:%2F%2Fx%2Fy");
  EXPECT_EQ(NameOf({.common_name = "c", .alternative_names = "DNS:d.example,DNS:e.example"}),
            "dns:d.example");
  EXPECT_EQ(NameOf({.common_name = "Ann B"}), "cn:Ann%20B");
  EXPECT_EQ(NameOf({.common_name = "uid:0"}), "cn:uid:0");
  EXPECT_THAT(NameOf({}), HasSubstr("names nobody"));
}

TEST_F(ClientCertificateTest, WhatTheCaDoesNotVouchForIsRefused) {
  const Certificate other = MakeCertificate({.common_name = "CA", .is_ca = true});
  EXPECT_THAT(Verify(MakeCertificate({.common_name = "c"}, &other).pem), HasSubstr("refused: "));
  EXPECT_THAT(Verify(MakeCertificate({.common_name = "c"}).pem), HasSubstr("self-signed"));
  EXPECT_THAT(NameOf({.common_name = "c", .ends = absl::Now() - absl::Minutes(1)}),
              HasSubstr("certificate has expired"));
  EXPECT_THAT(NameOf({.common_name = "c", .begins = absl::Now() + absl::Minutes(1)}),
              HasSubstr("not yet valid"));
  EXPECT_THAT(NameOf({.common_name = "c", .usage = "serverAuth"}), HasSubstr("purpose"));
  EXPECT_THAT(Verify("no certificate"), HasSubstr("can't be read"));
  EXPECT_THAT(Verify(""), HasSubstr("none was shown"));
}

TEST_F(ClientCertificateTest, AnIntermediateCaMayStandBetweenAndItsEndCounts) {
  const absl::Time soon = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 60);
  const Certificate between =
      MakeCertificate({.common_name = "between", .is_ca = true, .ends = soon}, &ca_);
  const Certificate leaf = MakeCertificate({.common_name = "c"}, &between);
  EXPECT_EQ(Verify(leaf.pem, between.pem), "cn:c");
  EXPECT_EQ(expires_, soon);
  EXPECT_THAT(Verify(leaf.pem), HasSubstr("refused"));
  const Certificate fake = MakeCertificate({.common_name = "d"}, &leaf);  // a leaf is no CA
  EXPECT_THAT(Verify(fake.pem, leaf.pem + between.pem), HasSubstr("refused"));
}

TEST_F(ClientCertificateTest, ACertificateThatWasGoodOnceStillExpires) {
  const auto verifier = ClientVerifier::Make(ca_.pem);
  const std::string pem = MakeCertificate({.common_name = "c"}, &ca_).pem;
  EXPECT_TRUE((*verifier)->Verify(pem, "", absl::Now()).ok());
  EXPECT_TRUE((*verifier)->Verify(pem, "", absl::Now()).ok());
  EXPECT_FALSE((*verifier)->Verify(pem, "", absl::Now() + absl::Hours(2)).ok());
}

class TlsFilesTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = dir_.path() + "/" + name;
    EXPECT_TRUE(base::WriteFileAtomically(path, text, mode).ok());
    return path;
  }
  TlsFiles::Paths Paths(const Certificate& own) {
    return {Write("cert", own.pem, 0644), Write("key", own.key_pem), ""};
  }
  std::string ErrorOf(const TlsFiles::Paths& paths) {
    return TlsFiles::Load(paths).status().ToString();
  }
  base::TempDir dir_;
};

TEST_F(TlsFilesTest, TheKeyMustBePrivateAndThatOfTheCertificate) {
  const Certificate one = MakeCertificate({.common_name = "one"});
  const Certificate two = MakeCertificate({.common_name = "two"});
  TlsFiles::Paths paths = Paths(one);
  EXPECT_TRUE(TlsFiles::Load(paths).ok());
  Write("key", one.key_pem, 0644);
  EXPECT_THAT(ErrorOf(paths), HasSubstr("chmod 0600"));
  Write("key", two.key_pem);
  EXPECT_THAT(ErrorOf(paths), HasSubstr("not that of the first certificate"));
  Write("key", "hello");
  EXPECT_THAT(ErrorOf(paths), HasSubstr("the key can't be read"));
  Write("key", one.key_pem);
  Write("cert", "hello");
  EXPECT_THAT(ErrorOf(paths), HasSubstr("certificate 1 can't be read"));
  paths.certificate = dir_.path() + "/absent";
  EXPECT_THAT(ErrorOf(paths), HasSubstr("absent"));
  paths = Paths(one);
  paths.client_ca = Write("ca", "hello");
  EXPECT_THAT(ErrorOf(paths), HasSubstr("TLS client CAs"));
}

TEST_F(TlsFilesTest, ANewPairIsTakenOnceBothFilesFit) {
  const Certificate one = MakeCertificate({.common_name = "one"});
  const Certificate two = MakeCertificate({.common_name = "two"});
  const auto files = TlsFiles::Load(Paths(one));
  ASSERT_TRUE(files.ok()) << files.status();
  Write("cert", two.pem, 0644);
  testing::internal::CaptureStderr();
  (*files)->Reload(false);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("stay as they were"));
  EXPECT_EQ((*files)->material()->certificate, one.pem);
  Write("key", two.key_pem);
  (*files)->Reload(false);
  EXPECT_EQ((*files)->material()->certificate, two.pem);
  EXPECT_EQ((*files)->material()->key, two.key_pem);
}

}  // namespace
}  // namespace tensord::server
