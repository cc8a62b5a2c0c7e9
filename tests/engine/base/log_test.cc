#include "engine/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>
#include <thread>
#include <vector>

#include "engine/base/file.h"
#include "engine/base/settings.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kTime = 1'700'000'000'123'456;

// Everything logged while `act` runs.
template <typename Act>
std::string Captured(Act act) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  SetLogFd(ends[1]);
  std::string text;
  std::thread reader([&] {
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) {
      text.append(buffer, static_cast<size_t>(got));
    }
  });
  act();
  SetLogFd(2);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  return text;
}

TEST(Log, WritesKeysAndValuesAsText) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, LogLevel::kInfo, kTime, "session opened",
                          {{"principal", "uid:0"}, {"id", 3}, {"ok", true}, {"s", 0.5}}),
            "time=2023-11-14T22:13:20.123Z level=info msg=\"session opened\" principal=uid:0 id=3 "
            "ok=true s=0.5\n");
}

TEST(Log, WritesTypedValuesAsJson) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, LogLevel::kError, kTime, "x",
                          {{"name", std::string("a\"b\n")},
                           {"id", uint64_t{3}},
                           {"nan", std::numeric_limits<double>::quiet_NaN()}}),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"error\",\"msg\":\"x\","
            "\"name\":\"a\\\"b\\n\",\"id\":3,\"nan\":\"nan\"}\n");
}

TEST(Log, LinesOfATraceSaySo) {
  const auto line = [] { return FormatLogLine(LogFormat::kJson, LogLevel::kInfo, kTime, "x", {}); };
  const std::string plain = line();
  {
    const ScopedLogTrace trace("0af7");
    EXPECT_THAT(line(), HasSubstr(",\"msg\":\"x\",\"trace_id\":\"0af7\"}"));
    const ScopedLogTrace none("");
    EXPECT_EQ(line(), plain);
  }
  EXPECT_EQ(line(), plain);
}

TEST(Log, KeepsALineOneLineWhateverIsInIt) {
  const std::string line = FormatLogLine(LogFormat::kText, LogLevel::kInfo, kTime, "a\nb",
                                         {{"k", "v w"}, {"empty", ""}, {"raw", "\x01="}});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr("msg=\"a\\nb\" k=\"v w\" empty=\"\" raw=\"\\u0001=\""));
}

TEST(Log, EvaluatesNothingBelowItsLevel) {
  ScopedSettings scope([](Settings& settings) { settings.log_level = "warning"; });
  int evaluated = 0;
  const std::string text = Captured([&] {
    LOG_INFO("quiet", {"n", ++evaluated});
    LOG_WARNING("loud", {"n", ++evaluated});
  });
  EXPECT_EQ(evaluated, 1);
  EXPECT_THAT(text, HasSubstr("level=warning msg=loud n=1"));
  EXPECT_EQ(text.find("quiet"), std::string::npos);
}

TEST(Log, WritesWholeLinesFromManyThreads) {
  const std::string text = Captured([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 200; ++i) LOG_ERROR("event", {"payload", std::string(100, 'x')});
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  const auto lines = Split(text, "\n");
  EXPECT_EQ(lines.size(), 800u);
  for (const std::string_view line : lines) EXPECT_EQ(line.size(), lines[0].size());
}

}  // namespace
}  // namespace tensord::base
