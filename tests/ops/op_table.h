// Which calls of each op row the table test makes: shapes and attributes by shape class, ranges of
// inputs, tolerances, and what is left out with its reason.
//
// A form is one line of text: "CLASS: INPUTS ; ATTRIBUTES", or "CLASS! REASON" for a class that the
// row has no call of. An input is KIND[DIMS]:
//
//   x  the dtype under test, in the row's range      b  bool
//   w  the same, but never NaN or infinite: what meets structural zeros, which contribute nothing
//      (engine/kernel/README.md), whereas the evaluator multiplies with them
//   p  the same, 0 to 3; q: 0.05 to 0.95             t  the same, 1 or -1
//   i9 i32, -3 to 11: some outside 0 .. 8            j9 i64, 0 to 8
//   r  f32, 0.25; s: i32, 2                          u  f32, 0 to 1
//   key, ctr  of the random ops
//
// In attributes, $ is the name of the dtype under test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/op.h"

namespace tensord::testing_support {

enum class ShapeClass : char {
  kScalar = 'S',
  kEmpty = 'E',
  kOdd = 'O',
  kBroadcast = 'B',
  kLarge = 'L',  // takes the vector, the tail and the parallel loop
};
inline constexpr ShapeClass kShapeClasses[] = {ShapeClass::kScalar, ShapeClass::kEmpty,
                                               ShapeClass::kOdd, ShapeClass::kBroadcast,
                                               ShapeClass::kLarge};

struct FormInput {
  char kind = 'x';
  int64_t bound = 0;  // of i and j
  std::vector<int64_t> shape;
};

struct Form {
  ShapeClass shape_class = ShapeClass::kOdd;
  std::vector<FormInput> inputs;
  std::string attrs;
  std::string excuse;  // not empty: there is no such call, and why
};

// The forms of a row: those of the table, else those of its arity when it is elementwise. Empty for
// a row that the table forgot.
std::vector<Form> FormsOf(const ir::OpRow& row);

struct Range {
  double low = -3, high = 3;
};
Range RangeOf(const ir::OpRow& row);

// Why the row takes no part in a test at all, or "".
std::string_view LeftOut(const ir::OpRow& row);
// Why finite differences do not check the gradient of any input, or of this one; or "".
std::string_view NotDifferenced(const ir::OpRow& row);
std::string_view NotDifferenced(const ir::OpRow& row, size_t input);

// How far a float result may be from the evaluator's.
enum class Closeness {
  kExact,     // IEEE defines it
  kUlps,      // a transcendental function: `amount` units in the last place
  kMixed,     // `amount` eps of the larger of the result and 1, times sqrt(K): several roundings
  kSum,       // eps of the result and 4 eps sqrt(K) of the same call on magnitudes
  kRelative,  // `amount` eps of the result for each of K factors
};
struct Tolerance {
  Closeness kind = Closeness::kExact;
  double amount = 0;
};
Tolerance ToleranceOf(const ir::OpRow& row);

}  // namespace tensord::testing_support
