// Columnar node batches into whatever takes nodes: a session's graph, or the body of a Program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/function_builder.h"
#include "engine/runtime/make_node.h"
#include "tensord/v1/graph.pb.h"

namespace tensord::server {

// A table of strings that messages name by index. What a string means as an op is looked up once.
class StringTable {
 public:
  struct Text {
    std::string text;
    const ir::OpRow* op = nullptr;
    bool looked_up = false;
  };

  void Add(std::string text) { texts_.push_back({std::move(text)}); }
  size_t size() const { return texts_.size(); }
  const std::string* Find(uint32_t index) const {
    return index < texts_.size() ? &texts_[index].text : nullptr;
  }
  // nullptr when there is no such string or op.
  const ir::OpRow* FindOp(uint32_t index);

 private:
  std::vector<Text> texts_;
};

// What attributes may refer to.
struct DecoderContext {
  StringTable& strings;
  const runtime::VariableBounds& variables;
  // The function of a Program by its digest, or nullptr.
  absl::FunctionRef<ir::FunctionRef(const std::string& digest)> find_program;
};

// A node of the batch that failed: its position, ids and op, and why.
struct NodeFailure {
  runtime::Id first_id = 0;
  uint64_t count = 0;
  std::string_view op;
  uint32_t source = 0;
  absl::Status status;
};

// Reuses its buffers from batch to batch.
class NodeDecoder {
 public:
  // Applies the nodes in order. A node that fails is reported and the rest goes on, unless
  // `on_failure` answers false. Nodes that fail before they reach the sink are `undefined`: their
  // ids are still to be defined as poison. The status is of columns that do not fit each other:
  // then nothing is applied, and `unsound` says which ids the batch would have taken.
  struct Ids {
    runtime::Id first = 0;
    uint64_t count = 0;
  };
  using OnFailure = absl::FunctionRef<bool(const NodeFailure& failure, bool undefined)>;
  absl::Status Apply(const v1::NodeBatch& batch, const DecoderContext& context,
                     const runtime::Origin& origin, runtime::NodeSink& sink, OnFailure on_failure,
                     Ids* unsound);

 private:
  absl::Status CheckColumns(const v1::NodeBatch& batch) const;
  absl::Status DecodeNode(const v1::NodeBatch& batch, int k, const DecoderContext& context);
  absl::Status DecodeAttrs(const v1::NodeBatch& batch, int first, int last,
                           const DecoderContext& context);
  absl::Status TypeScalars(const v1::NodeBatch& batch, int first, int last,
                           const DecoderContext& context);
  absl::Status DecodeAttr(const v1::Attr& attr, const DecoderContext& context);
  static absl::Status DecodeValue(const v1::Attr& attr, const DecoderContext& context,
                                  ir::AttrValue& out);

  runtime::NodeSpec spec_;
  std::vector<runtime::Id> inputs_;
  std::vector<ir::AttrValue> attrs_;
  int next_input_ = 0, next_attr_ = 0;  // positions in the batch
};

}  // namespace tensord::server
