#include "engine/ops/registry.h"

#include <array>

#include "absl/container/flat_hash_map.h"
#include "engine/base/check.h"
#include "engine/base/strings.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using FamilyRows = const std::vector<ir::OpRow>& (*)();
constexpr FamilyRows kFamilies[] = {UnaryRows,  BinaryRows, SelectRows, ReduceRows, MovementRows,
                                    CreateRows, RandomRows, IndexRows,  LinalgRows, ActivationRows,
                                    NnRows,     NormRows,   LossRows,   OptimRows,  StructureRows};

using Table = absl::flat_hash_map<absl::string_view, const ir::OpRow*>;

const Table& ByName() {
  static const Table& table = *[] {
    auto* all = new Table;
    for (const ir::OpRow* row : AllOps()) {
      TENSORD_CHECK(all->emplace(ToAbsl(row->name), row).second, "two ops are named ", row->name);
    }
    return all;
  }();
  return table;
}

using ScalarRows = std::array<const ir::OpRow*, static_cast<size_t>(ir::ScalarOp::kCount)>;

ScalarRows CollectScalarRows() {
  ScalarRows rows{};
  for (const ir::OpRow* row : AllOps()) {
    if (row->scalar.has_value()) rows[static_cast<size_t>(*row->scalar)] = row;
  }
  return rows;
}

}  // namespace

const std::vector<const ir::OpRow*>& AllOps() {
  static const std::vector<const ir::OpRow*>& all = *[] {
    auto* rows = new std::vector<const ir::OpRow*>;
    for (FamilyRows family : kFamilies) {
      for (const ir::OpRow& row : family()) rows->push_back(&row);
    }
    return rows;
  }();
  return all;
}

const ir::OpRow* FindOp(std::string_view name) {
  const auto it = ByName().find(ToAbsl(name));
  return it == ByName().end() ? nullptr : it->second;
}

const ir::OpRow& Op(std::string_view name) {
  const ir::OpRow* row = FindOp(name);
  TENSORD_CHECK(row != nullptr, "no op named ", name);
  return *row;
}

const ir::OpRow& Op(ir::ScalarOp op) {
  static const ScalarRows rows = CollectScalarRows();
  const ir::OpRow* row = rows[static_cast<size_t>(op)];
  TENSORD_CHECK(row != nullptr, "no row of scalar op ", ir::Row(op).name);
  return *row;
}

const std::vector<ir::OpRow>& JoinTables(
    std::initializer_list<const std::vector<ir::OpRow>*> tables) {
  auto* all = new std::vector<ir::OpRow>;
  for (const auto* table : tables) all->insert(all->end(), table->begin(), table->end());
  return *all;
}

}  // namespace tensord::ops
