// What the LLVM renderer writes: structure, alignment, guards. That the text computes the right
// thing is for tests/device/llvm_*_test.cc.
#include "engine/codegen/llvm_text.h"

#include <functional>

#include "engine/kernel/linear_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::codegen {
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using testing::HasSubstr;
using testing::Not;
using types::DType;

constexpr VType kF32x16{DType::kF32, 16};

std::string Rendered(const Linear& kernel) {
  absl::StatusOr<std::string> text = LlvmTextRenderer().Render(kernel);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *std::move(text) : "";
}

TEST(LlvmText, ExportsOneTableAndNothingElse) {
  LinearBuilder b("zero");
  const int y = b.AddGlobal("y", DType::kF32, 64, Access::kOut);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(64), 16);
  b.Store(y, i, b.Const(kF32x16, 0.0));
  b.End();
  EXPECT_EQ(Rendered(std::move(b).Finish()),
            R"(; kernel zero
@tensord_kernel = constant { i32, i32, i64, i64, [1 x { ptr, ptr }] } { i32 1, i32 1, i64 0, i64 0, [1 x { ptr, ptr }] [ { ptr, ptr } { ptr @zero_run0, ptr @zero_trip0 } ] }
@zero = internal constant [64 x i8] zeroinitializer, align 64

define internal void @zero_run0(ptr noalias readonly align 8 %args, ptr noalias readonly align 8 %vars, i64 %begin, i64 %end, ptr noalias align 64 %scratch, ptr noalias align 64 %frame) #0 {
entry:
  %t0 = getelementptr inbounds ptr, ptr %args, i64 0
  %b0 = load ptr, ptr %t0, align 8, !invariant.load !{}, !nonnull !{}, !noundef !{}, !align !{i64 64}, !dereferenceable !{i64 256}
  %t1 = mul nsw i64 %begin, 16
  %t2 = add nsw i64 0, %t1
  %t3 = mul nsw i64 %end, 16
  %t4 = add nsw i64 0, %t3
  %t5 = call i64 @llvm.smin.i64(i64 %t4, i64 64)
  br label %loop6
loop6:
  %t7 = phi i64 [ %t2, %entry ], [ %i6, %next6 ]
  %t8 = getelementptr float, ptr %b0, i64 %t7
  store <16 x float> splat (float 0x0000000000000000), ptr %t8, align 64
  br label %next6
next6:
  %i6 = add nsw i64 %t7, 16
  %t9 = icmp slt i64 %i6, %t5
  br i1 %t9, label %loop6, label %done6
done6:
  ret void
}

define internal i64 @zero_trip0(ptr noalias readonly align 8 %args, ptr noalias readonly align 8 %vars, ptr noalias align 64 %frame) #0 {
entry:
  %t0 = icmp slt i64 0, 64
  %t1 = sub i64 64, 0
  %t2 = add i64 %t1, -1
  %t3 = udiv i64 %t2, 16
  %t4 = add i64 %t3, 1
  %t5 = select i1 %t0, i64 %t4, i64 0
  ret i64 %t5
}

declare i64 @llvm.smin.i64(i64, i64)

attributes #0 = { nounwind "no-builtins" }
attributes #1 = { nounwind willreturn memory(none) nobuiltin }
)");
}

// One load of 16 floats at `index` of an argument aligned to 64 bytes, and its store to the same
// place; the rendered text.
std::string Copy(const std::function<int(LinearBuilder&, int)>& index, int align = 64,
                 bool non_temporal = false) {
  LinearBuilder b("copy");
  const int x = b.AddGlobal("x", DType::kF32, 4096, Access::kIn, align);
  const int y = b.AddGlobal("y", DType::kF32, 4096, Access::kOut, align);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(100));
  const int at = index(b, i);
  b.Store(y, at, b.Load(x, kF32x16, at), -1, non_temporal);
  b.End();
  return Rendered(std::move(b).Finish());
}

TEST(LlvmText, AlignsWhatItCanProve) {
  EXPECT_THAT(Copy([](auto& b, int i) { return b.Mul(i, b.I64(16)); }), HasSubstr("align 64\n"));
  EXPECT_THAT(Copy([](auto& b, int i) { return b.Mul(i, b.I64(24)); }), HasSubstr("align 32\n"));
  EXPECT_THAT(Copy([](auto& b, int i) { return b.Add(b.Mul(i, b.I64(16)), b.I64(4)); }),
              HasSubstr("align 16\n"));
  EXPECT_THAT(Copy([](auto&, int i) { return i; }), HasSubstr("align 4\n"));
  EXPECT_THAT(Copy([](auto& b, int i) { return b.Mul(i, b.I64(16)); }, 4), HasSubstr("align 4\n"));
}

TEST(LlvmText, StreamsAlignedVectorsOnlyAndFencesThem) {
  auto aligned = [](auto& b, int i) { return b.Mul(i, b.I64(16)); };
  const std::string streamed = Copy(aligned, 64, true);
  EXPECT_THAT(streamed, HasSubstr("!nontemporal"));
  EXPECT_THAT(streamed, HasSubstr("fence seq_cst"));
  EXPECT_THAT(Copy(aligned), Not(HasSubstr("nontemporal")));
  const std::string odd = Copy([](auto&, int i) { return i; }, 64, true);
  EXPECT_THAT(odd, Not(HasSubstr("nontemporal")));
  EXPECT_THAT(odd, Not(HasSubstr("fence")));
}

