// The price of the round trip to a compile worker: a frame of the size of a small kernel's text
// sent and echoed. And of the smallest compile, of which it is a part.
#include <chrono>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/codegen/llvm_compile.h"
#include "engine/device/llvm/worker_pool.h"
#include "tests/bench/row.h"

namespace tensord::device::llvm {
namespace {

constexpr char kAdd[] = R"(
define void @add(ptr %a, ptr %b) {
  %x = load float, ptr %a
  %y = load float, ptr %b
  %sum = fadd float %x, %y
  store float %sum, ptr %a
  ret void
})";

template <typename Work>
std::vector<double> Micros(int rounds, Work work) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
  }
  return times;
}

void PrintTimes(const std::string& name, const std::vector<double>& times) {
  bench::Print({.name = name,
                .unit = "us",
                .threads = 1,
                .ours = bench::Median(times),
                .spread = bench::Spread(times)});
}

int Main() {
  auto pool = WorkerPool::Start({.workers = 1});
  TENSORD_CHECK(pool.ok(), pool.status().ToString());
  const std::string payload(4096, 'x');
  TENSORD_CHECK((*pool)->Echo(payload).ok());  // the worker is up
  PrintTimes("round trip to a compile worker, 4 KiB",
             Micros(1000, [&] { TENSORD_CHECK((*pool)->Echo(payload).ok()); }));
  PrintTimes("smallest compile in a worker", Micros(100, [&] {
               TENSORD_CHECK((*pool)->Compile(kAdd, codegen::HostTarget()).ok());
             }));
  return 0;
}

}  // namespace
}  // namespace tensord::device::llvm

int main() { return tensord::device::llvm::Main(); }
