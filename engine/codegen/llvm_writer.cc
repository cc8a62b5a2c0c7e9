#include "engine/codegen/llvm_writer.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_format.h"

namespace tensord::codegen {

using kernel::VType;
using types::DType;

std::string VectorText(std::string_view element, int lanes) {
  return lanes == 1 ? std::string(element) : StrCat("<", lanes, " x ", element, ">");
}

std::string MangledText(std::string_view element, int lanes) {
  const std::string name = element == "float"    ? "f32"
                           : element == "double" ? "f64"
                           : element == "half"   ? "f16"
                           : element == "ptr"    ? "p0"
                                                 : std::string(element);
  return lanes == 1 ? name : StrCat("v", lanes, name);
}

std::string SplatText(std::string_view element, std::string_view value, int lanes) {
  return lanes == 1 ? std::string(value) : StrCat("splat (", element, " ", value, ")");
}

// LLVM writes a float as the double of the same value; NaN payloads shift along.
std::string FloatLiteral(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) != 0x7f800000u) return DoubleLiteral(value);
  const uint64_t sign = static_cast<uint64_t>(bits >> 31) << 63;
  const uint64_t payload = static_cast<uint64_t>(bits & 0x007fffffu) << 29;
  return absl::StrFormat("0x%016X", sign | 0x7ff0000000000000u | payload);
}

std::string DoubleLiteral(double value) {
  return absl::StrFormat("0x%016X", std::bit_cast<uint64_t>(value));
}

std::string_view RegisterElement(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return "i1";
    case DType::kI8:
    case DType::kU8:
      return "i8";
    case DType::kI16:
    case DType::kU16:
    case DType::kF16:
    case DType::kBF16:
      return "i16";
    case DType::kI32:
    case DType::kU32:
      return "i32";
    case DType::kI64:
    case DType::kU64:
      return "i64";
    case DType::kF32:
      return "float";
    case DType::kF64:
      return "double";
    default:
      return "void";
  }
}

std::string_view MemoryElement(DType dtype) {
  return dtype == DType::kBool ? "i8" : RegisterElement(dtype);
}

std::string RegisterType(VType type) { return VectorText(RegisterElement(type.dtype), type.lanes); }

std::string MemoryType(VType type) { return VectorText(MemoryElement(type.dtype), type.lanes); }

std::string ConstantText(VType type, const types::Scalar& value) {
  std::byte bytes[8] = {};
  value.ToBytes(bytes);
  uint64_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  std::string text;
  switch (type.dtype) {
    case DType::kBool:
      text = bits != 0 ? "true" : "false";
      break;
    case DType::kF32:
      text = FloatLiteral(std::bit_cast<float>(static_cast<uint32_t>(bits)));
      break;
    case DType::kF64:
      text = DoubleLiteral(std::bit_cast<double>(bits));
      break;
    default:
      text = types::IsSigned(type.dtype) ? StrCat(value.i) : StrCat(bits);
      break;
  }
  return SplatText(RegisterElement(type.dtype), text, type.lanes);
}

std::string LlvmWriter::Call(std::string_view type, std::string_view name,
                             std::string_view parameters, std::string_view arguments) {
  Declare(StrCat("declare ", type, " @", name, "(", parameters, ")"));
  return Define("call ", type, " @", name, "(", arguments, ")");
}

std::string LlvmWriter::StackSlot(std::string_view type, int align) {
  std::string name = StrCat("%s", next_++);
  StrAppend(&slots_, "  ", name, " = alloca ", type, ", align ", align, "\n");
  return name;
}

std::string LlvmWriter::TakeFunction() {
  std::string text = StrCat(slots_, body_);
  slots_.clear();
  body_.clear();
  block_ = "entry";
  next_ = 0;
  return text;
}

}  // namespace tensord::codegen
