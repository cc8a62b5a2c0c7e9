// The stored reference values of composites (tests/ops/reference*/NAME.json): reading them, and
// running one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {

// One case: fields that are strings or lists of strings (op, attrs, inputs, results ...).
struct ReferenceCase {
  std::map<std::string, std::vector<std::string>> fields;
  double tolerance = 1e-5;

  // The string field, "" when it is absent.
  std::string Text(const std::string& name) const;
  // The literals of a list field.
  std::vector<HostTensor> Tensors(const std::string& name) const;
  // "case 3, sum {axes=[1]}"
  std::string Describe(int number) const;
};

// The cases of a file, its path relative to tests/ops/. CHECKs.
std::vector<ReferenceCase> ReadReferenceCases(const std::string& path);

// The cases of every file of both folders.
std::vector<ReferenceCase> AllReferenceCases();

// The op over its inputs as a function.
OpCall CallOf(const ReferenceCase& one);

}  // namespace tensord::ops
