// Reads the text that Print writes:
//
//   kernel    = "kernel" @name "(" [parameter {"," parameter}] ")" "{" {array} {instr} "}"
//   parameter = buffer ("in" | "out" | "inout") [align] | name "in" "[" min "," max "]"
//   array     = ("local" | "private") buffer [align]
//   buffer    = %name ":" dtype "[" elements "]"          align = "align" bytes
//   instr     = %n "=" (value | "for" kind %n "," %n "," step "{") | effect | "}"
//   value     = "const" type number            | "var" name
//             | scalar-op type %n {"," %n}     | "horizontal." scalar-op type %n
//             | "splat" type %n                | "iota" type
//             | "extract" type %n "," lane     | "insert" type %n "," lane "," %n
//             | "shuffle" type %n ["," %n] "," "[" lane {"," lane} "]"
//             | ("load" | "gather") type %name "[" %n "]" ["mask" %n]
//             | "acc" type %n
//   effect    = ("store" | "store.nt" | "scatter") type %name "[" %n "]" "," %n ["mask" %n]
//             | "set" type %n "," %n | "if" %n "{" | "barrier"
//   kind      = "serial" | "parallel" | "group." dimension | "local." dimension
//   type      = dtype ["x" lanes]
//
// There is no recursion, so no input can exhaust the stack.
#include <charconv>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "engine/base/status.h"
#include "engine/kernel/linear.h"
#include "engine/kernel/linear_lexer.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;
using types::Scalar;

constexpr int32_t kMaxLanes = 1 << 16;
constexpr size_t kMaxExpression = 4096;  // characters of an index expression

const std::map<std::string_view, Opcode> kOpcodes = {
    {"const", Opcode::kConst},     {"var", Opcode::kVar},         {"splat", Opcode::kSplat},
    {"iota", Opcode::kIota},       {"extract", Opcode::kExtract}, {"insert", Opcode::kInsert},
    {"shuffle", Opcode::kShuffle}, {"load", Opcode::kLoad},       {"gather", Opcode::kGather},
    {"store", Opcode::kStore},     {"scatter", Opcode::kScatter}, {"acc", Opcode::kAcc},
    {"set", Opcode::kSet},         {"for", Opcode::kFor},         {"if", Opcode::kIf},
    {"barrier", Opcode::kBarrier},
};

const std::map<std::string_view, Access> kAccesses = {
    {"in", Access::kIn}, {"out", Access::kOut}, {"inout", Access::kInOut}};

const std::map<std::string_view, LoopKind> kLoops = {{"serial", LoopKind::kSerial},
                                                     {"parallel", LoopKind::kParallel},
                                                     {"group", LoopKind::kGroup},
                                                     {"local", LoopKind::kLocal}};

