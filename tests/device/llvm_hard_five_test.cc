// The hard five on the llvm device. tests/golden/hard_five holds the cpu device to plain loops;
// here the compiled kernels must leave the same bits as the cpu device, whatever the threads.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/device/llvm_test_util.h"

namespace tensord::device {

namespace cpu {
const DeviceDriver& Driver();
}

namespace {

using types::DType;
using types::HostTensor;

kernel::Linear Golden(const std::string& file) {
  std::ifstream in(std::string(TENSORD_SOURCE_DIR) + "/tests/golden/hard_five/" + file);
  std::stringstream text;
  text << in.rdbuf();
  absl::StatusOr<kernel::Linear> kernel = kernel::ParseLinear(text.str());
  EXPECT_TRUE(kernel.ok()) << file << ": " << kernel.status();
  return *std::move(kernel);
}

// The global buffers at the sizes that `variables` give them, filled with numbers from -1 to 1.
std::vector<HostTensor> RandomBuffers(const kernel::Linear& kernel,
                                      const std::vector<int64_t>& variables) {
  types::Sym::Assignment values;
  for (size_t i = 0; i < variables.size(); ++i) values[kernel.variables[i].name] = variables[i];
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<HostTensor> buffers;
  for (int b = 0; b < kernel.globals(); ++b) {
    const kernel::Buffer& buffer = kernel.buffers[static_cast<size_t>(b)];
    HostTensor tensor(buffer.dtype, {buffer.elements.Evaluate(values)});
    for (float& x : tensor.as<float>()) x = static_cast<float>(uniform(random));
    buffers.push_back(std::move(tensor));
  }
  return buffers;
}

std::vector<HostTensor> RunGolden(Device& device, const std::string& file,
                                  const std::vector<int64_t>& variables) {
  const kernel::Linear kernel = Golden(file);
  std::vector<HostTensor> buffers = RandomBuffers(kernel, variables);
  std::vector<HostTensor*> pointers;
  for (HostTensor& buffer : buffers) pointers.push_back(&buffer);
  const absl::Status status = RunOn(device, kernel, pointers, variables);
  EXPECT_TRUE(status.ok()) << file << ": " << status;
  return buffers;
}

void ExpectTheBitsOfTheCpuDevice(const std::string& file,
                                 const std::vector<int64_t>& variables = {}) {
  auto cpu = cpu::Driver().open(0, {});
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  DeviceOptions options;
  options.threads = 1;
  options.compile_workers = 1;
  auto alone = llvm::Driver().open(0, options);
  ASSERT_TRUE(alone.ok()) << alone.status();
  const HostTensor want = RunGolden(**cpu, file, variables).back();
  for (Device* device : {alone->get(), &LlvmDeviceForTests()}) {
    const HostTensor got = RunGolden(*device, file, variables).back();
    ASSERT_EQ(got.elements(), want.elements());
    for (int64_t i = 0; i < want.elements(); ++i) {
      ASSERT_EQ(got.At(i), want.At(i)) << file << " element " << i << ": " << got.At(i).ToString()
                                       << ", should be " << want.At(i).ToString();
    }
  }
}

TEST(LlvmHardFive, Matmul) { ExpectTheBitsOfTheCpuDevice("matmul.ir"); }

TEST(LlvmHardFive, ConvInputGradient) { ExpectTheBitsOfTheCpuDevice("conv_input_gradient.ir"); }

TEST(LlvmHardFive, OnlineSoftmax) {
  for (const auto& [rows, n] : {std::pair{1, 1}, {3, 15}, {2, 16}, {5, 100}, {40, 257}}) {
    ExpectTheBitsOfTheCpuDevice("online_softmax.ir", {rows, n});
  }
}

TEST(LlvmHardFive, Attention) {
  for (const auto& [heads, t] : {std::pair{1, 1}, {2, 8}, {2, 19}, {3, 40}}) {
    ExpectTheBitsOfTheCpuDevice("attention.ir", {heads, t});
  }
}

TEST(LlvmHardFive, GpuMatmulIsForGpus) {
  const absl::Status status = LlvmDeviceForTests().Compile(Golden("gpu_matmul.ir")).status();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
}

}  // namespace
}  // namespace tensord::device
