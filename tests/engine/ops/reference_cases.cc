#include "tests/engine/ops/reference_cases.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/base/check.h"
#include "engine/base/strings.h"

namespace tensord::ops {
namespace {

// Reads an array of objects of strings, numbers and arrays of strings.
class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}

  std::vector<ReferenceCase> Cases() {
    std::vector<ReferenceCase> cases;
    Expect('[');
    do {
      cases.push_back(OneCase());
    } while (Take(','));
    Expect(']');
    return cases;
  }

 private:
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \n", at_), text_.size()); }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) { TENSORD_CHECK(Take(c), "expected ", std::string(1, c), " at byte ", at_); }

  std::string String() {
    Expect('"');
    std::string out;
    for (; text_.at(at_) != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
      out += text_[at_];
    }
    ++at_;
    return out;
  }
  std::vector<std::string> Strings() {
    std::vector<std::string> all;
    Expect('[');
    while (!Take(']')) {
      all.push_back(String());
      Take(',');
    }
    return all;
  }
  double Number() {
    SkipSpace();
    char* end = nullptr;
    const double value = std::strtod(text_.c_str() + at_, &end);
    at_ = end - text_.c_str();
    return value;
  }
  ReferenceCase OneCase() {
    ReferenceCase one;
    Expect('{');
    do {
      const std::string name = String();
      Expect(':');
      SkipSpace();
      if (name == "tolerance")
        one.tolerance = Number();
      else if (text_.at(at_) == '[')
        one.fields[name] = Strings();
      else
        one.fields[name] = {String()};
    } while (Take(','));
    Expect('}');
    return one;
  }

  std::string text_;
  size_t at_ = 0;
};

}  // namespace

std::string ReferenceCase::Text(const std::string& name) const {
  const auto it = fields.find(name);
  return it == fields.end() ? "" : it->second[0];
}

std::vector<HostTensor> ReferenceCase::Tensors(const std::string& name) const {
  std::vector<HostTensor> all;
  for (const std::string& literal : fields.at(name)) all.push_back(Tensor(literal));
  return all;
}

std::string ReferenceCase::Describe(int number) const {
  return StrCat("case ", number, ", ", Text("op"), " {", Text("attrs"), "}");
}

std::vector<ReferenceCase> ReadReferenceCases(const std::string& path) {
  std::ifstream file(StrCat(TENSORD_SOURCE_DIR, "/tests/ops/", path));
  TENSORD_CHECK(file.good(), "can't read ", path);
  std::stringstream text;
  text << file.rdbuf();
  return Reader(text.str()).Cases();
}

std::vector<ReferenceCase> AllReferenceCases() {
  std::vector<ReferenceCase> all;
  for (const std::string folder : {"reference", "reference_nn"}) {
    const std::string path = StrCat(TENSORD_SOURCE_DIR, "/tests/ops/", folder);
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() != ".json") continue;
      const std::string name = StrCat(folder, "/", entry.path().filename().string());
      for (ReferenceCase& one : ReadReferenceCases(name)) all.push_back(std::move(one));
    }
  }
  return all;
}

OpCall CallOf(const ReferenceCase& one) {
  const auto named = ParseAttrs(Op(one.Text("op")), one.Text("attrs"));
  TENSORD_CHECK(named.ok(), one.Text("op"), " ", named.status().ToString());
  auto call = OpCall::Make(one.Text("op"), one.Tensors("inputs"), *named);
  TENSORD_CHECK(call.ok(), one.Text("op"), " ", one.Text("attrs"), ": ", call.status().ToString());
  return *std::move(call);
}

}  // namespace tensord::ops
