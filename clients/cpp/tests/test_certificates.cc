#include "clients/cpp/tests/test_certificates.h"

#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

void OpenSsl(const std::vector<std::string>& args) {
  const Outcome outcome = RunProgram("/usr/bin/openssl", args);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

}  // namespace

TestCertificates::TestCertificates() {
  MakeCa("ca");
  MakeCa("other-ca");
  Sign("daemon", "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n");
  Sign("ann", "extendedKeyUsage=clientAuth\n");
}

void TestCertificates::MakeCa(const std::string& name) const {
  OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "1", "-subj", "/CN=" + name, "-keyout", key(name), "-out", certificate(name)});
}

void TestCertificates::Sign(const std::string& name, const std::string& extensions) const {
  const std::string request = folder_ / "request", file = folder_ / "extensions";
  std::ofstream(file) << extensions;
  OpenSsl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=" + name, "-keyout", key(name), "-out", request});
  OpenSsl({"x509", "-req", "-in", request, "-CA", ca(), "-CAkey", key("ca"), "-CAcreateserial",
           "-days", "1", "-extfile", file, "-out", certificate(name)});
  chmod(key(name).c_str(), 0600);
}

}  // namespace tensord::client
