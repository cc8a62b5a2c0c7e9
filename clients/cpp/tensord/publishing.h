// Values under a name, for other sessions of the daemon: what Session's Publish, Lookup and
// Unpublish take and answer.
//
//   session->Publish("weights", {{"w", w}, {"b", b}}, {.ttl = absl::Hours(1)});
//   const absl::StatusOr<Found> found = other->Lookup("weights");     // all of one generation
//   const Tensor y = ops::Linear(x, found->tensors.at("w"), found->tensors.at("b"));
//   other->Lookup("weights", {}, {.generation = found->generation + 1});           // waits
//
// Names live under the principal: its own "weights" is "uid:1000/weights" to others, who see what
// was published as shared. What is looked up is not copied: the daemon shares the memory, and keeps
// it for as long as some session holds it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "clients/cpp/tensord/tensor.h"
#include "clients/cpp/tensord/type.h"

namespace tensord::client {

// What was published: its name, with the principal's before it, and which one of that name.
struct Publication {
  std::string name;
  uint64_t generation = 0;  // one more than the name ever had

  friend bool operator==(const Publication&, const Publication&) = default;
};

// A path, which no other entry has, and a value.
using PublishEntries = std::vector<std::pair<std::string, Tensor>>;

struct PublishOptions {
  absl::Duration ttl = absl::InfiniteDuration();  // until it ends by itself
  bool shared = false;                            // other principals may look it up
};

struct LookupOptions {
  uint64_t generation = 0;  // waits until it, or a newer one, is published; 0: what there is
  absl::Duration timeout = absl::InfiniteDuration();  // of that wait; then NOT_FOUND
};

// The values of one generation by their paths. Each is pinned for as long as its Tensor lives,
// whatever becomes of the name.
struct Found {
  std::string name;
  uint64_t generation = 0;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, Type> types;
};

}  // namespace tensord::client
