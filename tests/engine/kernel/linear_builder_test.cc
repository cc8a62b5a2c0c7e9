#include "engine/kernel/linear_builder.h"

#include <string>

#include "engine/kernel/linear.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using testing::HasSubstr;
using types::DType;
using types::Scalar;
using types::Sym;

constexpr VType kI64{DType::kI64, 1};
constexpr VType kF32{DType::kF32, 1};
constexpr VType kF32x4{DType::kF32, 4};

// Keeps `reg` alive and shows the kernel.
std::string StoreAndPrint(LinearBuilder& b, int reg) {
  const int out = b.AddGlobal("out", b.TypeOf(reg).dtype, 4096, Access::kOut);
  b.Store(out, b.I64(0), reg);
  return Print(std::move(b).Finish());
}

TEST(LinearBuilder, WritesTheHeadersExample) {
  LinearBuilder b("axpy");
  int n = b.AddVariable("n", 1, 4096);
  int x = b.AddGlobal("x", DType::kF32, b.VariableSym(n), Access::kIn);
  int y = b.AddGlobal("y", DType::kF32, b.VariableSym(n), Access::kInOut);
  int zero = b.I64(0), end = b.Var(n);
  int i = b.For(LoopKind::kParallel, zero, end, 16);
  int mask = b.Lt(b.Add(i, b.Iota({DType::kI64, 16})), end);
  b.Store(y, i, b.Load(x, {DType::kF32, 16}, i, mask), mask);
  b.End();
  Linear kernel = std::move(b).Finish();
  EXPECT_TRUE(Verify(kernel).ok()) << Verify(kernel);
  EXPECT_EQ(Print(kernel),
            "kernel @axpy(%x: f32[n] in, %y: f32[n] inout, n in [1, 4096]) {\n"
            "  %0 = const i64 0\n"
            "  %1 = var n\n"
            "  %2 = for parallel %0, %1, 16 {\n"
            "    %3 = iota i64x16\n"
            "    %4 = splat i64x16 %2\n"
            "    %5 = add i64x16 %4, %3\n"
            "    %6 = splat i64x16 %1\n"
            "    %7 = lt boolx16 %5, %6\n"
            "    %8 = load f32x16 %x[%2] mask %7\n"
            "    store f32x16 %y[%2], %8 mask %7\n"
            "  }\n"
            "}\n");
}

TEST(LinearBuilder, InternsPureInstructions) {
  LinearBuilder b("k");
  const int n = b.AddVariable("n", 0, 9);
  const int a = b.Add(b.Var(n), b.I64(3));
  EXPECT_EQ(b.Add(b.Var(n), b.I64(3)), a);
  b.For(LoopKind::kSerial, b.I64(0), b.I64(4));
  EXPECT_EQ(b.Add(b.Var(n), b.I64(3)), a);  // known from the block outside
  b.End();
  EXPECT_NE(b.Add(b.Var(n), b.I64(4)), a);
  EXPECT_NE(b.Const(kF32, 0.0), b.Const(kF32, -0.0));
}

TEST(LinearBuilder, HoistsOutOfSerialLoopsAndIfsOnly) {
  LinearBuilder b("k");
  const int n = b.AddVariable("n", 0, 9);
  const int out = b.AddGlobal("out", DType::kI64, 100, Access::kOut);
  const int zero = b.I64(0), four = b.I64(4);
  const int p = b.For(LoopKind::kParallel, zero, four);
  const int i = b.For(LoopKind::kSerial, zero, four);
  b.If(b.Lt(i, b.I64(2)));
  b.Store(out, zero, b.Mul(b.Var(n), b.Var(n)));
  b.Store(out, b.I64(1), b.Mul(i, i));
  b.Store(out, b.I64(2), b.Mul(p, p));
  b.End();
  b.End();
  b.End();
  EXPECT_EQ(Print(std::move(b).Finish()),
            "kernel @k(%out: i64[100] out, n in [0, 9]) {\n"
            "  %0 = const i64 0\n"
            "  %1 = const i64 4\n"
            "  %2 = for parallel %0, %1, 1 {\n"
            "    %3 = const i64 2\n"
            "    %4 = var n\n"
            "    %5 = mul i64 %4, %4\n"
            "    %6 = const i64 1\n"
            "    %7 = mul i64 %2, %2\n"
            "    %8 = for serial %0, %1, 1 {\n"
            "      %9 = lt bool %8, %3\n"
            "      %10 = mul i64 %8, %8\n"
            "      if %9 {\n"
            "        store i64 %out[%0], %5\n"
            "        store i64 %out[%6], %10\n"
            "        store i64 %out[%3], %7\n"
            "      }\n"
            "    }\n"
            "  }\n"
            "}\n");
}