template <typename T>
bool ReadNumber(std::string_view text, T* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  absl::StatusOr<Linear> Parse() {
    RETURN_IF_ERROR(Signature());
    while (IsWord("local") || IsWord("private")) RETURN_IF_ERROR(Array());
    RETURN_IF_ERROR(Elements());
    int depth = 1;
    while (depth > 0) {
      if (TakeIf("}")) {
        if (--depth > 0) kernel_.code.push_back({.opcode = Opcode::kEnd});
        continue;
      }
      RETURN_IF_ERROR(Instruction());
      const Opcode opcode = kernel_.code.back().opcode;
      if (opcode == Opcode::kFor || opcode == Opcode::kIf) ++depth;
    }
    if (token().kind != TokenKind::kEnd) return Error("the end of the text");
    kernel_.registers = registers_;
    return std::move(kernel_);
  }

 private:
  const Token& token() const { return lexer_.token(); }

  absl::Status Error(std::string_view expected) const {
    return InvalidArgument("kernel text, line ", token().line, ": expected ", expected, ", found ",
                           token().kind == TokenKind::kEnd ? "the end" : "\"",
                           token().text.substr(0, 40), token().kind == TokenKind::kEnd ? "" : "\"");
  }

  bool IsWord(std::string_view word) const {
    return token().kind == TokenKind::kWord && token().text == word;
  }
  bool TakeIf(std::string_view text) {
    if (token().text != text || (token().kind != TokenKind::kPunctuation && !IsWord(text))) {
      return false;
    }
    lexer_.Next();
    return true;
  }
  absl::Status Take(std::string_view text) {
    return TakeIf(text) ? absl::OkStatus() : Error(StrCat("\"", text, "\""));
  }
  absl::Status Text(TokenKind kind, std::string_view what, std::string_view* text) {
    if (token().kind != kind || token().text.empty()) return Error(what);
    *text = token().text;
    lexer_.Next();
    return absl::OkStatus();
  }
  template <typename T>
  absl::Status Integer(T* value, int64_t min = INT64_MIN, int64_t max = INT64_MAX) {
    int64_t wide = 0;
    if (token().kind != TokenKind::kNumber || !ReadNumber(token().text, &wide) || wide < min ||
        wide > max) {
      return Error("an integer in range");
    }
    *value = static_cast<T>(wide);
    lexer_.Next();
    return absl::OkStatus();
  }
  absl::Status Register(int32_t* number) {
    if (token().kind != TokenKind::kRegister || !ReadNumber(token().text, number) ||
        *number >= registers_) {
      return Error("a register defined above");
    }
    lexer_.Next();
    return absl::OkStatus();
  }
  absl::Status Type(VType* type) {
    if (token().kind != TokenKind::kWord) return Error("a type");
    const std::string_view text = token().text;
    const size_t x = text.find('x');
    auto dtype = types::DTypeFromName(text.substr(0, x));
    if (!dtype || types::Name(*dtype) != text.substr(0, x) || types::IsWeak(*dtype)) {
      return Error("a type");
    }
    *type = {*dtype, 1};
    if (x != std::string_view::npos && (!ReadNumber(text.substr(x + 1), &type->lanes) ||
                                        type->lanes < 2 || type->lanes > kMaxLanes)) {
      return Error("a number of lanes");
    }
    lexer_.Next();
    return absl::OkStatus();
  }

  absl::Status Signature();
  absl::Status BufferType(Space space);
  absl::Status Align();
  absl::Status VariableBounds();
  absl::Status Array();
  absl::Status Elements();
  absl::Status Instruction();
  absl::Status Operation(Instr& instr, bool defines);
  absl::Status Alu(Instr& instr, std::string_view name);
  absl::Status Constant(Instr& instr);
  absl::Status VariableUse(Instr& instr);
  absl::Status Lanes(Instr& instr);
  absl::Status Shuffle(Instr& instr);
  absl::Status Memory(Instr& instr);
  absl::Status Loop(Instr& instr);

  LinearLexer lexer_;
  Linear kernel_;
  int32_t registers_ = 0;
  absl::flat_hash_map<std::string, int32_t> buffers_, variables_;
  std::vector<std::string_view> elements_;  // of each buffer, parsed once the variables are known
};

absl::Status Parser::Signature() {
  std::string_view name;
  RETURN_IF_ERROR(Take("kernel"));
  RETURN_IF_ERROR(Text(TokenKind::kFunction, "@name", &name));
  kernel_.name = std::string(name);
  RETURN_IF_ERROR(Take("("));
  if (!TakeIf(")")) {
    do {
      if (token().kind == TokenKind::kBuffer) {
        RETURN_IF_ERROR(BufferType(Space::kGlobal));
        auto access = kAccesses.find(token().text);
        if (access == kAccesses.end()) return Error("in, out or inout");
        kernel_.buffers.back().access = access->second;
        lexer_.Next();
        RETURN_IF_ERROR(Align());
      } else {
        RETURN_IF_ERROR(VariableBounds());
      }
    } while (TakeIf(","));
    RETURN_IF_ERROR(Take(")"));
  }
  return Take("{");
}

absl::Status Parser::BufferType(Space space) {
  std::string_view name;
  RETURN_IF_ERROR(Text(TokenKind::kBuffer, "%name of a buffer", &name));
  if (!buffers_.emplace(name, static_cast<int32_t>(kernel_.buffers.size())).second) {
    return InvalidArgument("kernel text, line ", token().line, ": two buffers %", name);
  }
  RETURN_IF_ERROR(Take(":"));
  VType type;
  RETURN_IF_ERROR(Type(&type));
  if (type.lanes != 1) return Error("a dtype without lanes");
  if (token().text != "[") return Error("\"[\"");
  elements_.push_back(lexer_.RawUntilBracket());
  RETURN_IF_ERROR(Take("]"));
  kernel_.buffers.push_back(
      {.name = std::string(name), .dtype = type.dtype, .space = space, .access = Access::kInOut});
  return absl::OkStatus();
}

absl::Status Parser::Align() {
  if (!TakeIf("align")) return absl::OkStatus();
  return Integer(&kernel_.buffers.back().align, 1, 1 << 20);
}

absl::Status Parser::VariableBounds() {
  std::string_view name;
  Variable variable;
  RETURN_IF_ERROR(Text(TokenKind::kWord, "a buffer or a variable", &name));
  RETURN_IF_ERROR(Take("in"));
  RETURN_IF_ERROR(Take("["));
  RETURN_IF_ERROR(Integer(&variable.min));
  RETURN_IF_ERROR(Take(","));
  RETURN_IF_ERROR(Integer(&variable.max));
  RETURN_IF_ERROR(Take("]"));
  variable.name = std::string(name);
  if (variable.min > variable.max ||
      !variables_.emplace(name, static_cast<int32_t>(kernel_.variables.size())).second) {
    return InvalidArgument("kernel text, line ", token().line, ": variable ", name,
                           " is empty or declared twice");
  }
  kernel_.variables.push_back(std::move(variable));
  return absl::OkStatus();
}

