#include "clients/cpp/tensord/node_columns.h"

#include <algorithm>
#include <utility>

namespace tensord::client {
namespace {

using Column = google::protobuf::RepeatedField<uint32_t>;

bool AllAre(const Column& column, uint32_t value) {
  return std::all_of(column.begin(), column.end(), [&](uint32_t entry) { return entry == value; });
}

// One entry for all, or none when it is what an absent column means.
void Shorten(Column* column, uint32_t absent_value) {
  if (column->empty() || !AllAre(*column, column->Get(0))) return;
  column->Truncate(column->Get(0) == absent_value ? 0 : 1);
}

}  // namespace

void NodeColumns::Append(const Node& node) {
  if (empty()) batch_.set_first_id(node.id);
  batch_.add_op(node.op);
  batch_.add_n_in(static_cast<uint32_t>(node.inputs.size()));
  for (const uint64_t input : node.inputs) batch_.add_in(static_cast<int64_t>(node.id - input));
  batch_.add_n_out(static_cast<uint32_t>(node.results));
  batch_.add_source(node.source);
  batch_.add_device(node.device);
}

v1::Attr* NodeColumns::AddAttr(uint32_t name) {
  v1::Attr* attr = batch_.add_attrs();
  attr->set_node(static_cast<uint32_t>(batch_.op_size()) - 1);
  attr->set_name(name);
  return attr;
}

v1::NodeBatch NodeColumns::Take() {
  constexpr uint32_t kNever = UINT32_MAX;
  Shorten(batch_.mutable_n_in(), kNever);
  if (AllAre(batch_.n_out(), 1)) batch_.clear_n_out();
  Shorten(batch_.mutable_source(), 0);
  Shorten(batch_.mutable_device(), 0);
  return std::exchange(batch_, {});
}

}  // namespace tensord::client
