// Conversions between dtypes, for llvm_alu.h.
#include "engine/base/check.h"
#include "engine/codegen/llvm_alu.h"

namespace tensord::codegen {
namespace {

using types::DType;

// One element type of a conversion, over a number of lanes.
struct Lanes {
  LlvmWriter& w;
  int lanes;

  std::string Type(std::string_view element) const { return VectorText(element, lanes); }
  std::string Splat(std::string_view element, std::string_view value) const {
    return SplatText(element, value, lanes);
  }
  std::string Convert(std::string_view op, std::string_view from, std::string_view value,
                      std::string_view to) const {
    return w.Define(op, " ", Type(from), " ", value, " to ", Type(to));
  }
  std::string Compare(std::string_view op, std::string_view element, std::string_view a,
                      std::string_view b) const {
    return w.Define(op, " ", Type(element), " ", a, ", ", b);
  }
  std::string Binary(std::string_view op, std::string_view element, std::string_view a,
                     std::string_view b) const {
    return w.Define(op, " ", Type(element), " ", a, ", ", b);
  }
  std::string Select(std::string_view condition, std::string_view element, std::string_view yes,
                     std::string_view no) const {
    return w.Define("select ", Type("i1"), " ", condition, ", ", Type(element), " ", yes, ", ",
                    Type(element), " ", no);
  }
  std::string Abs(std::string_view element, std::string_view value) const {
    const std::string type = Type(element);
    return w.Call(type, StrCat("llvm.fabs.", MangledText(element, lanes)), type,
                  StrCat(type, " ", value));
  }
};

// double -> float so that a second rounding to fewer bits gives what one rounding would: truncated,
// with the last bit set when anything was cut off (round to odd).
std::string DoubleToOddFloat(const Lanes& v, std::string_view value) {
  const std::string nearest = v.Convert("fptrunc", "double", value, "float");
  const std::string back = v.Convert("fpext", "float", nearest, "double");
  const std::string inexact = v.Compare("fcmp one", "double", back, value);
  const std::string beyond =
      v.Compare("fcmp ogt", "double", v.Abs("double", back), v.Abs("double", value));
  std::string bits = v.Convert("bitcast", "float", nearest, "i32");
  bits = v.Binary("sub", "i32", bits, v.Convert("zext", "i1", beyond, "i32"));
  bits = v.Binary("or", "i32", bits, v.Convert("zext", "i1", inexact, "i32"));
  return v.Convert("bitcast", "i32", bits, "float");
}

std::string FloatToBfloatBits(const Lanes& v, std::string_view value) {
  const std::string bits = v.Convert("bitcast", "float", value, "i32");
  const std::string high = v.Binary("lshr", "i32", bits, v.Splat("i32", "16"));
  const std::string even = v.Binary("and", "i32", high, v.Splat("i32", "1"));
  std::string sum = v.Binary("add", "i32", bits, v.Splat("i32", "32767"));
  sum = v.Binary("add", "i32", sum, even);
  const std::string rounded = v.Binary("lshr", "i32", sum, v.Splat("i32", "16"));
  const std::string quiet = v.Binary("or", "i32", high, v.Splat("i32", "64"));
  const std::string nan = v.Compare("fcmp uno", "float", value, value);
  return v.Convert("trunc", "i32", v.Select(nan, "i32", quiet, rounded), "i16");
}

// Bounds of the saturating conversion: exact in float and double.
struct Saturation {
  std::string_view element;  // "i32"
  std::string low, high;     // as integers
  double low_float, end_float;
};

Saturation SaturationOf(bool is_signed, int bits) {
  if (bits == 64) {
    if (is_signed) return {"i64", "-9223372036854775808", "9223372036854775807", -0x1p63, 0x1p63};
    return {"i64", "0", "-1", 0, 0x1p64};
  }
  if (is_signed) return {"i32", "-2147483648", "2147483647", -0x1p31, 0x1p31};
  return {"i32", "0", "-1", 0, 0x1p32};
}

// Truncated and clamped to 32 or 64 bits, NaN to 0. (llvm.fptosi.sat is split into scalars by the
// x86 back end.) What the conversion itself gives out of range is never selected.
std::string Saturate(const Lanes& v, std::string_view from, std::string_view value, bool is_signed,
                     int bits) {
  const Saturation s = SaturationOf(is_signed, bits);
  auto literal = [&](double x) {
    return v.Splat(from, from == "float" ? FloatLiteral(static_cast<float>(x)) : DoubleLiteral(x));
  };
  std::string r = v.Convert(is_signed ? "fptosi" : "fptoui", from, value, s.element);
  const std::string over = v.Compare("fcmp oge", from, value, literal(s.end_float));
  r = v.Select(over, s.element, v.Splat(s.element, s.high), r);
  // Unsigned: NaN and negatives are both 0.
  const std::string under =
      v.Compare(is_signed ? "fcmp olt" : "fcmp ult", from, value, literal(s.low_float));
  r = v.Select(under, s.element, v.Splat(s.element, s.low), r);
  if (!is_signed) return r;
  const std::string nan = v.Compare("fcmp uno", from, value, value);
  return v.Select(nan, s.element, v.Splat(s.element, "0"), r);
}

std::string Clamp32(const Lanes& v, std::string_view value, int64_t low, int64_t high) {
  const std::string type = v.Type("i32"), mangled = MangledText("i32", v.lanes);
  const std::string both = StrCat(type, ", ", type);
  const std::string at_least =
      v.w.Call(type, StrCat("llvm.smax.", mangled), both,
               StrCat(type, " ", value, ", ", type, " ", v.Splat("i32", StrCat(low))));
  return v.w.Call(type, StrCat("llvm.smin.", mangled), both,
                  StrCat(type, " ", at_least, ", ", type, " ", v.Splat("i32", StrCat(high))));
}

std::string FloatToInt(const Lanes& v, std::string_view from, std::string_view value, DType to) {
  const types::DTypeRow& row = types::Row(to);
  const bool is_signed = types::IsSigned(to);
  if (row.bits >= 32) return Saturate(v, from, value, is_signed, row.bits);
  const int64_t low = is_signed ? -(int64_t{1} << (row.bits - 1)) : 0;
  const int64_t high = (int64_t{1} << (is_signed ? row.bits - 1 : row.bits)) - 1;
  const std::string wide = Clamp32(v, Saturate(v, from, value, true, 32), low, high);
  return v.Convert("trunc", "i32", wide, RegisterElement(to));
}

std::string FromFloat(LlvmWriter& w, std::string_view from, std::string_view value, DType to,
                      int lanes) {
  const Lanes v{w, lanes};
  const bool is_double = from == "double";
  switch (to) {
    case DType::kBool: {
      const std::string zero = v.Splat(from, is_double ? DoubleLiteral(0) : FloatLiteral(0));
      return v.Compare("fcmp une", from, value, zero);
    }
    case DType::kF16:
    case DType::kBF16:
      return EmitFloatToHalf(w, to, is_double ? DoubleToOddFloat(v, value) : std::string(value),
                             lanes);
    case DType::kF32:
      return is_double ? v.Convert("fptrunc", from, value, "float") : std::string(value);
    case DType::kF64:
      return is_double ? std::string(value) : v.Convert("fpext", from, value, "double");
    default:
      return FloatToInt(v, from, value, to);
  }
}

std::string FromInt(LlvmWriter& w, DType to, const Operand& from) {
  const Lanes v{w, from.type.lanes};
  const std::string_view element = RegisterElement(from.type.dtype);
  const bool is_signed = types::IsSigned(from.type.dtype);
  if (types::IsFloat(to)) {
    const std::string_view target = to == DType::kF64 ? "double" : "float";
    const std::string value =
        v.Convert(is_signed ? "sitofp" : "uitofp", element, from.text, target);
    return types::IsHalf(to) ? EmitFloatToHalf(w, to, value, v.lanes) : value;
  }
  if (types::IsBool(to)) {
    return v.Compare("icmp ne", element, from.text, v.Splat(element, "0"));
  }
  const int have = types::Row(from.type.dtype).bits, want = types::Row(to).bits;
  if (have == want) return from.text;
  const std::string_view op = have > want ? "trunc" : is_signed ? "sext" : "zext";
  return v.Convert(op, element, from.text, RegisterElement(to));
}

}  // namespace

std::string EmitHalfToFloat(LlvmWriter& w, const Operand& half) {
  const Lanes v{w, half.type.lanes};
  if (half.type.dtype == DType::kF16) {
    return v.Convert("fpext", "half", v.Convert("bitcast", "i16", half.text, "half"), "float");
  }
  const std::string wide = v.Convert("zext", "i16", half.text, "i32");
  return v.Convert("bitcast", "i32", v.Binary("shl", "i32", wide, v.Splat("i32", "16")), "float");
}

std::string EmitFloatToHalf(LlvmWriter& w, DType to, std::string_view value, int lanes) {
  const Lanes v{w, lanes};
  if (to == DType::kBF16) return FloatToBfloatBits(v, value);
  return v.Convert("bitcast", "half", v.Convert("fptrunc", "float", value, "half"), "i16");
}

std::string EmitCast(LlvmWriter& w, DType to, const Operand& from) {
  if (to == from.type.dtype) return from.text;
  if (types::IsHalf(from.type.dtype)) {
    return FromFloat(w, "float", EmitHalfToFloat(w, from), to, from.type.lanes);
  }
  if (types::IsFloat(from.type.dtype)) {
    return FromFloat(w, RegisterElement(from.type.dtype), from.text, to, from.type.lanes);
  }
  return FromInt(w, to, from);
}

}  // namespace tensord::codegen
