// Millions of nodes streamed by the C++ client and freed every ten thousand: how fast, and that the
// daemon keeps nothing of them.
//
//   bench_wire_nodes ADDRESS PID METRICS_PORT MILLIONS   prints its rows, one JSON object a line
//
// ADDRESS as the daemon writes it, PID the daemon's, at least two millions.
#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"
#include "clients/cpp/tests/streamed_nodes.h"
#include "tests/bench/row.h"

namespace tensord::bench {
namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr double kRoom = 4 << 20;  // for what the allocator keeps

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "bench_wire_nodes: %s\n", status.ToString().c_str());
  std::exit(1);
}

int Main(const std::string& address, pid_t pid, int port, int millions) {
  auto session = client::Session::Connect({.address = address});
  if (!session.ok()) Die(session.status());
  const auto stream = [&](int count) {
    const absl::Time begin = absl::Now();
    const absl::Status status = client::StreamNodes(**session, count * kMillion);
    if (!status.ok()) Die(status);
    return static_cast<double>(count * kMillion) / absl::ToDoubleSeconds(absl::Now() - begin);
  };
  stream(1);
  const int64_t before = client::ResidentBytes(pid);
  const double rate = stream(millions - 1);
  const auto grown = static_cast<double>(client::ResidentBytes(pid) - before);
  const absl::StatusOr<double> left = client::ReadMetric(port, "tensord_principal_nodes");
  if (!left.ok()) Die(left.status());
  Print({.name = "nodes streamed and freed", .unit = "nodes/s", .ours = rate});
  Print({.name = "memory after millions of nodes, beyond the first",
         .unit = "B",
         .ours = grown,
         .allowed = kRoom});
  Print({.name = "nodes left of millions", .unit = "", .ours = *left, .allowed = 0});
  return grown <= kRoom && *left == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tensord::bench

int main(int argc, char** argv) {
  if (argc == 5) {
    return tensord::bench::Main(argv[1], std::atoi(argv[2]), std::atoi(argv[3]),
                                std::atoi(argv[4]));
  }
  std::fprintf(stderr, "usage: %s ADDRESS PID METRICS_PORT MILLIONS\n", argv[0]);
  return 2;
}
