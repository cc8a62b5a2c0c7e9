// One client process of `deploy/dev soak`.
//
//   soak_load ADDRESS ROLE SECONDS SEED     prints how many rounds it did
#include <cstdlib>
#include <map>

#include "tests/soak/roles.h"

namespace tensord::soak {
namespace {

const std::map<std::string, Role> kRoles = {
    {"train", Train},
    {"graphs", Graphs},
    {"transfers", Transfers},
    {"share", Share},
    {"fail", Fail},
    {"give_up", GiveUp},
    {"come_and_go", ComeAndGo},
    {"lose_streams", LoseStreams},
};

int Main(const std::string& address, const std::string& name, int seconds, uint32_t seed) {
  const auto role = kRoles.find(name);
  if (role == kRoles.end()) Die("no role is called " + name);
  std::mt19937 random(seed);
  const uint64_t rounds = role->second({address, absl::Now() + absl::Seconds(seconds), random});
  std::printf("%llu\n", static_cast<unsigned long long>(rounds));
  return 0;
}

}  // namespace
}  // namespace tensord::soak

int main(int argc, char** argv) {
  if (argc == 5) {
    return tensord::soak::Main(argv[1], argv[2], std::atoi(argv[3]),
                               static_cast<uint32_t>(std::atoi(argv[4])));
  }
  std::fprintf(stderr, "usage: %s ADDRESS ROLE SECONDS SEED\n", argv[0]);
  return 2;
}
