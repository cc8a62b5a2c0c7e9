// The golden matmul kernel (tests/golden/hard_five/matmul.ir) on the llvm device beside OpenBLAS,
// one core each, interleaved: medians, and the median of the ratios. OpenBLAS is looked up at run
// time (libopenblas0-pthread); without it there is no ratio.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/kernel/linear.h"
#include "tests/bench/row.h"

namespace tensord {
namespace {

constexpr int kM = 1008, kN = 1024, kK = 960;  // of the golden
constexpr double kFlops = 2.0 * kM * kN * kK;
constexpr int kRounds = 41;

using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int,
                       float, float*, int);

// OpenBLAS at run time, held to one thread.
struct Peer {
  Sgemm sgemm = nullptr;
  std::string version;
  Peer() {
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void* const library = dlopen("libopenblas.so.0", RTLD_NOW);
    if (library == nullptr) return;
    sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
    auto config = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_config"));
    if (config != nullptr) version = config();
  }
  void Run(const std::vector<float>& a, const std::vector<float>& b, std::vector<float>& c) const {
    constexpr int kRowMajor = 101, kNoTranspose = 111;
    sgemm(kRowMajor, kNoTranspose, kNoTranspose, kM, kN, kK, 1, a.data(), kK, b.data(), kN, 0,
          c.data(), kN);
  }
};

// The kernel on a device of one thread, its buffers filled.
class Ours {
 public:
  bool Open(const std::vector<float>& a, const std::vector<float>& b) {
    device::DeviceOptions options;
    options.threads = 1;
    options.compile_workers = 1;
    auto opened = device::OpenDevice("llvm", options);
    if (!opened.ok()) return Fail(opened.status());
    device_ = *std::move(opened);
    std::ifstream file(std::string(TENSORD_SOURCE_DIR) + "/tests/golden/hard_five/matmul.ir");
    std::stringstream text;
    text << file.rdbuf();
    auto kernel = kernel::ParseLinear(text.str());
    if (!kernel.ok()) return Fail(kernel.status());
    auto binary = device_->Compile(*kernel);
    if (!binary.ok()) return Fail(binary.status());
    auto program = device_->Load(*kernel, *binary);
    if (!program.ok()) return Fail(program.status());
    program_ = *std::move(program);
    return Add(a.data(), a.size()) && Add(b.data(), b.size()) && Add(nullptr, size_t{kM} * kN);
  }
  void Run() {
    device::Queue& queue = device_->queue();
    (void)queue.Wait(queue.Launch(*program_, arguments_, {}).value);
  }
  const float* result() const {
    return reinterpret_cast<const float*>(arguments_.back().memory->host());
  }

 private:
  static bool Fail(const absl::Status& status) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return false;
  }
  bool Add(const float* values, size_t n) {
    auto memory = device_->allocator().Allocate(static_cast<int64_t>(n * sizeof(float)));
    if (!memory.ok()) return Fail(memory.status());
    if (values != nullptr) std::memcpy((*memory)->host(), values, n * sizeof(float));
    memory_.push_back(*std::move(memory));
    arguments_.push_back({memory_.back().get(), 0});
    return true;
  }

  std::unique_ptr<device::Device> device_;
  std::unique_ptr<device::Program> program_;
  std::vector<std::unique_ptr<device::Memory>> memory_;
  std::vector<device::Argument> arguments_;
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Against float64 on some rows, and what design §10 allows: 4 eps sqrt(K) (|A| |B|).
void Errors(const std::vector<float>& a, const std::vector<float>& b, const float* c, double* worst,
            double* allowed) {
  *worst = *allowed = 0;
  for (int i = 0; i < kM; i += 97) {
    for (int j = 0; j < kN; ++j) {
      double sum = 0, magnitude = 0;
      for (int k = 0; k < kK; ++k) {
        const double product = double{a[size_t{1} * i * kK + k]} * b[size_t{1} * k * kN + j];
        sum += product;
        magnitude += std::fabs(product);
      }
      *worst = std::max(*worst, std::fabs(sum - c[size_t{1} * i * kN + j]));
      *allowed = std::max(*allowed, 4 * 0x1p-24 * std::sqrt(double{kK}) * magnitude);
    }
  }
}

int Main() {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> a(size_t{kM} * kK), b(size_t{kK} * kN), c(size_t{kM} * kN);
  for (float& x : a) x = uniform(random);
  for (float& x : b) x = uniform(random);
  const Peer peer;
  Ours ours;
  if (!ours.Open(a, b)) return 1;
  std::vector<double> mine, theirs, ratios;
  for (int round = -3; round < kRounds; ++round) {
    const double start = Seconds();
    ours.Run();
    const double middle = Seconds();
    if (peer.sgemm != nullptr) peer.Run(a, b, c);
    const double end = Seconds();
    if (round < 0) continue;
    mine.push_back(kFlops / (middle - start) / 1e9);
    if (peer.sgemm == nullptr) continue;
    theirs.push_back(kFlops / (end - middle) / 1e9);
    ratios.push_back((end - middle) / (middle - start));
  }
  double worst, allowed;
  Errors(a, b, ours.result(), &worst, &allowed);
  bench::Row row{.name = "matmul 1008 x 1024 x 960, f32",
                 .unit = "GFLOPS",
                 .threads = 1,
                 .ours = bench::Median(mine),
                 .max_error = worst,
                 .allowed = allowed,
                 .spread = bench::Spread(mine)};
  if (peer.sgemm != nullptr) {
    row.peer = bench::Median(theirs);
    row.peer_name = "OpenBLAS";
    row.peer_version = peer.version;
    row.ratio = bench::Median(ratios);
  }
  bench::Print(row);
  return worst <= allowed ? 0 : 1;
}

}  // namespace
}  // namespace tensord

int main() { return tensord::Main(); }
