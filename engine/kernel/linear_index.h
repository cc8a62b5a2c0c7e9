// Registers of a linear kernel read back as index expressions, for the verifier.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/kernel/linear.h"
#include "engine/kernel/linear_facts.h"
#include "engine/types/sym.h"

namespace tensord::kernel {

// Follows a kernel instruction by instruction. Every integer register has an expression: of kernel
// variables, loop variables, the lane (of a vector register: its value in that lane), and one
// opaque variable for each value that has no expression (loaded, computed from floats, possibly
// wrapped). Expressions are over true integers, so an operation that may wrap is opaque where that
// can't be excluded; asked again under more facts (a mask bounding an index that was loaded), it
// may have one.
class IndexValues {
 public:
  explicit IndexValues(const Linear& kernel);

  // Takes note of the next instruction, known to be well-typed. Loops add what bounds their
  // variable to `facts`, ifs their condition. False when a loop's bounds may be so large that
  // stepping past them overflows.
  bool Follow(const Instr& instr, Facts& facts);

  // The value of an integer register here, for one lane; `lanes` names the lane variable. Under
  // facts.
  types::Sym Value(int32_t reg, const Facts& facts);

  // Adds what holds where the bool register does (in a lane where it does).
  void AddConditions(int32_t condition, Facts& facts);

  // The lane of a vector of so many lanes, as a variable; 0 for a scalar.
  static types::Sym Lane(int32_t lanes);

 private:
  struct Definition {
    const Instr* instr = nullptr;
    int64_t epoch = 0;     // of the accumulators it read
    bool widened = false;  // an operation on the way may wrap
    types::Sym value;
  };
  using Memo = absl::flat_hash_map<int32_t, types::Sym>;

  bool FollowLoop(const Instr& instr, Facts& facts);
  types::Sym Operand(const Definition& user, int operand, const Facts& facts, Memo* memo,
                     int depth);
  types::Sym Derive(const Definition& definition, const Facts& facts, Memo* memo, int depth,
                    bool* widened);
  types::Sym Alu(const Instr& instr, const types::Sym* operands, const Facts& facts, bool* widened);
  types::Sym Bitwise(const Instr& instr, const types::Sym& a, const types::Sym& b) const;
  types::Sym Extracted(const Instr& instr, const types::Sym& vector);
  types::Sym Opaque(const Instr& instr, int64_t lo, int64_t hi) const;
  types::Sym Opaque(const Instr& instr) const;
  types::Sym Accumulator(int32_t reg, int64_t epoch) const;
  void AddCondition(const Definition& definition, bool holds, Facts& facts,
                    std::vector<std::pair<int32_t, bool>>& more);

  const Linear& kernel_;
  std::vector<Definition> definitions_;  // by register
  int64_t epoch_ = 0;                    // grows wherever an accumulator may have changed
};

}  // namespace tensord::kernel
