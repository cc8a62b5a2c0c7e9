#include "server/session_names.h"

#include <iterator>

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

// Spans are the client's and may be of any length: they are not walked.
CellRef SessionNames::Find(const Span& ids) {
  const auto meets = [&](const auto& entry) {
    return Span{entry.first, entry.second.count}.Meets(ids);
  };
  auto it = untyped_.upper_bound(ids.first);
  if (it != untyped_.begin() && meets(*std::prev(it))) --it;
  while (it != untyped_.end() && meets(*it)) {
    if (!it->second.cell->settled()) return it->second.cell;
    it = untyped_.erase(it);
  }
  return {};
}

// Batches that do not add up are looked at as far as they do.
CellRef SessionNames::FindInput(const v1::NodeBatch& batch) {
  uint64_t id = batch.first_id();
  int next = 0;
  for (int node = 0; node < batch.n_in_size(); ++node) {
    const auto inputs = static_cast<int64_t>(batch.n_in(node));
    for (int64_t i = 0; i < inputs && next < batch.in_size(); ++i) {
      if (CellRef cell = Find({id - static_cast<Id>(batch.in(next++)), 1})) return cell;
    }
    id += node < batch.n_out_size() ? batch.n_out(node) : 1;
  }
  return {};
}

CellRef SessionNames::UntypedInput(const v1::Item& item) {
  if (untyped_.empty()) return {};
  if (item.has_nodes()) return FindInput(item.nodes());
  if (item.has_fetch()) return Find({item.fetch().id(), 1});
  for (const v1::IdSpan& span : item.execute().in()) {
    if (CellRef cell = Find({span.first(), span.count() == 0 ? 1 : span.count()})) return cell;
  }
  const v1::Gradient& gradient = item.gradient();
  for (const auto* ids : {&gradient.targets(), &gradient.wrt(), &gradient.seeds()}) {
    for (Id id : *ids) {
      if (CellRef cell = Find({id, 1})) return cell;
    }
  }
  return {};
}

}  // namespace tensord::server