absl::Status Parser::Array() {
  const Space space = IsWord("local") ? Space::kLocal : Space::kPrivate;
  lexer_.Next();
  RETURN_IF_ERROR(BufferType(space));
  return Align();
}

absl::Status Parser::Elements() {
  std::map<std::string, std::pair<int64_t, int64_t>> bounds;
  for (const Variable& v : kernel_.variables) bounds[v.name] = {v.min, v.max};
  for (size_t i = 0; i < elements_.size(); ++i) {
    if (elements_[i].size() > kMaxExpression)
      return InvalidArgument("kernel text: expression too long");
    ASSIGN_OR_RETURN(kernel_.buffers[i].elements, types::ParseSym(elements_[i], bounds));
  }
  return absl::OkStatus();
}

absl::Status Parser::Instruction() {
  Instr instr{.opcode = Opcode::kBarrier};
  const bool defines = token().kind == TokenKind::kRegister;
  if (defines) {
    int32_t number = 0;
    if (!ReadNumber(token().text, &number) || number != registers_) {
      return Error(StrCat("%", registers_, ", the next register"));
    }
    lexer_.Next();
    RETURN_IF_ERROR(Take("="));
  }
  RETURN_IF_ERROR(Operation(instr, defines));
  if (defines) instr.dst = registers_++;
  kernel_.code.push_back(std::move(instr));
  return absl::OkStatus();
}

absl::Status Parser::Operation(Instr& instr, bool defines) {
  std::string_view word;
  RETURN_IF_ERROR(Text(TokenKind::kWord, "an instruction", &word));
  if (word == "store.nt") {
    instr.non_temporal = true;
    word = "store";
  }
  auto opcode = kOpcodes.find(word);
  instr.opcode = opcode == kOpcodes.end() ? Opcode::kAlu : opcode->second;
  const bool effect = instr.opcode == Opcode::kStore || instr.opcode == Opcode::kScatter ||
                      instr.opcode == Opcode::kSet || instr.opcode == Opcode::kIf ||
                      instr.opcode == Opcode::kBarrier;
  if (effect == defines) {
    return InvalidArgument("kernel text, line ", token().line, ": ", word,
                           effect ? " gives no value" : " must define a register");
  }
  switch (instr.opcode) {
    case Opcode::kBarrier:
      return absl::OkStatus();
    case Opcode::kFor:
      return Loop(instr);
    case Opcode::kVar:
      return VariableUse(instr);
    case Opcode::kAlu:
      return Alu(instr, word);
    case Opcode::kIf:
      RETURN_IF_ERROR(Register(&instr.src[0]));
      return Take("{");
    default:
      break;
  }
  RETURN_IF_ERROR(Type(&instr.type));
  switch (instr.opcode) {
    case Opcode::kConst:
      return Constant(instr);
    case Opcode::kIota:
      return absl::OkStatus();
    case Opcode::kSplat:
    case Opcode::kAcc:
      return Register(&instr.src[0]);
    case Opcode::kSet:
      RETURN_IF_ERROR(Register(&instr.dst));
      RETURN_IF_ERROR(Take(","));
      return Register(&instr.src[0]);
    case Opcode::kExtract:
    case Opcode::kInsert:
      return Lanes(instr);
    case Opcode::kShuffle:
      return Shuffle(instr);
    default:
      return Memory(instr);
  }
}

absl::Status Parser::Alu(Instr& instr, std::string_view name) {
  constexpr std::string_view kHorizontal = "horizontal.";
  if (name.starts_with(kHorizontal)) {
    instr.opcode = Opcode::kHorizontal;
    name.remove_prefix(kHorizontal.size());
  }
  auto op = ir::ScalarOpFromName(name);
  if (!op) return InvalidArgument("kernel text, line ", token().line, ": no instruction ", name);
  instr.scalar_op = *op;
  RETURN_IF_ERROR(Type(&instr.type));
  const int operands = instr.opcode == Opcode::kHorizontal ? 1 : ir::Row(*op).arity;
  for (int i = 0; i < operands; ++i) {
    if (i > 0) RETURN_IF_ERROR(Take(","));
    RETURN_IF_ERROR(Register(&instr.src[i]));
  }
  return absl::OkStatus();
}

