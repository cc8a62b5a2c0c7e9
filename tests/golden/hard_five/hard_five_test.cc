// The hard five: each golden parses, prints back the same, verifies, is what the builder writes,
// and computes on the cpu device what plain loops compute.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/kernel/linear.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels.h"

namespace tensord::golden {
namespace {

using kernel::Linear;

std::string PathOf(const std::string& file) {
  return std::string(TENSORD_SOURCE_DIR) + "/tests/golden/hard_five/" + file;
}

std::string ReadGolden(const std::string& file) {
  std::ifstream in(PathOf(file));
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<float> Random(size_t n, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(n);
  for (float& v : values) v = uniform(generator);
  return values;
}

void ExpectNear(const std::vector<float>& got, const std::vector<double>& want, double allowed) {
  ASSERT_EQ(got.size(), want.size());
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(got[i] - want[i]);
    if (!(error <= worst)) {
      worst = error;
      at = i;
    }
  }
  EXPECT_LE(worst, allowed) << "at " << at << ": " << got[at] << ", expected " << want[at];
}

class HardFiveTest : public testing::Test {
 protected:
  void SetUp() override {
    device::DeviceOptions options;
    options.threads = 2;
    device_ = *device::OpenDevice("cpu", options);
  }

  // Runs the golden; the last buffer is the result.
  std::vector<float> Run(const std::string& file, const std::vector<std::vector<float>>& inputs,
                         size_t result_elements, const std::vector<int64_t>& variables = {}) {
    const Linear kernel = *kernel::ParseLinear(ReadGolden(file));
    auto program = device_->Load(kernel, *device_->Compile(kernel));
    EXPECT_TRUE(program.ok()) << program.status();
    device::Queue& queue = device_->queue();
    std::vector<std::unique_ptr<device::Memory>> memories;
    std::vector<device::Argument> arguments;
    std::vector<float> result(result_elements, NAN);
    auto add = [&](const std::vector<float>& values) {
      const int64_t bytes = static_cast<int64_t>(values.size() * sizeof(float));
      memories.push_back(*device_->allocator().Allocate(bytes));
      arguments.push_back({memories.back().get(), 0});
      queue.CopyIn(arguments.back(), reinterpret_cast<const std::byte*>(values.data()), bytes);
    };
    for (const auto& input : inputs) add(input);
    add(result);
    queue.Launch(**program, arguments, variables);
    const device::Point done =
        queue.CopyOut(reinterpret_cast<std::byte*>(result.data()), arguments.back(),
                      static_cast<int64_t>(result.size() * sizeof(float)));
    EXPECT_TRUE(queue.Wait(done.value).ok());
    return result;
  }

