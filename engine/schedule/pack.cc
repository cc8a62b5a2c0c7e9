#include "engine/schedule/pack.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/strings.h"
#include "engine/ir/node_map.h"
#include "engine/ops/build.h"
#include "engine/schedule/nested_folds.h"
#include "engine/schedule/operand.h"

namespace tensord::schedule {
namespace {

using ir::Ref;
using types::Sym;

// The cost model's machine: lanes of a vector, and costs in vector operations.
constexpr double kLanes = 16, kScatterLane = 1.5, kCopyElement = 2;
constexpr double kNever = std::numeric_limits<double>::infinity();

double Extent(const Sym& extent) { return static_cast<double>(std::max<int64_t>(extent.max(), 1)); }

// Axis of the base that moves by one element when `axis` of the product does, if only that one
// moves.
int BaseAxis(const Operand& operand, size_t axis) {
  int found = -1;
  for (size_t i = 0; i < operand.coords.size(); ++i) {
    if (!operand.coords[i].DependsOn(AxisName(axis))) continue;
    const Sym::Linear linear = operand.coords[i].LinearIn(AxisName(axis));
    if (found >= 0 || !linear.ok || linear.coefficient != Sym(1)) return -1;
    found = static_cast<int>(i);
  }
  return found;
}

bool VectorFriendly(const Operand& operand, size_t axis) {
  if (!operand.flat.DependsOn(AxisName(axis))) return true;
  const Sym::Linear linear = operand.flat.LinearIn(AxisName(axis));
  return linear.ok && linear.coefficient == Sym(1);
}

class Packer {
 public:
  explicit Packer(ir::Graph& graph) : graph_(graph) {}

  // The reduction over the same contraction, with no pad above a dilation.
  Ref Sink(const Contraction& c) {
    const Ref sunk[2] = {SinkPads(graph_, c.operands[0]), SinkPads(graph_, c.operands[1])};
    if (sunk[0] == c.operands[0] && sunk[1] == c.operands[1]) return c.reduce;
    return Rebuild(c.reduce, c.product, graph_.WithInputs(c.product, sunk));
  }

  Ref Pack(const Contraction& c) {
    const Operand operands[2] = {Trace(c, 0), Trace(c, 1)};
    return PackAlong(c, operands, ChooseAxis(c, operands));
  }
  // With vectors along a given axis of the product.
  Ref Pack(const Contraction& c, int axis) {
    const Operand operands[2] = {Trace(c, 0), Trace(c, 1)};
    return PackAlong(c, operands, axis);
  }

 private:
  Ref PackAlong(const Contraction& c, const Operand (&operands)[2], int axis) {
    if (axis < 0) return c.reduce;
    Ref packed[2];
    for (int i : {0, 1}) {
      const bool friendly = VectorFriendly(operands[i], axis) || BaseAxis(operands[i], axis) < 0;
      packed[i] = friendly ? operands[i].top : Repack(operands[i], axis);
    }
    if (packed[0] == c.operands[0] && packed[1] == c.operands[1]) return c.reduce;
    return Rebuild(c.reduce, c.product, graph_.WithInputs(c.product, packed));
  }

  // Vector operations per product, for vectors along `axis`.
  double Cost(const Contraction& c, const Operand (&operands)[2], size_t axis, bool last,
              double fold) const {
    const int64_t classes = std::max(operands[0].classes[axis], operands[1].classes[axis]);
    const double extent = Extent(c.product->dims()[axis]) / static_cast<double>(classes);
    double cost = std::ceil(extent / kLanes) * kLanes / extent;
    if (!last || classes > 1) cost += kScatterLane * kLanes / fold;
    const double products = Extent(c.product->type().elements());
    for (const Operand& operand : operands) {
      if (VectorFriendly(operand, axis)) continue;
      if (BaseAxis(operand, axis) < 0) return kNever;
      cost += kCopyElement * kLanes * Extent(operand.base->type().elements()) / products;
    }
    return cost;
  }

  int ChooseAxis(const Contraction& c, const Operand (&operands)[2]) const {
    std::vector<bool> reduced(c.product->rank(), false);
    double fold = 1, best = kNever;
    for (int64_t axis : c.reduce->attr<ir::Ints>("axes")) {
      reduced[axis] = true;
      fold *= Extent(c.product->dims()[axis]);
    }
    int chosen = -1;
    bool last = true;
    for (int axis = c.product->rank() - 1; axis >= 0; --axis) {
      if (reduced[axis] || c.product->dims()[axis] == Sym(1)) continue;
      const double cost = Cost(c, operands, axis, last, fold);
      last = false;
      if (cost < best) {
        best = cost;
        chosen = axis;
      }
    }
    return chosen;
  }

  // The operand over a stored copy of its base in which `axis` is innermost.
  Ref Repack(const Operand& operand, size_t axis) {
    const int inner = BaseAxis(operand, axis);
    ir::Ints order, back(operand.base->rank());
    for (int i = 0; i < operand.base->rank(); ++i) {
      if (i != inner) order.push_back(i);
    }
    order.push_back(inner);
    for (size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<int64_t>(i);
    Ref stored = ops::Build(graph_, "contiguous", {ops::Permute(graph_, operand.base, order)});
    return Rebuild(operand.top, operand.base, ops::Permute(graph_, stored, back));
  }

  // `top` with `from`, below single-input nodes, replaced by `to`.
  Ref Rebuild(Ref top, Ref from, Ref to) {
    std::vector<Ref> path;
    for (Ref at = top; at != from; at = at->input(0)) path.push_back(at);
    for (auto it = path.rbegin(); it != path.rend(); ++it) to = graph_.WithInputs(*it, {&to, 1});
    return to;
  }

  ir::Graph& graph_;
};

}  // namespace

std::vector<Ref> PackContractions(const ir::Function& core, Contractions& contractions) {
  ir::Graph& graph = *core.graph;
  ir::NodeMap<Ref> values(graph);
  std::vector<Ref> inputs, results;
  const std::vector<Ref> order = ir::TopologicalOrder(core.results);
  const NestedFolds nested = FindNestedFolds(order, core.results, contractions);
  for (Ref node : order) {
    inputs.clear();
    for (Ref input : node->inputs()) inputs.push_back(values.at(input));
    Ref moved = graph.WithInputs(node, inputs);
    if (const Contraction* contraction = contractions.Of(moved); contraction != nullptr) {
      const auto scores = nested.scores.find(node);
      if (scores != nested.scores.end()) {
        moved = Packer(graph).Pack(*contraction, scores->second);
      } else if (!nested.products.contains(node)) {
        const Contraction* sunk = contractions.Of(Packer(graph).Sink(*contraction));
        TENSORD_CHECK(sunk != nullptr, "the same product");
        moved = Packer(graph).Pack(*sunk);
      }
    }
    values[node] = moved;
  }
  for (Ref result : core.results) results.push_back(values.at(result));
  return results;
}

}  // namespace tensord::schedule
