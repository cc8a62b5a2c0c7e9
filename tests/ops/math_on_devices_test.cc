// The functions that kernels expand to arithmetic (kernel/math_f32.h), compiled and run on every
// device: the same bits as on cpu, within the bound of their rows; halves over all their values.
#include <bit>
#include <cstdlib>

#include "engine/kernel/math_f32.h"
#include "engine/ops/build.h"
#include "engine/ops/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/kernel/math_reference.h"
#include "tests/ops/devices.h"

namespace tensord::ops {
namespace {

using kernel::F32Expansion;
using types::DType;
using types::HostTensor;

HostTensor RunOn(const std::string& device, ir::ScalarOp op,
                 absl::Span<const HostTensor> arguments) {
  ir::Function function;
  std::vector<Ref> operands;
  for (const HostTensor& argument : arguments) {
    types::Type type;
    type.dtype = argument.dtype();
    type.dims = {argument.elements()};
    operands.push_back(AddParameter(function, type));
  }
  function.results = {Build(*function.graph, Op(op), operands)};
  auto results = testing_support::EngineOf(device).Evaluate(function, arguments);
  TENSORD_CHECK(results.ok(), results.status().ToString());
  return (*results)[0];
}

HostTensor TensorOf(absl::Span<const float> values) {
  HostTensor tensor(DType::kF32, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.as<float>().begin());
  return tensor;
}

// Special arguments, or every pair of them, and floats of all sizes.
std::vector<std::vector<float>> ArgumentsOf(const F32Expansion& row) {
  const std::vector<float> special = kernel::SpecialArguments();
  std::vector<std::vector<float>> arguments(static_cast<size_t>(ir::Row(row.op).arity));
  if (arguments.size() == 1) {
    arguments[0] = special;
    for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 1048573) {
      arguments[0].push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    }
    return arguments;
  }
  for (size_t i = 0; i < special.size(); i += 3) {
    for (float y : special) arguments[0].push_back(special[i]), arguments[1].push_back(y);
  }
  return arguments;
}

class MathOnDevices : public testing::TestWithParam<std::tuple<std::string, F32Expansion>> {};

TEST_P(MathOnDevices, KeepsItsBoundAndTheBitsOfCpu) {
  const auto& [device, row] = GetParam();
  const std::vector<std::vector<float>> arguments = ArgumentsOf(row);
  std::vector<HostTensor> inputs;
  for (const std::vector<float>& values : arguments) inputs.push_back(TensorOf(values));
  const auto exact = kernel::ExactValues(row.op, arguments.front(),
                                         arguments.size() > 1 ? arguments[1] : arguments[0]);

  const HostTensor result = RunOn(device, row.op, inputs), cpu = RunOn("cpu", row.op, inputs);

  for (size_t i = 0; i < exact.size(); ++i) {
    const float got = result.as<float>()[i], same = cpu.as<float>()[i];
    EXPECT_LE(kernel::UlpsOff(got, exact[i]), row.max_ulp) << arguments[0][i];
    EXPECT_TRUE(std::bit_cast<uint32_t>(got) == std::bit_cast<uint32_t>(same) ||
                (std::isnan(got) && std::isnan(same)))
        << "of " << arguments[0][i] << ": " << got << " and " << same;
  }
}

// 0, 1, 2, ... from zero up, negative below; the distance is in units in the last place.
int Rank(uint16_t bits) {
  const int size = bits & 0x7fff;
  return (bits & 0x8000) != 0 ? -size : size;
}

float Wide(DType dtype, uint16_t bits) {
  return dtype == DType::kF16 ? types::F16ToF32(bits) : types::BF16ToF32(bits);
}

// Every value of `dtype`; of second operands, in another order.
HostTensor AllHalves(DType dtype, int operand) {
  HostTensor x(dtype, {1 << 16});
  const uint32_t step = operand == 0 ? 1 : 40503;
  for (uint32_t i = 0; i < 1 << 16; ++i) x.as<uint16_t>()[i] = static_cast<uint16_t>(i * step);
  return x;
}

std::vector<float> WideValues(const HostTensor& halves) {
  std::vector<float> values;
  for (uint16_t bits : halves.as<uint16_t>()) values.push_back(Wide(halves.dtype(), bits));
  return values;
}

TEST_P(MathOnDevices, OfHalvesIsTheRoundedResultOrItsNeighbour) {
  const auto& [device, row] = GetParam();
  for (DType dtype : {DType::kF16, DType::kBF16}) {
    std::vector<HostTensor> inputs;
    for (int i = 0; i < ir::Row(row.op).arity; ++i) inputs.push_back(AllHalves(dtype, i));
    const auto exact =
        kernel::ExactValues(row.op, WideValues(inputs.front()), WideValues(inputs.back()));

    const HostTensor result = RunOn(device, row.op, inputs);

    int worst = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      const uint16_t got = result.as<uint16_t>()[i];
      const uint16_t want =
          dtype == DType::kF16 ? types::F64ToF16(exact[i]) : types::F64ToBF16(exact[i]);
      const bool nan = std::isnan(exact[i]);
      ASSERT_EQ(std::isnan(Wide(dtype, got)), nan) << i;
      if (!nan) worst = std::max(worst, std::abs(Rank(got) - Rank(want)));
    }
    EXPECT_LE(worst, 1) << types::Name(dtype);
  }
}

INSTANTIATE_TEST_SUITE_P(All, MathOnDevices,
                         testing::Combine(testing::ValuesIn(testing_support::ComputingDevices()),
                                          testing::ValuesIn(kernel::AllF32Expansions().begin(),
                                                            kernel::AllF32Expansions().end())),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::string(ir::Row(std::get<1>(info.param).op).name);
                         });

}  // namespace
}  // namespace tensord::ops
