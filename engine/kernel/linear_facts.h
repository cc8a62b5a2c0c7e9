// What the verifier knows at one place of a kernel, as expressions known to be >= 0, and what
// follows.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/types/sym.h"

namespace tensord::kernel {

class Facts {
 public:
  // From here on expr >= 0 is known.
  void Add(const types::Sym& expr);

  // True when goal >= 0 is proved: by its interval, or by taking known facts off it and replacing
  // minima, maxima and quotients by what bounds them, until an interval tells. False when not
  // found; the search is bounded.
  bool Imply(const types::Sym& goal) const;

  // True when the facts contradict each other, by intervals: this place is never reached.
  bool impossible() const { return impossible_; }

  // Bounds of expr, from its interval and the facts: only as tight as trying [lo, hi] shows.
  bool Within(const types::Sym& expr, const types::Sym& lo, const types::Sym& hi) const {
    return Imply(expr - lo) && Imply(hi - expr);
  }

  // Facts come and go with blocks: a mark, and back to it.
  struct Mark {
    size_t size;
    bool impossible;
  };
  Mark mark() const { return {facts_.size(), impossible_}; }
  void Restore(Mark mark) {
    facts_.resize(mark.size);
    impossible_ = mark.impossible;
  }

 private:
  bool SearchDeeper(const types::Sym& goal) const;
  types::Sym::Substitution NarrowedVariables() const;
  bool Search(const types::Sym& goal, int depth, int* budget) const;
  bool SearchAtoms(const types::Sym& goal, int depth, int* budget) const;
  bool SearchFacts(const types::Sym& goal, int depth, int* budget) const;

  std::vector<types::Sym> facts_;
  bool impossible_ = false;
};

}  // namespace tensord::kernel
