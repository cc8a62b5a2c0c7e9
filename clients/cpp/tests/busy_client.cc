// A client that does one thing until it is killed.
//
//   busy_client ADDRESS upload|execute|download
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/session.h"

namespace {

using namespace tensord::client;

constexpr size_t kBytes = size_t{32} << 20;

template <typename T>
T Get(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "busy_client: %s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}

int Main(const std::string& address, const std::string& what) {
  const auto session = Get(Session::Connect({.address = address, .label = "busy"}));
  const std::string bytes(kBytes, 'x');
  const Tensor held = session->PutBytes({DType::kU8, {kBytes}}, bytes);
  const Program program =
      Get(MakeProgram({Type{DType::kF32, {1024}}}, [](Graph&, const std::vector<Tensor>& in) {
        return std::vector<Tensor>{ops::Exp(in[0] * 0.5)};
      }));
  Tensor x = session->Put<float>({1024}, std::vector<float>(1024, 1.0f));
  for (;;) {
    if (what == "upload") session->PutBytes({DType::kU8, {kBytes}}, bytes);
    if (what == "execute") x = session->Execute(program, {x})[0];
    if (what == "download") Get(session->FetchValue(held));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) return Main(argv[1], argv[2]);
  std::fprintf(stderr, "usage: %s ADDRESS upload|execute|download\n", argv[0]);
  return 2;
}
