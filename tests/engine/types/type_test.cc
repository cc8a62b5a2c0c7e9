#include "engine/types/type.h"

#include <gtest/gtest.h>

namespace tensord::types {
namespace {

TEST(Type, Text) {
  const Sym n = Sym::Variable("n", 0, 64);
  EXPECT_EQ((Type{DType::kF32, {}, {2, 3}}.ToString()), "f32[2,3]");
  EXPECT_EQ((Type{DType::kF32, {1}, {n + 1, 64}}.ToString()), "f32[n + 1,64]@1");
  EXPECT_EQ((Type{DType::kBool, {}, {}}.ToString()), "bool[]");
}

TEST(Type, Sizes) {
  const Sym n = Sym::Variable("n", 0, 64);
  const Type t = {DType::kF32, {}, {n + 1, 8}};
  EXPECT_FALSE(t.is_static());
  EXPECT_TRUE((Type{DType::kF32, {}, {2, 3}}.is_static()));
  EXPECT_EQ(t.elements(), 8 * n + 8);
  EXPECT_EQ(t.max_bytes(), 65 * 8 * 4);
  const Sym huge = int64_t{1} << 40;
  EXPECT_EQ((Type{DType::kF64, {}, {huge, huge}}.max_bytes()), int64_t{1} << 62);
}

TEST(Type, EqualityAndHash) {
  const Sym n = Sym::Variable("n", 0, 64);
  const Type a = {DType::kF32, {}, {n + 1, 8}}, b = {DType::kF32, {}, {1 + n, 8}};
  EXPECT_EQ(a, b);
  EXPECT_EQ(absl::Hash<Type>()(a), absl::Hash<Type>()(b));
  EXPECT_NE(a, (Type{DType::kF32, {1}, {n + 1, 8}}));
}

TEST(Type, RowMajorStrides) {
  const Sym n = Sym::Variable("n", 1, 64);
  EXPECT_EQ(RowMajorStrides(Dims{2, n, 5}), (Dims{5 * n, 5, 1}));
  EXPECT_TRUE(RowMajorStrides({}).empty());
}

TEST(CheckDims, NamesTheOffender) {
  const Sym n = Sym::Variable("n", 0, 64);
  EXPECT_TRUE(CheckDims(Dims{2, n, 0}).ok());
  EXPECT_EQ(CheckDims(Dims{2, n - 1}).message(), "dim 1 of [2,n - 1] may be negative: n - 1 >= -1");
  EXPECT_EQ(CheckDims(Dims(17, Sym(1))).message(), "rank 17 is over the limit of 16");
  EXPECT_FALSE(CheckDims(Dims{int64_t{1} << 62}).ok());
  EXPECT_FALSE(CheckDims(Dims{1 << 20, 1 << 20, 1 << 20}).ok());
  // A dim of 0 does not excuse the others.
  EXPECT_FALSE(CheckDims(Dims{0, int64_t{1} << 40, int64_t{1} << 40}).ok());
}

}  // namespace
}  // namespace tensord::types
