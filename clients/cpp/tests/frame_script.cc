#include "clients/cpp/tests/frame_script.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/tensord/call.h"
#include "clients/cpp/tests/listener.h"

namespace tensord::client {
namespace {

std::vector<std::string> Words(std::string_view text) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()), absl::ByAnyChar(" ,"),
                        absl::SkipEmpty());
}

// "f32[2] {1, 2}" as its little-endian bytes.
template <typename T>
std::string BytesOfAll(const Literal& literal) {
  std::vector<T> values;
  for (size_t i = 0; i < literal.integers.size(); ++i) {
    values.push_back(IsFloat(literal.type.dtype) ? static_cast<T>(literal.floats[i])
                                                 : static_cast<T>(literal.integers[i]));
  }
  return BytesOf(values);
}

std::string BytesOfLiteral(const Literal& literal) {
  switch (literal.type.dtype) {
    case DType::kBool:
      return BytesOfAll<uint8_t>(literal);
    case DType::kI32:
      return BytesOfAll<int32_t>(literal);
    case DType::kF64:
      return BytesOfAll<double>(literal);
    default:
      EXPECT_EQ(literal.type.dtype, DType::kF32);
      return BytesOfAll<float>(literal);
  }
}

ProgramOptions OptionsOf(const std::string& label, const std::vector<std::string>& variables,
                         const std::vector<std::string>& donated) {
  ProgramOptions options{.label = label};
  for (const std::string& text : variables) {
    const std::vector<std::string> parts = absl::StrSplit(text, ':');
    options.variables.push_back({parts.at(0), std::stoll(parts.at(1)), std::stoll(parts.at(2))});
  }
  for (const std::string& text : donated) {
    options.donate.push_back(static_cast<uint32_t>(std::stoul(text)));
  }
  return options;
}

}  // namespace

std::vector<FrameCase> ReadFrameCases(const std::string& path) {
  std::vector<FrameCase> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::string word = line.substr(0, line.find(' '));
    const std::string rest = line.substr(std::min(line.size(), word.size() + 1));
    if (word == "case") cases.push_back({rest, {}, {}, {}});
    if (word == "strings") cases.back().strings = Words(rest);
    if (word == "item") cases.back().items.push_back(rest);
    if (line.starts_with("  ")) cases.back().script.push_back(line);
  }
  return cases;
}

// ------------------------------------------------------------------ lines

FrameScript::Line FrameScript::Parse(const std::string& text) {
  Line line;
  const size_t bar = text.find(" | ");
  const std::string head = text.substr(0, bar);
  if (bar != text.npos) line.options = text.substr(bar + 3);
  const size_t equals = head.find(" = ");
  if (equals != head.npos) line.made = Words(head.substr(0, equals));
  const std::string call(Trim(head.substr(equals == head.npos ? 0 : equals + 3)));
  line.word = call.substr(0, call.find(' '));
  line.rest = call.substr(line.word.size());
  line.words = Words(line.rest);
  return line;
}

std::string FrameScript::Line::Option(const std::string& name) const {
  for (const std::string& option : SplitOutside(options, ',')) {
    if (option.starts_with(name + "=")) return option.substr(name.size() + 1);
  }
  return {};
}

std::vector<std::string> FrameScript::Line::List(const std::string& name) const {
  return ListItems(Option(name));
}

FrameScript::Sent FrameScript::Run(const std::vector<std::string>& lines) {
  Listener listener;
  auto session =
      Session::Connect({.address = listener.address(), .on_fault = [this](const absl::Status&) {
                          held_.release();
                          released_.acquire();
                        }});
  EXPECT_TRUE(session.ok()) << session.status();
  session_ = *std::move(session);
  Hold();
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    const Line parsed = Parse(*line);
    if (parsed.word != "program") {
      RunLine(parsed);
      continue;
    }
    std::vector<Line> body;
    do body.push_back(Parse(*++line));
    while (body.back().word != "out");
    MakeProgramOf(parsed, body);
  }
  released_.release();
  session_ = nullptr;
  values_.clear();
  Sent sent;
  for (const std::string& bytes : listener.frames()) {
    v1::ClientFrame frame;
    EXPECT_TRUE(frame.ParseFromString(bytes));
    EXPECT_EQ(frame.SerializeAsString(), bytes) << "not canonical";
    sent.strings.insert(sent.strings.end(), frame.strings().begin(), frame.strings().end());
    for (const v1::Item& item : frame.items()) {
      if (item.has_bye()) return sent;
      if (item.has_hello() || item.has_ping()) continue;
      sent.items.push_back(absl::BytesToHexString(item.SerializeAsString()));
    }
  }
  return sent;
}

// The Listener answers a Ping with a fault, in whose callback the session's thread waits.
void FrameScript::Hold() {
  EXPECT_TRUE(session_->Ping().ok());
  held_.acquire();
}

void FrameScript::Waiting(const std::function<absl::Status()>& call) {
  released_.release();
  const absl::Status status = call();
  EXPECT_TRUE(status.ok()) << status;
  Hold();
}

std::vector<Tensor> FrameScript::Named(const std::vector<std::string>& names) const {
  std::vector<Tensor> tensors;
  for (const std::string& name : names) tensors.push_back(values_.at(name));
  return tensors;
}

