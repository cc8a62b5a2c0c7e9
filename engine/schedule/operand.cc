#include "engine/schedule/operand.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/ops/build.h"
#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ints;
using ir::Ref;
using types::Dims;

bool PassesThrough(Ref node, bool through_dilation) {
  if (node->is("pad")) return false;
  if (node->is("dilate")) return through_dilation;
  return IsMovement(node) || node->is("detach") || node->is(ir::ScalarOp::kCast);
}

// `mask` for the values period * v + residue of `axis`, where `residue` is the first that may hold.
Mask InClass(const Mask& mask, const Sym& axis, int64_t period, Sym::Substitution& with) {
  const std::string& name = axis.variable_name();
  const Sym v = Sym::Variable(name, 0, axis.max() / period);
  for (int64_t residue = 0; residue < period; ++residue) {
    Mask inside = mask.Substitute({{name, v * period + residue}});
    if (inside.never()) continue;
    with[name] = v * period + residue;
    return inside;
  }
  return Mask::Never();
}

bool HasQuotients(const Mask& mask) {
  return std::any_of(mask.bounds().begin(), mask.bounds().end(), [](const types::Bound& bound) {
    const Sym::Cost cost = bound.expr.CountOperators();
    return cost.divs + cost.mods > 0;
  });
}

std::vector<bool> KeptAxes(const Contraction& c) {
  std::vector<bool> kept(c.product->rank(), true);
  for (int64_t axis : c.reduce->attr<Ints>("axes")) kept[axis] = false;
  return kept;
}

// Puts a dilated operand's coordinates into one class of residues. False if the loops over the
// product can't be split into such classes.
bool EnterClass(const Contraction& c, Access& access, std::vector<int64_t>& classes) {
  const std::vector<bool> kept = KeptAxes(c);
  Sym::Substitution with;
  int64_t pieces = 1;
  for (size_t i = 0; i < kept.size(); ++i) {
    const Sym& extent = c.product->dims()[i];
    if (!access.mask.DependsOn(AxisName(i)) || !extent.is_constant()) continue;
    classes[i] = ir::ResiduePeriod(access.mask, AxisName(i));
    if (classes[i] == 1) continue;
    pieces *= kept[i] ? classes[i] : 1;
    access.mask = InClass(access.mask, Sym::Variable(AxisName(i), 0, extent.constant() - 1),
                          classes[i], with);
  }
  if (access.mask.never() || HasQuotients(access.mask) || pieces > ir::kMostResidues) return false;
  for (Sym& coord : access.coords) {
    coord = types::SimplifyUnder(coord.Substitute(with), access.mask);
  }
  return true;
}

Operand TraceTo(Ref top, bool through_dilation, Access& access) {
  Operand operand{top, top, {}, 0, std::vector<int64_t>(top->rank(), 1)};
  access = {};
  for (int i = 0; i < top->rank(); ++i) {
    const int64_t last = std::max<int64_t>(top->dims()[i].max() - 1, 0);
    access.coords.push_back(Sym::Variable(AxisName(i), 0, last));
  }
  while (PassesThrough(operand.base, through_dilation)) {
    if (IsMovement(operand.base)) access = Through(operand.base, access);
    operand.base = operand.base->input(0);
  }
  return operand;
}

// ---- pads of dilated values ----

// Zeros before and elements of each axis of a value around a dilated one.
struct Frame {
  Ref dilate = nullptr;
  std::vector<int64_t> low;
  bool padded = false;
};

// One pad or shrink further out. False where it is none that a frame can say.
bool Extend(Frame& frame, Ref node, std::vector<bool>& shrunk) {
  const Dims& low = node->attr<Dims>("low");
  const bool pad = node->is("pad");
  for (int i = 0; i < node->rank(); ++i) {
    if (node->dims()[i] == node->input(0)->dims()[i] && low[i] == Sym(0)) continue;
    if (!low[i].is_constant() || (pad && shrunk[i])) return false;
    const Sym high = node->dims()[i] - node->input(0)->dims()[i] - low[i];
    if (pad && (low[i].constant() < 0 || !high.is_constant() || high.constant() < 0)) return false;
    frame.low[i] += pad ? low[i].constant() : -low[i].constant();
    shrunk[i] = shrunk[i] || !pad;
    frame.padded = frame.padded || pad;
  }
  return true;
}

// `node` as pads and shrinks of a dilated value, if it is that.
std::optional<Frame> FrameOf(Ref node) {
  std::vector<Ref> around;
  Frame frame;
  for (frame.dilate = node; frame.dilate->is("pad") || frame.dilate->is("shrink");) {
    around.push_back(frame.dilate);
    frame.dilate = frame.dilate->input(0);
  }
  if (!frame.dilate->is("dilate")) return std::nullopt;
  frame.low.assign(node->rank(), 0);
  std::vector<bool> shrunk(node->rank(), false);
  for (auto it = around.rbegin(); it != around.rend(); ++it) {
    if (!Extend(frame, *it, shrunk)) return std::nullopt;
  }
  return frame.padded ? std::optional<Frame>(frame) : std::nullopt;
}

int64_t CeilDiv(int64_t a, int64_t b) { return types::CeilDiv(a, b).constant(); }

Ref SinkPad(ir::Graph& graph, Ref node) {
  const std::optional<Frame> frame = FrameOf(node);
  if (!frame.has_value()) return node;
  const Ints& factors = frame->dilate->attr<Ints>("factors");
  Dims before, after, offset;
  for (int i = 0; i < node->rank(); ++i) {
    const Sym rest =
        node->dims()[i] - frame->low[i] - frame->dilate->dims()[i];  // zeros at the end
    if (!rest.is_constant() || frame->dilate->dims()[i].min() < 1) return node;
    before.push_back(std::max<int64_t>(CeilDiv(frame->low[i], factors[i]), 0));
    after.push_back(std::max<int64_t>(CeilDiv(rest.constant(), factors[i]), 0));
    offset.push_back(before.back() * factors[i] - frame->low[i]);
  }
  Ref padded = ops::Pad(graph, frame->dilate->input(0), before, after);
  Ref dilated = ops::Build(graph, "dilate", {padded}, {{"factors", factors}});
  return ops::Shrink(graph, dilated, offset, node->dims());
}

}  // namespace

std::string AxisName(size_t axis) { return StrCat(".a", axis); }

Operand Trace(const Contraction& contraction, int which) {
  Ref top = contraction.operands[which];
  Access access;
  Operand operand = TraceTo(top, true, access);
  if (!access.mask.always() && !EnterClass(contraction, access, operand.classes)) {
    operand = TraceTo(top, false, access);
  }
  operand.coords = access.coords;
  operand.flat = Flatten(access.coords, operand.base->dims());
  return operand;
}

Ref SinkPads(ir::Graph& graph, Ref operand) {
  std::vector<Ref> path;
  bool dilated = false;
  for (Ref at = operand; at->is("pad") || PassesThrough(at, true); at = at->input(0)) {
    path.push_back(at);
    dilated = dilated || at->is("dilate");
  }
  if (!dilated) return operand;
  Ref moved = path.back()->input(0);
  for (auto it = path.rbegin(); it != path.rend(); ++it) {
    moved = SinkPad(graph, graph.WithInputs(*it, {&moved, 1}));
  }
  return moved;
}

}  // namespace tensord::schedule
