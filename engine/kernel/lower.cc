#include "engine/kernel/lower.h"

#include <algorithm>

#include "engine/base/settings.h"
#include "engine/base/status.h"
#include "engine/kernel/body.h"
#include "engine/kernel/emitter.h"
#include "engine/kernel/linear_builder.h"
#include "engine/kernel/loop_schedule.h"
#include "engine/kernel/lower_math.h"
#include "engine/kernel/native/scatter.h"
#include "engine/kernel/split_loops.h"

namespace tensord::kernel {
namespace {

using schedule::LoopKernel;
using schedule::Range;
using types::Sym;

// A run of equal blocks of the vector or tile range: [begin, end) in steps of `step` points, each
// block `unroll` vectors (or points) wide; `masked`: points past the extent are masked off.
struct Segment {
  int64_t begin = 0;
  Sym end;
  int64_t step = 1;
  int unroll = 1;
  bool masked = false;
};

// Whole blocks first, then one narrower block, then a masked one.
std::vector<Segment> Segments(const Sym& extent, int lanes, int unroll) {
  if (!extent.is_constant()) return {{0, extent, lanes, 1, true}};
  const int64_t n = extent.constant(), step = int64_t{lanes} * unroll;
  std::vector<Segment> segments;
  int64_t at = n / step * step;
  if (at > 0) segments.push_back({0, at, step, unroll, false});
  if (const int left = static_cast<int>((n - at) / lanes); left > 0) {
    segments.push_back({at, at + int64_t{left} * lanes, int64_t{left} * lanes, left, false});
    at += int64_t{left} * lanes;
  }
  if (at < n) segments.push_back({at, n, lanes, 1, true});
  return segments;
}

Sym BlockCount(const Segment& s) { return types::CeilDiv(s.end - s.begin, s.step); }

class Nest {
 public:
  Nest(LinearBuilder& builder, std::vector<int> buffers, const LoopKernel& kernel,
       const LoopSchedule& schedule, Clamp clamp)
      : kernel_(kernel),
        schedule_(schedule),
        clamp_(clamp),
        body_(kernel),
        b_(builder),
        buffers_(std::move(buffers)) {}

  void Emit() {
    if (!kernel_.outputs.empty()) EmitOutputs();
    for (const schedule::Scatter& scatter : kernel_.scatters) {
      native::EmitScatter(b_, kernel_, scatter, buffers_, clamp_);
    }
  }

 private:
  const Range& RangeOf(const std::string& name) const {
    return kernel_.grid[body_.RangeIndex(name)];
  }
  bool InParallel(const std::string& name) const {
    return std::find(schedule_.parallel.begin(), schedule_.parallel.end(), name) !=
           schedule_.parallel.end();
  }
  std::vector<Segment> SegmentsOf(const std::string& name) const {
    if (name.empty()) return {Segment{0, 1, 1, 1, false}};
    const bool vector = name == schedule_.vector;
    return Segments(RangeOf(name).extent, vector ? schedule_.lanes : 1,
                    vector ? schedule_.vector_unroll : schedule_.tile_unroll);
  }
  // A range whose blocks run in parallel gives a region per segment; else the segments are inside.
  std::vector<Segment> OuterSegments(const std::string& name) const {
    return !name.empty() && InParallel(name) ? SegmentsOf(name) : std::vector<Segment>{Segment()};
  }

  void EmitOutputs() {
    for (const Segment& vector : OuterSegments(schedule_.vector)) {
      for (const Segment& tile : OuterSegments(schedule_.tile)) EmitRegion(vector, tile);
    }
  }

  void EmitRegion(const Segment& vector, const Segment& tile) {
    region_vector_ = vector;
    region_tile_ = tile;
    Emitter emitter(b_, body_, schedule_.vector, schedule_.lanes, schedule_.tile, buffers_, clamp_);
    emitter_ = &emitter;
    done_ = 0;
    OpenParallel();
    EmitLoops(ParallelPrefix());
    b_.End();
  }

