#include "engine/kernel/native/scatter.h"

#include <algorithm>

#include "engine/kernel/emitter.h"
#include "engine/kernel/monoid.h"

namespace tensord::kernel::native {
namespace {

using ir::ScalarOp;
using schedule::LoopKernel;
using schedule::Range;
using schedule::Scatter;
using types::DType;
using types::Sym;

constexpr int kLanes = 16;

// The scatter's values as outputs of a kernel over its own ranges, so that a Body can describe
// them.
LoopKernel AsKernel(const LoopKernel& kernel, const Scatter& scatter) {
  LoopKernel inner;
  inner.graph = kernel.graph;
  inner.variables = kernel.variables;
  inner.grid = scatter.ranges;
  inner.grid.push_back(scatter.updates);
  inner.outputs = {{0, 0, {}, scatter.position}, {0, 0, {}, scatter.update}};
  return inner;
}

class ScatterNest {
 public:
  ScatterNest(LinearBuilder& builder, const LoopKernel& kernel, const Scatter& scatter,
              absl::Span<const int> buffers, Clamp clamp)
      : b_(builder),
        scatter_(scatter),
        clamp_(clamp),
        inner_(AsKernel(kernel, scatter)),
        body_(inner_),
        buffers_(buffers.begin(), buffers.end()),
        output_(buffers_[scatter.param]) {
    ChooseVector();
  }

  void Run() {
    if (vector_.empty()) return Region(0, 1, 1);
    const int64_t extent = ExtentOf(vector_).constant(), whole = extent / kLanes;
    if (whole > 0) Region(0, whole, kLanes);
    if (whole * kLanes < extent) Region(whole * kLanes, extent - whole * kLanes, 1);
  }

 private:
  Sym ExtentOf(const std::string& name) const { return inner_.grid[body_.RangeIndex(name)].extent; }

  // The last range, if rows of the output are contiguous along it and the position is the same for
  // a whole row.
  void ChooseVector() {
    if (scatter_.ranges.empty()) return;
    const Range& last = scatter_.ranges.back();
    const Sym::Linear linear = scatter_.rest.LinearIn(last.name);
    const bool contiguous = linear.ok && linear.coefficient == Sym(1);
    const bool wide = last.extent.is_constant() && last.extent.constant() >= kLanes;
    if (contiguous && wide && !body_.DependsOn(scatter_.position, last.name)) vector_ = last.name;
  }

  // Blocks of `lanes` points of the vector range from `begin` on; the other ranges whole.
  void Region(int64_t begin, int64_t blocks, int lanes) {
    Emitter emitter(b_, body_, lanes > 1 ? vector_ : "", lanes, "", buffers_, clamp_);
    Sym total = blocks;
    for (const Range& range : scatter_.ranges)
      total *= range.name == vector_ ? Sym(1) : range.extent;
    int counter = b_.For(total == Sym(1) ? LoopKind::kSerial : LoopKind::kParallel, b_.I64(0),
                         b_.EmitSym(total));
    for (size_t i = scatter_.ranges.size(); i-- > 0;) {
      const Range& range = scatter_.ranges[i];
      const bool vector = range.name == vector_;
      const int count = vector ? b_.I64(blocks) : b_.EmitSym(range.extent);
      int value = b_.FloorMod(counter, count);
      if (vector) value = b_.Add(b_.Mul(value, b_.I64(lanes)), b_.I64(begin));
      counter = b_.FloorDiv(counter, count);
      emitter.Bind(range.name, value);
    }
    emitter.Bind(scatter_.updates.name,
                 b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(scatter_.updates.extent)));
    Update(emitter, lanes);
    b_.End();
    b_.End();
  }

  void Update(Emitter& emitter, int lanes) {
    emitter.EmitWithin(~uint64_t{0}, {{Member{}}});
    const int position = b_.Cast(emitter.Emit(scatter_.position, {}), DType::kI64);
    const int update = emitter.Emit(scatter_.update, {});
    const int extent = b_.EmitSym(scatter_.extent);
    b_.If(b_.And(b_.Le(b_.I64(0), position), b_.Lt(position, extent)));
    const int rest = emitter.EmitIndex(scatter_.rest, {});
    const int index = b_.Add(rest, b_.Mul(position, b_.EmitSym(scatter_.stride)));
    const int value = b_.TypeOf(update).lanes == lanes ? update : b_.Splat(update, lanes);
    b_.Store(output_, index, Combine(index, value));
    b_.End();
  }

  int Combine(int index, int value) {
    if (scatter_.mode == "set") return value;
    const std::string monoid = scatter_.mode == "add" ? "sum" : scatter_.mode;
    const int old = b_.Load(output_, b_.TypeOf(value), index);
    return b_.Binary(MonoidOp(monoid), old, value);
  }

  LinearBuilder& b_;
  const Scatter& scatter_;
  const Clamp clamp_;
  const LoopKernel inner_;
  const Body body_;
  const std::vector<int> buffers_;
  const int output_;
  std::string vector_;
};

}  // namespace

void EmitScatter(LinearBuilder& builder, const LoopKernel& kernel, const Scatter& scatter,
                 absl::Span<const int> buffers, Clamp clamp) {
  ScatterNest(builder, kernel, scatter, buffers, clamp).Run();
}

}  // namespace tensord::kernel::native