// y[i] = op(x[i], divisor) on i64 x16.
std::string Divided(ScalarOp op, bool from_index, int64_t divisor) {
  LinearBuilder b("divided");
  const VType type = {DType::kI64, 16};
  const int x = b.AddGlobal("x", DType::kI64, 1024, Access::kIn);
  const int y = b.AddGlobal("y", DType::kI64, 1024, Access::kOut);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(1024), 16);
  const int a = from_index ? b.Add(i, b.Iota(type)) : b.Load(x, type, i);
  const int d =
      divisor == 0 ? b.Load(x, type, b.I64(0)) : b.Const(type, static_cast<double>(divisor));
  b.Store(y, i, b.Binary(op, a, d));
  b.End();
  return Rendered(std::move(b).Finish());
}

TEST(LlvmText, GuardsDivisionUnlessTheOperandsAreKnown) {
  const std::string wild = Divided(ScalarOp::kFloorDiv, false, 0);
  EXPECT_THAT(wild, HasSubstr("icmp eq <16 x i64> %t"));
  EXPECT_THAT(wild, HasSubstr("sdiv"));
  const std::string by_seven = Divided(ScalarOp::kFloorDiv, false, 7);
  EXPECT_THAT(by_seven, Not(HasSubstr("icmp eq")));
  EXPECT_THAT(by_seven, HasSubstr("sdiv"));
  // An index is not negative and small: 32-bit lanes, no correction.
  const std::string index = Divided(ScalarOp::kFloorMod, true, 7);
  EXPECT_THAT(index, HasSubstr("udiv <16 x i32>"));
  EXPECT_THAT(index, Not(HasSubstr("select <16 x i1>")));
}

TEST(LlvmText, FloatsAreNeverContractedOrReassociated) {
  LinearBuilder b("dot");
  const int x = b.AddGlobal("x", DType::kF32, 64, Access::kIn);
  const int y = b.AddGlobal("y", DType::kF32, 64, Access::kOut);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(64), 16);
  const int v = b.Load(x, kF32x16, i);
  b.Store(y, i, b.Add(b.Mul(v, v), v));
  b.End();
  const std::string text = Rendered(std::move(b).Finish());
  EXPECT_THAT(text, HasSubstr("fmul <16 x float>"));
  EXPECT_THAT(text, HasSubstr("fadd <16 x float>"));
  EXPECT_THAT(text, Not(HasSubstr("fast")));
  EXPECT_THAT(text, Not(HasSubstr("contract")));
}

TEST(LlvmText, TwoParallelLoopsAreTwoRegionsAndALoadBetweenThemGoesThroughTheFrame) {
  LinearBuilder b("two");
  const int x = b.AddGlobal("x", DType::kF32, 64, Access::kInOut);
  const int zero = b.I64(0), end = b.I64(64);
  int i = b.For(LoopKind::kParallel, zero, end);
  b.Store(x, i, b.Const({DType::kF32, 1}, 2.0));
  b.End();
  const int loaded = b.Load(x, {DType::kF32, 1}, b.I64(5));
  i = b.For(LoopKind::kParallel, zero, end);
  b.Store(x, i, b.Add(loaded, loaded));
  b.End();
  const std::string text = Rendered(std::move(b).Finish());
  EXPECT_THAT(text, HasSubstr("{ i32 1, i32 3, i64 0, i64 64,"));
  EXPECT_THAT(text, HasSubstr("{ ptr @two_run1, ptr null }"));
  EXPECT_THAT(text, HasSubstr("ptr %frame, i64 0"));
}

Linear PrivateArray(int64_t elements) {
  LinearBuilder b("array");
  const int x = b.AddGlobal("x", DType::kF32, 64, Access::kInOut);
  const int p = b.AddPrivate("p", DType::kF32, elements);
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(64), 16);
  b.Store(p, b.I64(0), b.Load(x, kF32x16, i));
  b.Store(x, i, b.Load(p, kF32x16, b.I64(0)));
  b.End();
  return std::move(b).Finish();
}

TEST(LlvmText, PrivateArraysLiveOnTheStackThenInScratchThenNowhere) {
  EXPECT_THAT(Rendered(PrivateArray(64)), HasSubstr("alloca [64 x float], align 64"));
  const std::string scratch = Rendered(PrivateArray(100'000));
  EXPECT_THAT(scratch, Not(HasSubstr("alloca")));
  EXPECT_THAT(scratch, HasSubstr("ptr %scratch, i64 0"));
  EXPECT_THAT(scratch, HasSubstr("{ i32 1, i32 1, i64 400000, i64 0,"));
  const absl::Status status = LlvmTextRenderer().Render(PrivateArray(int64_t{1} << 40)).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("array"));
}

TEST(LlvmText, WorkItemsThatMeetAreForGpus) {
  LinearBuilder b("meet");
  const int x = b.AddGlobal("x", DType::kF32, 64, Access::kInOut);
  const int group = b.For(LoopKind::kGroup, b.I64(0), b.I64(4), 1, 0);
  const int item = b.For(LoopKind::kLocal, b.I64(0), b.I64(16), 1, 0);
  b.Store(x, b.Add(b.Mul(group, b.I64(16)), item), b.Const({DType::kF32, 1}, 1.0));
  b.Barrier();
  b.End();
  b.End();
  const absl::Status status = LlvmTextRenderer().Render(std::move(b).Finish()).status();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
}

}  // namespace
}  // namespace tensord::codegen
