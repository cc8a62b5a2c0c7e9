#include "tests/ops/op_cases.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "engine/base/check.h"
#include "engine/base/strings.h"
#include "engine/ops/build.h"
#include "engine/ops/gradient.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::testing_support {
namespace {

using ir::Ref;
using types::DType;
using types::HostTensor;
using types::Scalar;

bool UnderTest(char kind) { return std::string_view("xwpqt").find(kind) != std::string_view::npos; }

DType DTypeOf(const FormInput& input, DType tested) {
  switch (input.kind) {
    case 'b':
      return DType::kBool;
    case 'i':
    case 's':
      return DType::kI32;
    case 'j':
      return DType::kI64;
    case 'r':
    case 'u':
      return DType::kF32;
    case 'k':
      return DType::kU32;
    case 'c':
      return DType::kU64;
    default:
      return tested;
  }
}

class Drawer {
 public:
  Drawer(const ir::OpRow& row, Values values, uint32_t seed)
      : range_(RangeOf(row)), tolerance_(ToleranceOf(row)), values_(values), random_(seed) {}

  HostTensor Draw(const FormInput& input, DType tested) {
    if (input.kind == 'k') return HostTensor::FromDoubles(DType::kU32, {2}, {{17, 42}});
    if (input.kind == 'c') return HostTensor::FromDoubles(DType::kU64, {}, {{5}});
    HostTensor tensor(DTypeOf(input, tested), input.shape);
    for (int64_t i = 0; i < tensor.elements(); ++i) tensor.Set(i, One(input, tensor.dtype()));
    return tensor;
  }

 private:
  bool OneIn(int n) { return random_() % static_cast<uint32_t>(n) == 0; }
  Scalar Uniform(double low, double high) {
    double x = std::uniform_real_distribution<double>(low, high)(random_);
    if (values_ == Values::kOrdinary && OneIn(4) && std::round(x) >= low && std::round(x) <= high)
      x = std::round(x);
    return Scalar::Float(DType::kF64, x);
  }
  Scalar Whole(int64_t low, int64_t high) {
    return Scalar::Int(DType::kI64, std::uniform_int_distribution<int64_t>(low, high)(random_));
  }

  Scalar One(const FormInput& input, DType dtype) {
    switch (input.kind) {
      case 'i':
        return Whole(-3, input.bound + 2);
      case 'j':
        return Whole(0, input.bound - 1);
      case 's':
        return Scalar::Int(DType::kI64, 2);
      case 'r':
        return Scalar::Float(DType::kF64, 0.25);
      case 't':
        return Scalar::Int(DType::kI64, OneIn(2) ? 1 : -1);
      case 'b':
        return Whole(0, 1);
      default:
        return types::IsFloat(dtype) ? Float(input.kind, dtype) : Integer(input.kind, dtype);
    }
  }

  Scalar Float(char kind, DType dtype) {
    if (kind == 'u') return Uniform(0, 1);
    if (kind == 'p') return Uniform(values_ == Values::kSmooth ? 0.1 : 0, 3);
    if (kind == 'q') return Uniform(0.05, 0.95);
    if (kind != 'w' && values_ == Values::kSpecial && OneIn(6)) return Special(dtype);
    return Uniform(range_.low, range_.high);
  }

  Scalar Special(DType dtype) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    const double common[] = {std::nan(""), kInf, -kInf, 0.0, -0.0, 1};
    if (tolerance_.kind != Closeness::kExact || OneIn(2))
      return Scalar::Float(DType::kF64, common[random_() % 6]);
    const double least = dtype == DType::kF16   ? std::ldexp(1, -24)
                         : dtype == DType::kF64 ? std::ldexp(1, -1074)
                                                : std::ldexp(1, -149);
    const double most = dtype == DType::kF16   ? 65504
                        : dtype == DType::kF64 ? std::numeric_limits<double>::max()
                                               : 3.38953139e38;
    const double rare[] = {least, -least, most, -most, 1e9, -3e4};
    return Scalar::Float(DType::kF64, rare[random_() % 6]);
  }

  Scalar Integer(char kind, DType dtype) {
    if (dtype == DType::kBool) return Whole(0, 1);
    if (kind != 'x' && kind != 'w') return Whole(kind == 'q' ? 0 : 1, kind == 'q' ? 1 : 3);
    const int bits = 8 * types::Bytes(dtype);
    if (tolerance_.kind == Closeness::kExact && OneIn(12)) {
      const int64_t least = types::IsSigned(dtype) ? -(int64_t{1} << (bits - 2)) * 2 : 0;
      return Scalar::Int(DType::kI64, OneIn(2) ? least : least - 1);  // the least and the most
    }
    return Whole(types::IsSigned(dtype) ? -9 : 0, 9);
  }

  const Range range_;
  const Tolerance tolerance_;
  const Values values_;
  std::mt19937 random_;
};

std::string Describe(const Form& form, const std::string& attrs, DType dtype) {
  const auto text = [](std::string* out, const FormInput& input) {
    StrAppend(out, std::string(1, input.kind), "[", absl::StrJoin(input.shape, ","), "]");
  };
  return StrCat(std::string(1, static_cast<char>(form.shape_class)), " ", types::Name(dtype), " ",
                absl::StrJoin(form.inputs, " ", text), " ;", attrs);
}

class Builder {
 public:
  Builder(const ir::OpRow& row, Values values)
      : row_(row),
        drawer_(row, values, static_cast<uint32_t>(row.name.size() * 131 + row.name[0])) {}

