// How the loops of one kernel run: a small printable value, chosen by a cost model or at random.
// Any legal schedule gives the same bits.
#pragma once

#include <string>
#include <vector>

#include "engine/schedule/loop.h"
#include "engine/types/capabilities.h"

namespace tensord::kernel {

struct LoopSchedule {
  std::string vector;     // grid range whose points fill the lanes; "": lanes run along folds only
  int lanes = 1;          // of that range
  int vector_unroll = 1;  // vectors of it at a time
  std::string tile;       // second register-tiled grid range, or ""
  int tile_unroll = 1;    // points of it at a time
  bool tile_inside = true;            // the tile's loop runs inside the vector's loop
  std::vector<std::string> order;     // the other grid ranges, outermost first
  std::vector<std::string> parallel;  // collapsed into the parallel loop: a prefix of order, then
                                      // the vector's blocks or the tile's
  bool non_temporal = false;          // results are larger than the last-level cache
  std::string ToString() const;
};

// The cost model's choice.
LoopSchedule ChooseSchedule(const schedule::LoopKernel& kernel,
                            const types::Capabilities& capabilities);

// A random legal one. Deterministic in `seed`.
LoopSchedule RandomSchedule(const schedule::LoopKernel& kernel,
                            const types::Capabilities& capabilities, uint64_t seed);

}  // namespace tensord::kernel
