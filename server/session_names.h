// What of a session's publishing and looking up is under way.
#pragma once

#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "server/session_fault.h"

namespace tensord::server {

// Lives on the session's strand.
class SessionNames {
 public:
  // Publishes and Unpublishes of one name take effect in the order of their items: each begins with
  // a cell that settles when it has, and waits for the one before it.
  //
  // The last one of that name, of the session's principal, if it has not ended.
  runtime::CellRef LastChange(const std::string& name) const;
  void BeginChange(const std::string& name, const runtime::CellRef& done);
  void EndChange(const std::string& name, const runtime::CellRef& done);

  // Ids whose type is not known before `cell`, and all of theirs with it, is settled.
  void AddUntyped(const Span& ids, const runtime::CellRef& cell);
  // The cell of such ids that the item can't be applied without; nothing for most items.
  runtime::CellRef UntypedInput(const v1::Item& item);

 private:
  struct Untyped {
    uint64_t count = 0;
    runtime::CellRef cell;
  };
  runtime::CellRef Find(const Span& ids);  // of any of them
  runtime::CellRef FindInput(const v1::NodeBatch& batch);

  absl::flat_hash_map<std::string, runtime::CellRef> changes_;
  absl::btree_map<runtime::Id, Untyped> untyped_;  // by first id; settled ones until found
  size_t swept_ = 0;                               // how many were left by the last sweep
};

}  // namespace tensord::server
