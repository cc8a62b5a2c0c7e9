#include "engine/base/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tensord::base {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Environment = std::vector<std::string>;

TEST(Settings, TakeTheirDefaultsFromTheTable) {
  std::vector<std::string> problems;
  const Settings settings = ParseSettings(Environment{"HOME=/", "PATH="}, &problems);
  EXPECT_EQ(settings.threads, 0);
  EXPECT_EQ(settings.log_format, "text");
  EXPECT_FALSE(settings.validate);
  EXPECT_THAT(problems, IsEmpty());
}

TEST(Settings, ReadEveryTypeFromTheEnvironment) {
  const Environment environment = {"TENSORD_THREADS=3", "TENSORD_VALIDATE=1",
                                   "TENSORD_DUMP=fuse=x,tile"};
  const Settings settings = ParseSettings(environment, nullptr);
  EXPECT_EQ(settings.threads, 3);
  EXPECT_TRUE(settings.validate);
  EXPECT_EQ(settings.dump, "fuse=x,tile");
}

TEST(Settings, ReportAMalformedValueAndKeepTheDefault) {
  const Environment environment = {"TENSORD_THREADS=-1", "TENSORD_LOG_FORMAT=xml",
                                   "TENSORD_VALIDATE=maybe"};
  std::vector<std::string> problems;
  const Settings settings = ParseSettings(environment, &problems);
  EXPECT_EQ(settings.threads, 0);
  EXPECT_EQ(settings.log_format, "text");
  EXPECT_THAT(problems, ElementsAre(HasSubstr("TENSORD_THREADS=\"-1\": expected a whole number"),
                                    HasSubstr("expected one of text|json"),
                                    HasSubstr("expected true or false")));
}

TEST(Settings, NameTheVariablesThatNobodyKnows) {
  const Environment environment = {"TENSORD_THREAD=3", "TENSORD_DEBUG=1", "TENSORD_ADDR=x",
                                   "TENSORDX=1", "TENSORD_ABC"};
  const std::string_view also[] = {"TENSORD_ADDR"};
  EXPECT_THAT(UnknownSettings(environment, also), ElementsAre("TENSORD_ABC", "TENSORD_THREAD"));
}

TEST(Settings, AreDocumentedAndValidByDefaultRowByRow) {
  std::set<std::string> names;
  for (const SettingRow& row : SettingTable()) {
    EXPECT_TRUE(names.insert(std::string(row.name)).second) << row.name << " appears twice";
    EXPECT_FALSE(row.doc.empty()) << row.name;
    std::vector<std::string> problems;
    ParseSettings(Environment{"TENSORD_" + std::string(row.name) + "=" + row.default_value},
                  &problems);
    EXPECT_THAT(problems, IsEmpty());
  }
}

TEST(Settings, ChangeForOneScope) {
  const int64_t before = GetSettings().schedule_seed;
  {
    ScopedSettings scope([](Settings& settings) { settings.schedule_seed = 77; });
    EXPECT_EQ(GetSettings().schedule_seed, 77);
  }
  EXPECT_EQ(GetSettings().schedule_seed, before);
}

TEST(Settings, DumpNamesPassesOrAll) {
  ScopedSettings scope([](Settings& settings) { settings.dump = "fuse,tile"; });
  EXPECT_TRUE(DumpWanted("fuse"));
  EXPECT_TRUE(DumpWanted("tile"));
  EXPECT_FALSE(DumpWanted("til"));
  ScopedSettings all([](Settings& settings) { settings.dump = "all"; });
  EXPECT_TRUE(DumpWanted("anything"));
}

}  // namespace
}  // namespace tensord::base
