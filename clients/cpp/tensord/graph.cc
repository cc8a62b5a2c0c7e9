#include "clients/cpp/tensord/graph.h"

#include <algorithm>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "clients/cpp/tensord/sources.h"
#include "clients/cpp/tensord/value.h"

namespace tensord::client {
namespace {

constexpr size_t kMaxConstants = 4096;

bool IsFloat(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF32 ||
         dtype == DType::kF64;
}

// What the attribute of a call says; unspecified without one.
DType DTypeOf(const NodeCall& call) {
  for (const auto& [name, value] : call.attrs) {
    if (const DType* dtype = std::get_if<DType>(&value)) return *dtype;
  }
  return DType::kUnspecified;
}

// A number that takes more than an int64_t: only with a dtype beside it that can hold it.
absl::Status CheckFits(const Scalar& value, DType dtype, const char* op) {
  const uint64_t* wide = std::get_if<uint64_t>(&value.value());
  if (wide == nullptr || dtype == DType::kU64 || IsFloat(dtype)) return absl::OkStatus();
  const std::string fits = dtype == DType::kUnspecified ? "64 bits" : std::string(Name(dtype));
  return absl::InvalidArgumentError(absl::StrCat(op, ": ", *wide, " does not fit ", fits));
}

void SetScalar(const Scalar& value, DType dtype, v1::Attr* attr) {
  if (const bool* b = std::get_if<bool>(&value.value())) {
    attr->set_b(*b);
  } else if (const int64_t* i = std::get_if<int64_t>(&value.value())) {
    attr->set_i(*i);
  } else if (const uint64_t* wide = std::get_if<uint64_t>(&value.value())) {
    if (dtype == DType::kU64) {
      attr->set_scalar(BytesOf<uint64_t>({*wide}));
    } else {
      attr->set_f(static_cast<double>(*wide));
    }
  } else {
    attr->set_f(std::get<double>(value.value()));
  }
}

std::vector<Tensor> Broken(const absl::Status& why, size_t count) {
  return std::vector<Tensor>(count, Tensor::Broken(why));
}

}  // namespace

absl::Status Graph::Owns(const Tensor& tensor, const char* what) const {
  if (absl::Status status = tensor.status(); !status.ok()) return status;
  if (tensor.graph().get() == this) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": value ", tensor.id(),
                   " belongs to another session or Program; fetch it and put it here, or make it "
                   "an input of the Program"));
}

