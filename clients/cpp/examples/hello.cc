// The first session of the README.
#include <iostream>

#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/session.h"

using namespace tensord::client;

int main() {
  const auto session = Session::Connect();  // $TENSORD_ADDR, or the default socket
  if (!session.ok()) return std::cerr << session.status() << "\n", 1;
  const Tensor x = (*session)->Put<float>({2, 2}, {1, 2, 3, 4});
  const Tensor y = ops::Softmax(x * 2.0, {.axis = 0});
  const auto values = (*session)->Fetch<float>(y);
  if (!values.ok()) return std::cerr << values.status() << "\n", 1;
  for (const float value : *values) std::cout << value << " ";
}
