#include "clients/cpp/tests/daemon_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace tensord::client {
namespace {

struct Child {
  pid_t pid = -1;
  int in = -1, out = -1, err = -1;
};

void MakePipe(int ends[2]) { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }

Child Spawn(const std::string& program, const std::vector<std::string>& args, bool own_err) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  int in[2], out[2], err[2];
  MakePipe(in), MakePipe(out), MakePipe(err);
  Child child;
  child.pid = fork();
  if (child.pid == 0) {
    dup2(in[0], 0), dup2(out[1], 1);
    if (own_err) dup2(err[1], 2);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(in[0]), close(out[1]), close(err[1]);
  child.in = in[1], child.out = out[0], child.err = err[0];
  return child;
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  close(fd);
  return text;
}

int WaitFor(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Outcome RunProgram(const std::string& program, const std::vector<std::string>& args) {
  const Child child = Spawn(program, args, true);
  close(child.in);
  Outcome outcome;
  std::thread reader([&] { outcome.err = ReadAll(child.err); });
  outcome.out = ReadAll(child.out);
  reader.join();
  outcome.exit_code = WaitFor(child.pid);
  return outcome;
}

DaemonProcess::DaemonProcess(Kind kind) {
  if (kind == Kind::kUnix) {
    Start({"--listen=unix://" + (folder_ / "s.sock"), "--log-level=error"}, false);
    return;
  }
  const std::string tokens = folder_ / "tokens";
  std::ofstream(tokens) << "tester " << token() << "\n";
  chmod(tokens.c_str(), 0600);
  Start({"--token-file=" + tokens, "--listen=tcp://127.0.0.1:0", "--log-level=error"}, false);
}

DaemonProcess::DaemonProcess(const std::vector<std::string>& listen) {
  std::vector<std::string> flags = listen;
  flags.push_back("--log-level=error");
  Start(std::move(flags), false);
}

DaemonProcess::DaemonProcess(const KeepLogs& logs) {
  std::vector<std::string> flags = logs.flags;
  flags.push_back("--listen=unix://" + (folder_ / "s.sock"));
  Start(std::move(flags), true);
}

void DaemonProcess::Start(std::vector<std::string> flags, bool keep_logs) {
  flags.insert(flags.begin(), {"--device=cpu", "--cache-dir=off", "--metrics-listen=off",
                               "--drain-delay=0", "--exit-with-parent"});
  const Child child = Spawn(TENSORD_DAEMON, flags, keep_logs);
  pid_ = child.pid, stdin_ = child.in, stdout_ = child.out, stderr_ = child.err;
  const std::string announced = "listening ";
  std::string line;
  for (char byte; read(stdout_, &byte, 1) == 1 && byte != '\n';) line += byte;
  EXPECT_TRUE(line.starts_with(announced)) << "the daemon does not start: " << line;
  address_ = line.substr(std::min(announced.size(), line.size()));
}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    Wait();
  }
  close(stdin_), close(stdout_), close(stderr_);
}

std::string DaemonProcess::StopAndReadLogs() {
  kill(pid_, SIGTERM);
  std::string logs = ReadAll(std::exchange(stderr_, -1));  // ends with the process
  Wait();
  return logs;
}

void DaemonProcess::Kill() {
  kill(pid_, SIGKILL);
  Wait();
}

int DaemonProcess::Wait() { return WaitFor(std::exchange(pid_, -1)); }

const std::string& SharedAddress() {
  static const DaemonProcess daemon;
  return daemon.address();
}

bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 20000; ++i) {
    if (holds()) return true;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return false;
}

}  // namespace tensord::client