TEST(LinearBuilder, AccumulatorsAreReadInPlace) {
  LinearBuilder b("k");
  const int acc = b.Acc(b.I64(5));
  const int one = b.Add(acc, b.I64(1));
  EXPECT_NE(b.Add(acc, b.I64(1)), one);
  EXPECT_NE(b.Add(acc, b.I64(0)), acc);  // what it holds now, not later
  EXPECT_NE(b.Get(acc), acc);
  const int kept = b.Get(acc);
  b.Set(acc, one);
  EXPECT_THAT(StoreAndPrint(b, kept), HasSubstr("%5 = bitcast i64 %1\n  set i64 %1, %3\n"));
}

TEST(LinearBuilder, FoldsIntegers) {
  LinearBuilder b("k");
  const int n = b.Var(b.AddVariable("n", -50, 50));
  const int zero = b.I64(0), one = b.I64(1);
  EXPECT_EQ(b.Add(n, zero), n);
  EXPECT_EQ(b.Add(zero, n), n);
  EXPECT_EQ(b.Sub(n, zero), n);
  EXPECT_EQ(b.Sub(n, n), zero);
  EXPECT_EQ(b.Mul(n, one), n);
  EXPECT_EQ(b.Mul(one, n), n);
  EXPECT_EQ(b.Mul(n, zero), zero);
  EXPECT_EQ(b.FloorDiv(n, one), n);
  EXPECT_EQ(b.FloorMod(n, one), zero);
  EXPECT_EQ(b.Min(n, n), n);
  EXPECT_EQ(b.Cast(n, DType::kI64), n);
  EXPECT_EQ(b.FloorDiv(b.I64(-7), b.I64(2)), b.I64(-4));
  EXPECT_EQ(b.FloorDiv(n, b.I64(8)), b.Alu(ScalarOp::kShr, kI64, {n, b.I64(3)}));
  EXPECT_EQ(b.FloorMod(n, b.I64(8)), b.And(n, b.I64(7)));
  EXPECT_EQ(b.Where(b.Lt(one, zero), n, zero), zero);
  EXPECT_EQ(b.ConstantOf(b.Lt(n, n))->i, 0);
  EXPECT_EQ(b.ConstantOf(b.Cast(b.I64(300), DType::kU8))->u, 44u);
  const int yes = b.Const({DType::kBool, 1}, 1.0);
  const int less = b.Lt(n, zero);
  EXPECT_EQ(b.And(less, yes), less);
  EXPECT_EQ(b.Or(less, yes), yes);
}

TEST(LinearBuilder, LeavesFloatsAlone) {
  LinearBuilder b("k");
  const int x = b.AddGlobal("x", DType::kF32, 4, Access::kIn);
  const int v = b.Load(x, kF32, b.I64(0));
  EXPECT_NE(b.Add(v, b.Const(kF32, 0.0)), v);
  EXPECT_NE(b.Mul(v, b.Const(kF32, 1.0)), v);
  EXPECT_FALSE(b.ConstantOf(b.Add(b.Const(kF32, 1.0), b.Const(kF32, 2.0))).has_value());
  EXPECT_EQ(b.Where(b.Const({DType::kBool, 1}, 1.0), v, b.Const(kF32, 2.0)), v);
}

TEST(LinearBuilder, ComputesOnceWhatEveryLaneShares) {
  LinearBuilder b("k");
  const int x = b.AddGlobal("x", DType::kF32, 4, Access::kIn);
  const int v = b.Load(x, kF32, b.I64(0)), w = b.Load(x, kF32, b.I64(1));
  const int product = b.Mul(b.Splat(v, 4), b.Splat(w, 4));
  EXPECT_EQ(product, b.Splat(b.Mul(v, w), 4));
  EXPECT_EQ(b.Extract(b.Splat(v, 4), 2), v);
  EXPECT_EQ(b.TypeOf(b.Add(v, b.Load(x, kF32x4, b.I64(0)))), kF32x4);
}

