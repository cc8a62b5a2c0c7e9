#include "server/node_decoder.h"

#include <cstring>

#include "engine/runtime/fault.h"
#include "server/convert.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;

// Outputs of one node, of any op there will be.
constexpr uint32_t kMaxResults = 1024;

template <typename Column>
auto At(const Column& column, int k) {
  return column.Get(column.size() == 1 ? 0 : k);
}

absl::Status Unfit(std::string_view column, int size, int nodes) {
  return Fault(StatusCode::kInvalidArgument, "FRAMING", "nodes: column ", column, " has ", size,
               " entries for ", nodes, " nodes");
}

bool FitsOrOne(int size, int nodes) { return size == nodes || size == 1; }

absl::StatusOr<types::Scalar> ScalarOf(const std::string& bytes, types::DType dtype) {
  const auto size = static_cast<size_t>(types::Bytes(dtype));
  if (size == 0 || bytes.size() != size) {
    return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", "a scalar of ", bytes.size(),
                 " bytes, its attribute dtype is ", types::Name(dtype), " of ", size);
  }
  return types::Scalar::FromBytes(dtype, reinterpret_cast<const std::byte*>(bytes.data()));
}

// `value` as the attribute `dtype` beside it says.
absl::StatusOr<types::Scalar> Typed(const v1::Attr& attr, types::DType dtype) {
  switch (attr.v_case()) {
    case v1::Attr::kScalar:
      return ScalarOf(attr.scalar(), dtype);
    case v1::Attr::kI:
      return types::Scalar::Int(types::DType::kI64, attr.i()).Cast(dtype);
    case v1::Attr::kF:
      return types::Scalar::Float(types::DType::kF64, attr.f()).Cast(dtype);
    case v1::Attr::kB:
      return types::Scalar::Int(types::DType::kBool, attr.b()).Cast(dtype);
    default:
      return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", "value is not a number");
  }
}

const ir::OpRow* ConstOp() {
  static const ir::OpRow* const op = runtime::FindOp("const");
  return op;
}

}  // namespace

const ir::OpRow* StringTable::FindOp(uint32_t index) {
  if (index >= texts_.size()) return nullptr;
  Text& text = texts_[index];
  if (!text.looked_up) {
    text.op = runtime::FindOp(text.text == "scalar" ? "const" : std::string_view(text.text));
    text.looked_up = true;
  }
  return text.op;
}

absl::Status NodeDecoder::CheckColumns(const v1::NodeBatch& batch) const {
  const int nodes = batch.op_size();
  if (nodes == 0) return absl::OkStatus();
  if (!FitsOrOne(batch.n_in_size(), nodes)) return Unfit("n_in", batch.n_in_size(), nodes);
  uint64_t inputs = 0;
  for (int k = 0; k < nodes; ++k) inputs += At(batch.n_in(), k);
  if (inputs != static_cast<uint64_t>(batch.in_size())) {
    return Fault(StatusCode::kInvalidArgument, "FRAMING", "nodes: column in has ", batch.in_size(),
                 " entries, n_in adds up to ", inputs);
  }
  if (batch.n_out_size() != 0 && batch.n_out_size() != nodes) {
    return Unfit("n_out", batch.n_out_size(), nodes);
  }
  for (uint32_t n : batch.n_out()) {
    if (n >= 1 && n <= kMaxResults) continue;
    return Fault(StatusCode::kInvalidArgument, "FRAMING", "nodes: n_out of ", n, ", expected 1 … ",
                 kMaxResults);
  }
  if (batch.source_size() > 0 && !FitsOrOne(batch.source_size(), nodes)) {
    return Unfit("source", batch.source_size(), nodes);
  }
  if (batch.device_size() > 0 && !FitsOrOne(batch.device_size(), nodes)) {
    return Unfit("device", batch.device_size(), nodes);
  }
  uint32_t last = 0;
  for (const v1::Attr& attr : batch.attrs()) {
    if (attr.node() < last || attr.node() >= static_cast<uint32_t>(nodes)) {
      return Fault(StatusCode::kInvalidArgument, "FRAMING", "nodes: an attribute of node ",
                   attr.node(), ", expected ", last, " … ", nodes - 1, " in ascending order");
    }
    last = attr.node();
  }
  return absl::OkStatus();
}

