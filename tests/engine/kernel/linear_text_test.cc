// Print and ParseLinear.
#include <random>
#include <string>

#include "engine/kernel/linear.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::kernel {
namespace {

using testing::HasSubstr;

constexpr char kEverything[] =
    R"(kernel @everything(%x: f32[n*4] in, %y: f32[n*4] out align 16, %z: i8[64] inout, n in [16, 4096], m in [-3, 3]) {
  private %panel: f32[256]
  local %tile: bf16[512] align 128
  %0 = var n
  %1 = var m
  %2 = const i64 -9223372036854775808
  %3 = const u64 18446744073709551615
  %4 = const f32x16 -1.5e-07
  %5 = const f64 nan
  %6 = const f32 -inf
  %7 = const bool true
  %8 = const f16x2 0.3330078
  %9 = const i64 0
  %10 = for parallel %9, %0, 16 {
    %11 = iota i64x16
    %12 = splat i64x16 %10
    %13 = add i64x16 %12, %11
    %14 = lt boolx16 %13, %12
    %15 = load f32x16 %x[%10] mask %14
    %16 = gather f32x16 %x[%13]
    %17 = where f32x16 %14, %15, %16
    %18 = fma f32x16 %15, %16, %17
    %19 = extract f32 %18, 3
    %20 = insert f32x16 %18, 15, %19
    %21 = shuffle f32x2 %18, %20, [0, 31]
    %22 = shuffle f32x4 %18, [3, 2, 1, 0]
    %23 = horizontal.max f32 %18
    %24 = acc f32x16 %18
    store f32x16 %y[%10], %18
    store.nt f32x16 %y[%10], %18 mask %14
    scatter f32x16 %y[%13], %18 mask %14
    %25 = for serial %9, %0, 3 {
      set f32x16 %24, %18
      if %7 {
        %26 = cast i8x16 %18
        %27 = exp f32x16 %18
      }
    }
  }
  %28 = for group.1 %9, %0, 1 {
    %29 = for local.0 %9, %0, 1 {
      barrier
    }
  }
}
)";

TEST(LinearText, RoundTrips) {
  auto kernel = ParseLinear(kEverything);
  ASSERT_TRUE(kernel.ok()) << kernel.status();
  EXPECT_EQ(Print(*kernel), kEverything);
  EXPECT_EQ(kernel->globals(), 3);
  EXPECT_EQ(kernel->registers, 30);
  EXPECT_EQ(kernel->buffers[1].align, 16);
  EXPECT_EQ(kernel->variables[1].min, -3);
}

TEST(LinearText, SkipsCommentsAndSpace) {
  auto kernel = ParseLinear("; one\nkernel   @k ( ) {;x\n\n %0=const i64 1 ; } \n\t}\n; end");
  ASSERT_TRUE(kernel.ok()) << kernel.status();
  EXPECT_EQ(Print(*kernel), "kernel @k() {\n  %0 = const i64 1\n}\n");
}

struct Bad {
  const char *text, *error;
};

