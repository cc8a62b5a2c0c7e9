#include <optional>

#include "engine/ops/build.h"
#include "engine/passes/simplify_rules.h"

namespace tensord::passes {
namespace {

using ir::Any;
using ir::AnyScalarOp;
using ir::Constant;
using ir::Graph;
using ir::Match;
using ir::Number;
using ir::Op;
using ir::Pattern;
using ir::Ref;
using ir::ScalarOp;
using types::DType;
using types::Scalar;
using S = ScalarOp;

bool IsExactDType(DType dtype) { return !types::IsFloat(dtype); }  // integers and bool

Ref Uniform(Graph& graph, const Scalar& value, Ref like) {
  Ref scalar = ops::Constant(graph, value, like->type().placement);
  return like->rank() == 0 ? scalar : ops::Expand(graph, scalar, like->dims());
}

Ref Whole(Graph& graph, int64_t value, Ref like) {
  return Uniform(graph, Scalar::Int(like->dtype(), value), like);
}

// ---- rewrites ----

Ref First(Graph&, const Match& m) { return m[0]; }
Ref FirstOfIntegers(Graph&, const Match& m) { return IsExactDType(m[0]->dtype()) ? m[0] : nullptr; }
Ref InputOfRoot(Graph&, const Match& m) { return m.root->input(0); }
Ref Zero(Graph& graph, const Match& m) { return Whole(graph, 0, m.root); }
Ref ZeroOfIntegers(Graph& graph, const Match& m) {
  return IsExactDType(m.root->dtype()) ? Whole(graph, 0, m.root) : nullptr;
}
Ref False(Graph& graph, const Match& m) { return Whole(graph, 0, m.root); }
Ref FalseOfIntegers(Graph& graph, const Match& m) {
  return IsExactDType(m[0]->dtype()) ? Whole(graph, 0, m.root) : nullptr;
}
Ref TrueOfIntegers(Graph& graph, const Match& m) {
  return IsExactDType(m[0]->dtype()) ? Whole(graph, 1, m.root) : nullptr;
}
// x op c for the c of all ones: x or c.
Ref WithAllOnes(Graph& graph, const Match& m, bool keeps) {
  const Scalar ones = Scalar::Int(m[0]->dtype(), types::IsBool(m[0]->dtype()) ? 1 : -1);
  if (*ir::UniformValue(m[1]) != ones) return nullptr;
  return keeps ? m[0] : Uniform(graph, ones, m.root);
}
Ref AbsOfFirst(Graph& graph, const Match& m) {
  return types::IsUnsigned(m[0]->dtype()) ? nullptr : ops::Unary(graph, S::kAbs, m[0]);
}
Ref Product(Graph& graph, const Match& m) { return ops::Mul(graph, m[0], m[1]); }
Ref SwappedSelect(Graph& graph, const Match& m) { return ops::Where(graph, m[0], m[2], m[1]); }

// Of the integers that a dtype holds without gap.
int SignificantBits(DType dtype) {
  switch (dtype) {
    case DType::kBF16:
      return 8;
    case DType::kF16:
      return 11;
    case DType::kF32:
      return 24;
    case DType::kF64:
      return 53;
    default:
      return types::Bytes(dtype) * 8 - (types::IsSigned(dtype) ? 1 : 0);
  }
}

// Whether every value of `from` is one of `to`.
bool Holds(DType from, DType to) {
  if (from == to || types::IsBool(from)) return true;
  if (types::IsBool(to) || types::IsWeak(from) || types::IsWeak(to)) return false;
  if (types::IsFloat(from)) {
    const bool wider = types::Bytes(from) < types::Bytes(to);
    return types::IsFloat(to) && wider;
  }
  if (types::IsSigned(from) && types::IsInteger(to) && !types::IsSigned(to)) return false;
  // The least integer is a power of two: floats have it, and their range is wide enough but for
  // f16.
  if (to == DType::kF16 && types::Bytes(from) > 1) return false;
  return SignificantBits(from) <= SignificantBits(to);
}

// Integers wrap into integers, floats saturate: the detour over a float must not meet that. Halves
// are rounded once from a float, but perhaps over a float from an integer.
Ref CastOfExactCast(Graph& graph, const Match& m) {
  const DType from = m[0]->dtype(), middle = m.root->input(0)->dtype(), to = m.root->dtype();
  if (!Holds(from, middle)) return nullptr;
  const bool detour = types::IsInteger(from) && types::IsFloat(middle) && types::IsInteger(to);
  if (detour && !Holds(from, to)) return nullptr;
  if (types::IsHalf(to) && !Holds(from, to) && types::IsInteger(from)) return nullptr;
  return ops::Cast(graph, m[0], to);
}

Ref CastToSame(Graph&, const Match& m) { return m.root->dtype() == m[0]->dtype() ? m[0] : nullptr; }

Ref SelectByConstant(Graph&, const Match& m) {
  return ir::UniformValue(m[0])->i != 0 ? m[1] : m[2];
}

Ref SelectOfTruth(Graph&, const Match& m) {
  return types::IsBool(m.root->dtype()) ? m[0] : nullptr;
}

Ref ComputeOnConstants(Graph& graph, const Match& m) {
  Ref node = m.root;
  if (node->inputs().empty()) return nullptr;
  absl::InlinedVector<Scalar, 3> operands;
  for (Ref input : node->inputs()) {
    const std::optional<Scalar> value = ir::UniformValue(input);
    if (!value.has_value() || types::IsWeak(value->dtype)) return nullptr;
    operands.push_back(*value);
  }
  return Uniform(graph, ir::Evaluate(*node->op().scalar, node->dtype(), operands), node);
}

constexpr ir::Rule kRules[] = {
    {"op(constants) -> constant", AnyScalarOp(), ComputeOnConstants},
    {"cast(x) to its dtype -> x", Op(S::kCast, Any(0)), CastToSame},
    {"cast(cast(x)) -> cast(x), the inner exact", Op(S::kCast, Op(S::kCast, Any(0))),
     CastOfExactCast},
    {"x * 1 -> x", Op(S::kMul, Any(0), Number(1)), First},
    {"x / 1 -> x", Op(S::kDiv, Any(0), Number(1)), First},
    {"x // 1 -> x (integers)", Op(S::kFloorDiv, Any(0), Number(1)), FirstOfIntegers},
    {"x % 1 -> 0 (integers)", Op(S::kFloorMod, Any(0), Number(1)), ZeroOfIntegers},
    {"truncdiv(x, 1) -> x (integers)", Op(S::kTruncDiv, Any(0), Number(1)), FirstOfIntegers},
    {"truncrem(x, 1) -> 0 (integers)", Op(S::kTruncRem, Any(0), Number(1)), ZeroOfIntegers},
    {"x - 0 -> x", Op(S::kSub, Any(0), Number(0)), First},
    {"x + 0 -> x (integers)", Op(S::kAdd, Any(0), Number(0)), FirstOfIntegers},
    {"x + -0.0 -> x", Op(S::kAdd, Any(0), Number(-0.0)), First},
    {"x * 0 -> 0 (integers)", Op(S::kMul, Any(0), Number(0)), ZeroOfIntegers},
    {"x - x -> 0 (integers)", Op(S::kSub, Any(0), Any(0)), ZeroOfIntegers},
    {"-(-x) -> x", Op(S::kNeg, Op(S::kNeg, Any(0))), First},
    {"-x * -y -> x * y", Op(S::kMul, Op(S::kNeg, Any(0)), Op(S::kNeg, Any(1))), Product},
    {"abs(-x) -> abs(x) (signed)", Op(S::kAbs, Op(S::kNeg, Any(0))), AbsOfFirst},
    {"abs(abs(x)) -> abs(x)", Op(S::kAbs, Op(S::kAbs, Any(0))), InputOfRoot},
    {"floor(floor(x)) -> floor(x)", Op(S::kFloor, Op(S::kFloor, Any(0))), InputOfRoot},
    {"ceil(ceil(x)) -> ceil(x)", Op(S::kCeil, Op(S::kCeil, Any(0))), InputOfRoot},
    {"trunc(trunc(x)) -> trunc(x)", Op(S::kTrunc, Op(S::kTrunc, Any(0))), InputOfRoot},
    {"round(round(x)) -> round(x)", Op(S::kRound, Op(S::kRound, Any(0))), InputOfRoot},
    {"not(not(x)) -> x", Op(S::kNot, Op(S::kNot, Any(0))), First},
    {"x & x -> x", Op(S::kAnd, Any(0), Any(0)), First},
    {"x | x -> x", Op(S::kOr, Any(0), Any(0)), First},
    {"x ^ x -> 0", Op(S::kXor, Any(0), Any(0)), Zero},
    {"x & 0 -> 0", Op(S::kAnd, Any(0), Number(0)), Zero},
    {"x | 0 -> x", Op(S::kOr, Any(0), Number(0)), First},
    {"x ^ 0 -> x", Op(S::kXor, Any(0), Number(0)), First},
    {"x & ones -> x", Op(S::kAnd, Any(0), Constant(1)),
     [](Graph& graph, const Match& m) { return WithAllOnes(graph, m, true); }},
    {"x | ones -> ones", Op(S::kOr, Any(0), Constant(1)),
     [](Graph& graph, const Match& m) { return WithAllOnes(graph, m, false); }},
    {"x << 0 -> x", Op(S::kShl, Any(0), Number(0)), First},
    {"x >> 0 -> x", Op(S::kShr, Any(0), Number(0)), First},
    {"min(x, x) -> x", Op(S::kMin, Any(0), Any(0)), First},
    {"max(x, x) -> x", Op(S::kMax, Any(0), Any(0)), First},
    {"x < x -> false", Op(S::kLt, Any(0), Any(0)), False},
    {"x <= x -> true (integers)", Op(S::kLe, Any(0), Any(0)), TrueOfIntegers},
    {"x == x -> true (integers)", Op(S::kEq, Any(0), Any(0)), TrueOfIntegers},
    {"x != x -> false (integers)", Op(S::kNe, Any(0), Any(0)), FalseOfIntegers},
    {"where(c, x, x) -> x", Op(S::kWhere, Any(1), Any(0), Any(0)), First},
    {"where(constant, x, y) -> one of them", Op(S::kWhere, Constant(0), Any(1), Any(2)),
     SelectByConstant},
    {"where(not(c), x, y) -> where(c, y, x)", Op(S::kWhere, Op(S::kNot, Any(0)), Any(1), Any(2)),
     SwappedSelect},
    {"where(c, true, false) -> c", Op(S::kWhere, Any(0), Number(1), Number(0)), SelectOfTruth},
};

}  // namespace

absl::Span<const ir::Rule> AlgebraRules() { return kRules; }

}  // namespace tensord::passes