absl::Status Parser::Constant(Instr& instr) {
  const std::string_view text = token().text;
  const DType dtype = instr.type.dtype;
  bool read = token().kind == TokenKind::kNumber || token().kind == TokenKind::kWord;
  if (types::IsBool(dtype)) {
    read = read && (text == "true" || text == "false");
    instr.imm = Scalar::Int(dtype, text == "true" ? 1 : 0);
  } else if (dtype == DType::kF64) {
    double value = 0;
    read = read && ReadNumber(text, &value);
    instr.imm = Scalar::Float(dtype, value);
  } else if (types::IsFloat(dtype)) {
    float value = 0;
    read = read && ReadNumber(text, &value);
    instr.imm = Scalar::Float(dtype, value);
  } else if (types::IsUnsigned(dtype)) {
    uint64_t value = 0;
    read = read && ReadNumber(text, &value);
    instr.imm = Scalar::Int(dtype, static_cast<int64_t>(value));
    read = read && instr.imm.u == value;
  } else {
    int64_t value = 0;
    read = read && ReadNumber(text, &value);
    instr.imm = Scalar::Int(dtype, value);
    read = read && instr.imm.i == value;
  }
  if (!read) return Error(StrCat("a constant of ", types::Name(dtype)));
  lexer_.Next();
  return absl::OkStatus();
}

absl::Status Parser::VariableUse(Instr& instr) {
  auto found = variables_.find(ToAbsl(token().text));
  if (token().kind != TokenKind::kWord || found == variables_.end()) return Error("a variable");
  instr.type = {DType::kI64, 1};
  instr.index = found->second;
  lexer_.Next();
  return absl::OkStatus();
}

absl::Status Parser::Lanes(Instr& instr) {
  RETURN_IF_ERROR(Register(&instr.src[0]));
  RETURN_IF_ERROR(Take(","));
  RETURN_IF_ERROR(Integer(&instr.index, 0, kMaxLanes));
  if (instr.opcode == Opcode::kExtract) return absl::OkStatus();
  RETURN_IF_ERROR(Take(","));
  return Register(&instr.src[1]);
}

absl::Status Parser::Shuffle(Instr& instr) {
  RETURN_IF_ERROR(Register(&instr.src[0]));
  RETURN_IF_ERROR(Take(","));
  if (token().kind == TokenKind::kRegister) {
    RETURN_IF_ERROR(Register(&instr.src[1]));
    RETURN_IF_ERROR(Take(","));
  }
  RETURN_IF_ERROR(Take("["));
  do {
    int32_t lane = 0;
    RETURN_IF_ERROR(Integer(&lane, 0, 2 * kMaxLanes));
    instr.lane_list.push_back(lane);
  } while (TakeIf(","));
  return Take("]");
}

absl::Status Parser::Memory(Instr& instr) {
  const bool stores = instr.opcode == Opcode::kStore || instr.opcode == Opcode::kScatter;
  auto buffer = buffers_.find(ToAbsl(token().text));
  if (token().kind != TokenKind::kBuffer || buffer == buffers_.end()) return Error("a buffer");
  instr.buffer = buffer->second;
  lexer_.Next();
  RETURN_IF_ERROR(Take("["));
  RETURN_IF_ERROR(Register(&instr.src[0]));
  RETURN_IF_ERROR(Take("]"));
  if (stores) {
    RETURN_IF_ERROR(Take(","));
    RETURN_IF_ERROR(Register(&instr.src[1]));
  }
  if (!TakeIf("mask")) return absl::OkStatus();
  return Register(&instr.src[stores ? 2 : 1]);
}

absl::Status Parser::Loop(Instr& instr) {
  if (token().kind != TokenKind::kWord) return Error("a kind of loop");
  const size_t dot = token().text.find('.');
  auto kind = kLoops.find(token().text.substr(0, dot));
  if (kind == kLoops.end()) return Error("a kind of loop");
  instr.loop = kind->second;
  instr.type = {DType::kI64, 1};
  const bool wants_dimension = instr.loop == LoopKind::kGroup || instr.loop == LoopKind::kLocal;
  if (wants_dimension != (dot != std::string_view::npos)) return Error("a kind of loop");
  if (wants_dimension) {
    int32_t dimension = 0;
    if (!ReadNumber(token().text.substr(dot + 1), &dimension) || dimension < 0 || dimension > 2) {
      return Error("a dimension of 0 to 2");
    }
    instr.lane_list = {dimension};
  }
  lexer_.Next();
  RETURN_IF_ERROR(Register(&instr.src[0]));
  RETURN_IF_ERROR(Take(","));
  RETURN_IF_ERROR(Register(&instr.src[1]));
  RETURN_IF_ERROR(Take(","));
  RETURN_IF_ERROR(Integer(&instr.index, 1));
  return Take("{");
}

}  // namespace

absl::StatusOr<Linear> ParseLinear(std::string_view text) { return Parser(text).Parse(); }

}  // namespace tensord::kernel
