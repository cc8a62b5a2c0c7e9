// Certificates for a test's daemon and its clients, made by the openssl program when it runs.
#pragma once

#include <string>

#include "clients/cpp/tests/temporary_folder.h"

namespace tensord::client {

class TestCertificates {
 public:
  TestCertificates();

  std::string ca() const { return folder_ / "ca.pem"; }
  std::string other_ca() const { return folder_ / "other-ca.pem"; }
  // NAME.pem and NAME.key for "daemon" (whose name is localhost) and "ann" are signed by the CA.
  std::string certificate(const std::string& name) const {
    return folder_ / (name + ".pem").c_str();
  }
  std::string key(const std::string& name) const { return folder_ / (name + ".key").c_str(); }

 private:
  void MakeCa(const std::string& name) const;
  void Sign(const std::string& name, const std::string& extensions) const;

  const TemporaryFolder folder_;
};

}  // namespace tensord::client
