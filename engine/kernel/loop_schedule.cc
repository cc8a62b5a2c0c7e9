#include "engine/kernel/loop_schedule.h"

#include <algorithm>
#include <bit>
#include <random>

#include "absl/strings/str_join.h"
#include "engine/base/strings.h"
#include "engine/kernel/body.h"

namespace tensord::kernel {
namespace {

using schedule::LoopKernel;
using schedule::Range;
using types::Capabilities;
using types::Dims;

// Work below this many scalar operations is not worth waking another core.
constexpr double kSerialWork = 16384;
// Cost of one lane of a gather or scatter, in vector operations.
constexpr double kGatherCost = 1.5;

// Results beyond this pass by the caches, whatever last-level cache is reported: a virtual machine
// reports one that it shares.
constexpr int64_t kStreamBytes = 16 << 20;
// Sums beside one maximum at a time, of an online fold.
constexpr int64_t kMaxOnlineTile = 128;

int64_t ExtentOf(const Range& range) { return std::max<int64_t>(range.extent.max(), 1); }
int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Lanes of the widest value that is stored or folded.
int NativeLanes(const Body& body, const Capabilities& capabilities) {
  int bytes = 1;
  for (const schedule::Output& output : body.kernel().outputs) {
    bytes = std::max(bytes, types::Bytes(output.value->dtype()));
  }
  for (Ref node : body.order()) {
    if (IsFold(node) || node->op().scalar.has_value()) {
      bytes = std::max(bytes, types::Bytes(node->dtype()));
    }
  }
  return std::clamp(capabilities.vector_bytes / bytes, 2, 16);
}

int LanesFor(int64_t extent, int native) {
  return static_cast<int>(std::min<int64_t>(native, std::bit_ceil(static_cast<uint64_t>(extent))));
}

// Operations per useful lane when `extent` points fill vectors of `lanes`.
double Waste(int64_t extent, int lanes) {
  return static_cast<double>(CeilDiv(extent, lanes) * lanes) / static_cast<double>(extent);
}

double AccessCost(const Sym& index, const std::string& along, int lanes) {
  if (!index.DependsOn(along)) return 1;  // uniform
  const Sym::Linear linear = index.LinearIn(along);
  return linear.ok && linear.coefficient == Sym(1) ? 1.0 / lanes : kGatherCost;
}

bool HasVectorOpaque(const Body& body, Ref node, const std::string& along) {
  return std::any_of(node->inputs().begin(), node->inputs().end(),
                     [&](Ref input) { return body.DependsOn(input, along); });
}

// Cost of one evaluation of `node` when vectors run along grid range `along` ("": along folds
// only).
double NodeCost(const Body& body, Ref node, const std::string& along, int lanes, double waste) {
  if (node->is("const")) return 0;
  const NodeInfo& info = body.info(node);
  if (!along.empty() && body.DependsOn(node, along)) {
    if (!node->is("load")) return waste / lanes;
    if (HasVectorOpaque(body, node, along)) return kGatherCost;
    const double masked = node->attr<types::Mask>("mask").always() ? 1 : 1.5;
    return waste * masked * AccessCost(node->attr<Sym>("index"), along, lanes);
  }
  if (!info.in_fold() || info.fold == nullptr) return 1;
  if (!along.empty() && body.DependsOn(info.fold, along)) return 1;
  const int fold_lanes = static_cast<int>(schedule::FoldLanesOf(info.fold));
  if (fold_lanes == 1) return 1;
  const std::string last =
      schedule::FoldName(schedule::FirstRange(info.fold) +
                         static_cast<int>(schedule::FoldExtents(info.fold).size()) - 1);
  if (node->is("load")) return AccessCost(node->attr<Sym>("index"), last, fold_lanes);
  return 1.0 / fold_lanes;
}

// How often more than once for each of its points a fold of the vector's range is computed: the
// loop over vectors is the innermost, inside every range that the fold does not depend on.
double Repeats(const Body& body, Ref node, const std::string& along) {
  const Ref fold = IsFold(node) ? node : body.info(node).fold;
  if (fold == nullptr || along.empty() || !body.DependsOn(fold, along)) return 1;
  double repeats = 1;
  for (const Range& range : body.kernel().grid) {
    if (!body.DependsOn(fold, range.name)) repeats *= static_cast<double>(ExtentOf(range));
  }
  return repeats;
}

double TotalCost(const Body& body, const std::string& along, int lanes) {
  const int range = body.RangeIndex(along);
  const double waste = range < 0 ? 1 : Waste(ExtentOf(body.kernel().grid[range]), lanes);
  double cost = 0, points = 1;
  for (Ref node : body.order())
    cost +=
        body.Points(node) * Repeats(body, node, along) * NodeCost(body, node, along, lanes, waste);
  for (const Range& r : body.kernel().grid) points *= static_cast<double>(ExtentOf(r));
  for (const schedule::Output& output : body.kernel().outputs) {
    cost += points * (along.empty() ? 1 : waste * AccessCost(output.index, along, lanes));
  }
  return cost;
}

void ChooseVector(const Body& body, int native, LoopSchedule& schedule) {
  double best = TotalCost(body, "", 1);
  for (const Range& range : body.kernel().grid) {
    if (range.extent == Sym(1) || !body.MayBeVector(range.name)) continue;
    const int lanes = LanesFor(ExtentOf(range), native);
    const double cost = TotalCost(body, range.name, lanes);
    if (cost >= best * 0.999) continue;
    best = cost;
    schedule.vector = range.name;
    schedule.lanes = lanes;
  }
}

// Folds whose elements are vectors of the schedule's range.
std::vector<Ref> VectorFolds(const Body& body, const LoopSchedule& schedule) {
  std::vector<Ref> folds;
  for (Ref node : body.order()) {
    if (IsFold(node) && body.DependsOn(node, schedule.vector)) folds.push_back(node);
  }
  return folds;
}

// Whether a load of vectors inside a fold is the same for every point of `range`: then a tile of
// `range` reuses it from a register.
bool ReusesVectors(const Body& body, const LoopSchedule& schedule, const Range& range) {
  for (Ref node : body.order()) {
    const NodeInfo& info = body.info(node);
    if (!node->is("load") || !info.in_fold() || info.fold == nullptr) continue;
    if (body.DependsOn(node, schedule.vector) && !body.DependsOn(node, range.name) &&
        body.DependsOn(info.fold, range.name)) {
      return true;
    }
  }
  return false;
}

// The largest unroll up to `limit`, by how little of the last block is missing.
int BestUnroll(int64_t extent, int limit) {
  int best = 1;
  double best_score = 0;
  for (int unroll = 1; unroll <= limit && unroll <= extent; ++unroll) {
    const double used =
        static_cast<double>(extent) / static_cast<double>(CeilDiv(extent, unroll) * unroll);
    const double score = used * unroll / (unroll + 1.5);
    if (score > best_score) {
      best_score = score;
      best = unroll;
    }
  }
  return best;
}

// A range of an online fold that its maximum, and so the scores, do not depend on.
const Range* RangeBesideScores(const Body& body, const LoopSchedule& schedule) {
  for (Ref node : body.order()) {
    for (Ref fold : body.OnlineFolds(node)) {
      for (const Range& range : body.kernel().grid) {
        const bool beside = body.DependsOn(fold, range.name) && !body.DependsOn(node, range.name);
        if (beside && range.name != schedule.vector && range.extent.is_constant()) return &range;
      }
    }
  }
  return nullptr;
}

void ChooseTile(const Body& body, const Capabilities& capabilities, LoopSchedule& schedule) {
  if (const Range* range = RangeBesideScores(body, schedule); range != nullptr) {
    // Scores are computed once for a tile: it takes the whole range, though its sums spill.
    schedule.tile = range->name;
    schedule.tile_unroll = static_cast<int>(std::min(ExtentOf(*range), kMaxOnlineTile));
    return;
  }
  const std::vector<Ref> folds = VectorFolds(body, schedule);
  const Range& vector = body.kernel().grid[body.RangeIndex(schedule.vector)];
  const int64_t vectors = CeilDiv(ExtentOf(vector), schedule.lanes);
  if (folds.empty()) {
    schedule.vector_unroll =
        static_cast<int>(std::min<int64_t>(vectors, body.order().size() > 40 ? 1 : 4));
    return;
  }
  int64_t lanes = 1;
  for (Ref fold : folds) lanes = std::max(lanes, schedule::FoldLanesOf(fold));
  const int budget =
      std::max<int>(1, (capabilities.vector_registers - 8) /
                           static_cast<int>(lanes * static_cast<int64_t>(folds.size())));
  const Range* tile = nullptr;
  if (lanes == 1) {
    for (const Range& range : body.kernel().grid) {
      if (range.name == schedule.vector || range.extent == Sym(1) || !range.extent.is_constant())
        continue;
      if (!ReusesVectors(body, schedule, range)) continue;
      // The innermost range that fills a tile, so that its points lie close in memory.
      const bool fills = ExtentOf(range) >= 8;
      if (tile == nullptr || fills || ExtentOf(range) > ExtentOf(*tile)) tile = &range;
    }
  }
  schedule.vector_unroll =
      static_cast<int>(std::min<int64_t>({vectors, budget, tile != nullptr ? 3 : 2}));
  if (tile == nullptr) return;
  schedule.tile = tile->name;
  schedule.tile_unroll = BestUnroll(ExtentOf(*tile), std::min(budget / schedule.vector_unroll, 14));
}

double Work(const Body& body) {
  double work = 0;
  for (Ref node : body.order()) work += body.Points(node);
  return work;
}

int64_t Blocks(const Body& body, const std::string& name, int64_t step) {
  const int range = body.RangeIndex(name);
  return range < 0 ? 1 : ExtentOf(body.kernel().grid[range]) / std::max<int64_t>(step, 1);
}

// Whether some fold depends on ranges of `prefix` alone, and on at least one.
bool FoldEndsAt(const Body& body, uint64_t prefix) {
  return std::any_of(body.order().begin(), body.order().end(), [&](Ref node) {
    const uint64_t grid = body.info(node).grid;
    return IsFold(node) && grid != 0 && (grid & ~prefix) == 0;
  });
}

void ChooseLoops(const Body& body, const Capabilities& capabilities, LoopSchedule& schedule) {
  for (const Range& range : body.kernel().grid) {
    if (range.extent == Sym(1)) continue;
    if (range.name != schedule.vector && range.name != schedule.tile)
      schedule.order.push_back(range.name);
  }
  const int64_t vector_blocks =
      Blocks(body, schedule.vector, int64_t{schedule.lanes} * schedule.vector_unroll);
  const int64_t tile_blocks = Blocks(body, schedule.tile, schedule.tile_unroll);
  schedule.tile_inside = vector_blocks >= std::min<int64_t>(tile_blocks, 8);
  if (capabilities.threads <= 1 || Work(body) < kSerialWork) return;
  int64_t points = 1;
  uint64_t prefix = 0;
  for (const std::string& name : schedule.order) {
    // A fold of the ranges so far is computed once for each of their points: further ranges stay
    // inside it.
    if (points >= 64 || FoldEndsAt(body, prefix)) return;
    prefix |= uint64_t{1} << body.RangeIndex(name);
    schedule.parallel.push_back(name);
    points *= ExtentOf(body.kernel().grid[body.RangeIndex(name)]);
  }
  if (points >= 64 || FoldEndsAt(body, prefix)) return;
  const bool by_vector = schedule.tile.empty() || schedule.tile_inside;
  if (by_vector && vector_blocks > 1) schedule.parallel.push_back(schedule.vector);
  if (!by_vector && tile_blocks > 1) schedule.parallel.push_back(schedule.tile);
}

int64_t OutputBytes(const LoopKernel& kernel) {
  int64_t bytes = 0;
  for (const schedule::Param& param : kernel.params) {
    if (param.written) bytes += param.elements.max() * types::Bytes(param.dtype);
  }
  return bytes;
}

}  // namespace

std::string LoopSchedule::ToString() const {
  return StrCat("vector=", vector, ":", lanes, "x", vector_unroll, " tile=", tile, ":", tile_unroll,
                tile_inside ? " inside" : " outside", " order=", absl::StrJoin(order, ","),
                " parallel=", absl::StrJoin(parallel, ","), non_temporal ? " non_temporal" : "");
}

LoopSchedule ChooseSchedule(const LoopKernel& kernel, const Capabilities& capabilities) {
  const Body body(kernel);
  LoopSchedule schedule;
  ChooseVector(body, NativeLanes(body, capabilities), schedule);
  if (!schedule.vector.empty()) ChooseTile(body, capabilities, schedule);
  ChooseLoops(body, capabilities, schedule);
  const int64_t half_cache = capabilities.l3_bytes > 0 ? capabilities.l3_bytes / 2 : kStreamBytes;
  schedule.non_temporal = OutputBytes(kernel) > std::min(half_cache, kStreamBytes);
  return schedule;
}

LoopSchedule RandomSchedule(const LoopKernel& kernel, const Capabilities& capabilities,
                            uint64_t seed) {
  const Body body(kernel);
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  LoopSchedule schedule;
  std::vector<const Range*> ranges;
  for (const Range& range : kernel.grid) {
    if (range.extent != Sym(1) && body.MayBeVector(range.name)) ranges.push_back(&range);
  }
  if (!ranges.empty() && below(4) > 0) {
    const Range& vector = *ranges[below(static_cast<int64_t>(ranges.size()))];
    schedule.vector = vector.name;
    schedule.lanes = 1 << below(5);
    schedule.vector_unroll = static_cast<int>(1 + below(3));
    const Range& tile = *ranges[below(static_cast<int64_t>(ranges.size()))];
    if (tile.name != vector.name && tile.extent.is_constant()) {
      schedule.tile = tile.name;
      schedule.tile_unroll = static_cast<int>(1 + below(std::min<int64_t>(ExtentOf(tile), 5)));
    }
  }
  ChooseLoops(body, capabilities, schedule);
  schedule.tile_inside =
      below(2) == 0 || (!schedule.parallel.empty() && schedule.parallel.back() == schedule.vector);
  if (!schedule.parallel.empty() && schedule.parallel.back() == schedule.tile)
    schedule.tile_inside = false;
  return schedule;
}

}  // namespace tensord::kernel
