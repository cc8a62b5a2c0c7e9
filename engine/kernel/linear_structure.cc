// VerifyStructure: blocks and scopes, and the rules that parallel loops follow.
//
//   - Parallel loops stand outermost. A kernel has either parallel loops or one grid: group loops
//     around local loops, each dimension at most once, with nothing but values computed around and
//     between them. Everything with an effect is inside the innermost one.
//   - Accumulators are set in the same parallel iteration or work-item that declared them.
//   - Private arrays are of one place: one parallel loop, the grid, or outside of all.
//     Local arrays are used inside a local loop only.
//   - Local loops have constant bounds, group loops bounds of kernel variables.
//   - A barrier is inside a local loop, and between the two only loops and ifs that every work-item
//     takes alike.
#include <vector>

#include "engine/kernel/linear_verify.h"

namespace tensord::kernel {
namespace {

constexpr size_t kMaxNesting = 64;
constexpr int kNowhere = -1;

struct Block {
  const Instr* opener;
  int32_t first_register;  // defined in it
  bool uniform;            // every work-item of a group takes it alike
};

class Structure {
 public:
  explicit Structure(const Linear& kernel)
      : kernel_(kernel),
        visible_(static_cast<size_t>(kernel.registers)),
        uniform_(static_cast<size_t>(kernel.registers)),
        variable_(static_cast<size_t>(kernel.registers)),
        region_(static_cast<size_t>(kernel.registers)),
        array_region_(kernel.buffers.size(), kNowhere) {}

  absl::Status Check() {
    for (const Instr& instr : kernel_.code) {
      const std::string_view error = Step(instr);
      if (!error.empty()) return AtInstr(kernel_, instr, error);
    }
    return blocks_.empty() ? absl::OkStatus() : InvalidArgument("a block isn't closed");
  }

 private:
  static bool IsGrid(const Instr& instr) {
    return instr.opcode == Opcode::kFor &&
           (instr.loop == LoopKind::kGroup || instr.loop == LoopKind::kLocal);
  }
  static bool HasEffect(const Instr& instr) {
    switch (instr.opcode) {
      case Opcode::kStore:
      case Opcode::kScatter:
      case Opcode::kSet:
      case Opcode::kBarrier:
      case Opcode::kIf:
        return true;
      case Opcode::kFor:
        return !IsGrid(instr);
      default:
        return false;
    }
  }

  std::string_view Step(const Instr& instr);
  std::string_view Open(const Instr& instr);
  std::string_view OpenGrid(const Instr& instr);
  std::string_view Close();
  std::string_view Access(const Instr& instr);
  std::string_view Barrier() const;
  bool UniformOperands(const Instr& instr) const;
  void Define(const Instr& instr);

