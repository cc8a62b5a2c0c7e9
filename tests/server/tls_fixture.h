// A daemon in the test's process that listens by TLS, with a CA of its own.
#pragma once

#include <grpcpp/security/credentials.h>

#include <string>

#include "tests/server/pki.h"
#include "tests/server/server_fixture.h"

namespace tensord::server {

class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    options_.listen = {"tls://127.0.0.1:0"};
    options_.tls_cert = dir_.path() + "/cert.pem";
    options_.tls_key = dir_.path() + "/key.pem";
    WriteOwn(MakeCertificate({.common_name = "daemon", .alternative_names = kNames}, &ca_));
  }

  // The daemon's certificate and key, in place of those before.
  void WriteOwn(const Certificate& own) {
    WritePrivate(options_.tls_cert, own.pem);
    WritePrivate(options_.tls_key, own.key_pem);
  }
  void WantClientCertificates() {
    options_.tls_client_ca = dir_.path() + "/ca.pem";
    WritePrivate(options_.tls_client_ca, ca_.pem);
  }
  void TakeTokens() {
    options_.token_file = dir_.path() + "/tokens";
    WritePrivate(options_.token_file, "alice 0123456789abcdef\n");
  }

  // A connection of its own that trusts `trusted` and shows `own`.
  std::unique_ptr<v1::Compute::Stub> StubOf(const Certificate* own = nullptr) {
    return StubOf(own, ca_);
  }
  std::unique_ptr<v1::Compute::Stub> StubOf(const Certificate* own, const Certificate& trusted) {
    grpc::SslCredentialsOptions tls{.pem_root_certs = trusted.pem};
    if (own != nullptr) tls.pem_private_key = own->key_pem, tls.pem_cert_chain = own->pem;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const std::string address = server_->addresses().back().substr(std::string("tls://").size());
    return v1::Compute::NewStub(
        grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments));
  }

  // A call whose answer names the caller.
  grpc::Status Negotiate(v1::Compute::Stub& stub, const std::string& token = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::Hello hello;
    hello.set_max_version(1);
    if (!token.empty()) hello.mutable_credentials()->set_bearer(token);
    return stub.Negotiate(&context, hello, &welcome_);
  }
  int64_t AuthFailures() { return server_->metrics().Get(Metric::auth_failures); }

  static constexpr char kNames[] = "IP:127.0.0.1,DNS:localhost";
  const Certificate ca_ = MakeCertificate({.common_name = "CA", .is_ca = true});
  v1::Welcome welcome_;  // of the last Negotiate
};

}  // namespace tensord::server
