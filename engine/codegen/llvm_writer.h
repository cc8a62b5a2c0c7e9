// Text of one LLVM function under construction: types, literals, fresh names, declarations.
//
//   LlvmWriter w;
//   std::string sum = w.Define("fadd float ", a, ", ", b);   // "%t7"; appends "  %t7 = fadd ..."
//   w.Line("ret void");
//
// How registers are held: bool is i1 (i8 in memory, 0 or 1); f16 and bf16 are i16, their bits.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "engine/base/strings.h"
#include "engine/kernel/linear.h"

namespace tensord::codegen {

// "i32", "float", and "<16 x float>" when lanes > 1.
std::string VectorText(std::string_view element, int lanes);
// "v16f32", "f32": the form in names of intrinsics.
std::string MangledText(std::string_view element, int lanes);
// "7", and "splat (i32 7)" when lanes > 1.
std::string SplatText(std::string_view element, std::string_view value, int lanes);
// An LLVM literal of exactly these bits.
std::string FloatLiteral(float value);
std::string DoubleLiteral(double value);

std::string_view RegisterElement(types::DType dtype);  // of a register: "i1", "i16", "float"
std::string_view MemoryElement(types::DType dtype);    // in memory: "i8" for bool
std::string RegisterType(kernel::VType type);
std::string MemoryType(kernel::VType type);
// A constant operand of a register of `type`, without its type.
std::string ConstantText(kernel::VType type, const types::Scalar& value);

class LlvmWriter {
 public:
  // One line of the current block.
  template <typename... Args>
  void Line(const Args&... args) {
    StrAppend(&body_, "  ", args..., "\n");
  }

  // `%tN = args...`; answers "%tN".
  template <typename... Args>
  std::string Define(const Args&... args) {
    std::string name = StrCat("%t", next_++);
    StrAppend(&body_, "  ", name, " = ", args..., "\n");
    return name;
  }

  // Ends the current block by opening the one named `label` (without "%").
  void OpenBlock(std::string_view label) {
    StrAppend(&body_, label, ":\n");
    block_ = std::string(label);
  }
  const std::string& block() const { return block_; }  // the label of the current block
  int NextNumber() { return next_++; }

  // `%tN = call TYPE @NAME(arguments)`, declared as taking `parameters` (types only).
  std::string Call(std::string_view type, std::string_view name, std::string_view parameters,
                   std::string_view arguments);
  // A stack slot for the whole function, in its entry block; the answer is its name.
  std::string StackSlot(std::string_view type, int align);
  void Declare(std::string line) { declarations_.insert(std::move(line)); }

  // What was written since the start or the last TakeFunction: the stack slots, then the lines.
  std::string TakeFunction();
  const std::set<std::string>& declarations() const { return declarations_; }

 private:
  std::string slots_, body_;
  std::string block_ = "entry";
  std::set<std::string> declarations_;
  int next_ = 0;
};

}  // namespace tensord::codegen
