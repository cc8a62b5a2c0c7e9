#include "engine/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace tensord::base {
namespace {

using ::testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

TEST(File, IsReadBackAsItWasWritten) {
  TempDir dir;
  const std::string path = dir.path() + "/entry", contents("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomically(path, contents).ok());
  EXPECT_EQ(*ReadFile(path), contents);
  EXPECT_EQ(ModeOf(path), 0600u);
  ASSERT_TRUE(WriteFileAtomically(path, "", 0644).ok());
  EXPECT_EQ(*ReadFile(path), "");
  EXPECT_EQ(ModeOf(path), 0644u);
}

TEST(File, LeavesNothingAsideWhenTheWriteFails) {
  TempDir dir;
  EXPECT_EQ(WriteFileAtomically(dir.path() + "/no/entry", "x").code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(MakeDirs(dir.path() + "/taken/full", 0700).ok());
  EXPECT_FALSE(WriteFileAtomically(dir.path() + "/taken", "x").ok());
  EXPECT_TRUE(ListFiles(dir.path())->empty());
}

TEST(File, IsNeverSeenHalfWritten) {
  TempDir dir;
  const std::string path = dir.path() + "/entry";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(50000, 'a')).ok());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(
          WriteFileAtomically(path, std::string(50000, static_cast<char>('a' + i % 26))).ok());
    }
    done = true;
  });
  while (!done) {
    const std::string contents = ReadFile(path).value_or("");
    ASSERT_EQ(contents, std::string(50000, contents.empty() ? '?' : contents[0]));
  }
  writer.join();
}

TEST(File, OverTheLimitIsRefused) {
  TempDir dir;
  const std::string path = dir.path() + "/entry";
  ASSERT_TRUE(WriteFileAtomically(path, "12345").ok());
  EXPECT_TRUE(ReadFile(path, 5).ok());
  EXPECT_EQ(ReadFile(path, 4).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(File, OfTheKernelThatSaysSizeZeroIsReadWhole) {
  EXPECT_THAT(*ReadFile("/proc/self/status"), HasSubstr("VmRSS"));
}

TEST(File, ThatIsMissingIsNotFoundWithItsPath) {
  const absl::Status status = ReadFile("/no/such/file").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("open /no/such/file: No such file"));
}

TEST(Dirs, AreMadeWithTheirParentsAndMode) {
  TempDir dir;
  const std::string path = dir.path() + "/a/b//c/";
  ASSERT_TRUE(MakeDirs(path, 0750).ok());
  EXPECT_TRUE(MakeDirs(path, 0700).ok()) << "one that exists is left as it is";
  EXPECT_EQ(ModeOf(dir.path() + "/a"), 0750u);
  EXPECT_EQ(ModeOf(path), 0750u);
}

TEST(Dirs, ArePrivateOnlyWithoutPermissionsForOthers) {
  TempDir dir;
  EXPECT_TRUE(CheckPrivateDir(dir.path()).ok());
  ASSERT_EQ(chmod(dir.path().c_str(), 0750), 0);
  const absl::Status open = CheckPrivateDir(dir.path());
  EXPECT_EQ(open.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(open.message()), HasSubstr("mode 0750"));
  ASSERT_EQ(chmod(dir.path().c_str(), 0700), 0);
  const std::string link = dir.path() + "/link";
  ASSERT_EQ(symlink(dir.path().c_str(), link.c_str()), 0);
  EXPECT_THAT(std::string(CheckPrivateDir(link).message()), HasSubstr("symbolic link"));
}

TEST(Dirs, ListTheirRegularFilesByName) {
  TempDir dir;
  ASSERT_TRUE(MakeDirs(dir.path() + "/sub", 0700).ok());
  ASSERT_TRUE(WriteFileAtomically(dir.path() + "/b", "12").ok());
  ASSERT_TRUE(WriteFileAtomically(dir.path() + "/a", "1").ok());
  const std::vector<DirEntry> entries = *ListFiles(dir.path());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].bytes, 2);
  EXPECT_GT(entries[1].modified_ns, 0);
  EXPECT_TRUE(RemoveFile(dir.path() + "/a").ok());
  EXPECT_TRUE(RemoveFile(dir.path() + "/a").ok()) << "removing twice is no error";
}

TEST(FdOwner, ClosesWhatItOwnsOnce) {
  const int raw = open("/dev/null", O_RDONLY);
  Fd first(raw);
  Fd second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what the test is about
  EXPECT_EQ(second.get(), raw);
  second = Fd();
  EXPECT_EQ(fcntl(raw, F_GETFD), -1);
}

}  // namespace
}  // namespace tensord::base
