// Prints the vocabulary: ops.json for the clients, or the reference page for people.
//
//   tensord-ops json > clients/ops.json
//   tensord-ops reference > build/ops.md
#include <cstdio>
#include <string_view>

#include "engine/ops/registry.h"

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what != "json" && what != "reference") {
    std::fprintf(stderr, "usage: tensord-ops json|reference\n");
    return 2;
  }
  const std::string text =
      what == "json" ? tensord::ops::OpsJson() : tensord::ops::OpsReference();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}