  const Linear& kernel_;
  std::vector<Block> blocks_;
  std::vector<bool> visible_;
  std::vector<bool> uniform_;   // the same in every work-item of a group
  std::vector<bool> variable_;  // made of constants and kernel variables alone
  std::vector<int> region_;     // of a register: the parallel iteration or work-item it belongs to
  std::vector<int> array_region_;
  int32_t next_register_ = 0;
  int regions_ = 0, current_region_ = 0;
  int grid_depth_ = 0, grid_depth_reached_ = 0;  // open group and local loops, and the most so far
  bool group_open_[3] = {}, local_open_[3] = {};
  bool any_grid_ = false, any_parallel_ = false, effects_ = false, grid_sealed_ = false;
};

std::string_view Structure::Step(const Instr& instr) {
  for (int32_t src : instr.src) {
    if (src >= 0 && !visible_[src]) return "an operand is out of scope";
  }
  if (HasEffect(instr)) {
    if (grid_depth_ != grid_depth_reached_)
      return "an effect outside the innermost loop of the grid";
    effects_ = true;
    grid_sealed_ = grid_sealed_ || any_grid_;
  }
  switch (instr.opcode) {
    case Opcode::kFor:
    case Opcode::kIf:
      return Open(instr);
    case Opcode::kEnd:
      return Close();
    case Opcode::kBarrier:
      return Barrier();
    case Opcode::kSet:
      if (!visible_[instr.dst]) return "the accumulator is out of scope";
      return region_[instr.dst] == current_region_
                 ? ""
                 : "an accumulator from outside the parallel loop is set in it";
    default:
      break;
  }
  const std::string_view error = instr.buffer >= 0 ? Access(instr) : "";
  if (error.empty() && instr.dst >= 0) Define(instr);
  return error;
}

bool Structure::UniformOperands(const Instr& instr) const {
  for (int32_t src : instr.src) {
    if (src >= 0 && !uniform_[src]) return false;
  }
  return true;
}

void Structure::Define(const Instr& instr) {
  bool uniform = UniformOperands(instr), variable = true;
  for (int32_t src : instr.src) variable = variable && (src < 0 || variable_[src]);
  switch (instr.opcode) {
    case Opcode::kAcc:
      uniform = variable = false;
      break;
    case Opcode::kLoad:
    case Opcode::kGather: {
      const Buffer& buffer = kernel_.buffers[instr.buffer];
      uniform = uniform && buffer.space == Space::kGlobal && buffer.access == Access::kIn;
      variable = false;
      break;
    }
    case Opcode::kFor:
      uniform = uniform && instr.loop != LoopKind::kLocal;
      variable = false;
      break;
    default:
      break;
  }
  visible_[instr.dst] = true;
  uniform_[instr.dst] = uniform;
  variable_[instr.dst] = variable;
  region_[instr.dst] = current_region_;
  next_register_ = instr.dst + 1;
}

std::string_view Structure::Open(const Instr& instr) {
  if (blocks_.size() >= kMaxNesting) return "blocks are nested too deep";
  if (instr.opcode == Opcode::kFor && instr.loop == LoopKind::kParallel) {
    if (!blocks_.empty()) return "a parallel loop must be outermost";
    if (any_grid_) return "a kernel has parallel loops or a grid, not both";
    any_parallel_ = true;
    current_region_ = ++regions_;
  }
  if (IsGrid(instr)) {
    const std::string_view error = OpenGrid(instr);
    if (!error.empty()) return error;
  }
  blocks_.push_back({&instr, next_register_, UniformOperands(instr)});
  if (instr.dst >= 0) Define(instr);
  return "";
}

std::string_view Structure::OpenGrid(const Instr& instr) {
  if (any_parallel_) return "a kernel has parallel loops or a grid, not both";
  if (grid_sealed_ || effects_) return "effects or a closed loop precede this loop of the grid";
  const bool group = instr.loop == LoopKind::kGroup;
  bool& open = (group ? group_open_ : local_open_)[instr.lane_list[0]];
  if (open) return "this dimension has a loop already";
  if (group) {
    for (bool local : local_open_) {
      if (local) return "a group loop inside a local loop";
    }
    if (!variable_[instr.src[0]] || !variable_[instr.src[1]]) {
      return "bounds of a group loop are made of constants and variables";
    }
  } else {
    for (int32_t bound : {instr.src[0], instr.src[1]}) {
      bool constant = false;
      for (const Instr& def : kernel_.code) {
        if (def.dst == bound && def.opcode == Opcode::kConst) constant = true;
        if (def.dst == bound) break;
      }
      if (!constant) return "bounds of a local loop are constants";
    }
  }
  open = true;
  any_grid_ = true;
  grid_depth_reached_ = ++grid_depth_;
  current_region_ = ++regions_;
  return "";
}

std::string_view Structure::Close() {
  if (blocks_.empty()) return "there is no block to close";
  const Block block = blocks_.back();
  blocks_.pop_back();
  for (int32_t r = block.first_register; r < next_register_; ++r) visible_[r] = false;
  if (IsGrid(*block.opener)) {
    --grid_depth_;
    grid_sealed_ = true;
  }
  if (blocks_.empty()) current_region_ = 0;
  return "";
}

std::string_view Structure::Access(const Instr& instr) {
  const Buffer& buffer = kernel_.buffers[instr.buffer];
  if (buffer.space == Space::kGlobal) return "";
  if (buffer.space == Space::kLocal) {
    for (bool local : local_open_) {
      if (local && grid_depth_ > 0) return "";
    }
    return "a local array is used outside the local loops";
  }
  int& region = array_region_[instr.buffer];
  if (region == kNowhere) region = current_region_;
  return region == current_region_ ? "" : "a private array is used in two places";
}

std::string_view Structure::Barrier() const {
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    if (IsGrid(*block->opener)) {
      return block->opener->loop == LoopKind::kLocal ? "" : "a barrier outside the local loops";
    }
    if (!block->uniform) return "a barrier that not every work-item reaches alike";
  }
  return "a barrier outside the local loops";
}

}  // namespace

absl::Status VerifyStructure(const Linear& kernel) { return Structure(kernel).Check(); }

}  // namespace tensord::kernel
