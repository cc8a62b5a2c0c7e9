// The tool, as a program: what it prints and how it ends.
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>

#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Outcome Ctl(std::vector<std::string> args, const std::string& address = SharedAddress()) {
  args.push_back("--address=" + address);
  return RunProgram(TENSORCTL, args);
}

// A table in JSON.
ListValue Rows(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  ListValue rows;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(outcome.out, &rows).ok()) << outcome.out;
  return rows;
}

Struct Record(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  Struct record;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(outcome.out, &record).ok())
      << outcome.out;
  return record;
}

// A file of IR text that adds its two inputs.
std::string GraphFile() {
  const std::string path = testing::TempDir() + "tensorctl_test.ir";
  std::ofstream(path) << "function(%0: f32[2], %1: f32[2]) -> (%2) {\n"
                         "  %2 = add %0, %1 : f32[2]\n"
                         "}\n";
  return path;
}

TEST(Tensorctl, ListsDevices) {
  EXPECT_THAT(Ctl({"devices"}).out, AllOf(StartsWith("NO  NAME"), HasSubstr("cpu")));
  const ListValue rows = Rows(Ctl({"devices", "-o", "json"}));
  ASSERT_EQ(rows.values_size(), 1);
  const auto& device = rows.values(0).struct_value().fields();
  EXPECT_EQ(device.at("name").string_value(), "cpu");
  EXPECT_EQ(device.at("number").number_value(), 1);
  EXPECT_TRUE(device.at("default").bool_value());
}

TEST(Tensorctl, ListsOpsAndTellsOfOne) {
  EXPECT_GT(Rows(Ctl({"ops", "-o", "json"})).values_size(), 200);
  EXPECT_THAT(Ctl({"ops", "softmax"}).out,
              AllOf(StartsWith("softmax(x)"), HasSubstr("axis=-1"), HasSubstr("{0.5, 0.5}")));
  EXPECT_EQ(Record(Ctl({"ops", "softmax", "-o", "json"})).fields().at("name").string_value(),
            "softmax");
  const Outcome unknown = Ctl({"ops", "sofmax"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("there is no op sofmax"));
}

TEST(Tensorctl, ReadsCounters) {
  EXPECT_THAT(Ctl({"stats"}).out, AllOf(HasSubstr("kernels_compiled"), HasSubstr("uptime_us")));
  const ListValue one = Rows(Ctl({"stats", "launches", "-o", "json"}));
  ASSERT_EQ(one.values_size(), 1);
  EXPECT_EQ(one.values(0).struct_value().fields().at("kind").string_value(), "counter");
  EXPECT_EQ(Ctl({"stats", "lunches"}).exit_code, 1);
  EXPECT_EQ(Rows(Ctl({"cache", "-o", "json"})).values_size(), 2);
  EXPECT_TRUE(Record(Ctl({"kernels", "-o", "json"})).fields().contains("compile_us"));
}

TEST(Tensorctl, CountsSessions) {
  const auto session = Session::Connect({.address = SharedAddress()});
  ASSERT_TRUE(session.ok());
  EXPECT_GE(Record(Ctl({"sessions", "-o", "json"})).fields().at("sessions").number_value(), 1);
}

TEST(Tensorctl, TellsHealthAndVersions) {
  EXPECT_THAT(Ctl({"health"}).out, AllOf(HasSubstr("(daemon)"), HasSubstr("SERVING")));
  EXPECT_EQ(Ctl({"health", "no.such.service"}).exit_code, 1);
  const Struct version = Record(Ctl({"version", "-o", "json"}));
  EXPECT_EQ(version.fields().at("daemon").string_value(), TENSORD_VERSION);
  EXPECT_EQ(version.fields().at("protocol").number_value(), 1);
}

TEST(Tensorctl, RunsAFile) {
  const std::string file = GraphFile();
  EXPECT_EQ(Ctl({"run", file, "-i", "1,2", "-i", "10,20"}).out, "f32[2] {11, 22}\n");
  const ListValue rows = Rows(Ctl({"run", file, "-i", "1,2", "-i", "10,20", "-o", "json"}));
  const auto& output = rows.values(0).struct_value().fields();
  EXPECT_EQ(output.at("type").string_value(), "f32[2]");
  EXPECT_EQ(output.at("numbers").list_value().values(1).number_value(), 22);
}

TEST(Tensorctl, TellsWhatIsWrongWithARun) {
  const Outcome missing = Ctl({"run", GraphFile(), "-i", "1,2"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("1 inputs"));
  EXPECT_THAT(Ctl({"run", "/nowhere.ir"}).err, HasSubstr("can't read /nowhere.ir"));
  EXPECT_THAT(Ctl({"run", GraphFile(), "-i", "one"}).err, HasSubstr("'one' is no number"));
}

TEST(Tensorctl, BadUsageExitsWithTwo) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{},
                                             {"devces"},
                                             {"run"},
                                             {"devices", "extra"},
                                             {"devices", "--speed=9"},
                                             {"devices", "--follow"},
                                             {"devices", "-o", "xml"},
                                             {"devices", "--timeout=soon"},
                                             {"completion", "tcsh"}}) {
    const Outcome outcome = Ctl(args);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(args);
    EXPECT_THAT(outcome.err, StartsWith("tensorctl: "));
  }
  EXPECT_EQ(Ctl({"devices"}, "nonsense").exit_code, 2);
}

TEST(Tensorctl, NobodyThereExitsWithThree) {
  for (const char* command : {"devices", "health", "version", "stats", "drain"}) {
    const Outcome outcome = Ctl({command, "--timeout=2s"}, "unix:///nowhere/t.sock");
    EXPECT_EQ(outcome.exit_code, 3) << command << outcome.err;
  }
}

TEST(Tensorctl, DrainEndsTheDaemon) {
  DaemonProcess daemon;
  const Outcome outcome = Ctl({"drain", "--wait", "--timeout=20s"}, daemon.address());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("ended"));
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_EQ(Ctl({"drain"}, "localhost:1").exit_code, 1);
}

TEST(Tensorctl, CompletesForEveryShell) {
  EXPECT_THAT(Ctl({"completion", "bash"}).out,
              AllOf(HasSubstr("complete -F _tensorctl tensorctl"), HasSubstr("devices")));
  EXPECT_THAT(Ctl({"completion", "zsh"}).out, StartsWith("#compdef tensorctl"));
  EXPECT_THAT(Ctl({"completion", "fish"}).out, HasSubstr("-l timeout"));
  const Outcome completed =
      RunProgram("/bin/bash",
                 {"-c", "source <(" TENSORCTL
                        " completion bash); COMP_WORDS=(tensorctl dev); COMP_CWORD=1; _tensorctl; "
                        "echo ${COMPREPLY[@]}"});
  EXPECT_EQ(completed.out, "devices\n") << completed.err;
}

TEST(Tensorctl, HelpNamesEveryCommand) {
  const Outcome outcome = RunProgram(TENSORCTL, {"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* command : {"devices", "ops", "sessions", "cache", "kernels", "stats", "health",
                              "drain", "version", "run FILE.ir"}) {
    EXPECT_THAT(outcome.out, HasSubstr(command));
  }
  EXPECT_THAT(RunProgram(TENSORCTL, {"run", "--help"}).out, HasSubstr("--input"));
}

}  // namespace
}  // namespace tensord::client