  std::unique_ptr<device::Device> device_;
};

TEST_F(HardFiveTest, ParsePrintVerify) {
  for (const Golden& golden : golden::HardFive()) {
    const std::string text = ReadGolden(golden.file);
    auto kernel = kernel::ParseLinear(text);
    ASSERT_TRUE(kernel.ok()) << golden.file << ": " << kernel.status();
    EXPECT_EQ(kernel::Print(*kernel), text) << golden.file;
    EXPECT_TRUE(kernel::Verify(*kernel).ok()) << golden.file << ": " << kernel::Verify(*kernel);
  }
}

TEST_F(HardFiveTest, AreWhatTheBuilderWrites) {
#ifdef __clang__
  GTEST_SKIP() << "the goldens' instructions stand in g++'s order of evaluating arguments";
#endif
  for (const Golden& golden : golden::HardFive()) {
    const std::string text = kernel::Print(golden.make());
    if (std::getenv("TENSORD_UPDATE_GOLDENS") != nullptr)
      std::ofstream(PathOf(golden.file)) << text;
    EXPECT_EQ(text, ReadGolden(golden.file)) << golden.file;
  }
}

// No access needs a mask that shapes alone decide.
TEST_F(HardFiveTest, VerifierRefusesAShrunkBuffer) {
  for (const Golden& golden : golden::HardFive()) {
    const Linear whole = golden.make();
    for (size_t i = 0; i < whole.buffers.size(); ++i) {
      Linear cut = whole;
      cut.buffers[i].elements = cut.buffers[i].elements - 1;
      EXPECT_FALSE(kernel::Verify(cut).ok()) << golden.file << " " << cut.buffers[i].name;
    }
  }
}

// Compares every `stride`-th row with plain loops, and wants a number in every other place.
void ExpectMatmul(const std::vector<float>& c, const std::vector<float>& a,
                  const std::vector<float>& b, int m, int n, int k, int stride, double allowed) {
  for (float v : c) ASSERT_FALSE(std::isnan(v));
  for (int i = 0; i < m; i += stride) {
    std::vector<double> row(n);
    for (int l = 0; l < k; ++l) {
      for (int j = 0; j < n; ++j) row[j] += static_cast<double>(a[i * k + l]) * b[l * n + j];
    }
    ExpectNear({&c[i * n], &c[i * n] + n}, row, allowed);
  }
}

TEST_F(HardFiveTest, Matmul) {
  using S = MatmulShape;
  const auto a = Random(S::m * S::k, 1), b = Random(S::k * S::n, 2);
  ExpectMatmul(Run("matmul.ir", {a, b}, S::m * S::n), a, b, S::m, S::n, S::k, 13, 1e-4);
}

TEST_F(HardFiveTest, GpuMatmul) {
  using S = GpuMatmulShape;
  const auto a = Random(S::m * S::k, 3), b = Random(S::k * S::n, 4);
  ExpectMatmul(Run("gpu_matmul.ir", {a, b}, S::m * S::n), a, b, S::m, S::n, S::k, 1, 1e-5);
}

// dx by scattering each dy through the forward taps.
TEST_F(HardFiveTest, ConvInputGradient) {
  using S = ConvShape;
  const auto dy = Random(S::batch * S::out * S::small * S::small, 5);
  const auto w = Random(S::out * S::in * 9, 6);
  std::vector<double> dx(S::batch * S::in * S::size * S::size);
  for (int b = 0; b < S::batch; ++b)
    for (int o = 0; o < S::out; ++o)
      for (int i = 0; i < S::small; ++i)
        for (int j = 0; j < S::small; ++j)
          for (int c = 0; c < S::in; ++c)
            for (int p = 0; p < 3; ++p)
              for (int q = 0; q < 3; ++q) {
                const int h = 2 * i + p - 1, v = 2 * j + q - 1;
                if (h < 0 || h >= S::size || v < 0 || v >= S::size) continue;
                dx[((b * S::in + c) * S::size + h) * S::size + v] +=
                    static_cast<double>(dy[((b * S::out + o) * S::small + i) * S::small + j]) *
                    w[((o * S::in + c) * 3 + p) * 3 + q];
              }
  ExpectNear(Run("conv_input_gradient.ir", {dy, w}, dx.size()), dx, 1e-5);
}

TEST_F(HardFiveTest, OnlineSoftmax) {
  for (auto [rows, n] : {std::pair{1, 1}, {3, 15}, {2, 16}, {5, 100}, {4, 257}}) {
    auto x = Random(static_cast<size_t>(rows) * n, 7);
    for (float& v : x) v *= 50;
    std::vector<double> want(x.size());
    for (int r = 0; r < rows; ++r) {
      double max = -1e300, sum = 0;
      for (int i = 0; i < n; ++i) max = std::max<double>(max, x[r * n + i]);
      for (int i = 0; i < n; ++i) sum += std::exp(x[r * n + i] - max);
      for (int i = 0; i < n; ++i) want[r * n + i] = std::exp(x[r * n + i] - max) / sum;
    }
    ExpectNear(Run("online_softmax.ir", {x}, x.size(), {rows, n}), want, 1e-6);
  }
}

TEST_F(HardFiveTest, Attention) {
  constexpr int kWidth = 64;
  for (auto [heads, t] : {std::pair{1, 1}, {2, 8}, {2, 19}, {3, 40}}) {
    const size_t n = static_cast<size_t>(heads) * t * kWidth;
    const auto q = Random(n, 8), k = Random(n, 9), v = Random(n, 10);
    std::vector<double> want(n);
    for (int i = 0; i < heads * t; ++i) {
      const int head = i / t * t;
      std::vector<double> p(t);
      double max = -1e300, sum = 0;
      for (int j = 0; j < t; ++j) {
        for (int d = 0; d < kWidth; ++d) {
          p[j] += static_cast<double>(q[i * kWidth + d]) * k[(head + j) * kWidth + d] / 8;
        }
        max = std::max(max, p[j]);
      }
      for (int j = 0; j < t; ++j) sum += p[j] = std::exp(p[j] - max);
      for (int j = 0; j < t; ++j) {
        for (int d = 0; d < kWidth; ++d) {
          want[i * kWidth + d] += p[j] / sum * v[(head + j) * kWidth + d];
        }
      }
    }
    ExpectNear(Run("attention.ir", {q, k, v}, n, {heads, t}), want, 1e-5);
  }
}

TEST_F(HardFiveTest, Work) {
  using S = MatmulShape;
  const kernel::Work work = kernel::EstimateWork(Matmul(), {});
  // Two flops for each product, and one to close the sum of each block of k.
  EXPECT_EQ(work.flops, 2.0 * S::m * S::n * S::k + 3.0 * S::m * S::n);
  EXPECT_EQ(work.bytes_touched, 4.0 * (S::m * S::k + S::k * S::n + S::m * S::n));
}

}  // namespace
}  // namespace tensord::golden
