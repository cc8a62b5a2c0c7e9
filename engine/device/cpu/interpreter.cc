#include "engine/device/cpu/interpreter.h"

#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace tensord::device::cpu {
namespace {

constexpr size_t kAlign = 64;

struct AlignedDelete {
  void operator()(std::byte* at) const { operator delete[](at, std::align_val_t(kAlign)); }
};
using Bytes = std::unique_ptr<std::byte[], AlignedDelete>;

Bytes Zeros(int64_t bytes) {
  const size_t size = static_cast<size_t>(bytes) + kAlign;
  auto* at = static_cast<std::byte*>(operator new[](size, std::align_val_t(kAlign)));
  std::memset(at, 0, size);
  return Bytes(at);
}

int64_t& Int(Frame& frame, int32_t offset) {
  return *reinterpret_cast<int64_t*>(frame.registers + offset);
}

// Iterations of a loop; bounds are verified to be far from overflow.
int64_t Trips(Frame& frame, const Op& op) {
  const int64_t lo = Int(frame, op.a), hi = Int(frame, op.b);
  return lo < hi ? (hi - lo + op.step - 1) / op.step : 0;
}

}  // namespace

// The registers and arrays of one worker or work-item, and the loop that executes operations on
// them.
class CpuProgram::Worker {
 public:
  // As the launch starts: constants and variables in place.
  Worker(const CpuProgram& program, absl::Span<std::byte* const> buffers,
         absl::Span<const int64_t> variables)
      : Worker(program, buffers, program.program_.image.data()) {
    for (size_t i = 0; i < variables.size(); ++i) {
      const int32_t at = decoded_.variable_registers[i];
      if (at >= 0) Int(frame_, at) = variables[i];
    }
  }
  // A copy of what `parent` computed so far, with private arrays of its own.
  explicit Worker(const Worker& parent)
      : Worker(parent.program_, parent.buffers_, parent.frame_.registers) {}
  Worker& operator=(const Worker&) = delete;

  Frame& frame() { return frame_; }
  void SetArray(size_t buffer, std::byte* at) { buffers_[buffer] = at; }

  // Executes from operation `at` to `end` or to just behind a barrier; answers where it stopped.
  int32_t Execute(int32_t at, int32_t end);

 private:
  Worker(const CpuProgram& program, absl::Span<std::byte* const> buffers,
         const std::byte* registers)
      : program_(program),
        decoded_(program.program_),
        buffers_(buffers.begin(), buffers.end()),
        memory_(Zeros(static_cast<int64_t>(decoded_.image.size()) + decoded_.scratch_bytes)) {
    buffers_.resize(decoded_.array_bytes.size());
    std::memcpy(memory_.get(), registers, decoded_.image.size());
    frame_.registers = memory_.get();
    frame_.scratch = memory_.get() + decoded_.image.size();
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (decoded_.array_bytes[i] == 0 || decoded_.array_is_local[i]) continue;
      arrays_.push_back(Zeros(decoded_.array_bytes[i]));
      buffers_[i] = arrays_.back().get();
    }
    frame_.buffers = buffers_;
  }

  const CpuProgram& program_;
  const Decoded& decoded_;
  std::vector<std::byte*> buffers_;
  Bytes memory_;
  std::vector<Bytes> arrays_;
  Frame frame_;
};

int32_t CpuProgram::Worker::Execute(int32_t at, int32_t end) {
  std::byte* r = frame_.registers;
  while (at < end) {
    const Op& op = decoded_.ops[static_cast<size_t>(at)];
    switch (op.control) {
      case Control::kCompute:
        op.function(r + op.to, r + op.a, r + op.b, r + op.c, op.lanes);
        ++at;
        break;
      case Control::kMove:
        op.move(op, frame_);
        ++at;
        break;
      case Control::kLoop:
        Int(frame_, op.to) = Int(frame_, op.a);
        at = Int(frame_, op.a) < Int(frame_, op.b) ? at + 1 : op.jump;
        break;
      case Control::kLoopEnd:
        Int(frame_, op.to) += op.step;
        at = Int(frame_, op.to) < Int(frame_, op.b) ? op.jump : at + 1;
        break;
      case Control::kIf:
        at = r[op.a] != std::byte{0} ? at + 1 : op.jump;
        break;
      case Control::kBarrier:
        return at + 1;
      case Control::kParallel:
        program_.RunParallel(*this, at);
        at = op.jump;
        break;
      case Control::kGrid: {
        const int64_t id = (op.local ? frame_.local_id : frame_.group_id)[op.dimension];
        Int(frame_, op.to) = Int(frame_, op.a) + id * op.step;
        ++at;
        break;
      }
    }
  }
  return at;
}

