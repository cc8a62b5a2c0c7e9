// run: one graph in the engine's IR text, by the stateless call.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/tensorctl/commands.h"
#include "clients/cpp/tensord/type.h"

namespace tensord::ctl {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("can't read ", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// "1,2,3" as numbers, "@FILE" as bytes.
absl::Status ReadInput(const std::string& text, v1::Tensor* input) {
  if (text.starts_with("@")) {
    absl::StatusOr<std::string> bytes = ReadFile(text.substr(1));
    if (!bytes.ok()) return bytes.status();
    input->set_data(*std::move(bytes));
    return absl::OkStatus();
  }
  for (const absl::string_view piece : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    double number = 0;
    if (!absl::SimpleAtod(piece, &number)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--input: '", piece, "' is no number; give 1,2,3 or @FILE"));
    }
    input->add_numbers(number);
  }
  return absl::OkStatus();
}

absl::Status FillRequest(const Arguments& arguments, v1::RunRequest* request) {
  absl::StatusOr<std::string> text = ReadFile(arguments.words[0]);
  if (!text.ok()) return text.status();
  request->set_text(*std::move(text));
  for (const std::string& input : arguments.inputs) {
    if (absl::Status status = ReadInput(input, request->add_inputs()); !status.ok()) return status;
  }
  for (const int64_t variable : arguments.variables) request->add_vars(variable);
  request->set_device(arguments.device);
  request->set_timeout_us(
      static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Microseconds(arguments.timeout), 1)));
  request->set_numbers(true);
  return absl::OkStatus();
}

// "f32[2] {1, 2}", as a literal of the IR.
std::string OutputText(const v1::Tensor& output) {
  const client::Type type = client::FromMessage(output.type());
  std::string text = absl::StrCat(type.ToString(), " {");
  for (int i = 0; i < output.numbers_size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", output.numbers(i));
  }
  if (!output.data().empty()) {
    absl::StrAppend(&text, output.data().size(), " bytes; -o json prints them");
  }
  return text + "}\n";
}

std::string OutputJson(const v1::Tensor& output) {
  const std::string type = client::FromMessage(output.type()).ToString();
  if (!output.data().empty()) {
    return absl::StrCat("{\"type\": ", JsonString(type),
                        ", \"base64\": ", JsonString(absl::Base64Escape(output.data())), "}");
  }
  const std::vector<double> numbers(output.numbers().begin(), output.numbers().end());
  std::string row = ToJson({{{"type", ""}, {"numbers", ""}}, {{type, numbers}}, true});
  row.pop_back();
  return row;
}

}  // namespace

ExitCode RunFile(const Arguments& arguments) {
  v1::RunRequest request;
  if (absl::Status status = FillRequest(arguments, &request); !status.ok()) return Report(status);
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  const auto reply = daemon->Run(std::move(request));
  if (!reply.ok()) return Report(reply.status());
  std::string text;
  for (const v1::Tensor& output : reply->outputs()) {
    if (!arguments.json) {
      text += OutputText(output);
    } else {
      absl::StrAppend(&text, text.empty() ? "[\n  " : ",\n  ", OutputJson(output));
    }
  }
  if (arguments.json) text += text.empty() ? "[]\n" : "\n]\n";
  std::fputs(text.c_str(), stdout);
  return kOk;
}

}  // namespace tensord::ctl