absl::Status NodeDecoder::Apply(const v1::NodeBatch& batch, const DecoderContext& context,
                                const runtime::Origin& origin, runtime::NodeSink& sink,
                                OnFailure on_failure, Ids* unsound) {
  const int nodes = batch.op_size();
  if (absl::Status status = CheckColumns(batch); !status.ok()) {
    uint64_t count = static_cast<uint64_t>(nodes);
    if (batch.n_out_size() == nodes) {
      count = 0;
      for (uint32_t n : batch.n_out()) count += std::min(n, kMaxResults);
    }
    *unsound = {batch.first_id(), count};
    return status;
  }
  next_input_ = next_attr_ = 0;
  runtime::Id id = batch.first_id();
  runtime::Origin of = origin;
  for (int k = 0; k < nodes; ++k) {
    spec_.first_id = id;
    spec_.results = batch.n_out_size() == 0 ? 1 : static_cast<int>(batch.n_out(k));
    of.source = batch.source_size() == 0 ? 0 : At(batch.source(), k);
    absl::Status status = DecodeNode(batch, k, context);
    const bool reached = status.ok();
    if (reached) status = sink.AddNode(spec_, of);
    id += static_cast<runtime::Id>(spec_.results);
    if (status.ok()) [[likely]]
      continue;
    const std::string* name = context.strings.Find(batch.op(k));
    const NodeFailure failure{spec_.first_id, static_cast<uint64_t>(spec_.results),
                              name == nullptr ? std::string_view() : std::string_view(*name),
                              of.source, std::move(status)};
    if (!on_failure(failure, !reached)) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status NodeDecoder::DecodeNode(const v1::NodeBatch& batch, int k,
                                     const DecoderContext& context) {
  const int n_in = static_cast<int>(At(batch.n_in(), k));
  const int first_input = next_input_, first_attr = next_attr_;
  next_input_ += n_in;
  while (next_attr_ < batch.attrs_size() &&
         batch.attrs(next_attr_).node() == static_cast<uint32_t>(k)) {
    ++next_attr_;
  }
  spec_.op = context.strings.FindOp(batch.op(k));
  if (spec_.op == nullptr) {
    const std::string* name = context.strings.Find(batch.op(k));
    if (name == nullptr) {
      return Fault(StatusCode::kInvalidArgument, "UNKNOWN_OP", "op: string ", batch.op(k),
                   " of a table of ", context.strings.size());
    }
    return Fault(StatusCode::kNotFound, "UNKNOWN_OP", "there is no op \"", *name,
                 "\"; ListOps lists them");
  }
  inputs_.clear();
  for (int i = 0; i < n_in; ++i) {
    const int64_t distance = batch.in(first_input + i);
    inputs_.push_back(spec_.first_id - static_cast<uint64_t>(distance));
  }
  spec_.inputs = inputs_;
  const uint32_t device = batch.device_size() == 0 ? 0 : At(batch.device(), k);
  spec_.device = static_cast<int>(std::min<uint32_t>(device, 1 << 20)) - 1;
  return DecodeAttrs(batch, first_attr, next_attr_, context);
}

absl::Status NodeDecoder::DecodeAttrs(const v1::NodeBatch& batch, int first, int last,
                                      const DecoderContext& context) {
  attrs_.clear();
  spec_.attrs = {};
  if (first == last) return absl::OkStatus();
  attrs_.resize(spec_.op->attrs.size());
  bool typed = spec_.op == ConstOp();
  for (int i = first; i < last; ++i) {
    RETURN_IF_ERROR(DecodeAttr(batch.attrs(i), context));
    typed |= batch.attrs(i).v_case() == v1::Attr::kScalar;
  }
  spec_.attrs = attrs_;
  return typed ? TypeScalars(batch, first, last, context) : absl::OkStatus();
}

// The dtype of a constant, and of scalars given by their bytes, stands beside them.
absl::Status NodeDecoder::TypeScalars(const v1::NodeBatch& batch, int first, int last,
                                      const DecoderContext& context) {
  const auto name_of = [&](int i) -> std::string_view {
    return *context.strings.Find(batch.attrs(i).name());
  };
  const v1::Attr* dtype = nullptr;
  for (int i = first; i < last; ++i) {
    const bool found = batch.attrs(i).v_case() == v1::Attr::kDtype && name_of(i) == "dtype";
    if (found) dtype = &batch.attrs(i);
  }
  for (int i = first; i < last; ++i) {
    const bool bytes = batch.attrs(i).v_case() == v1::Attr::kScalar;
    if (!bytes && name_of(i) != "value") continue;
    if (dtype == nullptr && !bytes) continue;  // a weak constant
    if (dtype == nullptr) {
      return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", spec_.op->name,
                   ": a scalar given by bytes needs the attribute dtype");
    }
    ASSIGN_OR_RETURN(const types::DType type, ToDType(dtype->dtype()));
    for (size_t a = 0; a < attrs_.size(); ++a) {
      if (spec_.op->attrs[a].name != name_of(i)) continue;
      ASSIGN_OR_RETURN(attrs_[a], Typed(batch.attrs(i), type));
    }
  }
  return absl::OkStatus();
}

absl::Status NodeDecoder::DecodeAttr(const v1::Attr& attr, const DecoderContext& context) {
  const std::string* name = context.strings.Find(attr.name());
  if (name == nullptr) {
    return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", spec_.op->name,
                 ": attribute name: string ", attr.name(), " of a table of ",
                 context.strings.size());
  }
  size_t at = 0;
  while (at < attrs_.size() && spec_.op->attrs[at].name != *name) ++at;
  if (at == attrs_.size()) {
    if (spec_.op == ConstOp() && *name == "dtype") return absl::OkStatus();
    return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", spec_.op->name,
                 ": no attribute named \"", *name, "\"");
  }
  if (attrs_[at].index() != 0) {
    return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", spec_.op->name, ": attribute ", *name,
                 " is given twice");
  }
  absl::Status status = DecodeValue(attr, context, attrs_[at]);
  if (status.ok()) [[likely]]
    return status;
  return runtime::WithReason(
      absl::Status(status.code(),
                   StrCat(spec_.op->name, ": attribute ", *name, ": ", FromAbsl(status.message()))),
      runtime::ReasonOf(status));
}

