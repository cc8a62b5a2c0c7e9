#include "engine/base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tensord::base {
namespace {

using ::testing::HasSubstr;

enum class Colour : uint8_t { kRed, kBlue };

std::string Sample() {
  ByteWriter writer;
  writer.Header("TEST", 3);
  writer.Fixed<int32_t>(-5);
  writer.Fixed(2.5);
  writer.Fixed(Colour::kBlue);
  writer.Bool(true);
  writer.Varint(300);
  writer.SignedVarint(-3);
  writer.String("text");
  writer.FixedVector(std::vector<int64_t>{1, -2, 3});
  return writer.Take();
}

// Reads a Sample from anything: the first error, or OK.
absl::Status ReadSample(std::string_view bytes) {
  ByteReader reader(bytes);
  RETURN_IF_ERROR(reader.Header("TEST", 3));
  RETURN_IF_ERROR(reader.Fixed<int32_t>().status());
  RETURN_IF_ERROR(reader.Fixed<double>().status());
  RETURN_IF_ERROR(reader.Fixed<Colour>().status());
  RETURN_IF_ERROR(reader.Bool().status());
  RETURN_IF_ERROR(reader.Varint().status());
  RETURN_IF_ERROR(reader.SignedVarint().status());
  RETURN_IF_ERROR(reader.String().status());
  RETURN_IF_ERROR(reader.FixedVector<int64_t>().status());
  return reader.End();
}

TEST(Bytes, ReadBackWhatWasWritten) {
  const std::string bytes = Sample();
  ByteReader reader(bytes);
  ASSERT_TRUE(reader.Header("TEST", 3).ok());
  EXPECT_EQ(*reader.Fixed<int32_t>(), -5);
  EXPECT_EQ(*reader.Fixed<double>(), 2.5);
  EXPECT_EQ(*reader.Fixed<Colour>(), Colour::kBlue);
  EXPECT_EQ(*reader.Bool(), true);
  EXPECT_EQ(*reader.Varint(), 300u);
  EXPECT_EQ(*reader.SignedVarint(), -3);
  EXPECT_EQ(*reader.String(), "text");
  EXPECT_EQ(*reader.FixedVector<int64_t>(), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_TRUE(reader.End().ok());
}

TEST(Bytes, CarryTheExtremesOfVarints) {
  ByteWriter writer;
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    writer.Varint(value);
  }
  for (const int64_t value : {int64_t{0}, int64_t{-64}, INT64_MIN, INT64_MAX}) {
    writer.SignedVarint(value);
  }
  ByteReader reader(writer.bytes());
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    EXPECT_EQ(*reader.Varint(), value);
  }
  for (const int64_t value : {int64_t{0}, int64_t{-64}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(*reader.SignedVarint(), value);
  }
}

TEST(Bytes, TruncatedAnywhereAreAnError) {
  const std::string bytes = Sample();
  ASSERT_TRUE(ReadSample(bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ReadSample(bytes.substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(Bytes, LeftOverAreAnError) {
  EXPECT_THAT(std::string(ReadSample(Sample() + "x").message()), HasSubstr("1 bytes are left"));
}

TEST(Bytes, WithAnotherMagicOrVersionAreAnErrorThatNamesBoth) {
  ByteWriter writer;
  writer.Header("TEST", 2);
  EXPECT_THAT(std::string(ByteReader(writer.bytes()).Header("TEST", 3).message()),
              HasSubstr("version 2 found, version 3 expected"));
  EXPECT_THAT(std::string(ByteReader(writer.bytes()).Header("PLAN", 2).message()),
              HasSubstr("not a PLAN value"));
}

TEST(Bytes, WithACountBeyondWhatIsLeftAllocateNothing) {
  ByteWriter writer;
  writer.Varint(uint64_t{1} << 60);
  EXPECT_FALSE(ByteReader(writer.bytes()).FixedVector<double>().ok());
  EXPECT_FALSE(ByteReader(writer.bytes()).String().ok());
  EXPECT_FALSE(ByteReader(writer.bytes()).Count().ok());
}

TEST(Bytes, OverTheLimitOfAFieldAreAnError) {
  ByteWriter writer;
  writer.String("12345");
  EXPECT_TRUE(ByteReader(writer.bytes()).String(5).ok());
  EXPECT_FALSE(ByteReader(writer.bytes()).String(4).ok());
}

TEST(Bytes, WithAVarintOfMoreThan64BitsAreAnError) {
  EXPECT_FALSE(ByteReader(std::string(9, '\xff') + "\x02").Varint().ok());
  EXPECT_FALSE(ByteReader(std::string(11, '\xff')).Varint().ok());
}

TEST(Bytes, ThatAreGarbageNeverCrashTheReader) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = Sample();
    for (int changes = 1 + i % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    (void)ReadSample(bytes);
  }
}

}  // namespace
}  // namespace tensord::base
