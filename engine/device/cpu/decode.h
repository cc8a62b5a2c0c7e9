// A linear kernel turned into what the interpreter executes: registers are byte offsets into a
// frame, operations are function pointers, jumps are resolved, constants are in the frame's initial
// image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "engine/ir/scalar_lanes.h"
#include "engine/kernel/linear.h"

namespace tensord::device::cpu {

struct Op;
struct Frame;

enum class Control : uint8_t {
  kCompute,   // function(to, a, b, c, lanes)
  kMove,      // move(op, frame): data from one place to another
  kLoop,      // serial; jumps past its end when empty
  kLoopEnd,   // jumps to its first operation while there are iterations
  kParallel,  // run by the worker that meets it, on the whole pool
  kGrid,      // a group or local loop: one iteration, picked by the frame's ids
  kIf,
  kBarrier,
};

using Move = void (*)(const Op& op, Frame& frame);

struct Op {
  Control control = Control::kMove;
  ir::LaneFunction function = nullptr;
  Move move = nullptr;
  int32_t to = 0, a = 0, b = 0, c = 0;  // offsets into the frame
  int32_t mask = -1;                    // likewise; -1: none
  int32_t lanes = 1;
  int32_t bytes = 0;  // of one element; kMove with a size: of all
  int32_t buffer = -1;
  int32_t jump = 0;  // loops and ifs: the operation after their end; ends: first one
  int64_t step = 1;  // loops; otherwise a lane
  ir::LaneFunction widen = nullptr;  // of an index that isn't i64
  bool local = false;                // kGrid: work-items, not groups
  int32_t dimension = 0;             // kGrid
  std::vector<int32_t> lane_list;    // shuffle
};

// Registers and arrays of one worker or work-item.
struct Frame {
  std::byte* registers = nullptr;
  std::byte* scratch = nullptr;          // for widened indices and horizontal folds
  absl::Span<std::byte* const> buffers;  // globals, then private and local arrays
  int64_t group_id[3] = {}, local_id[3] = {};
};

struct Decoded {
  std::vector<Op> ops;
  std::vector<std::byte> image;             // of registers: constants in place, the rest zero
  std::vector<int32_t> variable_registers;  // offset of each variable's register; -1: unused
  std::vector<int64_t> array_bytes;         // by buffer; 0 for globals
  std::vector<bool> array_is_local;
  int globals = 0;
  int64_t scratch_bytes = 0;
  int grid_loops = 0;  // how many kGrid operations there are, nested
  bool barriers = false;
};

// REQUIRES: a verified kernel.
Decoded Decode(const kernel::Linear& kernel);

// The operation that moves data for this instruction; nullptr if it isn't of that kind.
Move MoveFor(const kernel::Instr& instr);

}  // namespace tensord::device::cpu
