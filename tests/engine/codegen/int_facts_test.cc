#include "engine/codegen/int_facts.h"

#include <limits>

#include "engine/kernel/linear_builder.h"
#include "gtest/gtest.h"

namespace tensord::codegen {
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using types::DType;

// The fact about what a kernel stores at its end.
IntFact FactOf(LinearBuilder b, int value) {
  const int sink = b.AddGlobal("sink", b.TypeOf(value).dtype, 1024, Access::kOut);
  b.Store(sink, b.I64(0), value);
  while (b.depth() > 0) b.End();
  const Linear kernel = std::move(b).Finish();
  const std::vector<IntFact> facts = FindIntFacts(kernel);
  for (const kernel::Instr& instr : kernel.code) {
    if (instr.opcode == kernel::Opcode::kStore) return facts[static_cast<size_t>(instr.src[1])];
  }
  return {};
}

void ExpectFact(const IntFact& fact, int64_t min, int64_t max, int64_t multiple) {
  EXPECT_EQ(fact.min, min);
  EXPECT_EQ(fact.max, max);
  EXPECT_EQ(fact.multiple, multiple);
}

TEST(IntFacts, LoopVariablesKnowTheirStepAndBounds) {
  LinearBuilder b("k");
  const int i = b.For(LoopKind::kParallel, b.I64(32), b.I64(1000), 16);
  ExpectFact(FactOf(std::move(b), i), 32, 999, 16);
}

TEST(IntFacts, FollowSumsAndProducts) {
  LinearBuilder b("k");
  const int n = b.AddVariable("n", 1, 100);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.Var(n));
  const int value = b.Add(b.Mul(i, b.I64(64)), b.I64(16));
  ExpectFact(FactOf(std::move(b), value), 16, 99 * 64 + 16, 16);
}

TEST(IntFacts, ForgetWhatMayWrap) {
  LinearBuilder b("k");
  const int n = b.AddVariable("n", 0, int64_t{1} << 40);
  const int value = b.Mul(b.Var(n), b.Var(n));
  ExpectFact(FactOf(std::move(b), value), std::numeric_limits<int64_t>::min(),
             std::numeric_limits<int64_t>::max(), 1);
}

TEST(IntFacts, DivisionFloorsAndRemaindersStayBelowTheDivisor) {
  LinearBuilder b("k");
  const int n = b.AddVariable("n", -7, 100);
  const int quotient = b.FloorDiv(b.Var(n), b.I64(3));
  ExpectFact(FactOf(std::move(b), quotient), -3, 33, 1);
  LinearBuilder c("k");
  const int m = c.AddVariable("n", -7, 100);
  const int remainder = c.FloorMod(c.Var(m), c.I64(3));
  ExpectFact(FactOf(std::move(c), remainder), 0, 2, 1);
}

TEST(IntFacts, LoadedValuesHaveTheBoundsOfTheirDType) {
  LinearBuilder b("k");
  const int x = b.AddGlobal("x", DType::kU8, 16, Access::kIn);
  const int value = b.Cast(b.Load(x, {DType::kU8, 1}, b.I64(0)), DType::kI64);
  ExpectFact(FactOf(std::move(b), value), 0, 255, 1);
  LinearBuilder c("k");
  const int y = c.AddGlobal("y", DType::kU64, 16, Access::kIn);
  const int wide = c.Max(c.Load(y, {DType::kU64, 1}, c.I64(0)), c.Const({DType::kU64, 1}, 5.0));
  EXPECT_FALSE(FactOf(std::move(c), wide).Within(0, std::numeric_limits<int64_t>::max()));
}

TEST(IntFacts, PowersOfTwo) {
  EXPECT_EQ((IntFact{0, 96, 24}.PowerOfTwo(64)), 8);
  EXPECT_EQ((IntFact{0, 1024, 128}.PowerOfTwo(64)), 64);
  EXPECT_EQ((IntFact{0, 0, 0}.PowerOfTwo(64)), 64);
}

}  // namespace
}  // namespace tensord::codegen
