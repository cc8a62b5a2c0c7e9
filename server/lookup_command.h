// A Lookup that waits: for a generation, or for what its own session is about to publish.
#pragma once

#include <string>
#include <vector>

#include "server/publications.h"
#include "server/scheduler.h"

namespace tensord::server {

// What a Lookup asked for, and where it goes.
struct LookupWork {
  std::string reader, name;
  uint64_t min_generation = 0;
  runtime::Id first_id = 0;
  std::vector<std::string> paths;
};

// The values of the paths, and Found about them. NOT_FOUND naming a path that is not there.
absl::Status ReadPublication(const Publication& publication, const LookupWork& work,
                             std::vector<runtime::Value>* values, v1::Found* found);

class LookupCommand : public Command {
 public:
  // `cells`: one without a type for each path. `after`: settles before it may look; may be empty.
  LookupCommand(const Terms& terms, LookupWork work, std::vector<runtime::CellRef> cells,
                runtime::CellRef after)
      : Command(terms),
        work_(std::move(work)),
        cells_(std::move(cells)),
        after_(std::move(after)) {}
  ~LookupCommand() override;

  bool MakesAny(const Span& ids) const override;
  bool cancellable() const override { return true; }

 protected:
  void Prepare() override;
  void Start() override;
  void GiveUp(const absl::Status& why) override;
  void Stop(const absl::Status&) override {}  // it ended when it started

 private:
  void OnPublished(PublicationRef found);
  absl::Status Bind();

  const LookupWork work_;
  const std::vector<runtime::CellRef> cells_;
  const runtime::CellRef after_;
  uint64_t waiter_ = 0;
  PublicationRef found_;
};

}  // namespace tensord::server
