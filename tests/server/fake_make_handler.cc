// Gives main() the tests' handler.
#include "server/make_handler.h"
#include "tests/server/fake_handler.h"

namespace tensord::server {

absl::StatusOr<std::unique_ptr<ComputeHandler>> MakeComputeHandler(const HandlerContext&) {
  return MakeFakeHandler(std::make_shared<FakeState>());
}

}  // namespace tensord::server
