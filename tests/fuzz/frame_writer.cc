#include "tests/fuzz/frame_writer.h"

#include <algorithm>

#include "engine/base/sha256.h"

namespace tensord::server {

FrameWriter::FrameWriter(Choices& choices, std::string other)
    : choices_(choices), other_(std::move(other)) {
  frame_.add_items()->mutable_hello()->set_max_version(1);
  for (const char* text :
       {"add",     "mul",  "exp",     "sum",   "reshape", "matmul", "const", "expand",   "gather",
        "softmax", "conv", "permute", "where", "axes",    "dims",   "value", "order",    "axis",
        "dtype",   "cast", "argmax",  "pad",   "low",     "high",   "copy",  "nonsense", "neg"}) {
    frame_.add_strings(text);
  }
}

std::string FrameWriter::NextFrame(uint64_t acked) {
  const uint64_t items = 1 + choices_.Below(6);
  for (uint64_t i = 0; i < items; ++i) AddItem(*frame_.add_items());
  frame_.set_seq(++seq_);
  frame_.set_acked(acked);
  frame_.set_max_reply_bytes(uint64_t{1} << 40);
  std::string bytes = frame_.SerializeAsString();
  frame_.Clear();
  return bytes;
}

uint64_t FrameWriter::AnyId() {
  const uint64_t back = choices_.Below(16);
  return back == 15 ? choices_.Number() : next_ > back ? next_ - back : next_;
}

uint64_t FrameWriter::NewId(uint64_t count) {
  if (choices_.Below(32) == 31) return choices_.Number();
  return (next_ += count) - count;
}

void FrameWriter::AddSpan(v1::IdSpan& span) {
  span.set_first(AnyId());
  if (choices_.Below(4) == 3) span.set_count(static_cast<uint32_t>(choices_.Number()));
}

void FrameWriter::SetDims(v1::Dims& dims) {
  const uint64_t rank = choices_.Below(4);
  for (uint64_t i = 0; i < rank; ++i) {
    if (choices_.Below(16) == 15) {
      dims.add_dims()->set_expr("n*4 + 1");
    } else {
      dims.add_sizes(choices_.Below(12) == 11 ? choices_.Number() : choices_.Below(5));
    }
  }
}

uint64_t FrameWriter::SetType(v1::TensorType& type) {
  static const int kDTypes[] = {12, 12, 12, 5, 1, 10, 13, 9, 30, 77};
  static const uint64_t kBytes[] = {4, 4, 4, 8, 1, 2, 8, 8, 4, 4};
  const uint64_t dtype = choices_.Below(10);
  type.set_dtype(static_cast<v1::DType>(kDTypes[dtype]));
  type.set_device(choices_.Below(16) == 15 ? 3 : 0);
  SetDims(*type.mutable_dims());
  uint64_t bytes = kBytes[dtype];
  for (uint64_t d : type.dims().sizes()) bytes *= std::min<uint64_t>(d, 64);
  return std::min<uint64_t>(bytes, 4096);
}

void FrameWriter::SetAttr(v1::Attr& attr) {
  attr.set_name(13 + static_cast<uint32_t>(choices_.Below(11)));
  switch (choices_.Below(9)) {
    case 0:
      attr.set_i(static_cast<int64_t>(choices_.Number()));
      break;
    case 1:
      attr.set_f(static_cast<double>(choices_.Number()) / 3);
      break;
    case 2:
      attr.set_b(true);
      break;
    case 3:
      attr.set_s(static_cast<uint32_t>(choices_.Below(30)));
      break;
    case 4:
      for (uint64_t n = choices_.Below(4); n > 0; --n) {
        attr.mutable_ints()->add_v(static_cast<int64_t>(choices_.Number()));
      }
      attr.mutable_ints();
      break;
    case 5:
      SetDims(*attr.mutable_dims());
      break;
    case 6:
      attr.set_dtype(static_cast<v1::DType>(choices_.Below(32)));
      break;
    case 7:
      attr.set_scalar(std::string(choices_.Below(9), 'x'));
      break;
    default:
      attr.set_program(std::string(32, 'p'));
      break;
  }
}

void FrameWriter::AddNodes(v1::NodeBatch& batch) {
  const uint64_t nodes = 1 + choices_.Below(5);
  batch.set_first_id(NewId(nodes));
  for (uint64_t k = 0; k < nodes; ++k) {
    batch.add_op(static_cast<uint32_t>(choices_.Below(28)));
    const uint64_t inputs = choices_.Below(4);
    batch.add_n_in(static_cast<uint32_t>(inputs));
    for (uint64_t i = 0; i < inputs; ++i) {
      batch.add_in(static_cast<int64_t>(choices_.Below(16) == 15 ? choices_.Number()
                                                                 : 1 + choices_.Below(8)));
    }
    for (uint64_t a = choices_.Below(3); a > 0; --a) {
      v1::Attr& attr = *batch.add_attrs();
      attr.set_node(static_cast<uint32_t>(k));
      SetAttr(attr);
    }
  }
  if (choices_.Below(16) == 15) batch.add_n_out(static_cast<uint32_t>(choices_.Number()));
  if (choices_.Below(16) == 15) batch.add_device(static_cast<uint32_t>(choices_.Below(4)));
}

void FrameWriter::SetGradient(v1::Gradient& gradient, bool session) {
  for (uint64_t n = 1 + choices_.Below(2); n > 0; --n) gradient.add_targets(AnyId());
  const uint64_t wrt = 1 + choices_.Below(3);
  for (uint64_t n = 0; n < wrt; ++n) gradient.add_wrt(AnyId());
  if (choices_.Below(4) == 3) gradient.add_seeds(AnyId());
  gradient.set_first_out(session ? NewId(wrt) : AnyId());
}

void FrameWriter::AddProgram(v1::Program& program) {
  v1::ProgramBody body;
  const uint64_t saved = next_;
  next_ = 1;
  if (choices_.Below(4) == 3) {
    v1::Var& var = *body.add_vars();
    var.set_name("n");
    var.set_min(0);
    var.set_max(static_cast<int64_t>(choices_.Below(9)));
  }
  for (uint64_t n = choices_.Below(3); n > 0; --n) {
    v1::Port& port = *body.add_in();
    port.set_id(NewId(1));
    SetType(*port.mutable_type());
  }
  static const char* kTexts[] = {"add", "mul", "exp", "sum", "reshape", "matmul", "const"};
  for (const char* text : kTexts) body.add_strings(text);
  AddNodes(*body.add_items()->mutable_nodes());
  for (uint64_t n = choices_.Below(3); n > 0; --n) body.add_out()->set_id(AnyId());
  if (choices_.Below(4) == 3) body.add_donate(static_cast<uint32_t>(choices_.Below(3)));
  next_ = saved;
  program.set_body(body.SerializeAsString());
  const base::Digest digest = base::Sha256(program.body());
  program.set_digest(std::string(digest.begin(), digest.end()));
  program.set_slot(static_cast<uint32_t>(choices_.Below(4)));
  if (choices_.Below(16) == 15) program.clear_body();
}

std::string FrameWriter::AnyName() {
  return std::string(1, static_cast<char>('a' + choices_.Below(3)));
}

void FrameWriter::SetPublish(v1::Publish& publish) {
  publish.set_name(choices_.Below(16) == 15 ? "no name" : AnyName());
  publish.set_ttl_ms(other_.empty() ? 1 : 60'000);
  publish.set_shared(other_.empty() || publish.name() != kPrivateName);
  for (uint64_t n = choices_.Below(3); n > 0; --n) {
    v1::PublishEntry& entry = *publish.add_entries();
    entry.set_path(AnyName());
    entry.set_id(AnyId());
  }
}

void FrameWriter::SetLookup(v1::Lookup& lookup) {
  lookup.set_name(AnyName());
  for (uint64_t n = choices_.Below(3); n > 0; --n) lookup.add_paths(AnyName());
  lookup.set_first_id(NewId(static_cast<uint64_t>(lookup.paths_size())));
  lookup.set_min_generation(choices_.Below(3));
  if (choices_.Below(4) == 3) lookup.set_timeout_us(choices_.Number());
  if (other_.empty() || choices_.Below(2) == 0) return;
  if (lookup.name() == kPrivateName) {
    forbidden_.insert({seq_ + 1, static_cast<uint32_t>(frame_.items_size() - 1)});
  }
  lookup.set_name(other_ + "/" + lookup.name());
}

void FrameWriter::SetExecute(v1::Execute& execute) {
  execute.set_slot(static_cast<uint32_t>(choices_.Below(4)));
  for (uint64_t n = choices_.Below(3); n > 0; --n) AddSpan(*execute.add_in());
  execute.set_first_out(NewId(2));
  if (choices_.Below(8) == 7) execute.add_vars(static_cast<int64_t>(choices_.Below(9)));
  if (choices_.Below(8) == 7) AddSpan(*execute.add_after());
}

void FrameWriter::AddItem(v1::Item& item) {
  switch (choices_.Below(22)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return AddNodes(*item.mutable_nodes());
    case 4:
    case 5: {
      v1::Put& put = *item.mutable_put();
      put.set_id(NewId(1));
      put.set_data(std::string(SetType(*put.mutable_type()), '\0'));
      return;
    }
    case 6:
      return AddProgram(*item.mutable_program());
    case 7:
    case 8:
      return SetExecute(*item.mutable_execute());
    case 9:
      return AddSpan(*item.mutable_free()->add_ids());
    case 10:
      return AddSpan(*item.mutable_evaluate()->add_ids());
    case 11:
      item.mutable_fetch()->set_id(AnyId());
      return;
    case 12:
      return SetGradient(*item.mutable_gradient(), true);
    case 13:
      return AddSpan(*item.mutable_describe()->add_ids());
    case 14:
      item.mutable_barrier();
      return;
    case 15: {
      v1::BindUpload& bind = *item.mutable_bind();
      bind.set_id(NewId(1));
      SetType(*bind.mutable_type());
      bind.set_upload(choices_.Below(5));
      return;
    }
    case 16:
      item.mutable_release()->set_slot(static_cast<uint32_t>(choices_.Below(4)));
      return;
    case 17:
      return SetPublish(*item.mutable_publish());
    case 18:
    case 19:
      return SetLookup(*item.mutable_lookup());
    case 20:
      item.mutable_unpublish()->set_name(AnyName());
      return;
    default: {
      v1::Cancel& cancel = *item.mutable_cancel();
      cancel.set_first_seq(choices_.Below(4));
      cancel.set_last_seq(choices_.Number());
      return;
    }
  }
}

}  // namespace tensord::server
