// Verify: what it proves and what it refuses.
#include <chrono>
#include <string>

#include "engine/kernel/linear.h"
#include "engine/kernel/linear_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::kernel {
namespace {

using testing::HasSubstr;

std::string Verdict(const std::string& text) {
  auto kernel = ParseLinear(text);
  EXPECT_TRUE(kernel.ok()) << kernel.status() << text;
  if (!kernel.ok()) return "does not parse";
  const absl::Status status = Verify(*kernel);
  return status.ok() ? "ok" : std::string(status.message());
}

// A kernel over x: f32[n] in, y: f32[n] out, i: i64[100] in, with n in [1, 1000].
std::string Kernel(const std::string& body) {
  return "kernel @k(%x: f32[n] in, %y: f32[n] out, %i: i64[100] in, %j: i32[100] in, n in [1, "
         "1000]) {\n"
         "private %p: f32[64]\n local %l: f32[64]\n"
         "%0 = const i64 0 %1 = var n %2 = const f32 1 %3 = const bool true %4 = const i64 16\n" +
         body + "}";
}

void ExpectOk(const std::string& body) { EXPECT_EQ(Verdict(Kernel(body)), "ok") << body; }
void ExpectRefused(const std::string& body, const std::string& why) {
  EXPECT_THAT(Verdict(Kernel(body)), HasSubstr(why)) << body;
}

TEST(LinearVerify, ProvesLoopsInside) {
  ExpectOk("%5 = for serial %0, %1, 1 { store f32 %y[%5], %2 }");
  ExpectOk("%5 = const i64 1 %6 = for serial %5, %1, 7 { store f32 %y[%6], %2 }");
  ExpectRefused("%5 = const i64 -1 %6 = for serial %5, %1, 1 { store f32 %y[%6], %2 }",
                "instruction 7 `store f32 %y[%6], %2`: index %i6 - 1 in [-1, 999] may lie outside "
                "the n elements of y");
  ExpectRefused("%5 = for serial %0, %1, 1 { %6 = load f32x2 %x[%5] }", "may lie outside");
  ExpectRefused("%5 = for serial %0, %4, 1 { store f32 %y[%5], %2 }", "may lie outside");
}

TEST(LinearVerify, ProvesBlocksThatDivide) {
  // 16 * (n // 16) <= n, in steps of 16.
  ExpectOk(
      "%5 = floordiv i64 %1, %4 %6 = mul i64 %5, %4\n"
      "%7 = for serial %0, %6, 16 { %8 = load f32x16 %x[%7] }");
  ExpectRefused(
      "%5 = floordiv i64 %1, %4 %6 = mul i64 %5, %4\n"
      "%7 = for serial %0, %6, 16 { %8 = load f32x32 %x[%7] }",
      "may lie outside");
}

TEST(LinearVerify, UsesMasks) {
  const std::string lanes =
      "%5 = for serial %0, %1, 16 { %6 = iota i64x16 %7 = splat i64x16 %5\n"
      "%8 = add i64x16 %7, %6 %9 = splat i64x16 %1\n";
  ExpectOk(lanes + "%10 = lt boolx16 %8, %9 %11 = load f32x16 %x[%5] mask %10 }");
  ExpectOk(lanes + "%10 = lt boolx16 %8, %9 %11 = gather f32x16 %x[%8] mask %10 }");
  ExpectOk(lanes +
           "%10 = le boolx16 %9, %8 %11 = not boolx16 %10 %12 = load f32x16 %x[%5] mask %11 }");
  ExpectRefused(lanes + "%10 = le boolx16 %8, %9 %11 = load f32x16 %x[%5] mask %10 }",
                "may lie outside");
  ExpectRefused(lanes +
                    "%10 = lt boolx16 %8, %9 %11 = or boolx16 %10, %10\n"
                    "%12 = load f32x16 %x[%5] mask %11 }",
                "may lie outside");
  // A mask of scalars is as good for one lane, and an if.
  ExpectOk("%5 = const i64 500 %6 = lt bool %5, %1 %7 = load f32 %x[%5] mask %6");
  ExpectOk("%5 = const i64 500 %6 = lt bool %5, %1 if %6 { %7 = load f32 %x[%5] }");
  ExpectRefused("%5 = const i64 500 %6 = lt bool %5, %1 if %6 { } %7 = load f32 %x[%5]",
                "may lie outside");
  ExpectOk(
      "%5 = const i64 500 %6 = ne bool %5, %1 %7 = eq bool %5, %1 %8 = const i64 499\n"
      "if %7 { %9 = load f32 %x[%8] }");
  // What is never true proves anything: it is never executed.
  ExpectOk("%5 = const i64 5000 %6 = lt bool %5, %1 %7 = load f32 %x[%5] mask %6");
}

TEST(LinearVerify, UsesMasksOfData) {
  const std::string load =
      "%5 = load i64 %i[%0] %6 = le bool %0, %5 %7 = lt bool %5, %1\n"
      "%8 = and bool %6, %7\n";
  ExpectOk(load + "%9 = load f32 %x[%5] mask %8");
  ExpectOk(load + "if %8 { %9 = load f32 %x[%5] }");
  ExpectRefused(load + "%9 = load f32 %x[%5] mask %7", "index %r5 in [-inf, inf]");
  ExpectRefused(load + "%9 = load f32 %x[%5] mask %6", "may lie outside");
  ExpectRefused(load + "%9 = load f32 %x[%5]", "may lie outside");
  // Clamped is as good.
  ExpectOk(
      "%5 = load i64 %i[%0] %6 = const i64 1 %7 = sub i64 %1, %6 %8 = min i64 %5, %7\n"
      "%9 = max i64 %8, %0 %10 = load f32 %x[%9]");
  // Wrapped around by a modulo, too, and read from 32 bits.
  ExpectOk("%5 = load i64 %i[%0] %6 = floormod i64 %5, %1 %7 = load f32 %x[%6]");
  ExpectRefused("%5 = load i64 %i[%0] %6 = truncrem i64 %5, %1 %7 = load f32 %x[%6]",
                "may lie outside");
  ExpectOk(
      "%5 = load i32x4 %j[%0] %6 = cast i64x4 %5 %7 = splat i64x4 %0 %8 = splat i64x4 %1\n"
      "%9 = le boolx4 %7, %6 %10 = lt boolx4 %6, %8 %11 = and boolx4 %9, %10\n"
      "%12 = gather f32x4 %x[%6] mask %11");
}

TEST(LinearVerify, KnowsQuotients) {
  // Tiles of rows: i // 7 < rows where i < 7 * rows.
  EXPECT_EQ(
      Verdict("kernel @k(%x: f32[rows] in, rows in [1, 1000], t in [1, 50]) {\n"
              "%0 = var rows %1 = var t %2 = const i64 0 %3 = mul i64 %0, %1\n"
              "%4 = for parallel %2, %3, 1 { %5 = floordiv i64 %4, %1 %6 = load f32 %x[%5] } }"),
      "ok");
  ExpectOk(
      "%5 = load i64 %i[%0] %6 = const i64 4 %7 = mul i64 %6, %1 %8 = le bool %0, %5\n"
      "%9 = lt bool %5, %7 %10 = and bool %8, %9 %11 = floordiv i64 %5, %6\n"
      "%12 = load f32 %x[%11] mask %10");
  // A mask on the quotient of a counter bounds the counter, and an index that has no quotient left.
  const std::string rows =
      "kernel @k(%x: f32[60] in) { %0 = const i64 0 %1 = const i64 100 %2 = const i64 15\n"
      "%3 = const i64 3 %4 = for serial %0, %1, 1 { %5 = floordiv i64 %4, %2 %6 = le bool %5, %3\n";
  EXPECT_EQ(Verdict(rows + "%7 = load f32 %x[%4] mask %6 } }"), "ok");
  EXPECT_THAT(Verdict(rows + "%7 = add i64 %4, %3 %8 = load f32 %x[%7] mask %6 } }"),
              HasSubstr("may lie outside"));
}

// A gathered index times a row length plus a column: safe under a mask on the index, although the
// product alone might wrap.
TEST(LinearVerify, NarrowsWhatMasksBound) {
  const std::string head =
      "kernel @k(%x: f32[n*64] in, %i: i64[8] in, n in [1, 1000]) {\n"
      "%0 = const i64 0 %1 = var n %2 = const i64 64 %3 = load i64 %i[%0]\n"
      "%4 = mul i64 %3, %2 %5 = le bool %0, %3 %6 = lt bool %3, %1 %7 = and bool %5, %6\n"
      "%8 = for serial %0, %2, 1 { %9 = add i64 %4, %8\n";
  EXPECT_EQ(Verdict(head + "%10 = load f32 %x[%9] mask %7 } }"), "ok");
  EXPECT_EQ(Verdict(head + "if %7 { %10 = load f32 %x[%9] } } }"), "ok");
  EXPECT_THAT(Verdict(head + "%10 = load f32 %x[%9] mask %6 } }"), HasSubstr("may lie outside"));
  EXPECT_THAT(Verdict(head + "%10 = load f32x2 %x[%9] } }"), HasSubstr("may lie outside"));
}

TEST(LinearVerify, KnowsThatArithmeticWraps) {
  // 0 <= idx * 2^60 < n holds for many an idx, when the product wraps.
  ExpectRefused(
      "%5 = load i64 %i[%0] %6 = const i64 1152921504606846976 %7 = mul i64 %5, %6\n"
      "%8 = le bool %0, %7 %9 = lt bool %7, %1 %10 = and bool %8, %9\n"
      "%11 = load f32 %x[%5] mask %10",
      "may lie outside");
  // The product itself is what was compared.
  ExpectOk(
      "%5 = load i64 %i[%0] %6 = const i64 1152921504606846976 %7 = mul i64 %5, %6\n"
      "%8 = le bool %0, %7 %9 = lt bool %7, %1 %10 = and bool %8, %9\n"
      "%11 = load f32 %x[%7] mask %10");
  // 100 + 100 is -56 in i8.
  ExpectRefused(
      "%5 = const i8 100 %6 = load i32 %j[%0] %7 = cast i8 %6 %8 = const i8 0\n"
      "%9 = max i8 %7, %8 %10 = add i8 %9, %5 %11 = load f32x1000 %x[%10]",
      "may lie outside");
  // Below zero there is nothing in u32.
  ExpectRefused(
      "%5 = cast u32 %1 %6 = const u32 2000 %7 = sub u32 %5, %6 %8 = cast i64 %7\n"
      "%9 = lt bool %8, %1 if %9 { %10 = load i64 %i[%8] }",
      "may lie outside");
}

TEST(LinearVerify, FollowsAccumulatorsInTime) {
  const std::string head =
      "%5 = acc i64 %0 %6 = lt bool %5, %1 %7 = le bool %0, %5\n"
      "%8 = and bool %6, %7\n";
  ExpectOk(head + "%9 = load f32 %x[%5] mask %8");
  // Changed since it was compared.
  ExpectRefused(head + "%9 = add i64 %5, %4 set i64 %5, %9 %10 = load f32 %x[%5] mask %8",
                "may lie outside");
  ExpectRefused(head +
                    "%9 = for serial %0, %4, 1 { %10 = load f32 %x[%5] mask %8\n"
                    "%11 = add i64 %5, %4 set i64 %5, %11 }",
                "may lie outside");
}

TEST(LinearVerify, FollowsLanes) {
  ExpectOk("%5 = iota i64x8 %6 = const i64x8 3 %7 = mul i64x8 %5, %6 %8 = gather i64x8 %i[%7]");
  ExpectOk("%5 = iota i64x8 %6 = extract i64 %5, 7 %7 = load i64x93 %i[%6]");
  ExpectRefused("%5 = iota i64x8 %6 = extract i64 %5, 7 %7 = load i64x94 %i[%6]",
                "may lie outside");
  ExpectOk(
      "%5 = iota i64x8 %6 = shuffle i64x8 %5, [7, 6, 5, 4, 3, 2, 1, 0] %7 = load i64x93 %i[%0]\n"
      "%8 = gather i64x8 %i[%6]");
  // A mask over shuffled lanes is about other lanes.
  ExpectRefused(
      "%5 = load i64x4 %i[%0] %6 = splat i64x4 %0 %7 = splat i64x4 %1 %8 = le boolx4 %6, %5\n"
      "%9 = lt boolx4 %5, %7 %10 = and boolx4 %8, %9 %11 = shuffle boolx4 %10, [3, 2, 1, 0]\n"
      "%12 = gather f32x4 %x[%5] mask %11",
      "may lie outside");
  ExpectOk(
      "%5 = load i64 %i[%0] %6 = const i64 63 %7 = and i64 %5, %6 %8 = const i64 32\n"
      "%9 = xor i64 %7, %8 %10 = load i64 %i[%9]");
}

TEST(LinearVerify, RefusesUncountableLoops) {
  ExpectRefused("%5 = load i64 %i[%0] %6 = for serial %0, %5, 1 { }", "too large to count");
  ExpectRefused("%5 = load i64 %i[%0] %6 = min i64 %5, %1 %7 = for serial %0, %6, 1 { }",
                "too large to count");  // and so negative that hi - lo would wrap
  ExpectOk(
      "%5 = load i64 %i[%0] %6 = min i64 %5, %1 %7 = max i64 %0, %6\n"
      "%8 = for serial %0, %7, 1 { store f32 %y[%8], %2 }");
}

TEST(LinearVerify, ChecksTypes) {
  const struct {
    const char *body, *error;
  } kBad[] = {
      {"%5 = add f32 %2, %0", "operands are of different dtypes"},
      {"%5 = add i64 %2, %2", "isn't defined for these dtypes"},
      {"%5 = add f32x2 %2, %2", "other lanes"},
      {"%5 = add bool %3, %3", "isn't defined for these dtypes"},
      {"%5 = and f32 %2, %2", "isn't defined for these dtypes"},
      {"%5 = exp i64 %0", "isn't defined for these dtypes"},
      {"%5 = lt i64 %0, %1", "isn't defined for these dtypes"},
      {"%5 = where f32 %0, %2, %2", "the condition must be bool"},
      {"%5 = where f32 %3, %2, %0", "operands are of different dtypes"},
      {"%5 = bitcast i32 %0", "isn't defined for these dtypes"},
      {"%5 = splat f32x4 %0", "splat takes a scalar"},
      {"%5 = iota f32x4", "integer dtype"},
      {"%5 = iota i8x200", "don't fit"},
      {"%5 = extract f32 %2, 1", "no such lane"},
      {"%5 = insert f32 %2, 0, %0", "of other types"},
      {"%5 = shuffle f32x2 %2, [0, 1]", "no such lane"},
      {"%5 = shuffle f32x3 %2, [0, 0]", "another type"},
      {"%5 = const f32x3 1 %6 = horizontal.add f32 %5", "power of two"},
      {"%5 = const f32x4 1 %6 = horizontal.sub f32 %5", "no such reduction"},
      {"%5 = load i64 %x[%0]", "another dtype"},
      {"%5 = load f32 %x[%2]", "the index must be an integer"},
      {"%5 = load f32 %x[%0] mask %2", "the mask must be a bool"},
      {"%5 = gather f32x4 %x[%0]", "the index has other lanes"},
      {"store f32 %x[%0], %2", "only read"},
      {"store f32x2 %y[%0], %2", "another type"},
      {"set f32 %2, %2", "no accumulator"},
      {"%5 = acc f32 %2 set i64 %5, %0", "another type"},
      {"%5 = acc f32 %0", "another type"},
      {"if %0 { }", "a scalar bool"},
      {"%5 = for serial %0, %2, 1 { }", "i64"},
      {"%5 = const f32x2000 1", "no such type"},
  };
  for (const auto& bad : kBad) ExpectRefused(bad.body, bad.error);
}

TEST(LinearVerify, ChecksScopes) {
  ExpectRefused("%5 = for serial %0, %1, 1 { %6 = add i64 %5, %5 } %7 = add i64 %6, %6",
                "out of scope");
  ExpectRefused("%5 = for serial %0, %1, 1 { } %6 = add i64 %5, %5", "out of scope");
  ExpectRefused("if %3 { %5 = acc i64 %0 } set i64 %5, %0", "out of scope");
}

TEST(LinearVerify, ChecksParallelLoops) {
  ExpectRefused("%5 = for serial %0, %1, 1 { %6 = for parallel %0, %1, 1 { } }", "outermost");
  ExpectRefused("%5 = for parallel %0, %1, 1 { } %6 = for group.0 %0, %1, 1 { }", "not both");
  ExpectRefused("%5 = for group.0 %0, %1, 1 { } %6 = for parallel %0, %1, 1 { }",
                "an effect outside");
  ExpectRefused("%5 = acc i64 %0 %6 = for parallel %0, %1, 1 { set i64 %5, %6 }", "from outside");
  ExpectOk(
      "%5 = for parallel %0, %1, 1 { %6 = acc i64 %0 %7 = for serial %0, %1, 1 {\n"
      "set i64 %6, %7 } }");
  ExpectRefused("%5 = for parallel %0, %1, 1 { store f32 %p[%0], %2 } %6 = load f32 %p[%0]",
                "used in two places");
  ExpectRefused(
      "%5 = for parallel %0, %1, 1 { store f32 %p[%0], %2 }\n"
      "%6 = for parallel %0, %1, 1 { %7 = load f32 %p[%0] }",
      "used in two places");
}

TEST(LinearVerify, ChecksGrids) {
  const std::string grid = "%5 = for group.0 %0, %1, 1 { %6 = for local.0 %0, %4, 1 {\n";
  ExpectOk(grid + "store f32 %l[%6], %2 barrier %7 = load f32 %l[%0] } }");
  ExpectRefused(grid + "} %7 = for local.1 %0, %4, 1 { } }", "precede this loop");
  ExpectRefused(grid + "} store f32 %y[%5], %2 }", "an effect outside the innermost");
  ExpectRefused(grid + "} } store f32 %y[%0], %2", "an effect outside the innermost");
  ExpectRefused(grid + "%7 = for group.1 %0, %1, 1 { } } }", "a group loop inside a local loop");
  ExpectRefused(grid + "%7 = for local.0 %0, %4, 1 { } } }", "has a loop already");
  ExpectRefused("%5 = for local.0 %0, %1, 1 { }", "constants");
  ExpectRefused("%5 = load i64 %i[%0] %6 = min i64 %5, %4 %7 = for group.0 %0, %6, 1 { }",
                "constants and variables");
  ExpectRefused("store f32 %l[%0], %2", "outside the local loops");
  ExpectRefused("store f32 %y[%0], %2 %5 = for group.0 %0, %1, 1 { }", "precede this loop");
  ExpectRefused("barrier", "outside the local loops");
  ExpectRefused(grid + "%7 = lt bool %6, %1 if %7 { barrier } } }", "not every work-item");
  ExpectRefused(grid + "%7 = for serial %0, %6, 1 { barrier } } }", "not every work-item");
  ExpectOk(grid + "%7 = for serial %0, %5, 1 { barrier } } }");
  ExpectOk(grid + "%7 = load i64 %i[%0] %8 = lt bool %7, %0 if %8 { barrier } } }");
}

TEST(LinearVerify, ChecksBuffers) {
  EXPECT_THAT(Verdict("kernel @k() { private %p: f32[99999999999] }"), HasSubstr("buffer p of"));
  EXPECT_THAT(Verdict("kernel @k(n in [1, 2]) { private %p: f32[n] }"), HasSubstr("buffer p of n"));
  EXPECT_THAT(Verdict("kernel @k(%x: f32[n] in, n in [-5, 2]) { }"), HasSubstr("buffer x of n"));
  EXPECT_THAT(Verdict("kernel @k(%x: f32[4] in align 3) { }"), HasSubstr("aligned to 3"));
  EXPECT_THAT(Verdict("kernel @k(%n: f32[4] in, n in [1, 2]) { }"), HasSubstr("named n"));
  Linear kernel = *ParseLinear("kernel @k(%x: f32[n] in, n in [1, 4]) { }");
  kernel.variables[0].max = 5;
  EXPECT_THAT(std::string(Verify(kernel).message()), HasSubstr("no variable n in [1, 4]"));
  kernel = *ParseLinear("kernel @k(%x: f32[4] in) { }");
  kernel.buffers[0].name = "x]; system(";
  EXPECT_THAT(std::string(Verify(kernel).message()), HasSubstr("is no name"));
}

// Numbers that only a broken producer makes: refused before anything uses them.
TEST(LinearVerify, ChecksNumbers) {
  const Linear good = *ParseLinear(Kernel("%5 = load f32 %x[%0] store f32 %y[%0], %5"));
  ASSERT_TRUE(Verify(good).ok());
  auto refuse = [&](auto change) {
    Linear bad = good;
    change(bad);
    EXPECT_FALSE(Verify(bad).ok());
  };
  refuse([](Linear& k) { k.registers = 100; });
  refuse([](Linear& k) { k.code[1].index = 1; });  // a variable
  refuse([](Linear& k) { k.code[5].buffer = 9; });
  refuse([](Linear& k) { k.code[5].buffer = -1; });
  refuse([](Linear& k) { k.code[5].src[0] = 5; });  // itself
  refuse([](Linear& k) { k.code[5].src[0] = -1; });
  refuse([](Linear& k) { k.code[5].src[2] = 0; });
  refuse([](Linear& k) { k.code[5].dst = 3; });
  refuse([](Linear& k) { k.code[5].type.lanes = 0; });
  refuse([](Linear& k) { k.code[5].opcode = static_cast<Opcode>(99); });
  refuse([](Linear& k) { k.code[5].non_temporal = true; });
  refuse([](Linear& k) { k.code[5].lane_list = {1}; });
  refuse([](Linear& k) { k.code[6].dst = 3; });
  refuse([](Linear& k) { k.code[0].imm.dtype = types::DType::kI32; });
  refuse([](Linear& k) { k.code.push_back({.opcode = Opcode::kEnd}); });
  refuse([](Linear& k) { k.code.push_back({.opcode = Opcode::kIf, .src = {3, -1, -1}}); });
  refuse([](Linear& k) { std::swap(k.buffers[0], k.buffers[4]); });
}

}  // namespace
}  // namespace tensord::kernel
