// Online folds: a maximum and the sums of exp(s - maximum) f in one pass over s. The last range is
// walked in blocks; what was summed before a block is corrected once for it. Lanes are corrected
// one by one and meet at the end. The order is the fold's own, as in emit_fold.cc.
#include <algorithm>
#include <limits>

#include "engine/kernel/emitter.h"
#include "engine/kernel/monoid.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;

// Steps of a block: one exp for each, and one for the correction.
constexpr int kBlock = 8;

double LowestFinite(DType dtype) {
  return dtype == DType::kF64 ? std::numeric_limits<double>::lowest()
                              : std::numeric_limits<float>::lowest();
}

// What is taken off the scores: finite where nothing but -inf was seen, so that exp gives 0.
int ShiftOf(LinearBuilder& b, int max) {
  const VType type = b.TypeOf(max);
  return b.Max(max, b.Const(type, LowestFinite(type.dtype)));
}

bool IsOne(Ref node) { return node->is("const") && std::get<types::Scalar>(node->attr(0)).f == 1; }

}  // namespace

void Emitter::EmitOnline(Ref max, absl::Span<const Member> members) {
  const bool along_lanes = schedule::FoldLanesOf(max) > 1;
  std::vector<OnlineMax> maxima;
  const auto accumulator = [&](Ref fold, std::string_view monoid) {
    const int lanes = along_lanes      ? static_cast<int>(schedule::FoldLanesOf(fold))
                      : IsVector(fold) ? lanes_
                                       : 1;
    return b_.Acc(b_.Const({fold->dtype(), lanes}, MonoidIdentity(monoid, fold->dtype())));
  };
  for (Member member : Distinct(max, members)) {
    maxima.push_back({max, member, accumulator(max, "max"), {}});
    for (Ref fold : body_.OnlineFolds(max)) {
      for (Member each : Distinct(fold, members)) {
        if (KeyOf(max, each) == KeyOf(max, member))
          maxima.back().sums.push_back({fold, each, accumulator(fold, "sum")});
      }
    }
  }
  const Axis outer = axis_;
  if (along_lanes) axis_ = Axis{"", 1, -1};
  EmitOnlineLoops(maxima, 0, along_lanes);
  axis_ = outer;
  ForgetFold(max);
  for (OnlineMax& each : maxima) FinishOnline(each, along_lanes);
}

void Emitter::EmitOnlineLoops(std::vector<OnlineMax>& maxima, size_t range, bool along_lanes) {
  const types::Dims& extents = schedule::FoldExtents(maxima[0].fold);
  const int number = schedule::FirstRange(maxima[0].fold) + static_cast<int>(range);
  if (range + 1 == extents.size()) {
    return EmitOnlineRange(maxima, number, extents[range], along_lanes);
  }
  const int k = b_.For(LoopKind::kSerial, b_.I64(0), b_.EmitSym(extents[range]));
  BindFold(schedule::FoldName(number), k, k);
  EmitOnlineLoops(maxima, range + 1, along_lanes);
  EndLoop();
}

// Whole blocks, then single steps; the last step along lanes may be partial.
void Emitter::EmitOnlineRange(std::vector<OnlineMax>& maxima, int range, const Sym& extent,
                              bool along_lanes) {
  const int64_t lanes = schedule::FoldLanesOf(maxima[0].fold);
  if (along_lanes) axis_ = Axis{schedule::FoldName(range), static_cast<int>(lanes), -1};
  const Sym blocks = types::FloorDiv(extent, kBlock * lanes) * (kBlock * lanes);
  const auto loop = [&](const Sym& from, const Sym& to, int64_t step, int count, bool partial) {
    if (from == to) return;
    const int first = b_.For(LoopKind::kSerial, b_.EmitSym(from), b_.EmitSym(to), step);
    int mask = -1;
    if (partial) {
      const int iota = b_.Iota({DType::kI64, static_cast<int>(lanes)});
      mask = b_.Lt(b_.Add(first, iota), b_.EmitSym(extent));
    }
    EmitOnlineSteps(maxima, range, first, count, mask);
    EndLoop();
  };
  const Sym whole =
      along_lanes && !extent.is_constant() ? blocks : types::FloorDiv(extent, lanes) * lanes;
  loop(0, blocks, kBlock * lanes, kBlock, false);
  loop(blocks, whole, lanes, 1, false);
  loop(whole, extent, lanes, 1, along_lanes);
}

// `count` steps of every maximum and its sums, `mask` (or -1) telling which lanes exist.
void Emitter::EmitOnlineSteps(std::vector<OnlineMax>& maxima, int range, int first, int count,
                              int mask) {
  const int64_t lanes = schedule::FoldLanesOf(maxima[0].fold);
  axis_.mask = mask >= 0 ? mask : axis_.mask;
  step_range_ = range;
  step_scalar_ = step_vector_ = first;
  if (lanes > 1) step_vector_ = b_.Add(first, b_.Iota({DType::kI64, static_cast<int>(lanes)}));
  BindFold(schedule::FoldName(range), step_scalar_, step_vector_);
  std::vector<Member> all;
  for (const OnlineMax& max : maxima) {
    for (int i = 0; i < count; ++i) {
      all.push_back(max.member);
      all.back().step = static_cast<int>(i * lanes);
    }
  }
  const Ref scores = maxima[0].fold->input(0);
  EmitNestedFolds(scores, all);
  for (size_t i = 0; i < maxima.size(); ++i) {
    const auto members = absl::MakeConstSpan(all).subspan(i * count, count);
    const int32_t width = b_.TypeOf(maxima[i].accumulator).lanes;
    std::vector<int> values;
    for (Member member : members) {
      int value = Widen(Emit(scores, member), width);
      if (mask >= 0) {
        const auto nothing = MonoidIdentity("max", maxima[i].fold->dtype());
        value = b_.Where(mask, value, b_.Const(b_.TypeOf(value), nothing));
      }
      values.push_back(value);
    }
    UpdateMax(maxima[i], values, members);
  }
  step_range_ = -1;
  if (mask >= 0) axis_.mask = -1;
}