  size_t ParallelPrefix() const {
    size_t prefix = 0;
    while (prefix < schedule_.order.size() && InParallel(schedule_.order[prefix])) ++prefix;
    return prefix;
  }

  Sym CountOf(const std::string& name) const {
    if (name == schedule_.vector) return BlockCount(region_vector_);
    if (name == schedule_.tile) return BlockCount(region_tile_);
    return RangeOf(name).extent;
  }

  // One loop over all parallel ranges; their values are recovered from its counter.
  void OpenParallel() {
    Sym total = 1;
    for (const std::string& name : schedule_.parallel) total *= CountOf(name);
    const LoopKind kind = schedule_.parallel.empty() ? LoopKind::kSerial : LoopKind::kParallel;
    int counter = b_.For(kind, b_.I64(0), b_.EmitSym(total));
    for (size_t i = schedule_.parallel.size(); i-- > 0;) {
      const std::string& name = schedule_.parallel[i];
      const int count = b_.EmitSym(CountOf(name));
      BindBlock(name, i == 0 ? counter : b_.FloorMod(counter, count));
      if (i > 0) counter = b_.FloorDiv(counter, count);
    }
  }

  void BindBlock(const std::string& name, int block) {
    const bool vector = name == schedule_.vector, tile = name == schedule_.tile;
    if (!vector && !tile) return BindRange(name, block);
    const Segment& segment = vector ? region_vector_ : region_tile_;
    BindRange(name, b_.Add(b_.Mul(block, b_.I64(segment.step)), b_.I64(segment.begin)));
  }
  void BindRange(const std::string& name, int reg) {
    emitter_->Bind(name, reg);
    if (name != schedule_.vector && name != schedule_.tile)
      done_ |= uint64_t{1} << body_.RangeIndex(name);
  }

  // The remaining outer ranges as serial loops, hoisting at each level; then the block loops.
  void EmitLoops(size_t level) {
    emitter_->EmitWithin(done_ | Singletons(), {{Member{}}});
    if (level < schedule_.order.size()) {
      const std::string& name = schedule_.order[level];
      BindRange(name, b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(RangeOf(name).extent)));
      EmitLoops(level + 1);
      emitter_->EndLoop();
      return;
    }
    const std::string outer = schedule_.tile_inside ? schedule_.vector : schedule_.tile;
    const std::string inner = schedule_.tile_inside ? schedule_.tile : schedule_.vector;
    EmitBlocks(outer, [&](const Segment& a) {
      EmitBlocks(inner, [&](const Segment& b) {
        schedule_.tile_inside ? EmitBlock(a, b) : EmitBlock(b, a);
      });
    });
  }

  uint64_t Singletons() const {
    uint64_t bits = 0;
    for (size_t i = 0; i < kernel_.grid.size(); ++i) {
      if (kernel_.grid[i].extent == Sym(1)) bits |= uint64_t{1} << i;
    }
    return bits;
  }

  template <typename F>
  void EmitBlocks(const std::string& name, F emit) {
    if (name.empty()) return emit(Segment{0, 1, 1, 1, false});
    if (InParallel(name)) return emit(name == schedule_.vector ? region_vector_ : region_tile_);
    for (const Segment& segment : SegmentsOf(name)) {
      const bool once =
          segment.end.is_constant() && segment.end.constant() <= segment.begin + segment.step;
      if (once) {
        BindRange(name, b_.I64(segment.begin));
        emit(segment);
        continue;
      }
      BindRange(name, b_.For(LoopKind::kSerial, b_.I64(segment.begin), b_.EmitSym(segment.end),
                             segment.step));
      emit(segment);
      emitter_->EndLoop();
    }
  }

