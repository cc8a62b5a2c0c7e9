// The examples run as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

Outcome RunExample(const std::string& program) {
  setenv("TENSORD_ADDR", SharedAddress().c_str(), 1);
  Outcome outcome = RunProgram(program, {});
  unsetenv("TENSORD_ADDR");
  return outcome;
}

TEST(Examples, TheFirstSessionOfTheReadmeWorks) {
  const Outcome outcome = RunExample(TENSORD_HELLO);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::StartsWith("0.01798"));
}

TEST(Examples, TheNetworkLearns) {
  const Outcome outcome = RunExample(TENSORD_MLP);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, testing::HasSubstr("step 999"));
}

}  // namespace
}  // namespace tensord::client
