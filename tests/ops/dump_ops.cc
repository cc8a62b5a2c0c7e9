// Prints the vocabulary: ops.json for the clients, or the reference page for people; or checks a
// file.
//
//   tensord-ops json > clients/ops.json
//   tensord-ops check clients/ops.json     # exits 1 when the file is stale
//   tensord-ops reference > build/ops.md
//   tensord-ops types FILE                 # clients/conformance/types.txt with renewed answers
//   tensord-ops check-types FILE           # exits 1 when an answer there is stale
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>

#include "engine/ops/registry.h"
#include "tests/ops/conformance.h"

namespace {

using tensord::testing_support::RenewAnswers;

std::string ReadFile(const char* path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

int Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

int Check(const char* path, const std::string& current, const char* renew) {
  if (ReadFile(path) == current) return 0;
  std::fprintf(stderr, "%s is stale; renew it with tensord-ops %s\n", path, renew);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "json") return Print(tensord::ops::OpsJson());
  if (what == "reference") return Print(tensord::ops::OpsReference());
  if (what == "check" && argc == 3) return Check(argv[2], tensord::ops::OpsJson(), "json");
  if (what == "types" && argc == 3) return Print(RenewAnswers(ReadFile(argv[2])));
  if (what == "check-types" && argc == 3) {
    return Check(argv[2], RenewAnswers(ReadFile(argv[2])), "types");
  }
  std::fprintf(stderr, "usage: tensord-ops json | reference | check FILE | [check-]types FILE\n");
  return 2;
}