  void EmitBlock(const Segment& vector, const Segment& tile) {
    std::vector<Member> members;
    for (int t = 0; t < tile.unroll; ++t) {
      for (int v = 0; v < vector.unroll; ++v) members.push_back({t, v});
    }
    emitter_->LimitLanes(-1);
    if (vector.masked && schedule_.lanes >= 1 && !schedule_.vector.empty()) {
      const Range& range = RangeOf(schedule_.vector);
      emitter_->LimitLanes(b_.Sub(b_.EmitSym(range.extent), emitter_->Bound(schedule_.vector)));
    }
    emitter_->EmitWithin(~uint64_t{0}, members);
    for (const schedule::Output& output : kernel_.outputs) {
      for (Member member : members) {
        emitter_->Store(buffers_[output.param], output.index, output.mask,
                        emitter_->Emit(output.value, member), member, schedule_.non_temporal);
      }
    }
  }

  const LoopKernel& kernel_;
  const LoopSchedule& schedule_;
  const Clamp clamp_;
  const Body body_;
  LinearBuilder& b_;
  const std::vector<int> buffers_;
  Emitter* emitter_ = nullptr;
  Segment region_vector_, region_tile_;
  uint64_t done_ = 0;  // grid ranges that have a value, without the vector and tile ranges
};

std::vector<int> AddParams(LinearBuilder& builder, const LoopKernel& kernel) {
  for (const ir::BoundVariable& v : kernel.variables) builder.AddVariable(v.name, v.min, v.max);
  std::vector<int> buffers;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const schedule::Param& param = kernel.params[i];
    const Access access = !param.written            ? Access::kIn
                          : kernel.scatters.empty() ? Access::kOut
                                                    : Access::kInOut;
    buffers.push_back(builder.AddGlobal(StrCat("p", i), param.dtype, param.elements, access));
  }
  return buffers;
}

// Every piece is scheduled for itself; a seed gives each another random schedule.
LoopSchedule ScheduleOf(const LoopKernel& piece, size_t number,
                        const types::Capabilities& capabilities, const LowerOptions& options) {
  return options.schedule_seed == 0
             ? ChooseSchedule(piece, capabilities)
             : RandomSchedule(piece, capabilities, options.schedule_seed + number);
}

struct Emitted {
  Linear linear;
  std::string schedules, loops;  // as text; loops only for a dump
};

Emitted EmitPieces(const LoopKernel& kernel, const std::vector<LoopKernel>& pieces,
                   const types::Capabilities& capabilities, const LowerOptions& options,
                   Clamp clamp) {
  Emitted emitted;
  LinearBuilder builder(kernel.name);
  const std::vector<int> buffers = AddParams(builder, kernel);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const LoopSchedule schedule = ScheduleOf(pieces[i], i, capabilities, options);
    Nest(builder, buffers, pieces[i], schedule, clamp).Emit();
    StrAppend(&emitted.schedules, i > 0 ? "; " : "", schedule.ToString());
    if (base::DumpWanted("lower")) StrAppend(&emitted.loops, pieces[i].Print());
  }
  emitted.linear = std::move(builder).Finish();
  return emitted;
}

}  // namespace

absl::StatusOr<Linear> Lower(const LoopKernel& kernel, const types::Capabilities& capabilities,
                             const LowerOptions& options) {
  LoopKernel lowered = kernel;
  LowerMath(lowered);
  const std::vector<LoopKernel> pieces = SplitLoops(lowered);
  Emitted emitted = EmitPieces(lowered, pieces, capabilities, options, Clamp::kMasked);
  absl::Status status = Verify(emitted.linear);
  if (!status.ok()) {
    // Some index lies inside its buffer for a reason that its intervals do not show.
    emitted = EmitPieces(lowered, pieces, capabilities, options, Clamp::kAll);
    status = Verify(emitted.linear);
  }
  if (base::DumpWanted("lower")) {
    std::fprintf(stderr, "=== %s\n%s%s", emitted.schedules.c_str(), emitted.loops.c_str(),
                 kernel::Print(emitted.linear).c_str());
  }
  if (!status.ok()) {
    return Internal("kernel ", kernel.name, " (", emitted.schedules,
                    ") is not safe: ", FromAbsl(status.message()));
  }
  return std::move(emitted.linear);
}

}  // namespace tensord::kernel
