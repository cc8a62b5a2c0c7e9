#include "engine/kernel/split_loops.h"

#include <algorithm>
#include <numeric>

#include "engine/ir/index_map.h"
#include "engine/kernel/body.h"
#include "engine/kernel/specialize.h"

namespace tensord::kernel {
namespace {

using ir::LoopPiece;
using schedule::LoopKernel;
using schedule::Range;
using types::Mask;

constexpr int64_t kLeastToCut = 16;  // points of a range
constexpr int64_t kVector = 16;      // points: cuts of the contiguous range fall between these
constexpr int64_t kLongRow = 512;    // points: lines of memory that two pieces share are few
constexpr size_t kMostCuts = 4;      // of one range
constexpr size_t kMostNodes = 64;    // of a kernel that is cut at boundaries
constexpr size_t kMostPieces = 16;   // of a kernel

// A mask of the kernel and whether it is evaluated for every element of a fold.
struct MaskUse {
  const Mask* mask;
  bool in_fold;
};

std::vector<MaskUse> MasksOf(const Body& body) {
  std::vector<MaskUse> uses;
  for (Ref node : body.order()) {
    if (!node->is("load") && !node->is("valid")) continue;
    const Mask& mask = node->attr<Mask>("mask");
    if (!mask.always()) uses.push_back({&mask, body.info(node).in_fold()});
  }
  return uses;
}

// Whether the range is the one along which results are contiguous.
bool IsContiguous(const LoopKernel& kernel, const Range& range) {
  const Sym::Linear linear = kernel.outputs[0].index.LinearIn(range.name);
  return linear.ok && linear.coefficient == Sym(1);
}

Sym Variable(const std::string& name, int64_t extent) {
  return Sym::Variable(name, 0, std::max<int64_t>(extent - 1, 0));
}

// `kernel` for the points begin + step * i, i < count, of range number `range`.
LoopKernel Part(const LoopKernel& kernel, size_t range, int64_t begin, int64_t step,
                int64_t count) {
  std::vector<Range> grid = kernel.grid;
  grid[range].extent = count;
  const std::string& name = grid[range].name;
  return Specialize(kernel, {{name, Variable(name, count) * step + begin}}, std::move(grid));
}

// ---- residues ----

int64_t ClassesOf(const LoopKernel& kernel, const Range& range, absl::Span<const MaskUse> masks) {
  const bool contiguous = IsContiguous(kernel, range);
  int64_t classes = 1;
  for (const MaskUse& use : masks) {
    if (contiguous && !use.in_fold) continue;
    classes = std::lcm(classes, ir::ResiduePeriod(*use.mask, range.name));
    if (classes > ir::kMostResidues) return 1;
  }
  return std::min(classes, range.extent.constant());
}

std::vector<LoopKernel> SplitByResidue(const LoopKernel& kernel) {
  const Body body(kernel);
  const std::vector<MaskUse> masks = MasksOf(body);
  std::vector<LoopKernel> pieces = {kernel};
  for (size_t range = 0; range < kernel.grid.size() && !masks.empty(); ++range) {
    const Sym& extent = kernel.grid[range].extent;
    if (!extent.is_constant() || extent.constant() < 2) continue;
    const int64_t classes = ClassesOf(kernel, kernel.grid[range], masks);
    if (classes == 1 || static_cast<int64_t>(pieces.size()) * classes > ir::kMostResidues) continue;
    std::vector<LoopKernel> split;
    for (const LoopKernel& piece : pieces) {
      for (int64_t residue = 0; residue < classes; ++residue) {
        const int64_t count = (extent.constant() - residue + classes - 1) / classes;
        split.push_back(Part(piece, range, residue, classes, count));
      }
    }
    pieces = std::move(split);
  }
  return pieces;
}

// ---- boundaries ----

// Where, within (0, extent), one bound of a mask starts or stops to hold for sure.
std::vector<int64_t> CutsOf(const types::Bound& bound, const Range& range, bool whole_vectors) {
  const int64_t extent = range.extent.constant(), unit = whole_vectors ? kVector : 1;
  Mask mask;
  mask.Require(bound.expr, bound.lo, bound.hi);
  std::vector<int64_t> cuts;
  for (const LoopPiece& piece : ir::SplitPoints(mask, range.name, extent)) {
    if (piece.step != 1) return {};
    if (piece.truth != LoopPiece::Truth::kAlways) continue;
    const int64_t begin = (piece.begin + unit - 1) / unit * unit;
    const int64_t end = piece.end == extent ? extent : piece.end / unit * unit;
    if (begin < end) cuts.insert(cuts.end(), {begin, end});
  }
  return cuts;
}

// Begins of the pieces of `range`, and its extent at the end; empty where cutting gains little.
std::vector<int64_t> ChooseCuts(const LoopKernel& kernel, const Range& range,
                                absl::Span<const MaskUse> masks) {
  if (!range.extent.is_constant() || range.extent.constant() < kLeastToCut) return {};
  const int64_t extent = range.extent.constant();
  const bool contiguous = IsContiguous(kernel, range);
  std::vector<int64_t> cuts = {0, extent};
  for (const MaskUse& use : masks) {
    if (contiguous && !use.in_fold && extent < kLongRow) continue;
    for (const types::Bound& bound : use.mask->bounds()) {
      if (!bound.expr.DependsOn(range.name)) continue;
      const std::vector<int64_t> own = CutsOf(bound, range, contiguous);
      cuts.insert(cuts.end(), own.begin(), own.end());
    }
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  if (cuts.size() == 2 || cuts.size() - 2 > kMostCuts) return {};
  int64_t large = 0;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    const int64_t count = cuts[i + 1] - cuts[i];
    if (count * 4 >= extent) large += count;
  }
  return large * 4 >= extent * (contiguous ? 2 : 3) ? cuts : std::vector<int64_t>();
}

// A sum of products whose register tile wants whole ranges, or too much code to repeat.
bool StaysWhole(const Body& body) {
  if (body.order().size() > kMostNodes) return true;
  return std::any_of(body.order().begin(), body.order().end(), [](Ref node) {
    return node->is("online_fold") || (node->is("fold") && schedule::FoldLanesOf(node) == 1 &&
                                       node->input(0)->is(ir::ScalarOp::kMul));
  });
}

// Appends the pieces of `kernel`, cutting ranges from number `range` on.
void CutAtBoundaries(const LoopKernel& kernel, std::vector<LoopKernel>& pieces) {
  struct Todo {
    LoopKernel kernel;
    size_t range;
  };
  std::vector<Todo> todo = {{kernel, 0}};
  while (!todo.empty()) {
    const Todo at = std::move(todo.back());
    todo.pop_back();
    const Body body(at.kernel);
    const std::vector<MaskUse> masks = MasksOf(body);
    std::vector<int64_t> cuts;
    size_t range = at.range;
    const bool whole =
        masks.empty() || StaysWhole(body) || pieces.size() + todo.size() + 5 > kMostPieces;
    for (; !whole && range < at.kernel.grid.size() && cuts.empty(); ++range) {
      cuts = ChooseCuts(at.kernel, at.kernel.grid[range], masks);
    }
    if (cuts.empty()) {
      pieces.push_back(at.kernel);
      continue;
    }
    const int64_t extent = cuts.back();
    for (size_t i = cuts.size() - 1; i-- > 0;) {
      const int64_t count = cuts[i + 1] - cuts[i];
      const bool large = count * 4 >= extent;
      todo.push_back(
          {Part(at.kernel, range - 1, cuts[i], 1, count), large ? range : at.kernel.grid.size()});
    }
  }
}

}  // namespace

std::vector<LoopKernel> SplitLoops(const LoopKernel& kernel) {
  if (!kernel.scatters.empty() || MasksOf(Body(kernel)).empty()) return {kernel};
  const LoopKernel simple = Specialize(kernel, {}, kernel.grid);
  std::vector<LoopKernel> classes = SplitByResidue(simple);
  if (classes.size() > 1) return classes;
  std::vector<LoopKernel> pieces;
  CutAtBoundaries(classes[0], pieces);
  return pieces;
}

}  // namespace tensord::kernel
