// The daemon as a child process.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/file.h"

namespace tensord::server {

// Which daemon: its own main() over the tests' handler, or the whole of it.
enum class DaemonKind : uint8_t { kFake, kReal };

// A child that runs the daemon, with pipes to its standard input and output.
class Daemon {
 public:
  // `environment`: NAME=value entries beside those of the test.
  explicit Daemon(std::vector<std::string> args, DaemonKind kind = DaemonKind::kFake,
                  const std::vector<std::string>& environment = {}) {
    int in[2];
    int out[2];
    EXPECT_EQ(pipe(in) | pipe(out), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      dup2(out[1], 2);
      for (int fd : {in[0], in[1], out[0], out[1]}) close(fd);
      args.insert(args.begin(), kind == DaemonKind::kFake ? TENSORD_FAKE_DAEMON : TENSORD_DAEMON);
      for (const std::string& entry : environment) putenv(const_cast<char*>(entry.c_str()));
      std::vector<char*> argv;
      for (std::string& arg : args) argv.push_back(arg.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    stdin_ = base::Fd(in[1]);
    stdout_ = base::Fd(out[0]);
  }

  ~Daemon() {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
  }

  // What it prints, up to a line that contains `text` or its end.
  std::string ReadUntil(const std::string& text) {
    char byte;
    size_t line = 0;
    while (read(stdout_.get(), &byte, 1) == 1) {
      output_ += byte;
      if (byte != '\n') continue;
      if (output_.find(text, line) != std::string::npos) break;
      line = output_.size();
    }
    return output_;
  }

  void Signal(int number) { kill(pid_, number); }
  void CloseStdin() { stdin_.Close(); }

  // Its exit code; -1 when a signal ended it.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  base::Fd stdin_;
  base::Fd stdout_;
  std::string output_;
};

}  // namespace tensord::server
