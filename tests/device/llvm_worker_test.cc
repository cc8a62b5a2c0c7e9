// The compile workers: what they answer, how they fail, what that costs.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/config.h"
#include "engine/base/file.h"
#include "engine/base/strings.h"
#include "engine/codegen/llvm_compile.h"
#include "engine/device/llvm/worker_pool.h"

extern char** environ;

namespace tensord::device::llvm {
namespace {

using codegen::HostTarget;

std::unique_ptr<WorkerPool> StartPool(WorkerOptions options) {
  auto pool = WorkerPool::Start(std::move(options));
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

constexpr char kGood[] = "define i32 @f(i32 %x) {\n  %y = add i32 %x, 1\n  ret i32 %y\n}\n";

// `depth` nested types: LLVM's parser recurses once for each.
std::string DeepType(int depth) {
  return StrCat("@x = external global ", std::string(static_cast<size_t>(depth), '{'), "i32",
                std::string(static_cast<size_t>(depth), '}'), "\n");
}

// Takes LLVM's code generator longer than any test would wait.
std::string Endless() {
  std::string text = "define i64 @f(i64 %x0, i64 %y) {\n";
  for (int i = 0; i < 300000; ++i) {
    StrAppend(&text, "  %x", i + 1, " = ", i % 2 == 0 ? "mul" : "xor", " i64 %x", i, ", ",
              i % 3 == 0 ? "%y" : "%x0", "\n");
  }
  return text + "  ret i64 %x300000\n}\n";
}

// Object files hold their zeros.
std::string HugeConstant() {
  return "@x = constant [3000000000 x i8] zeroinitializer, section \".mine\"\n";
}

// Passes the verifier; x86 has no such instruction.
constexpr char kNoSuchInstruction[] =
    "declare void @llvm.aarch64.dmb(i32)\n"
    "define void @f() {\n  call void @llvm.aarch64.dmb(i32 7)\n  ret void\n}\n";

TEST(LlvmWorkers, CompileTextToAnObjectFile) {
  auto pool = StartPool({.workers = 1});
  const absl::StatusOr<std::string> object = pool->Compile(kGood, HostTarget());
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(object->substr(0, 4),
            "\x7f"
            "ELF");
}

TEST(LlvmWorkers, QuoteWhatTheParserSaysAndGoOn) {
  auto pool = StartPool({.workers = 1});
  const absl::Status status = pool->Compile("define i32 @f( {\n", HostTarget()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("line 2"), std::string::npos) << status;
  EXPECT_TRUE(pool->Compile(kGood, HostTarget()).ok());
  EXPECT_EQ(pool->stats().lost, 0);
  EXPECT_EQ(pool->stats().started, 1);
}

TEST(LlvmWorkers, ACrashFailsOneCompileAndIsRemembered) {
  auto pool = StartPool({.workers = 1});
  const std::string text = DeepType(2'000'000);
  const absl::Status first = pool->Compile(text, HostTarget()).status();
  EXPECT_TRUE(absl::IsInternal(first)) << first;
  const absl::Status second = pool->Compile(text, HostTarget()).status();
  EXPECT_NE(second.message().find("quarantined"), std::string::npos) << second;
  EXPECT_EQ(pool->stats().lost, 1);
  EXPECT_TRUE(pool->Compile(kGood, HostTarget()).ok());
  EXPECT_EQ(pool->stats().started, 2);
  // Another pool of this process knows too.
  auto other = StartPool({.workers = 1});
  EXPECT_EQ(other->Compile(text, HostTarget()).status(), second);
  EXPECT_EQ(other->stats().lost, 0);
}

TEST(LlvmWorkers, AFatalErrorOfLlvmIsQuoted) {
  auto pool = StartPool({.workers = 1});
  const absl::Status status = pool->Compile(kNoSuchInstruction, HostTarget()).status();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_NE(status.message().find("elect"), std::string::npos) << status;
  EXPECT_TRUE(pool->Compile(kGood, HostTarget()).ok());
}

TEST(LlvmWorkers, TimeIsLimited) {
  auto pool = StartPool({.workers = 1, .timeout_ms = 200});
  const std::string text = Endless();
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = pool->Compile(text, HostTarget()).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_NE(pool->Compile(text, HostTarget()).status().message().find("quarantined"),
            std::string::npos);
}

TEST(LlvmWorkers, MemoryIsLimited) {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  GTEST_SKIP() << "sanitizers need address space without limits";
#endif
  auto pool = StartPool({.workers = 1, .memory_bytes = 512 << 20});
  const absl::Status status = pool->Compile(HugeConstant(), HostTarget()).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(pool->Compile(kGood, HostTarget()).ok());
}

TEST(LlvmWorkers, OneThatDiedIdleIsNoticedAndReplaced) {
  auto pool = StartPool({.workers = 2});
  ASSERT_TRUE(pool->Compile(kGood, HostTarget()).ok());
  for (pid_t pid : pool->pids()) kill(pid, SIGKILL);
  for (int i = 0; i < 4; ++i) {
    const auto object = pool->Compile(kGood, HostTarget());
    EXPECT_TRUE(object.ok()) << object.status();
  }
}

TEST(LlvmWorkers, RunSideBySide) {
  auto pool = StartPool({.workers = 3});
  std::vector<std::thread> threads;
  std::vector<absl::Status> statuses(12);
  for (size_t i = 0; i < statuses.size(); ++i) {
    threads.emplace_back([&, i] {
      // One in four crashes; the others must not notice.
      const std::string text = i % 4 == 0 ? DeepType(1'000'000 + static_cast<int>(i)) : kGood;
      statuses[i] = pool->Compile(text, HostTarget()).status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < statuses.size(); ++i) {
    EXPECT_EQ(statuses[i].ok(), i % 4 != 0) << i << ": " << statuses[i];
  }
}

TEST(LlvmWorkers, AProgramThatIsNoWorkerIsAnError) {
  for (const char* path : {"/nonexistent/worker", "/bin/true"}) {
    auto pool = StartPool({.workers = 1, .path = path});
    const absl::Status status = pool->Compile(kGood, HostTarget()).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << path << ": " << status;
  }
}

bool Alive(pid_t pid) {
  // A zombie that init has not reaped yet is dead enough.
  const auto stat = base::ReadFile(StrCat("/proc/", pid, "/stat"));
  return stat.ok() && stat->find(") Z") == std::string::npos;
}

// Not a test of its own: the process that the next test kills.
TEST(LlvmWorkersChild, DISABLED_PrintPidsAndWait) {
  auto pool = StartPool({.workers = 2});
  ASSERT_TRUE(pool->Compile(kGood, HostTarget()).ok());
  std::string line;
  for (pid_t pid : pool->pids()) StrAppend(&line, pid, "\n");
  ASSERT_TRUE(base::WriteFileAtomically(std::getenv("TENSORD_TEST_PIDS"), line).ok());
  // Busy for ever: neither its end of the socket nor anything else tells it that we are gone.
  (void)pool->Compile(Endless(), HostTarget());
  pause();
}

TEST(LlvmWorkers, DieWithTheirParent) {
  base::TempDir dir;
  const std::string file = dir.path() + "/pids", setting = "TENSORD_TEST_PIDS=" + file;
  std::vector<char*> environment = {const_cast<char*>(setting.c_str())};
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  const char* argv[] = {"child", "--gtest_also_run_disabled_tests",
                        "--gtest_filter=LlvmWorkersChild.*", nullptr};
  pid_t child = -1;
  ASSERT_EQ(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(argv),
                        environment.data()),
            0);
  absl::StatusOr<std::string> text;
  for (int i = 0; i < 600 && !(text = base::ReadFile(file)).ok(); ++i) usleep(100'000);
  ASSERT_TRUE(text.ok()) << text.status();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (std::string_view pid : Split(*text, "\n")) {
    const pid_t worker = std::atoi(std::string(pid).c_str());
    for (int i = 0; i < 100 && Alive(worker); ++i) usleep(100'000);
    EXPECT_FALSE(Alive(worker)) << worker;
  }
}

TEST(LlvmWorkers, FramesOfEverySizeComeBackWhole) {
  auto pool = StartPool({.workers = 1});
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{4096}, size_t{1} << 20}) {
    const std::string payload(bytes, 'x');
    const auto answer = pool->Echo(payload);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(*answer == payload) << bytes;
  }
}

}  // namespace
}  // namespace tensord::device::llvm
