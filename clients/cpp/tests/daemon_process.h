// A daemon of the tests' own: a child process on a Unix socket in a temporary folder.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/tensord/session.h"
#include "clients/cpp/tests/temporary_folder.h"

namespace tensord::client {

// Runs a program and waits for its end.
struct Outcome {
  int exit_code = -1;  // -1: a signal ended it
  std::string out, err;
};
Outcome RunProgram(const std::string& program, const std::vector<std::string>& args);

// Serves from the constructor's return on; ends with the destructor.
class DaemonProcess {
 public:
  enum class Kind : uint8_t { kUnix, kTcp };
  explicit DaemonProcess(Kind kind = Kind::kUnix);
  // With flags that say where to listen.
  explicit DaemonProcess(const std::vector<std::string>& listen);
  // On a Unix socket, with flags of its logs, which are kept.
  struct KeepLogs {
    std::vector<std::string> flags;
  };
  explicit DaemonProcess(const KeepLogs& logs);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }
  // What a client over TCP has to show.
  static std::string token() { return "0123456789abcdef0123456789abcdef"; }
  void Kill();
  // Ends it; the logs that were kept.
  std::string StopAndReadLogs();
  // Its exit code once it has ended by itself.
  int Wait();

 private:
  void Start(std::vector<std::string> flags, bool keep_logs);

  const TemporaryFolder folder_;
  std::string address_;
  pid_t pid_ = -1;
  int stdin_ = -1, stdout_ = -1, stderr_ = -1;
};

// One daemon for all tests that only use it.
const std::string& SharedAddress();

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto session = Session::Connect({.address = SharedAddress(), .label = "test"});
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }
  std::unique_ptr<Session> session_;
};

// Waits up to 20 s for `holds`.
bool Eventually(const std::function<bool()>& holds);

}  // namespace tensord::client