// The folds inside the body `root`, for all members at once.
void Emitter::EmitNestedFolds(Ref root, absl::Span<const Member> members) {
  const Ref roots[] = {root};
  const std::vector<Ref> order = ir::TopologicalOrder(roots);
  std::vector<Ref> folds;
  for (Ref node : order) {
    if (IsFold(node) && body_.info(node).in_fold()) folds.push_back(node);
  }
  if (folds.empty()) return;
  // What the inner loops read but do not change is computed before them.
  uint64_t inner = 0;
  for (Ref fold : folds) inner |= RangeBits(fold);
  const Ref bodies[] = {folds[0]->input(0)};
  for (Ref node : ir::TopologicalOrder(bodies)) {
    const NodeInfo& info = body_.info(node);
    if (!info.in_fold() || (info.folds & inner) != 0) continue;
    for (Member member : Distinct(node, members)) Emit(node, member);
  }
  EmitFolds(folds, members);
}

void Emitter::UpdateMax(OnlineMax& max, absl::Span<const int> scores,
                        absl::Span<const Member> members) {
  const Ref exp = max.sums[0].fold->input(3);
  const int before = b_.Get(max.accumulator);
  int after = before;
  for (int score : scores) after = b_.Max(after, score);
  const int shift = ShiftOf(b_, after);
  const int correction = Apply(exp, b_.Sub(ShiftOf(b_, before), shift));
  std::vector<int> weights;
  for (int score : scores) weights.push_back(Apply(exp, b_.Sub(score, shift)));
  b_.Set(max.accumulator, after);
  for (OnlineSum& sum : max.sums) {
    const Ref factor = sum.fold->input(1);
    const int32_t width = b_.TypeOf(sum.accumulator).lanes;
    int total = b_.Mul(sum.accumulator, Widen(correction, width));
    for (size_t i = 0; i < weights.size(); ++i) {
      const int weight = Widen(weights[i], width);
      Member member = sum.member;
      member.step = members[i].step;
      total = IsOne(factor) ? b_.Add(total, weight)
                            : b_.Fma(weight, Widen(Emit(factor, member), width), total);
    }
    b_.Set(sum.accumulator, total);
  }
}

// Lanes meet; where the maximum is infinite the sum is what exp(s - maximum) would have given.
void Emitter::FinishOnline(OnlineMax& max, bool along_lanes) {
  const int lane_max = b_.Get(max.accumulator);
  const int total_max = along_lanes ? b_.Horizontal(ScalarOp::kMax, lane_max) : lane_max;
  Remember(max.fold, max.member, total_max);
  const DType dtype = max.fold->dtype();
  const auto infinity = types::Scalar::Float(dtype, std::numeric_limits<double>::infinity());
  for (OnlineSum& sum : max.sums) {
    const Ref exp = sum.fold->input(3);
    int value = b_.Get(sum.accumulator);
    if (along_lanes) {
      const int shift = ShiftOf(b_, b_.Splat(total_max, b_.TypeOf(lane_max).lanes));
      value = b_.Mul(value, Apply(exp, b_.Sub(ShiftOf(b_, lane_max), shift)));
      value = b_.Horizontal(ScalarOp::kAdd, value);
    }
    const VType type = b_.TypeOf(value);
    const int top = Widen(total_max, type.lanes);
    const int instead =
        sum.fold->attr<std::string>("infinite") == "exp" ? Apply(exp, top) : b_.Sub(top, top);
    const int infinite = b_.Eq(b_.Unary(ScalarOp::kAbs, top), b_.Const(type, infinity));
    Remember(sum.fold, sum.member, b_.Where(infinite, instead, value));
  }
}

// `expression` with its hole filled by a register.
int Emitter::Apply(Ref expression, int argument) {
  const int32_t lanes = b_.TypeOf(argument).lanes;
  const Ref roots[] = {expression};
  absl::flat_hash_map<Ref, int> values;
  for (Ref node : ir::TopologicalOrder(roots)) {
    if (&node->op() == &schedule::HoleOp()) {
      values[node] = argument;
    } else if (node->is("const")) {
      values[node] = b_.Const({node->dtype(), lanes}, std::get<types::Scalar>(node->attr(0)));
    } else {
      absl::InlinedVector<int, 3> operands;
      for (Ref input : node->inputs()) operands.push_back(values.at(input));
      values[node] = b_.Alu(*node->op().scalar, {node->dtype(), lanes}, operands);
    }
  }
  return values.at(expression);
}

}  // namespace tensord::kernel
