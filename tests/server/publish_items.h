// Publish, Unpublish and Lookup as tests say them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/server/faults.h"
#include "tests/server/session_harness.h"

namespace tensord::server {

using Entries = std::vector<std::pair<std::string, uint64_t>>;

inline v1::Publish& AddPublish(TestClient& client, const std::string& name,
                               const Entries& entries) {
  v1::Publish& publish = *client.Item().mutable_publish();
  publish.set_name(name);
  for (const auto& [path, id] : entries) {
    v1::PublishEntry& entry = *publish.add_entries();
    entry.set_path(path);
    entry.set_id(id);
  }
  return publish;
}
// Of one value that other principals may read, too.
inline uint64_t PublishFloats(TestClient& client, const std::string& name,
                              const std::vector<float>& values) {
  AddPublish(client, name, {{"w", client.PutFloats(values)}}).set_shared(true);
  return client.Ask().published().generation();
}
inline v1::Lookup& AddLookup(TestClient& client, const std::string& name,
                             const std::vector<std::string>& paths = {"w"}) {
  v1::Lookup& lookup = *client.Item().mutable_lookup();
  lookup.set_name(name);
  for (const std::string& path : paths) lookup.add_paths(path);
  lookup.set_first_id(client.NextId(paths.size()));
  return lookup;
}
inline v1::Fault LookupFault(TestClient& client, const std::string& name,
                             const std::vector<std::string>& paths = {"w"}) {
  AddLookup(client, name, paths);
  const v1::Reply reply = client.Ask();
  EXPECT_TRUE(reply.has_fault()) << reply.ShortDebugString();
  return reply.fault();
}
inline void Unpublish(TestClient& client, const std::string& name) {
  client.Item().mutable_unpublish()->set_name(name);
  client.Send();
}

// x - 1 over x.
inline std::string DecrementBody() {
  BodyWriter body;
  const uint64_t x = body.Input(F32({4})), one = body.Input(F32({4}));
  body.Output(body.Node("sub", {x, one}));
  body.Donate(0);
  return body.Bytes();
}

// Two sessions of one principal and one of another.
class SharingTest : public testing::Test {
 protected:
  SessionWorld world_;
  TestClient writer_{world_}, reader_{world_};  // of one principal
  TestClient stranger_{world_, true, "uid:2"};
};

}  // namespace tensord::server
