#include "engine/base/host.h"

#include <gtest/gtest.h>

#include "engine/base/file.h"

namespace tensord::base {
namespace {

// A tree of cgroup files in a folder of its own.
class CgroupTree : public ::testing::Test {
 protected:
  void Put(const std::string& file, const std::string& text) {
    const std::string path = dir_.path() + "/" + file;
    ASSERT_TRUE(MakeDirs(path.substr(0, path.rfind('/')), 0700).ok());
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
  }
  CgroupLimits Read(const std::string& memberships) {
    return ReadCgroupLimits(dir_.path(), memberships);
  }
  TempDir dir_;
};

TEST_F(CgroupTree, OfVersion2GivesTheTightestLimitOnTheWayUp) {
  Put("a/cpu.max", "250000 100000\n");
  Put("a/memory.max", "max\n");
  Put("a/b/cpu.max", "max 100000\n");
  Put("a/b/memory.max", "1000000\n");
  const CgroupLimits limits = Read("0::/a/b\n");
  EXPECT_EQ(limits.cpus, 2.5);
  EXPECT_EQ(limits.memory_bytes, 1000000);
}

TEST_F(CgroupTree, OfVersion1ReadsQuotaPeriodAndMemory) {
  Put("cpu/x/cpu.cfs_quota_us", "150000\n");
  Put("cpu/x/cpu.cfs_period_us", "100000\n");
  Put("memory/memory.limit_in_bytes", "5000000\n");
  const CgroupLimits limits = Read("4:cpu,cpuacct:/x\n7:memory:/y\n");
  EXPECT_EQ(limits.cpus, 1.5);
  EXPECT_EQ(limits.memory_bytes, 5000000);
}

TEST_F(CgroupTree, OfAContainerIsReadAtTheMountWhenThePathIsTheHosts) {
  Put("cpu.max", "100000 100000\n");
  EXPECT_EQ(Read("0::/docker/0123abcd\n").cpus, 1.0);
}

TEST_F(CgroupTree, WithoutLimitsGivesNone) {
  Put("cpu/cpu.cfs_quota_us", "-1\n");
  Put("cpu/cpu.cfs_period_us", "100000\n");
  Put("memory/memory.limit_in_bytes", "9223372036854771712\n");
  const CgroupLimits limits = Read("4:cpu:/\n7:memory:/\nnonsense\n");
  EXPECT_EQ(limits.cpus, 0);
  EXPECT_EQ(limits.memory_bytes, 0);
}

TEST(Host, HasACoreAndMemory) {
  EXPECT_GE(CpuCount(), 1);
  EXPECT_GT(MemoryLimitBytes(), 1 << 20);
}

}  // namespace
}  // namespace tensord::base