TEST(LinearBuilder, EmitsIndexExpressions) {
  LinearBuilder b("k");
  const int n = b.AddVariable("n", 1, 100);
  const Sym i = Sym::Variable("i", 0, 99);
  const int reg = b.For(LoopKind::kSerial, b.I64(0), b.I64(100));
  const int value = b.EmitSym(i * 3 + b.VariableSym(n), {{"i", reg}});
  const int out = b.AddGlobal("out", DType::kI64, 1000, Access::kOut);
  EXPECT_EQ(b.EmitSym(Sym(7)), b.I64(7));
  b.Store(out, value, value);
  b.End();
  const Linear kernel = std::move(b).Finish();
  EXPECT_TRUE(Verify(kernel).ok()) << Verify(kernel) << Print(kernel);
}

TEST(LinearBuilder, EmitsMasks) {
  LinearBuilder b("k");
  const int x = b.AddGlobal("x", DType::kF32, 64, Access::kIn);
  const int y = b.AddGlobal("y", DType::kF32, 256, Access::kOut);
  const Sym i = Sym::Variable("i", 0, 99);
  types::Mask mask;
  mask.Require(i - 10, 0, 63);
  const int loop = b.For(LoopKind::kSerial, b.I64(0), b.I64(100), 4);
  const int lanes = b.Add(loop, b.Iota({DType::kI64, 4}));
  const LinearBuilder::Names names = {{"i", lanes}};
  EXPECT_EQ(b.EmitMask(types::Mask()), -1);
  EXPECT_EQ(b.ConstantOf(b.EmitMask(types::Mask::Never()))->i, 0);
  const int inside = b.EmitMask(mask, names);
  EXPECT_EQ(b.TypeOf(inside), (VType{DType::kBool, 4}));
  b.Store(y, loop, b.Gather(x, kF32x4, b.EmitSym(i - 10, names), inside));
  b.End();
  const Linear kernel = std::move(b).Finish();
  EXPECT_TRUE(Verify(kernel).ok()) << Verify(kernel) << Print(kernel);
}

TEST(LinearBuilder, FinishPutsGlobalsFirstAndDropsTheUnused) {
  LinearBuilder b("k");
  const int panel = b.AddPrivate("panel", DType::kF32, 16);
  const int x = b.AddGlobal("x", DType::kF32, 16, Access::kIn);
  const int y = b.AddGlobal("y", DType::kF32, 16, Access::kOut);
  b.Load(x, kF32x4, b.I64(8));  // nobody reads it
  const int unused = b.Acc(b.I64(3));
  b.Set(unused, b.Add(unused, b.I64(1)));
  const int zero = b.I64(0);
  const int loaded = b.Load(x, kF32x4, b.I64(4));
  b.Store(panel, zero, loaded);
  b.Store(y, zero, b.Load(panel, kF32x4, zero));
  const Linear kernel = std::move(b).Finish();
  EXPECT_EQ(Print(kernel),
            "kernel @k(%x: f32[16] in, %y: f32[16] out) {\n"
            "  private %panel: f32[16]\n"
            "  %0 = const i64 0\n"
            "  %1 = const i64 4\n"
            "  %2 = load f32x4 %x[%1]\n"
            "  store f32x4 %panel[%0], %2\n"
            "  %3 = load f32x4 %panel[%0]\n"
            "  store f32x4 %y[%0], %3\n"
            "}\n");
}

TEST(LinearBuilderDeathTest, AbortsOnMisuse) {
  LinearBuilder b("k");
  const int x = b.AddGlobal("x", DType::kF32, 16, Access::kIn);
  EXPECT_DEATH(b.End(), "end without a block");
  EXPECT_DEATH(b.Load(x, kI64, b.I64(0)), "holds f32");
  EXPECT_DEATH(b.Add(b.I64(1), b.Const(kF32, 1.0)), "add of i64 and f32");
  b.For(LoopKind::kSerial, b.I64(0), b.I64(4));
  const int inner = b.Load(x, kF32, b.I64(0));
  b.End();
  EXPECT_DEATH(b.Unary(ScalarOp::kNeg, inner), "out of scope");
}

}  // namespace
}  // namespace tensord::kernel
