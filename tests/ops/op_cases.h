// Calls of one op row as one function: every form in every dtype that the row accepts.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "engine/ir/function.h"
#include "engine/types/tensor.h"
#include "tests/ops/op_table.h"

namespace tensord::testing_support {

enum class Values {
  kOrdinary,  // in the row's range, some whole numbers; integers with some of the extremes
  kSpecial,   // floats with NaN, infinities, zeros of both signs; the tiny and huge where exact
  kSmooth,    // in the row's range, in general position: for finite differences
};

struct OpCase {
  std::string name;  // "f32 x[7,13] ; axes=[1]"
  ShapeClass shape_class;
  types::DType dtype;
  std::vector<int> wrt;  // positions, within the case, of inputs under test that are floats
  std::vector<ir::Ref> inputs, outputs;
  ir::Ref total = nullptr;                      // the scalar that was differentiated
  size_t first_result = 0, first_argument = 0;  // in the function
};

struct OpCases {
  ir::Function function;
  std::vector<types::HostTensor> arguments;
  std::vector<OpCase> cases;
  std::vector<std::string> refused;  // "bool: add: ...", of dtypes that the row does not accept
};

// `dtypes`: those tried. CHECKs that a form is accepted in one of them.
OpCases MakeOpCases(const ir::OpRow& row, const std::vector<Form>& forms, Values values,
                    const std::vector<types::DType>& dtypes);

// Every dtype; the float ones.
std::vector<types::DType> EveryDType();
std::vector<types::DType> FloatDTypes();

// The forms of these classes.
std::vector<Form> FormsOf(const ir::OpRow& row, std::string_view classes);

// Adds the gradients of the sum over each case's float results, each times weights that are
// parameters, with respect to its float inputs; they become the case's results. Cases that have
// none are dropped.
void DifferentiateCases(OpCases& cases, std::mt19937& random);

}  // namespace tensord::testing_support
