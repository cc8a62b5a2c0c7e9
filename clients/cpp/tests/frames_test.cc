// The bytes that calls become, the same for every client: clients/conformance/frames.txt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "clients/cpp/tests/frame_script.h"

namespace tensord::client {
namespace {

TEST(Frames, CallsBecomeTheBytesOfTheFile) {
  std::ostringstream json;
  json << std::ifstream(TENSORD_SOURCE_DIR "/clients/ops.json").rdbuf();
  const std::map<std::string, OpRow> rows = ReadOps(json.str());
  const std::vector<FrameCase> cases =
      ReadFrameCases(TENSORD_SOURCE_DIR "/clients/conformance/frames.txt");
  EXPECT_GE(cases.size(), 19u);
  for (const FrameCase& wanted : cases) {
    const FrameScript::Sent sent = FrameScript(rows).Run(wanted.script);
    EXPECT_EQ(sent.strings, wanted.strings) << wanted.name;
    EXPECT_EQ(sent.items, wanted.items) << wanted.name;
  }
}

}  // namespace
}  // namespace tensord::client