absl::Status Graph::CheckCall(const NodeCall& call) const {
  bool ended = false;
  for (const Operand& input : call.inputs) {
    if (input.absent()) {
      ended = true;
      continue;
    }
    if (ended) {
      return absl::InvalidArgumentError(
          absl::StrCat(call.op, ": an optional input is given after one that is left out"));
    }
    absl::Status status = input.is_number()
                              ? CheckFits(input.number(), DType::kUnspecified, call.op)
                              : Owns(input.tensor(), call.op);
    if (!status.ok()) return status;
  }
  for (const auto& [name, value] : call.attrs) {
    const Scalar* number = std::get_if<Scalar>(&value);
    if (number == nullptr) continue;
    if (absl::Status status = CheckFits(*number, DTypeOf(call), call.op); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

std::vector<Tensor> Graph::Add(const NodeCall& call) {
  const auto results = static_cast<size_t>(call.results);
  if (absl::Status status = CheckCall(call); !status.ok()) return Broken(status, results);
  std::vector<Tensor> tensors;
  {
    const std::lock_guard lock(mutex_);
    if (absl::Status status = Usable(); !status.ok()) return Broken(status, results);
    const uint64_t first = Append(call);
    AfterNode();
    tensors = MakeTensors(first, results);
  }
  Relieve();
  return tensors;
}

std::vector<Tensor> Graph::MakeTensors(uint64_t first, size_t count) {
  std::vector<Tensor> tensors;
  tensors.reserve(count);
  for (uint64_t id = first; id < first + count; ++id) tensors.push_back(MakeTensor(id));
  return tensors;
}

uint64_t Graph::Append(const NodeCall& call) {
  const uint32_t source = SourceOf(call.where);
  std::vector<uint64_t> ids;
  ids.reserve(call.inputs.size());
  for (const Operand& input : call.inputs) {
    if (input.absent()) break;
    ids.push_back(input.is_number() ? Constant(input.number(), 0, source) : input.tensor().id());
  }
  BeforeItem();  // behind the constants, which may have filled a frame
  const uint64_t id = NewIds(static_cast<size_t>(call.results));
  columns_.Append({id, strings_.Intern(call.op), ids, call.results, source, call.device});
  const DType dtype = DTypeOf(call);
  for (const auto& [name, value] : call.attrs) {
    SetAttr(value, dtype, columns_.AddAttr(strings_.Intern(name)));
  }
  return id;
}

uint64_t Graph::Constant(const Scalar& value, uint32_t device, uint32_t source) {
  if (const auto it = constants_.find(value.value()); it != constants_.end()) return it->second;
  if (constants_.size() >= kMaxConstants) {
    for (const auto& [number, id] : constants_) Drop(id);
    constants_.clear();
  }
  BeforeItem();
  const uint64_t id = NewIds(1);
  columns_.Append({id, strings_.Intern("const"), {}, 1, source, device});
  SetScalar(value, DType::kUnspecified, columns_.AddAttr(strings_.Intern("value")));
  AfterNode();
  return constants_[value.value()] = id;
}

void Graph::SetAttr(const AttrValue& value, DType dtype, v1::Attr* attr) {
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, int64_t>) attr->set_i(v);
        if constexpr (std::is_same_v<T, double>) attr->set_f(v);
        if constexpr (std::is_same_v<T, bool>) attr->set_b(v);
        if constexpr (std::is_same_v<T, std::string>) attr->set_s(strings_.Intern(v));
        if constexpr (std::is_same_v<T, std::vector<int64_t>>)
          attr->mutable_ints()->mutable_v()->Assign(v.begin(), v.end());
        if constexpr (std::is_same_v<T, std::vector<double>>)
          attr->mutable_floats()->mutable_v()->Assign(v.begin(), v.end());
        if constexpr (std::is_same_v<T, Dims>) ToMessage(v, attr->mutable_dims());
        if constexpr (std::is_same_v<T, DType>) attr->set_dtype(static_cast<v1::DType>(v));
        if constexpr (std::is_same_v<T, Scalar>) SetScalar(v, dtype, attr);
      },
      value);
}

void Graph::CloseColumns() {
  if (!columns_.empty()) TakeNodes(columns_.Take());
}

std::vector<Tensor> Graph::AddGradient(std::span<const Tensor> targets, std::span<const Tensor> wrt,
                                       std::span<const Tensor> seeds, std::source_location where) {
  v1::Gradient gradient;
  for (const auto& [tensors, ids] :
       {std::pair(targets, gradient.mutable_targets()), std::pair(wrt, gradient.mutable_wrt()),
        std::pair(seeds, gradient.mutable_seeds())}) {
    for (const Tensor& tensor : tensors) {
      if (absl::Status status = Owns(tensor, "gradient"); !status.ok()) {
        return Broken(status, wrt.size());
      }
      ids->Add(tensor.id());
    }
  }
  gradient.set_source(SourceOf(where));
  const std::lock_guard lock(mutex_);
  if (absl::Status status = Usable(); !status.ok()) return Broken(status, wrt.size());
  BeforeItem();
  CloseColumns();
  const uint64_t first = NewIds(wrt.size());
  gradient.set_first_out(first);
  TakeGradient(std::move(gradient));
  return MakeTensors(first, wrt.size());
}

std::vector<Tensor> Gradient(const Tensor& loss, const std::vector<Tensor>& wrt,
                             std::source_location where) {
  return Gradient(std::vector<Tensor>{loss}, wrt, {}, where);
}

std::vector<Tensor> Gradient(const std::vector<Tensor>& targets, const std::vector<Tensor>& wrt,
                             const std::vector<Tensor>& seeds, std::source_location where) {
  if (targets.empty())
    return Broken(absl::InvalidArgumentError("gradient: no targets"), wrt.size());
  const std::shared_ptr<Graph>& graph = targets[0].graph();
  if (graph == nullptr) return Broken(targets[0].status(), wrt.size());
  return graph->AddGradient(targets, wrt, seeds, where);
}

}  // namespace tensord::client
