#include "server/session_names.h"

#include <iterator>

#include "server/convert.h"

namespace tensord::server {

using runtime::CellRef;
using runtime::Id;

CellRef SessionNames::LastChange(const std::string& name) const {
  const auto it = changes_.find(name);
  return it == changes_.end() ? CellRef() : it->second;
}

void SessionNames::BeginChange(const std::string& name, const CellRef& done) {
  changes_[name] = done;
}

void SessionNames::EndChange(const std::string& name, const CellRef& done) {
  const auto it = changes_.find(name);
  if (it != changes_.end() && it->second == done) changes_.erase(it);
  done->Settle();
}

void SessionNames::AddUntyped(const Span& ids, const CellRef& cell) {
  untyped_[ids.first] = {ids.count, cell};
  if (untyped_.size() < 2 * swept_ + 64) return;
  for (auto it = untyped_.begin(); it != untyped_.end();) {
    it = it->second.cell->settled() ? untyped_.erase(it) : std::next(it);
  }
  swept_ = untyped_.size();
}

CellRef SessionNames::Find(Id id) {
  auto it = untyped_.upper_bound(id);
  if (it == untyped_.begin()) return {};
  --it;
  if (id - it->first >= it->second.count) return {};
  if (!it->second.cell->settled()) return it->second.cell;
  untyped_.erase(it);
  return {};
}

// Batches that do not add up are looked at as far as they do.
CellRef SessionNames::FindInput(const v1::NodeBatch& batch) {
  uint64_t id = batch.first_id();
  int next = 0;
  for (int node = 0; node < batch.n_in_size(); ++node) {
    const auto inputs = static_cast<int64_t>(batch.n_in(node));
    for (int64_t i = 0; i < inputs && next < batch.in_size(); ++i) {
      if (CellRef cell = Find(id - static_cast<Id>(batch.in(next++)))) return cell;
    }
    id += node < batch.n_out_size() ? batch.n_out(node) : 1;
  }
  return {};
}

CellRef SessionNames::UntypedInput(const v1::Item& item) {
  if (untyped_.empty()) return {};
  CellRef cell;
  const auto look = [&](Id id) {
    cell = Find(id);
    return !cell;
  };
  if (item.has_nodes()) return FindInput(item.nodes());
  if (item.has_fetch()) return Find(item.fetch().id());
  if (item.has_execute()) ForEachId(item.execute().in(), look);
  if (item.has_gradient()) {
    for (const auto* ids :
         {&item.gradient().targets(), &item.gradient().wrt(), &item.gradient().seeds()}) {
      for (Id id : *ids) {
        if (!look(id)) return cell;
      }
    }
  }
  return cell;
}

}  // namespace tensord::server
