#include "engine/codegen/llvm_alu.h"

#include <vector>

#include "engine/base/check.h"
#include "engine/codegen/llvm_divide.h"

namespace tensord::codegen {
namespace {

using ir::ScalarOp;
using kernel::VType;
using types::DType;

// Operands of one element type and the shape they share.
struct Alu {
  LlvmWriter& w;
  std::string_view element;
  int lanes;
  DType dtype;

  std::string Type() const { return VectorText(element, lanes); }
  std::string Splat(std::string_view value) const { return SplatText(element, value, lanes); }

  std::string Binary(std::string_view op, std::string_view a, std::string_view b) const {
    return w.Define(op, " ", Type(), " ", a, ", ", b);
  }
  std::string Select(std::string_view condition, std::string_view yes, std::string_view no) const {
    return w.Define("select ", VectorText("i1", lanes), " ", condition, ", ", Type(), " ", yes,
                    ", ", Type(), " ", no);
  }
  // llvm.NAME.<type> of `arguments`, all of this type.
  std::string Intrinsic(std::string_view name, absl::Span<const std::string> arguments) const {
    std::string types, values;
    for (const std::string& argument : arguments) {
      StrAppend(&types, types.empty() ? "" : ", ", Type());
      StrAppend(&values, values.empty() ? "" : ", ", Type(), " ", argument);
    }
    return w.Call(Type(), StrCat("llvm.", name, ".", MangledText(element, lanes)), types, values);
  }
};

// The libm function of an op, without the f of float's; "" for the others.
std::string_view LibmName(ScalarOp op) {
  switch (op) {
    case ScalarOp::kPow:
    case ScalarOp::kAtan2:
    case ScalarOp::kErf:
    case ScalarOp::kErfc:
      return ir::Row(op).name;
    case ScalarOp::kTruncRem:
      return "fmod";
    default:
      return op >= ScalarOp::kExp && op <= ScalarOp::kErf ? ir::Row(op).name : "";
  }
}

// One call per lane.
std::string Libm(const Alu& alu, std::string_view name, absl::Span<const std::string> arguments) {
  const std::string function = StrCat(name, alu.element == "float" ? "f" : "");
  const std::string parameters =
      arguments.size() == 2 ? StrCat(alu.element, ", ", alu.element) : std::string(alu.element);
  alu.w.Declare(StrCat("declare ", alu.element, " @", function, "(", parameters, ") #1"));
  auto call = [&](absl::Span<const std::string> scalars) {
    std::string values;
    for (const std::string& s : scalars) {
      StrAppend(&values, values.empty() ? "" : ", ", alu.element, " ", s);
    }
    return alu.w.Define("call ", alu.element, " @", function, "(", values, ") #1");
  };
  if (alu.lanes == 1) return call(arguments);
  std::string vector = "poison";
  for (int lane = 0; lane < alu.lanes; ++lane) {
    std::vector<std::string> scalars;
    for (const std::string& a : arguments) {
      scalars.push_back(alu.w.Define("extractelement ", alu.Type(), " ", a, ", i64 ", lane));
    }
    vector = alu.w.Define("insertelement ", alu.Type(), " ", vector, ", ", alu.element, " ",
                          call(scalars), ", i64 ", lane);
  }
  return vector;
}

// The remainder is exact and has the divisor's sign, a zero one too.
std::string FloatFloorMod(const Alu& alu, const std::string& a, const std::string& b) {
  const std::string zero = alu.Splat(alu.element == "float" ? FloatLiteral(0) : DoubleLiteral(0));
  const std::string r = Libm(alu, "fmod", {a, b});
  const std::string r_negative = alu.Binary("fcmp olt", r, zero);
  const std::string b_negative = alu.Binary("fcmp olt", b, zero);
  const std::string differ =
      alu.w.Define("xor ", VectorText("i1", alu.lanes), " ", r_negative, ", ", b_negative);
  const std::string moved = alu.Select(differ, alu.Binary("fadd", r, b), r);
  const std::string is_zero = alu.Binary("fcmp oeq", r, zero);
  return alu.Select(is_zero, alu.Intrinsic("copysign", {zero, b}), moved);
}

std::string Float(const Alu& alu, ScalarOp op, absl::Span<const std::string> x) {
  if (std::string_view name = LibmName(op); !name.empty()) return Libm(alu, name, x);
  switch (op) {
    case ScalarOp::kAdd:
      return alu.Binary("fadd", x[0], x[1]);
    case ScalarOp::kSub:
      return alu.Binary("fsub", x[0], x[1]);
    case ScalarOp::kMul:
      return alu.Binary("fmul", x[0], x[1]);
    case ScalarOp::kDiv:
      return alu.Binary("fdiv", x[0], x[1]);
    case ScalarOp::kFloorDiv:
      return alu.Intrinsic("floor", {alu.Binary("fdiv", x[0], x[1])});
    case ScalarOp::kTruncDiv:
      return alu.Intrinsic("trunc", {alu.Binary("fdiv", x[0], x[1])});
    case ScalarOp::kFloorMod:
      return FloatFloorMod(alu, x[0], x[1]);
    case ScalarOp::kMin:
      return alu.Intrinsic("minimum", x);
    case ScalarOp::kMax:
      return alu.Intrinsic("maximum", x);
    case ScalarOp::kCopySign:
      return alu.Intrinsic("copysign", x);
    case ScalarOp::kNeg:
      return alu.w.Define("fneg ", alu.Type(), " ", x[0]);
    case ScalarOp::kAbs:
      return alu.Intrinsic("fabs", x);
    case ScalarOp::kSqrt:
      return alu.Intrinsic("sqrt", x);
    case ScalarOp::kFloor:
      return alu.Intrinsic("floor", x);
    case ScalarOp::kCeil:
      return alu.Intrinsic("ceil", x);
    case ScalarOp::kTrunc:
      return alu.Intrinsic("trunc", x);
    case ScalarOp::kRound:
      return alu.Intrinsic("roundeven", x);
    case ScalarOp::kFma:
      return alu.Intrinsic("fma", x);
    default:
      TENSORD_CHECK(false, "float ", std::string(ir::Row(op).name));
  }
  return "";
}

// An amount outside [0, width) shifts everything out; amounts that surely fit need no check.
std::string Shift(const Alu& alu, ScalarOp op, const Operand& a, const Operand& amount) {
  const int width = types::Row(alu.dtype).bits;
  const bool arithmetic = op == ScalarOp::kShr && types::IsSigned(alu.dtype);
  const std::string_view shift = op == ScalarOp::kShl ? "shl" : arithmetic ? "ashr" : "lshr";
  if (amount.fact.Within(0, width - 1)) return alu.Binary(shift, a.text, amount.text);
  const std::string last = alu.Splat(StrCat(width - 1));
  if (arithmetic) {
    return alu.Binary(shift, a.text, alu.Intrinsic("umin", {amount.text, last}));
  }
  const std::string fits = alu.Binary("icmp ule", amount.text, last);
  return alu.Select(fits, alu.Binary(shift, a.text, amount.text), alu.Splat("0"));
}

std::string IntExtremum(const Alu& alu, ScalarOp op, absl::Span<const std::string> x) {
  const bool is_min = op == ScalarOp::kMin;
  if (types::IsBool(alu.dtype)) return alu.Binary(is_min ? "and" : "or", x[0], x[1]);
  if (types::IsSigned(alu.dtype)) return alu.Intrinsic(is_min ? "smin" : "smax", x);
  return alu.Intrinsic(is_min ? "umin" : "umax", x);
}

std::string IntAbs(const Alu& alu, const std::string& a) {
  if (!types::IsSigned(alu.dtype)) return a;
  const std::string type = alu.Type();
  return alu.w.Call(type, StrCat("llvm.abs.", MangledText(alu.element, alu.lanes)),
                    StrCat(type, ", i1"), StrCat(type, " ", a, ", i1 false"));
}

std::string Int(const Alu& alu, ScalarOp op, absl::Span<const Operand> operands,
                absl::Span<const std::string> x) {
  switch (op) {
    case ScalarOp::kAdd:
      return alu.Binary("add", x[0], x[1]);
    case ScalarOp::kSub:
      return alu.Binary("sub", x[0], x[1]);
    case ScalarOp::kMul:
      return alu.Binary("mul", x[0], x[1]);
    case ScalarOp::kAnd:
      return alu.Binary("and", x[0], x[1]);
    case ScalarOp::kOr:
      return alu.Binary("or", x[0], x[1]);
    case ScalarOp::kXor:
      return alu.Binary("xor", x[0], x[1]);
    case ScalarOp::kFloorDiv:
    case ScalarOp::kFloorMod:
    case ScalarOp::kTruncDiv:
    case ScalarOp::kTruncRem:
      return EmitIntDivide(alu.w, op, operands[0], operands[1]);
    case ScalarOp::kMin:
    case ScalarOp::kMax:
      return IntExtremum(alu, op, x);
    case ScalarOp::kShl:
    case ScalarOp::kShr:
      return Shift(alu, op, operands[0], operands[1]);
    case ScalarOp::kNeg:
      return alu.Binary("sub", alu.Splat("0"), x[0]);
    case ScalarOp::kAbs:
      return IntAbs(alu, x[0]);
    case ScalarOp::kNot:
      return alu.Binary("xor", x[0], alu.Splat(types::IsBool(alu.dtype) ? "true" : "-1"));
    default:
      TENSORD_CHECK(false, "integer ", std::string(ir::Row(op).name));
  }
  return "";
}

std::string Compare(const Alu& alu, ScalarOp op, absl::Span<const std::string> x) {
  const bool is_float = types::IsFloat(alu.dtype), is_signed = types::IsSigned(alu.dtype);
  auto spell = [&](std::string_view of_float, std::string_view of_signed,
                   std::string_view of_unsigned) {
    return alu.Binary(is_float ? of_float : is_signed ? of_signed : of_unsigned, x[0], x[1]);
  };
  switch (op) {
    case ScalarOp::kEq:
      return spell("fcmp oeq", "icmp eq", "icmp eq");
    case ScalarOp::kNe:
      return spell("fcmp une", "icmp ne", "icmp ne");
    case ScalarOp::kLt:
      return spell("fcmp olt", "icmp slt", "icmp ult");
    default:
      return spell("fcmp ole", "icmp sle", "icmp ule");
  }
}

std::string Where(LlvmWriter& w, VType result, absl::Span<const Operand> x) {
  const std::string type = RegisterType(result);
  return w.Define("select ", RegisterType(x[0].type), " ", x[0].text, ", ", type, " ", x[1].text,
                  ", ", type, " ", x[2].text);
}

std::string Bitcast(LlvmWriter& w, VType result, const Operand& from) {
  const std::string to = RegisterType(result), have = RegisterType(from.type);
  if (to == have) return from.text;
  if (types::IsBool(from.type.dtype)) return w.Define("zext ", have, " ", from.text, " to ", to);
  return w.Define("bitcast ", have, " ", from.text, " to ", to);
}

// LLVM 19 narrows llvm.maximum of two extended halves to a maximum of halves, and where the machine
// has none (x86 before AVX512-FP16) compares without regard to NaN. The fence keeps it as written.
bool NarrowedWrongly(ScalarOp op, types::DType dtype) {
  return dtype == types::DType::kF16 && (op == ScalarOp::kMin || op == ScalarOp::kMax);
}

}  // namespace

std::string EmitAlu(LlvmWriter& w, ScalarOp op, VType result, absl::Span<const Operand> operands) {
  if (op == ScalarOp::kCast) return EmitCast(w, result.dtype, operands[0]);
  if (op == ScalarOp::kBitcast) return Bitcast(w, result, operands[0]);
  if (op == ScalarOp::kWhere) return Where(w, result, operands);
  const VType type = operands[0].type;
  const bool half = types::IsHalf(type.dtype);
  const Alu alu{w, half ? "float" : RegisterElement(type.dtype), type.lanes, type.dtype};
  std::vector<std::string> values;
  for (const Operand& operand : operands) {
    values.push_back(half ? EmitHalfToFloat(w, operand) : operand.text);
  }
  if (NarrowedWrongly(op, type.dtype)) {
    for (std::string& value : values) value = alu.Intrinsic("arithmetic.fence", {value});
  }
  if ((ir::Row(op).traits & ir::kCompare) != 0) return Compare(alu, op, values);
  if (!types::IsFloat(type.dtype)) return Int(alu, op, operands, values);
  const std::string value = Float(alu, op, values);
  return half ? EmitFloatToHalf(w, type.dtype, value, type.lanes) : value;
}

std::string EmitHorizontal(LlvmWriter& w, ScalarOp op, const Operand& value) {
  Operand all = value;
  while (all.type.lanes > 1) {
    const int half = all.type.lanes / 2;
    const std::string type = RegisterType(all.type);
    auto part = [&](int first) {
      std::string lanes;
      for (int i = 0; i < half; ++i) StrAppend(&lanes, i == 0 ? "" : ", ", "i32 ", first + i);
      const std::string text =
          half == 1 ? w.Define("extractelement ", type, " ", all.text, ", i64 ", first)
                    : w.Define("shufflevector ", type, " ", all.text, ", ", type, " poison, <",
                               half, " x i32> <", lanes, ">");
      return Operand{text, {all.type.dtype, half}, {}};
    };
    const Operand halves[] = {part(0), part(half)};
    all = {EmitAlu(w, op, halves[0].type, halves), halves[0].type, {}};
  }
  return all.text;
}

}  // namespace tensord::codegen
