// Prints the vocabulary: ops.json for the clients, or the reference page for people; or checks a
// file.
//
//   tensord-ops json > clients/ops.json
//   tensord-ops check clients/ops.json     # exits 1 when the file is stale
//   tensord-ops reference > build/ops.md
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>

#include "engine/ops/registry.h"

namespace {

std::string ReadFile(const char* path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

int Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

int Check(const char* path) {
  if (ReadFile(path) == tensord::ops::OpsJson()) return 0;
  std::fprintf(stderr, "%s is stale; run tensord-ops json > %s\n", path, path);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "json") return Print(tensord::ops::OpsJson());
  if (what == "reference") return Print(tensord::ops::OpsReference());
  if (what == "check" && argc == 3) return Check(argv[2]);
  std::fprintf(stderr, "usage: tensord-ops json | reference | check FILE\n");
  return 2;
}