absl::Status NodeDecoder::DecodeValue(const v1::Attr& attr, const DecoderContext& context,
                                      ir::AttrValue& out) {
  switch (attr.v_case()) {
    case v1::Attr::kI:
      out = attr.i();
      break;
    case v1::Attr::kF:
      out = attr.f();
      break;
    case v1::Attr::kB:
      out = attr.b();
      break;
    case v1::Attr::kInts:
      out = ir::Ints(attr.ints().v().begin(), attr.ints().v().end());
      break;
    case v1::Attr::kScalar:
      break;  // by TypeScalars, with their dtype
    case v1::Attr::kS: {
      const std::string* text = context.strings.Find(attr.s());
      if (text == nullptr) {
        return Fault(StatusCode::kInvalidArgument, "ATTRIBUTE", "string ", attr.s(),
                     " of a table of ", context.strings.size());
      }
      out = *text;
      break;
    }
    case v1::Attr::kDims: {
      ASSIGN_OR_RETURN(out, ToDims(attr.dims(), context.variables));
      break;
    }
    case v1::Attr::kDtype: {
      ASSIGN_OR_RETURN(out, ToDType(attr.dtype()));
      break;
    }
    case v1::Attr::kProgram: {
      ir::FunctionRef function = context.find_program(attr.program());
      if (function == nullptr) {
        return Fault(StatusCode::kNotFound, "PROGRAM_UNKNOWN",
                     "a Program that the session does not have; send it first");
      }
      out = std::move(function);
      break;
    }
    case v1::Attr::kFloats:
      return Fault(StatusCode::kUnimplemented, "ATTRIBUTE", "lists of floats are not supported");
    case v1::Attr::V_NOT_SET:
      return Fault(StatusCode::kUnimplemented, "ATTRIBUTE", "a kind that is not known");
  }
  return absl::OkStatus();
}

}  // namespace tensord::server
