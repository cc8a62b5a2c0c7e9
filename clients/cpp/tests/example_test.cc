// The examples run as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

TEST(Examples, TheNetworkLearns) {
  setenv("TENSORD_ADDR", SharedAddress().c_str(), 1);
  const Outcome outcome = RunProgram(TENSORD_MLP, {});
  unsetenv("TENSORD_ADDR");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, testing::HasSubstr("step 999"));
}

}  // namespace
}  // namespace tensord::client
