#include "clients/cpp/tensord/type.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tensord::client {

std::string Dim::ToString() const { return constant() ? absl::StrCat(size_) : expression_; }

bool Type::constant() const {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.constant(); });
}

int64_t Type::elements() const {
  int64_t count = 1;
  for (const Dim& dim : dims) count *= dim.size();
  return count;
}

int64_t Type::bytes() const { return elements() * SizeOf(dtype); }

std::string Type::ToString() const {
  std::string text(Name(dtype));
  text += '[';
  for (size_t i = 0; i < dims.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", dims[i].ToString());
  }
  return text + "]";
}

void ToMessage(const Dims& dims, v1::Dims* message) {
  const bool plain = std::all_of(dims.begin(), dims.end(),
                                 [](const Dim& dim) { return dim.constant() && dim.size() >= 0; });
  for (const Dim& dim : dims) {
    if (plain) {
      message->add_sizes(static_cast<uint64_t>(dim.size()));
    } else if (dim.constant() && dim.size() >= 0) {
      message->add_dims()->set_size(static_cast<uint64_t>(dim.size()));
    } else {
      message->add_dims()->set_expr(dim.ToString());
    }
  }
}

void ToMessage(const Type& type, v1::TensorType* message) {
  message->set_dtype(static_cast<v1::DType>(type.dtype));
  message->set_device(type.device);
  if (!type.dims.empty()) ToMessage(type.dims, message->mutable_dims());
}

Dims FromMessage(const v1::Dims& message) {
  Dims dims(message.sizes().begin(), message.sizes().end());
  for (const v1::Dim& dim : message.dims()) {
    if (dim.d_case() == v1::Dim::kExpr) {
      dims.emplace_back(dim.expr());
    } else {
      dims.emplace_back(dim.size());
    }
  }
  return dims;
}

Type FromMessage(const v1::TensorType& message) {
  return {static_cast<DType>(message.dtype()), FromMessage(message.dims()), message.device()};
}

}  // namespace tensord::client
