// Every scalar op on every dtype and several lane counts against ir::Evaluate, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/base/strings.h"
#include "engine/ir/scalar_lanes.h"
#include "engine/kernel/linear_builder.h"
#include "tests/device/llvm_test_util.h"

namespace tensord::device {
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using types::DType;
using types::HostTensor;
using types::Scalar;

std::vector<Scalar> IntSamples(DType dtype) {
  const int bits = types::Row(dtype).bits;
  std::vector<Scalar> samples;
  for (int64_t x : {0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 100, 127, 128}) {
    samples.push_back(Scalar::Int(dtype, x));
    samples.push_back(Scalar::Int(dtype, -x));
  }
  const uint64_t top = uint64_t{1} << (bits - 1);
  for (uint64_t x : {top, top - 1, top + 1, top | 5, top ^ 12345}) {
    samples.push_back(Scalar::Int(dtype, static_cast<int64_t>(x)));
  }
  return samples;
}

std::vector<Scalar> FloatSamples(DType dtype) {
  std::vector<Scalar> samples;
  for (double x : {0.0,
                   0.25,
                   0.5,
                   0.75,
                   1.0,
                   1.5,
                   2.0,
                   2.5,
                   3.5,
                   7.0,
                   88.0,
                   100.3,
                   127.0,
                   255.0,
                   32767.5,
                   65504.0,
                   65520.0,
                   2147483520.0,
                   0x1p31,
                   0x1p32,
                   0x1.8p62,
                   0x1p63,
                   0x1p64,
                   1e-3,
                   6e-8,
                   1e-40,
                   1.4e-45,
                   3.4e38,
                   1e300,
                   4.9e-324,
                   1.0009765625,
                   1.00390625,
                   1.001953125,
                   0x1.01p0,
                   0x1.03p0,
                   0x1.010001p0,
                   0x1.00200001p0,
                   std::numeric_limits<double>::infinity()}) {
    samples.push_back(Scalar::Float(dtype, x));
    samples.push_back(Scalar::Float(dtype, -x));
  }
  samples.push_back(Scalar::Float(dtype, std::numeric_limits<double>::quiet_NaN()));
  return samples;
}

std::vector<Scalar> Samples(DType dtype) {
  if (types::IsBool(dtype)) return {Scalar::Int(dtype, 0), Scalar::Int(dtype, 1)};
  return types::IsFloat(dtype) ? FloatSamples(dtype) : IntSamples(dtype);
}

// Every pair of samples in a and b, a third operand in c and a condition, to a multiple of 64.
struct Inputs {
  HostTensor a, b, c, condition;
  int64_t n = 0;
  explicit Inputs(DType dtype) {
    const std::vector<Scalar> s = Samples(dtype);
    const auto m = static_cast<int64_t>(s.size());
    n = (m * m + 63) / 64 * 64;
    a = HostTensor(dtype, {n});
    b = HostTensor(dtype, {n});
    c = HostTensor(dtype, {n});
    condition = HostTensor(DType::kBool, {n});
    for (int64_t i = 0; i < n; ++i) {
      a.Set(i, s[i % m]);
      b.Set(i, s[i / m % m]);
      c.Set(i, s[(i * 7 + 3) % m]);
      condition.Set(i, Scalar::Int(DType::kBool, i % 3 == 0));
    }
  }
};

bool SameValue(const Scalar& x, const Scalar& y) {
  if (types::IsFloat(x.dtype) && std::isnan(x.f) && std::isnan(y.f)) return true;
  return x == y;
}

struct Case {
  ScalarOp op;
  DType result;
};

std::vector<Case> CasesOf(DType dtype) {
  std::vector<Case> cases;
  for (const ir::ScalarOpRow& row : ir::AllScalarOps()) {
    for (const types::DTypeRow& to : types::AllDTypes()) {
      if (ir::LaneFunctionFor(row.op, dtype, to.dtype) != nullptr) {
        cases.push_back({row.op, to.dtype});
      }
    }
  }
  return cases;
}

// One kernel for all ops of a dtype: outputs one after the other in the argument list.
kernel::Linear KernelOf(DType dtype, int lanes, int64_t n, const std::vector<Case>& cases) {
  LinearBuilder b(StrCat("ops_", types::Name(dtype), "_", lanes));
  const VType type = {dtype, lanes};
  const int a_buffer = b.AddGlobal("a", dtype, n, Access::kIn);
  const int b_buffer = b.AddGlobal("b", dtype, n, Access::kIn);
  const int c_buffer = b.AddGlobal("c", dtype, n, Access::kIn);
  const int m_buffer = b.AddGlobal("m", DType::kBool, n, Access::kIn);
  std::vector<int> outputs;
  for (size_t i = 0; i < cases.size(); ++i) {
    outputs.push_back(b.AddGlobal(StrCat("o", i), cases[i].result, n, Access::kOut));
  }
  const int i = b.For(LoopKind::kParallel, b.I64(0), b.I64(n / lanes * lanes), lanes);
  const int x = b.Load(a_buffer, type, i), y = b.Load(b_buffer, type, i);
  const int z = b.Load(c_buffer, type, i);
  const int m = b.Load(m_buffer, {DType::kBool, lanes}, i);
  for (size_t k = 0; k < cases.size(); ++k) {
    const VType result = {cases[k].result, lanes};
    const int arity = ir::Row(cases[k].op).arity;
    int value;
    if (cases[k].op == ScalarOp::kWhere) {
      value = b.Alu(cases[k].op, result, {m, x, y});
    } else if (arity == 1) {
      value = b.Alu(cases[k].op, result, {x});
    } else if (arity == 2) {
      value = b.Alu(cases[k].op, result, {x, y});
    } else {
      value = b.Alu(cases[k].op, result, {x, y, z});
    }
    b.Store(outputs[k], i, value);
  }
  b.End();
  return std::move(b).Finish();
}

void CheckCase(const Case& c, const Inputs& in, const HostTensor& got, int64_t n, int lanes) {
  int wrong = 0;
  for (int64_t i = 0; i < n && wrong < 3; ++i) {
    std::vector<Scalar> operands = {in.a.At(i), in.b.At(i), in.c.At(i)};
    if (c.op == ScalarOp::kWhere) operands = {in.condition.At(i), in.a.At(i), in.b.At(i)};
    operands.resize(static_cast<size_t>(ir::Row(c.op).arity));
    const Scalar want = ir::Evaluate(c.op, c.result, operands);
    if (SameValue(want, got.At(i))) continue;
    ++wrong;
    std::string text;
    for (const Scalar& s : operands) StrAppend(&text, s.ToString(), " ");
    ADD_FAILURE() << ir::Row(c.op).name << " of " << types::Name(in.a.dtype()) << " to "
                  << types::Name(c.result) << ", " << lanes << " lanes: " << text << "gives "
                  << got.At(i).ToString() << ", should be " << want.ToString();
  }
}

class LlvmOps : public testing::TestWithParam<int> {};

TEST_P(LlvmOps, AgreeWithTheEvaluatorOnAnyLanes) {
  const DType dtype = types::AllDTypes()[static_cast<size_t>(GetParam())].dtype;
  const std::vector<Case> cases = CasesOf(dtype);
  Inputs in(dtype);
  const int full = 64 / types::Bytes(dtype);
  for (int lanes : {1, 2, 5, full}) {
    std::vector<HostTensor> outputs;
    for (const Case& c : cases) outputs.emplace_back(c.result, std::vector<int64_t>{in.n});
    std::vector<HostTensor*> buffers = {&in.a, &in.b, &in.c, &in.condition};
    for (HostTensor& output : outputs) buffers.push_back(&output);
    const absl::Status status =
        RunOn(LlvmDeviceForTests(), KernelOf(dtype, lanes, in.n, cases), buffers);
    ASSERT_TRUE(status.ok()) << status;
    for (size_t k = 0; k < cases.size(); ++k) {
      CheckCase(cases[k], in, outputs[k], in.n / lanes * lanes, lanes);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(DTypes, LlvmOps,
                         testing::Range(0, static_cast<int>(types::AllDTypes().size())),
                         [](const auto& info) {
                           return std::string(
                               types::AllDTypes()[static_cast<size_t>(info.param)].name);
                         });

}  // namespace
}  // namespace tensord::device