void CpuProgram::RunParallel(const Worker& parent, int32_t at) const {
  const Op& loop = program_.ops[static_cast<size_t>(at)];
  Worker first(parent);
  const int64_t lo = Int(first.frame(), loop.a);
  pool_->ParallelFor(Trips(first.frame(), loop), [&](int64_t begin, int64_t end, int) {
    Worker worker(parent);
    for (int64_t i = begin; i < end; ++i) {
      Int(worker.frame(), loop.to) = lo + i * loop.step;
      worker.Execute(at + 1, loop.jump);
    }
  });
}

namespace {

// How often each loop of a grid runs, in nesting order.
struct Grid {
  struct Loop {
    bool local;
    int32_t dimension;
    int64_t trips;
  };
  std::vector<Loop> loops;
  int64_t groups = 1, items = 1;

  // Writes the ids of the flat `group` or `item` into `frame`, the innermost loop fastest.
  void SetIds(bool local, int64_t flat, Frame& frame) const {
    for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop) {
      if (loop->local != local) continue;
      (local ? frame.local_id : frame.group_id)[loop->dimension] = flat % loop->trips;
      flat /= loop->trips;
    }
  }
};

}  // namespace

void CpuProgram::RunGrid(const Worker& parent, int32_t at) const {
  // Between the loops only values are computed, and their bounds are the same for every id: a first
  // work-item walks in to read them.
  Grid grid;
  Worker probe(parent);
  int32_t next = at;
  while (static_cast<int>(grid.loops.size()) < program_.grid_loops) {
    const Op& op = program_.ops[static_cast<size_t>(next)];
    if (op.control == Control::kGrid) {
      grid.loops.push_back({op.local, op.dimension, Trips(probe.frame(), op)});
      (op.local ? grid.items : grid.groups) *= grid.loops.back().trips;
      if (grid.loops.back().trips == 0) return;
    }
    next = probe.Execute(next, next + 1);
  }
  const int32_t end = program_.ops[static_cast<size_t>(at)].jump;
  pool_->ParallelFor(grid.groups, [&](int64_t first, int64_t last, int) {
    std::vector<Bytes> arrays;
    // Without barriers one frame serves all items in turn.
    std::vector<std::unique_ptr<Worker>> items;
    for (int64_t i = 0; i < (program_.barriers ? grid.items : 1); ++i) {
      items.push_back(std::make_unique<Worker>(parent));
    }
    for (size_t b = 0; b < program_.array_bytes.size(); ++b) {
      if (!program_.array_is_local[b]) continue;
      arrays.push_back(Zeros(program_.array_bytes[b]));
      for (auto& item : items) item->SetArray(b, arrays.back().get());
    }
    std::vector<int32_t> positions(static_cast<size_t>(grid.items));
    for (int64_t group = first; group < last; ++group) {
      positions.assign(positions.size(), at);
      for (bool running = true; running;) {
        running = false;
        for (size_t i = 0; i < positions.size(); ++i) {
          Worker& worker = *items[program_.barriers ? i : 0];
          grid.SetIds(false, group, worker.frame());
          grid.SetIds(true, static_cast<int64_t>(i), worker.frame());
          positions[i] = worker.Execute(positions[i], end);
          running = running || positions[i] < end;
        }
      }
    }
  });
}

absl::Status CpuProgram::Run(absl::Span<std::byte* const> buffers,
                             absl::Span<const int64_t> variables) const {
  Worker worker(*this, buffers, variables);
  const int32_t end = static_cast<int32_t>(program_.ops.size());
  int32_t grid = 0;
  while (grid < end && program_.ops[static_cast<size_t>(grid)].control != Control::kGrid) ++grid;
  worker.Execute(0, grid);
  if (grid < end) RunGrid(worker, grid);
  return absl::OkStatus();
}

}  // namespace tensord::device::cpu
