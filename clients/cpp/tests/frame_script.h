// The scripts of clients/conformance/frames.txt: calls of a client, one a line, and the frames that
// they become.
#pragma once

#include <functional>
#include <map>
#include <semaphore>
#include <string>
#include <vector>

#include "clients/cpp/tensord/session.h"
#include "clients/cpp/tests/literals.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {

struct FrameCase {
  std::string name;
  std::vector<std::string> script, strings, items;  // items in hexadecimal
};
std::vector<FrameCase> ReadFrameCases(const std::string& path);

class FrameScript {
 public:
  explicit FrameScript(const std::map<std::string, OpRow>& rows) : rows_(rows) {}

  // What the lines made a session send between Hello and Bye. They are run while the session's own
  // thread is held: nothing leaves by itself.
  struct Sent {
    std::vector<std::string> strings, items;
  };
  Sent Run(const std::vector<std::string>& lines);

 private:
  // One line: "made = word words | options".
  struct Line {
    std::vector<std::string> made, words;
    std::string word, rest, options;
    std::string Option(const std::string& name) const;  // "" when it is not given
    std::vector<std::string> List(const std::string& name) const;
  };
  static Line Parse(const std::string& text);

  void Hold();
  void Waiting(const std::function<absl::Status()>& call);
  void RunLine(const Line& line);
  std::vector<Tensor> Record(const Line& line, Graph& graph);
  bool Ask(const Line& line);
  bool AskAndWait(const Line& line);
  std::vector<Tensor> Op(const Line& line, Graph& graph);
  void MakeProgramOf(const Line& header, const std::vector<Line>& body);
  std::vector<Tensor> Named(const std::vector<std::string>& names) const;
  void Keep(const Line& line, const std::vector<Tensor>& made);

  const std::map<std::string, OpRow>& rows_;
  std::unique_ptr<Session> session_;
  std::map<std::string, Tensor> values_;
  std::map<std::string, Program> programs_;
  std::binary_semaphore held_{0}, released_{0};
};

}  // namespace tensord::client
