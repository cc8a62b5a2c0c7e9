#include "engine/codegen/llvm_divide.h"

#include <limits>

namespace tensord::codegen {
namespace {

using ir::ScalarOp;
using types::DType;

struct Divide {
  LlvmWriter& w;
  std::string element;
  int lanes, bits;
  bool is_signed;
  Operand a, b;

  std::string Type() const { return VectorText(element, lanes); }
  std::string Splat(std::string_view value) const { return SplatText(element, value, lanes); }
  std::string Binary(std::string_view op, std::string_view x, std::string_view y) const {
    return w.Define(op, " ", Type(), " ", x, ", ", y);
  }
  std::string Bits(std::string_view op, std::string_view x, std::string_view y) const {
    return w.Define(op, " ", VectorText("i1", lanes), " ", x, ", ", y);
  }
  std::string Select(std::string_view c, std::string_view x, std::string_view y) const {
    return w.Define("select ", VectorText("i1", lanes), " ", c, ", ", Type(), " ", x, ", ", Type(),
                    " ", y);
  }
  std::string Convert(std::string_view op, std::string_view from, std::string_view value,
                      std::string_view to) const {
    return w.Define(op, " ", VectorText(from, lanes), " ", value, " to ", VectorText(to, lanes));
  }
};

bool IsZeroPossible(const Operand& b) { return b.fact.min <= 0 && b.fact.max >= 0; }
bool IsMinusOnePossible(const Operand& b) { return b.fact.min <= -1 && b.fact.max >= -1; }

std::string Lowest(int bits) { return StrCat(std::numeric_limits<int64_t>::min() >> (64 - bits)); }

// `b` with the divisors that trap replaced by 1; `zero` becomes the condition b == 0, or "".
std::string SafeDivisor(const Divide& d, std::string* zero) {
  std::string bad;
  if (IsZeroPossible(d.b)) bad = *zero = d.Binary("icmp eq", d.b.text, d.Splat("0"));
  if (d.is_signed && IsMinusOnePossible(d.b)) {
    const std::string minus_one = d.Binary("icmp eq", d.b.text, d.Splat("-1"));
    const std::string lowest = d.Binary("icmp eq", d.a.text, d.Splat(Lowest(d.bits)));
    const std::string wraps = d.Bits("and", minus_one, lowest);
    bad = bad.empty() ? wraps : d.Bits("or", bad, wraps);
  }
  return bad.empty() ? d.b.text : d.Select(bad, d.Splat("1"), d.b.text);
}

// a / b truncated. Vectors of at most 32 bits divide as floats with more than twice the digits: the
// quotient is exact after truncation, and the processor has no vector division of integers.
std::string Quotient(const Divide& d, const std::string& b) {
  if (d.lanes == 1 || d.bits > 32 || d.b.fact.constant()) {
    return d.Binary(d.is_signed ? "sdiv" : "udiv", d.a.text, b);
  }
  const std::string_view real = d.bits == 32 ? "double" : "float";
  const std::string_view from_int = d.is_signed ? "sitofp" : "uitofp";
  const std::string x = d.Convert(from_int, d.element, d.a.text, real);
  const std::string y = d.Convert(from_int, d.element, b, real);
  const std::string q = d.w.Define("fdiv ", VectorText(real, d.lanes), " ", x, ", ", y);
  return d.Convert(d.is_signed ? "fptosi" : "fptoui", real, q, d.element);
}

// The condition that a quotient truncated towards 0 is one above the floored one.
std::string NeedsFloor(const Divide& d, const std::string& remainder, const std::string& b) {
  const std::string inexact = d.Binary("icmp ne", remainder, d.Splat("0"));
  const std::string signs = d.Binary("xor", remainder, b);
  return d.Bits("and", inexact, d.Binary("icmp slt", signs, d.Splat("0")));
}

std::string General(const Divide& d, ScalarOp op) {
  std::string zero;
  const std::string b = SafeDivisor(d, &zero);
  std::string q = Quotient(d, b);
  std::string r = d.Binary("sub", d.a.text, d.Binary("mul", q, b));
  const bool floor = op == ScalarOp::kFloorDiv || op == ScalarOp::kFloorMod;
  const bool one_sign = d.a.fact.min >= 0 && d.b.fact.min >= 0;
  if (floor && d.is_signed && !one_sign) {
    const std::string fix = NeedsFloor(d, r, b);
    q = d.Binary("add", q, d.Convert("sext", "i1", fix, d.element));
    r = d.Binary("add", r, d.Select(fix, b, d.Splat("0")));
  }
  const bool quotient = op == ScalarOp::kFloorDiv || op == ScalarOp::kTruncDiv;
  const std::string result = quotient ? q : r;
  return zero.empty() ? result : d.Select(zero, d.Splat("0"), result);
}

}  // namespace

std::string EmitIntDivide(LlvmWriter& w, ScalarOp op, const Operand& a, const Operand& b) {
  const int lanes = a.type.lanes;
  Divide d{w,
           std::string(RegisterElement(a.type.dtype)),
           lanes,
           types::Row(a.type.dtype).bits,
           types::IsSigned(a.type.dtype),
           a,
           b};
  constexpr int64_t kMax32 = std::numeric_limits<int32_t>::max();
  const bool narrow =
      d.bits == 64 && lanes > 1 && a.fact.Within(0, kMax32) && b.fact.Within(1, kMax32);
  if (!narrow) {
    // Both known to be non-negative: unsigned division is the same and cheaper.
    if (a.fact.min >= 0 && b.fact.min >= 1) d.is_signed = false;
    return General(d, op);
  }
  // Indices in i64 lanes that fit in 32 bits.
  d.a.text = d.Convert("trunc", "i64", a.text, "i32");
  d.b.text = d.Convert("trunc", "i64", b.text, "i32");
  d.element = "i32";
  d.bits = 32;
  d.is_signed = false;
  return d.Convert("zext", "i32", General(d, op), "i64");
}

}  // namespace tensord::codegen
