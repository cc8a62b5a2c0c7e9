// Every rule of `simplify` by an example, as text; what must stay; and bits on random graphs.
#include "engine/base/strings.h"
#include "engine/ops/registry.h"
#include "engine/passes/passes.h"
#include "engine/passes/simplify_rules.h"
#include "gtest/gtest.h"

namespace tensord::passes {
namespace {

struct Case {
  const char* rule;
  const char* parameters;
  const char* before;  // lines, the last node is the result
  const char* after;   // the same, or "" for parameter 0
};

constexpr char kF32[] = "%0: f32[], %1: f32[]", kI32[] = "%0: i32[], %1: i32[]",
               kBool[] = "%0: bool[]";
constexpr char kRow[] = "%0: f32[4]", kMatrix[] = "%0: f32[2,3]";

const Case kCases[] = {
    {"op(constants) -> constant", kF32,
     "%2 = const {value = f32:2} : f32[]\n%3 = mul %2, %2 : f32[]",
     "%2 = const {value = f32:4} : f32[]"},
    {"cast(x) to its dtype -> x", kF32, "%2 = cast %0 {dtype = f32} : f32[]", ""},
    {"cast(cast(x)) -> cast(x), the inner exact", "%0: i16[]",
     "%1 = cast %0 {dtype = f32} : f32[]\n%2 = cast %1 {dtype = i64} : i64[]",
     "%1 = cast %0 {dtype = i64} : i64[]"},
    {"x * 1 -> x", kF32, "%2 = const {value = f32:1} : f32[]\n%3 = mul %2, %0 : f32[]", ""},
    {"x / 1 -> x", kF32, "%2 = const {value = f32:1} : f32[]\n%3 = div %0, %2 : f32[]", ""},
    {"x // 1 -> x (integers)", kI32,
     "%2 = const {value = i32:1} : i32[]\n%3 = floordiv %0, %2 : i32[]", ""},
    {"x % 1 -> 0 (integers)", kI32,
     "%2 = const {value = i32:1} : i32[]\n%3 = floormod %0, %2 : i32[]",
     "%2 = const {value = i32:0} : i32[]"},
    {"truncdiv(x, 1) -> x (integers)", kI32,
     "%2 = const {value = i32:1} : i32[]\n%3 = truncdiv %0, %2 : i32[]", ""},
    {"truncrem(x, 1) -> 0 (integers)", kI32,
     "%2 = const {value = i32:1} : i32[]\n%3 = truncrem %0, %2 : i32[]",
     "%2 = const {value = i32:0} : i32[]"},
    {"x - 0 -> x", kF32, "%2 = const {value = f32:0} : f32[]\n%3 = sub %0, %2 : f32[]", ""},
    {"x + 0 -> x (integers)", kI32, "%2 = const {value = i32:0} : i32[]\n%3 = add %2, %0 : i32[]",
     ""},
    {"x + -0.0 -> x", kF32, "%2 = const {value = f32:-0} : f32[]\n%3 = add %0, %2 : f32[]", ""},
    {"x * 0 -> 0 (integers)", kI32, "%2 = const {value = i32:0} : i32[]\n%3 = mul %0, %2 : i32[]",
     "%2 = const {value = i32:0} : i32[]"},
    {"x - x -> 0 (integers)", kI32, "%2 = sub %0, %0 : i32[]",
     "%2 = const {value = i32:0} : i32[]"},
    {"-(-x) -> x", kF32, "%2 = neg %0 : f32[]\n%3 = neg %2 : f32[]", ""},
    {"-x * -y -> x * y", kF32, "%2 = neg %0 : f32[]\n%3 = neg %1 : f32[]\n%4 = mul %2, %3 : f32[]",
     "%2 = mul %0, %1 : f32[]"},
    {"abs(-x) -> abs(x) (signed)", kF32, "%2 = neg %0 : f32[]\n%3 = abs %2 : f32[]",
     "%2 = abs %0 : f32[]"},
    {"abs(abs(x)) -> abs(x)", kF32, "%2 = abs %0 : f32[]\n%3 = abs %2 : f32[]",
     "%2 = abs %0 : f32[]"},
    {"floor(floor(x)) -> floor(x)", kF32, "%2 = floor %0 : f32[]\n%3 = floor %2 : f32[]",
     "%2 = floor %0 : f32[]"},
    {"ceil(ceil(x)) -> ceil(x)", kF32, "%2 = ceil %0 : f32[]\n%3 = ceil %2 : f32[]",
     "%2 = ceil %0 : f32[]"},
    {"trunc(trunc(x)) -> trunc(x)", kF32, "%2 = trunc %0 : f32[]\n%3 = trunc %2 : f32[]",
     "%2 = trunc %0 : f32[]"},
    {"round(round(x)) -> round(x)", kF32, "%2 = round %0 : f32[]\n%3 = round %2 : f32[]",
     "%2 = round %0 : f32[]"},
    {"not(not(x)) -> x", kI32, "%2 = not %0 : i32[]\n%3 = not %2 : i32[]", ""},
    {"x & x -> x", kI32, "%2 = bitand %0, %0 : i32[]", ""},
    {"x | x -> x", kI32, "%2 = bitor %0, %0 : i32[]", ""},
    {"x ^ x -> 0", kI32, "%2 = bitxor %0, %0 : i32[]", "%2 = const {value = i32:0} : i32[]"},
    {"x & 0 -> 0", kI32, "%2 = const {value = i32:0} : i32[]\n%3 = bitand %0, %2 : i32[]",
     "%2 = const {value = i32:0} : i32[]"},
    {"x | 0 -> x", kI32, "%2 = const {value = i32:0} : i32[]\n%3 = bitor %2, %0 : i32[]", ""},
    {"x ^ 0 -> x", kBool, "%2 = const {value = bool:false} : bool[]\n%3 = bitxor %2, %0 : bool[]",
     ""},
    {"x & ones -> x", kI32, "%2 = const {value = i32:-1} : i32[]\n%3 = bitand %2, %0 : i32[]", ""},
    {"x | ones -> ones", kBool,
     "%2 = const {value = bool:true} : bool[]\n%3 = bitor %2, %0 : bool[]",
     "%2 = const {value = bool:true} : bool[]"},
    {"x << 0 -> x", kI32, "%2 = const {value = i32:0} : i32[]\n%3 = shl %0, %2 : i32[]", ""},
    {"x >> 0 -> x", kI32, "%2 = const {value = i32:0} : i32[]\n%3 = shr %0, %2 : i32[]", ""},
    {"min(x, x) -> x", kF32, "%2 = minimum %0, %0 : f32[]", ""},
    {"max(x, x) -> x", kF32, "%2 = maximum %0, %0 : f32[]", ""},
    {"x < x -> false", kF32, "%2 = lt %0, %0 : bool[]", "%2 = const {value = bool:false} : bool[]"},
    {"x <= x -> true (integers)", kI32, "%2 = le %0, %0 : bool[]",
     "%2 = const {value = bool:true} : bool[]"},
    {"x == x -> true (integers)", kI32, "%2 = eq %0, %0 : bool[]",
     "%2 = const {value = bool:true} : bool[]"},
    {"x != x -> false (integers)", kI32, "%2 = ne %0, %0 : bool[]",
     "%2 = const {value = bool:false} : bool[]"},
    {"where(c, x, x) -> x", "%0: f32[], %1: bool[]", "%2 = where %1, %0, %0 : f32[]", ""},
    {"where(constant, x, y) -> one of them", kF32,
     "%2 = const {value = bool:false} : bool[]\n%3 = where %2, %1, %0 : f32[]", ""},
    {"where(not(c), x, y) -> where(c, y, x)", "%0: f32[], %1: f32[], %2: bool[]",
     "%3 = not %2 : bool[]\n%4 = where %3, %0, %1 : f32[]", "%3 = where %2, %1, %0 : f32[]"},
    {"where(c, true, false) -> c", kBool,
     "%1 = const {value = bool:true} : bool[]\n%2 = const {value = bool:false} : bool[]\n"
     "%3 = where %0, %1, %2 : bool[]",
     ""},
    {"reshape(x) to its dims -> x", kMatrix, "%1 = reshape %0 {dims = [2,3]} : f32[2,3]", ""},
    {"expand(x) to its dims -> x", kMatrix, "%1 = expand %0 {dims = [2,3]} : f32[2,3]", ""},
    {"shrink(x) to its dims -> x", kRow, "%1 = shrink %0 {low = [0], dims = [4]} : f32[4]", ""},
    {"pad(x) by nothing -> x", kRow, "%1 = pad %0 {low = [0], high = [0]} : f32[4]", ""},
    {"permute(x) in order -> x", kMatrix, "%1 = permute %0 {order = [0,1]} : f32[2,3]", ""},
    {"permute(x) of axes of 1 -> reshape(x)", "%0: f32[1,3]",
     "%1 = permute %0 {order = [1,0]} : f32[3,1]", "%1 = reshape %0 {dims = [3,1]} : f32[3,1]"},
    {"flip(x) of axes of 1 -> x", "%0: f32[1,3]", "%1 = flip %0 {axes = [0,1]} : f32[1,3]",
     "%1 = flip %0 {axes = [1]} : f32[1,3]"},
    {"reshape(reshape(x)) -> reshape(x)", kMatrix,
     "%1 = reshape %0 {dims = [6]} : f32[6]\n%2 = reshape %1 {dims = [3,2]} : f32[3,2]",
     "%1 = reshape %0 {dims = [3,2]} : f32[3,2]"},
    {"permute(permute(x)) -> permute(x)", "%0: f32[2,3,4]",
     "%1 = permute %0 {order = [1,2,0]} : f32[3,4,2]\n"
     "%2 = permute %1 {order = [1,2,0]} : f32[4,2,3]",
     "%1 = permute %0 {order = [2,0,1]} : f32[4,2,3]"},
    {"expand(expand(x)) -> expand(x)", "%0: f32[1,1]",
     "%1 = expand %0 {dims = [1,3]} : f32[1,3]\n%2 = expand %1 {dims = [2,3]} : f32[2,3]",
     "%1 = expand %0 {dims = [2,3]} : f32[2,3]"},
    {"flip(flip(x)) -> flip(x)", kMatrix,
     "%1 = flip %0 {axes = [0]} : f32[2,3]\n%2 = flip %1 {axes = [0,1]} : f32[2,3]",
     "%1 = flip %0 {axes = [1]} : f32[2,3]"},
    {"pad(pad(x)) -> pad(x)", kRow,
     "%1 = pad %0 {low = [1], high = [0]} : f32[5]\n%2 = pad %1 {low = [2], high = [3]} : f32[10]",
     "%1 = pad %0 {low = [3], high = [3]} : f32[10]"},
    {"shrink(shrink(x)) -> shrink(x)", kRow,
     "%1 = shrink %0 {low = [1], dims = [3]} : f32[3]\n"
     "%2 = shrink %1 {low = [1], dims = [2]} : f32[2]",
     "%1 = shrink %0 {low = [2], dims = [2]} : f32[2]"},
    {"shrink(pad(x)) -> shrink(x)", kRow,
     "%1 = pad %0 {low = [2], high = [2]} : f32[8]\n"
     "%2 = shrink %1 {low = [3], dims = [2]} : f32[2]",
     "%1 = shrink %0 {low = [1], dims = [2]} : f32[2]"},
    {"stride(stride(x)) -> stride(x)", "%0: f32[12]",
     "%1 = stride %0 {steps = [2]} : f32[6]\n%2 = stride %1 {steps = [3]} : f32[2]",
     "%1 = stride %0 {steps = [6]} : f32[2]"},
    {"dilate(dilate(x)) -> dilate(x)", "%0: f32[2]",
     "%1 = dilate %0 {factors = [2]} : f32[3]\n%2 = dilate %1 {factors = [3]} : f32[7]",
     "%1 = dilate %0 {factors = [6]} : f32[7]"},
    {"stride(dilate(x)) -> x", kRow,
     "%1 = dilate %0 {factors = [2]} : f32[7]\n%2 = stride %1 {steps = [2]} : f32[4]", ""},
    {"move(constant) -> constant", kF32,
     "%2 = const {value = f32:2} : f32[]\n%3 = reshape %2 {dims = [1,1]} : f32[1,1]\n"
     "%4 = expand %3 {dims = [2,3]} : f32[2,3]\n%5 = permute %4 {order = [1,0]} : f32[3,2]",
     "%2 = const {value = f32:2} : f32[]\n%3 = reshape %2 {dims = [1,1]} : f32[1,1]\n"
     "%4 = expand %3 {dims = [3,2]} : f32[3,2]"},
};

// What looks alike and changes bits.
const Case kStays[] = {
    {"-0 + 0 is 0", kF32, "%2 = const {value = f32:0} : f32[]\n%3 = add %0, %2 : f32[]", nullptr},
    {"-0 - -0 is 0", kF32, "%2 = const {value = f32:-0} : f32[]\n%3 = sub %0, %2 : f32[]", nullptr},
    {"-1 of an unsigned", "%0: u8[]", "%1 = neg %0 : u8[]\n%2 = abs %1 : u8[]", nullptr},
    {"NaN * 0", kF32, "%2 = const {value = f32:0} : f32[]\n%3 = mul %0, %2 : f32[]", nullptr},
    {"infinity - infinity", kF32, "%2 = sub %0, %0 : f32[]", nullptr},
    {"NaN <= NaN", kF32, "%2 = le %0, %0 : bool[]", nullptr},
    {"NaN == NaN", kF32, "%2 = eq %0, %0 : bool[]", nullptr},
    {"floor of a float", kF32, "%2 = const {value = f32:1} : f32[]\n%3 = floordiv %0, %2 : f32[]",
     nullptr},
    {"saturation against wrapping", "%0: i16[]",
     "%1 = cast %0 {dtype = f32} : f32[]\n%2 = cast %1 {dtype = i8} : i8[]", nullptr},
    {"an inexact cast", "%0: i32[]",
     "%1 = cast %0 {dtype = f32} : f32[]\n%2 = cast %1 {dtype = f64} : f64[]", nullptr},
    {"part of the padding", kRow,
     "%1 = pad %0 {low = [2], high = [2]} : f32[8]\n"
     "%2 = shrink %1 {low = [1], dims = [3]} : f32[3]",
     nullptr},
};

ir::Function Parsed(const char* parameters, const std::string& lines) {
  std::string result = "%0";
  if (!lines.empty()) {
    const size_t line = lines.rfind('\n') == std::string::npos ? 0 : lines.rfind('\n') + 1;
    result = lines.substr(line, lines.find(' ', line) - line);
  }
  const std::string text =
      StrCat("function(", parameters, ") -> (", result, ") {\n", lines, "\n}\n");
  auto function = ir::ParseFunction(text, ops::FindOp);
  EXPECT_TRUE(function.ok()) << function.status() << "\n" << text;
  return *std::move(function);
}

int PlaceOf(const char* rule) {
  const auto rules = SimplifyRules();
  for (size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].name == rule) return static_cast<int>(i);
  }
  return -1;
}

TEST(Simplify, AppliesEachRuleToItsExample) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.rule);
    const int rule = PlaceOf(c.rule);
    ASSERT_GE(rule, 0);
    ir::Function function = Parsed(c.parameters, c.before);

    const ir::RewriteCounts counts =
        ir::Rewrite(*function.graph, function.results, SimplifyRules());

    EXPECT_GE(counts.applied[rule], 1);
    EXPECT_EQ(function.Print(), Parsed(c.parameters, c.after).Print());
  }
}

TEST(Simplify, HasAnExampleOfEveryRule) {
  for (const ir::Rule& rule : SimplifyRules()) {
    int examples = 0;
    for (const Case& c : kCases) examples += rule.name == c.rule ? 1 : 0;
    EXPECT_EQ(examples, 1) << rule.name;
  }
}

TEST(Simplify, LeavesWhatWouldChangeBits) {
  for (const Case& c : kStays) {
    SCOPED_TRACE(c.rule);
    ir::Function function = Parsed(c.parameters, c.before);
    const std::string before = function.Print();

    ASSERT_TRUE(Simplify(function).ok());

    EXPECT_EQ(function.Print(), before);
  }
}

}  // namespace
}  // namespace tensord::passes