TEST(LinearText, SaysWhereAndWhat) {
  const Bad kBad[] = {
      {"", "line 1: expected \"kernel\", found the end"},
      {"kernel k() {}", "expected @name, found \"k\""},
      {"kernel @k(x) {}", "expected \"in\""},
      {"kernel @k(%x: f32[4]) {}", "expected in, out or inout"},
      {"kernel @k(%x: f33[4] in) {}", "expected a type"},
      {"kernel @k(%x: f32x4[4] in) {}", "expected a dtype without lanes"},
      {"kernel @k(%x: weak_int[4] in) {}", "expected a type"},
      {"kernel @k(%x: float32[4] in) {}", "expected a type"},
      {"kernel @k(%x: f32[4] in, %x: f32[4] in) {}", "two buffers %x"},
      {"kernel @k(%x: f32[n] in) {}", "n"},
      {"kernel @k(n in [3, 2]) {}", "is empty"},
      {"kernel @k(n in [1, 2], n in [1, 2]) {}", "declared twice"},
      {"kernel @k(n in [1, 99999999999999999999]) {}", "expected an integer in range"},
      {"kernel @k() {", "expected an instruction, found the end"},
      {"kernel @k() {} x", "expected the end of the text"},
      {"kernel @k() {\n%1 = const i64 0\n}", "line 2: expected %0, the next register"},
      {"kernel @k() { %0 = const i8 300 }", "expected a constant of i8"},
      {"kernel @k() { %0 = const u8 -1 }", "expected a constant of u8"},
      {"kernel @k() { %0 = const bool 1 }", "expected a constant of bool"},
      {"kernel @k() { %0 = const f32 1.5x }", "expected a constant of f32"},
      {"kernel @k() { %0 = add i64 %0, %0 }", "expected a register defined above"},
      {"kernel @k() { %0 = frob i64 }", "no instruction frob"},
      {"kernel @k() { const i64 0 }", "must define a register"},
      {"kernel @k() { %0 = barrier }", "gives no value"},
      {"kernel @k() { %0 = const i64x1 0 }", "expected a number of lanes"},
      {"kernel @k() { %0 = const i64x99999999 0 }", "expected a number of lanes"},
      {"kernel @k() { %0 = var n }", "expected a variable"},
      {"kernel @k() { %0 = load f32 %x[%0] }", "expected a buffer"},
      {"kernel @k() { %0 = const i64 0 %1 = for group %0, %0, 1 { } }", "expected a kind of loop"},
      {"kernel @k() { %0 = const i64 0 %1 = for group.3 %0, %0, 1 { } }", "a dimension of 0 to 2"},
      {"kernel @k() { %0 = const i64 0 %1 = for serial %0, %0, 0 { } }", "an integer in range"},
      {"kernel @k() { %0 = const bool true if %0 { }", "expected an instruction, found the end"},
  };
  for (const Bad& bad : kBad) {
    const absl::Status status = ParseLinear(bad.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.error)) << bad.text;
  }
}

// Whatever the text, there is an answer, and what parses can be verified and printed back.
TEST(LinearText, SurvivesGarbage) {
  std::mt19937 random(1);
  const std::string good = kEverything;
  int parsed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = good;
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      const size_t at = random() % text.size(), length = random() % 12;
      switch (random() % 4) {
        case 0:
          text[at] = good[random() % good.size()];
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, good, random() % good.size(), length);
          break;
        case 3:
          text[at] = static_cast<char>(random());
          break;
      }
    }
    auto kernel = ParseLinear(text);
    if (!kernel.ok()) continue;
    ++parsed;
    auto again = ParseLinear(Print(*kernel));
    ASSERT_TRUE(again.ok()) << again.status() << Print(*kernel);
    EXPECT_EQ(Print(*again), Print(*kernel));
    Verify(*kernel).IgnoreError();
  }
  EXPECT_GT(parsed, 100);
}

TEST(LinearText, DeepAndLongTextsAreNoTrouble) {
  std::string text = "kernel @k() { %0 = const bool true\n";
  for (int i = 0; i < 100000; ++i) text += "if %0 {";
  EXPECT_FALSE(ParseLinear(text).ok());
  for (int i = 0; i < 100000; ++i) text += "}";
  auto deep = ParseLinear(text + "}");
  ASSERT_TRUE(deep.ok()) << deep.status();
  EXPECT_THAT(std::string(Verify(*deep).message()), HasSubstr("nested too deep"));
  text = "kernel @k(n in [0, 100]) { %0 = var n\n";
  for (int i = 1; i < 20000; ++i) {
    text += "%" + std::to_string(i) + " = mul i64 %" + std::to_string(i - 1) + ", %" +
            std::to_string(i / 2) + "\n";
  }
  auto chain = ParseLinear(text + "}");
  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_TRUE(Verify(*chain).ok()) << Verify(*chain);
}

}  // namespace
}  // namespace tensord::kernel