  OpCases Run(const std::vector<Form>& forms, const std::vector<DType>& dtypes) {
    for (const Form& form : forms) {
      const size_t before = cases_.cases.size();
      for (DType dtype : dtypes) {
        Add(form, dtype);
        if (!DependsOnDType(form)) break;
      }
      TENSORD_CHECK(cases_.cases.size() > before || dtypes.size() < 13, row_.name,
                    ": no dtype is accepted by a form; the last: ",
                    cases_.refused.empty() ? "" : cases_.refused.back());
    }
    return std::move(cases_);
  }

 private:
  static bool DependsOnDType(const Form& form) {
    for (const FormInput& input : form.inputs)
      if (UnderTest(input.kind)) return true;
    return form.attrs.find('$') != form.attrs.npos;
  }

  void Add(const Form& form, DType dtype) {
    const std::string attrs =
        absl::StrReplaceAll(form.attrs, {{"$", std::string(types::Name(dtype))}});
    const std::string name = Describe(form, attrs, dtype);
    const auto named = ops::ParseAttrs(row_, attrs);
    TENSORD_CHECK(named.ok(), name, ": ", named.status().ToString());
    std::vector<HostTensor> arguments;
    for (const FormInput& input : form.inputs) arguments.push_back(drawer_.Draw(input, dtype));
    // Tried apart, so that a refusal leaves no parameters behind.
    const auto tried = ops::OpCall::Make(row_.name, arguments, *named);
    if (!tried.ok()) {
      cases_.refused.push_back(StrCat(name, ": ", FromAbsl(tried.status().message())));
      return;
    }
    OpCase one;
    one.name = name;
    one.shape_class = form.shape_class;
    one.dtype = dtype;
    one.first_result = cases_.function.results.size();
    one.first_argument = cases_.arguments.size();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto& shape = arguments[i].shape();
      one.inputs.push_back(ops::AddParameter(
          cases_.function, {arguments[i].dtype(), {}, types::Dims(shape.begin(), shape.end())}));
      if (UnderTest(form.inputs[i].kind) && form.inputs[i].kind != 't' && types::IsFloat(dtype))
        one.wrt.push_back(static_cast<int>(i));
      cases_.arguments.push_back(std::move(arguments[i]));
    }
    const Ref node = *ops::Make(*cases_.function.graph, row_, one.inputs, *named);
    for (int i = 0; i < node->results(); ++i)
      one.outputs.push_back(ops::Get(*cases_.function.graph, node, i));
    cases_.function.results.insert(cases_.function.results.end(), one.outputs.begin(),
                                   one.outputs.end());
    cases_.cases.push_back(std::move(one));
  }

  const ir::OpRow& row_;
  Drawer drawer_;
  OpCases cases_;
};

// Sum over the float results of result * weights; nullptr when there is none.
Ref WeightedSum(OpCases& cases, const OpCase& one, std::mt19937& random) {
  ir::Graph& graph = *cases.function.graph;
  Ref total = nullptr;
  for (Ref y : one.outputs) {
    if (!types::IsFloat(y->dtype())) continue;
    std::vector<int64_t> shape;
    for (const types::Sym& d : y->dims()) shape.push_back(d.constant());
    HostTensor weights(y->dtype(), shape);
    std::uniform_real_distribution<double> draw(0.5, 1.5);
    for (int64_t i = 0; i < weights.elements(); ++i)
      weights.Set(i, Scalar::Float(DType::kF64, draw(random)));
    const Ref seed = ops::AddParameter(cases.function, y->type());
    cases.arguments.push_back(std::move(weights));
    const Ref wide = ops::Cast(graph, ops::Mul(graph, y, seed), DType::kF64);
    const Ref sum = ops::Build(graph, "sum", {wide});
    total = total == nullptr ? sum : ops::Add(graph, total, sum);
  }
  return total;
}

}  // namespace

OpCases MakeOpCases(const ir::OpRow& row, const std::vector<Form>& forms, Values values,
                    const std::vector<DType>& dtypes) {
  return Builder(row, values).Run(forms, dtypes);
}

std::vector<DType> EveryDType() {
  std::vector<DType> dtypes;
  for (const types::DTypeRow& row : types::AllDTypes()) dtypes.push_back(row.dtype);
  return dtypes;
}

std::vector<DType> FloatDTypes() { return {DType::kF16, DType::kBF16, DType::kF32, DType::kF64}; }

std::vector<Form> FormsOf(const ir::OpRow& row, std::string_view classes) {
  std::vector<Form> forms;
  for (Form& form : FormsOf(row)) {
    const bool wanted = classes.find(static_cast<char>(form.shape_class)) != classes.npos;
    if (wanted && form.excuse.empty()) forms.push_back(std::move(form));
  }
  return forms;
}

void DifferentiateCases(OpCases& cases, std::mt19937& random) {
  std::vector<OpCase> kept;
  cases.function.results.clear();
  for (OpCase& one : cases.cases) {
    if (one.wrt.empty()) continue;
    one.total = WeightedSum(cases, one, random);
    if (one.total == nullptr) continue;
    std::vector<Ref> wrt;
    for (int i : one.wrt) wrt.push_back(one.inputs[i]);
    const auto gradients = ops::Gradient(*cases.function.graph, one.total, wrt);
    TENSORD_CHECK(gradients.ok(), one.name, ": ", gradients.status().ToString());
    one.outputs = *gradients;
    one.first_result = cases.function.results.size();
    cases.function.results.insert(cases.function.results.end(), gradients->begin(),
                                  gradients->end());
    kept.push_back(std::move(one));
  }
  cases.cases = std::move(kept);
}

}  // namespace tensord::testing_support