void FrameScript::Keep(const Line& line, const std::vector<Tensor>& made) {
  ASSERT_EQ(line.made.size(), made.size()) << line.word;
  for (size_t i = 0; i < made.size(); ++i) {
    EXPECT_TRUE(made[i].status().ok()) << line.word << ": " << made[i].status();
    values_[line.made[i]] = made[i];
  }
}

void FrameScript::RunLine(const Line& line) {
  if (Ask(line) || AskAndWait(line)) return;
  Keep(line, Record(line, session_->graph()));
}

// ------------------------------------------------------------------ what they call

std::vector<Tensor> FrameScript::Record(const Line& line, Graph& graph) {
  if (line.word == "put") {
    const Literal literal = ReadLiteral(line.rest);
    return {session_->PutBytes(literal.type, BytesOfLiteral(literal))};
  }
  if (line.word == "gradient") {
    return graph.AddGradient(Named(line.words), Named(line.List("wrt")), Named(line.List("seeds")),
                             {});
  }
  if (line.word != "execute") return Op(line, graph);
  ExecuteOptions options;
  for (const std::string& value : line.List("vars")) options.variables.push_back(std::stoll(value));
  return session_->Execute(programs_.at(line.words.at(0)),
                           Named({line.words.begin() + 1, line.words.end()}), options);
}

std::vector<Tensor> FrameScript::Op(const Line& line, Graph& graph) {
  const OpRow& row = rows_.at(line.word);
  Call call(row.name.c_str(), std::source_location{});
  call.On(graph, 0);
  for (const std::string& word : line.words) {
    const auto value = values_.find(word);
    if (value != values_.end()) {
      call.In(value->second);
    } else {
      const Scalar number = ReadScalar(word);
      std::visit([&](auto plain) { call.In(plain); }, number.value());
    }
  }
  if (row.name == "copy") {
    call.To(static_cast<uint32_t>(std::stoul(line.Option("device"))));
    return call.Results(1);
  }
  const auto attrs = ReadAttrs(row, line.options);
  for (const auto& [name, value] : attrs) call.Attr(name.c_str(), value);
  return call.Results(row.results);
}

void FrameScript::MakeProgramOf(const Line& header, const std::vector<Line>& body) {
  std::vector<Type> types;
  for (const std::string& type : SplitOutside(header.rest, ' ')) types.push_back(ReadType(type));
  std::map<std::string, Tensor> outside = std::exchange(values_, {});
  const auto program = MakeProgram(
      types,
      [&](Graph& graph, const std::vector<Tensor>& in) {
        for (size_t i = 0; i < in.size(); ++i) values_["in" + std::to_string(i)] = in[i];
        for (const Line& line : body) {
          if (line.word != "out") Keep(line, Record(line, graph));
        }
        return Named(body.back().words);
      },
      OptionsOf(header.Option("label"), header.List("vars"), header.List("donate")));
  values_ = std::move(outside);
  ASSERT_TRUE(program.ok()) << program.status();
  programs_[header.made.at(0)] = *program;
}

bool FrameScript::Ask(const Line& line) {
  if (line.word == "fetch") {
    session_->FetchValueAsync(values_.at(line.words.at(0)), [](const auto&) {});
  } else if (line.word == "evaluate") {
    EXPECT_TRUE(session_->Evaluate(Named(line.words)).ok());
  } else if (line.word == "cancel") {
    EXPECT_TRUE(session_->Cancel(Named(line.words)).ok());
  } else if (line.word == "release") {
    EXPECT_TRUE(session_->Release(programs_.at(line.words.at(0))).ok());
  } else if (line.word == "free") {
    for (const std::string& name : line.words) values_.erase(name);
  } else {
    return false;
  }
  return true;
}

bool FrameScript::AskAndWait(const Line& line) {
  if (line.word == "barrier") {
    Waiting([&] { return session_->Barrier(); });
  } else if (line.word == "realize") {
    EXPECT_TRUE(session_->Evaluate(Named(line.words)).ok());
    Waiting([&] { return session_->Barrier(Named(line.words)); });
  } else if (line.word == "describe") {
    Waiting([&] { return session_->Describe(Named(line.words)).status(); });
  } else if (line.word == "publish") {
    PublishEntries entries;
    const std::vector<std::string> paths = line.List("paths");
    for (size_t i = 0; i < paths.size(); ++i) {
      entries.push_back({paths[i], values_.at(line.words.at(i + 1))});
    }
    PublishOptions options{.shared = line.Option("shared") == "true"};
    if (const std::string ttl = line.Option("ttl_ms"); !ttl.empty()) {
      options.ttl = absl::Milliseconds(std::stoll(ttl));
    }
    Waiting([&] { return session_->Publish(line.words.at(0), entries, options).status(); });
  } else if (line.word == "unpublish") {
    Waiting([&] { return session_->Unpublish(line.words.at(0)); });
  } else if (line.word == "lookup") {
    const std::vector<std::string> paths = line.List("paths");
    const std::string generation = line.Option("generation");
    absl::StatusOr<Found> found;
    Waiting([&] {
      found = session_->Lookup(line.words.at(0), paths,
                               {.generation = generation.empty() ? 0 : std::stoull(generation)});
      return found.status();
    });
    std::vector<Tensor> made;
    for (const std::string& path : paths) made.push_back(found->tensors.at(path));
    Keep(line, made);
  } else {
    return false;
  }
  return true;
}

}  // namespace tensord::client
