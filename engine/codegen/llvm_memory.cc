// Loads and stores, for llvm_region.h.
#include <algorithm>

#include "engine/codegen/llvm_region.h"

namespace tensord::codegen {

using kernel::Instr;
using kernel::Space;
using kernel::VType;

namespace {

int64_t LowestBit(int64_t x) { return x & -x; }

}  // namespace

// `%bN`: where buffer N begins.
void LlvmRegionWriter::EmitBase(int number) {
  const kernel::Buffer& buffer = kernel_.buffers[number];
  const std::string name = StrCat("%b", number);
  const ArrayHome& home = plan_.arrays[number];
  const int64_t bytes =
      buffer.elements.is_constant() ? buffer.elements.constant() * types::Bytes(buffer.dtype) : 0;
  if (buffer.space == Space::kGlobal) {
    const std::string slot = w_.Define("getelementptr inbounds ptr, ptr %args, i64 ", number);
    const std::string size =
        bytes > 0 ? StrCat(", !dereferenceable !{i64 ", bytes, "}") : std::string();
    w_.Line(name, " = load ptr, ptr ", slot, ", align 8, !invariant.load !{}, !nonnull !{}",
            ", !noundef !{}, !align !{i64 ", LowestBit(buffer.align), "}", size);
  } else if (home.place == ArrayPlace::kStack) {
    const std::string slot = w_.StackSlot(
        StrCat("[", buffer.elements.constant(), " x ", MemoryElement(buffer.dtype), "]"),
        kArrayAlign);
    w_.Line(name, " = getelementptr inbounds i8, ptr ", slot, ", i64 0");
  } else {
    const std::string_view base = home.place == ArrayPlace::kScratch ? "%scratch" : "%frame";
    w_.Line(name, " = getelementptr inbounds i8, ptr ", base, ", i64 ", home.offset);
  }
}

// An index operand with its type, wide enough that LLVM's sign extension keeps its value.
std::string LlvmRegionWriter::Index(int reg) {
  const VType type = TypeOf(reg);
  if (!types::IsUnsigned(type.dtype) || types::Row(type.dtype).bits == 64) return TypedUse(reg);
  const std::string wide = VectorText("i64", type.lanes);
  const std::string text = w_.Define("zext ", TypedUse(reg), " to ", wide);
  return StrCat(wide, " ", text);
}

// The address of the first element, or the vector of addresses of a gather or scatter.
std::string LlvmRegionWriter::Address(const Instr& instr) {
  const std::string index = Index(instr.src[0]);
  return w_.Define("getelementptr ", MemoryElement(kernel_.buffers[instr.buffer].dtype), ", ptr %b",
                   instr.buffer, ", ", index);
}

// What surely divides the address of a load or store of consecutive elements.
int64_t LlvmRegionWriter::AlignmentOf(const Instr& instr) const {
  const kernel::Buffer& buffer = kernel_.buffers[instr.buffer];
  const int64_t base = buffer.space == Space::kGlobal ? LowestBit(buffer.align) : kArrayAlign;
  return std::min(base, facts_[instr.src[0]].PowerOfTwo(kArrayAlign) * types::Bytes(buffer.dtype));
}

std::string LlvmRegionWriter::FromMemory(VType type, const std::string& loaded) {
  if (!types::IsBool(type.dtype)) return loaded;
  return w_.Define("icmp ne ", MemoryType(type), " ", loaded, ", ",
                   SplatText("i8", "0", type.lanes));
}

// The typed operand to store.
std::string LlvmRegionWriter::ToMemory(int reg) {
  const VType type = TypeOf(reg);
  if (!types::IsBool(type.dtype)) return TypedUse(reg);
  const std::string bytes = w_.Define("zext ", TypedUse(reg), " to ", MemoryType(type));
  return StrCat(MemoryType(type), " ", bytes);
}

std::string LlvmRegionWriter::Load(const Instr& instr) {
  const std::string type = MemoryType(instr.type);
  std::string address = Address(instr);
  int64_t align = AlignmentOf(instr);
  if (instr.src[1] >= 0 && instr.type.lanes > 1) {
    const std::string mask = TypedUse(instr.src[1]);
    const std::string name = StrCat(
        "llvm.masked.load.", MangledText(MemoryElement(instr.type.dtype), instr.type.lanes), ".p0");
    return FromMemory(
        instr.type,
        w_.Call(
            type, name, StrCat("ptr, i32, ", VectorText("i1", instr.type.lanes), ", ", type),
            StrCat("ptr ", address, ", i32 ", align, ", ", mask, ", ", type, " zeroinitializer")));
  }
  if (instr.src[1] >= 0) {
    // A scalar whose mask is off reads a zero elsewhere: no branch.
    address = w_.Define("select ", TypedUse(instr.src[1]), ", ptr ", address, ", ptr @zero");
    align = std::min<int64_t>(align, 8);
  }
  return FromMemory(instr.type, w_.Define("load ", type, ", ptr ", address, ", align ", align));
}

std::string LlvmRegionWriter::Gather(const Instr& instr) {
  if (instr.type.lanes == 1) return Load(instr);
  const int lanes = instr.type.lanes;
  const std::string type = MemoryType(instr.type), masks = VectorText("i1", lanes);
  const std::string pointers = VectorText("ptr", lanes);
  const std::string address = Address(instr);
  const std::string mask =
      instr.src[1] < 0 ? StrCat(masks, " splat (i1 true)") : TypedUse(instr.src[1]);
  const std::string name =
      StrCat("llvm.masked.gather.", MangledText(MemoryElement(instr.type.dtype), lanes), ".",
             MangledText("ptr", lanes));
  return FromMemory(instr.type,
                    w_.Call(type, name, StrCat(pointers, ", i32, ", masks, ", ", type),
                            StrCat(pointers, " ", address, ", i32 ", types::Bytes(instr.type.dtype),
                                   ", ", mask, ", ", type, " zeroinitializer")));
}

void LlvmRegionWriter::Store(const Instr& instr) {
  const VType type = TypeOf(instr.src[1]);
  const std::string value = ToMemory(instr.src[1]);
  const std::string address = Address(instr);
  const int64_t align = AlignmentOf(instr);
  if (instr.src[2] >= 0 && type.lanes > 1) {
    const std::string mask = TypedUse(instr.src[2]), masks = VectorText("i1", type.lanes);
    const std::string name =
        StrCat("llvm.masked.store.", MangledText(MemoryElement(type.dtype), type.lanes), ".p0");
    w_.Declare(StrCat("declare void @", name, "(", MemoryType(type), ", ptr, i32, ", masks, ")"));
    return w_.Line("call void @", name, "(", value, ", ptr ", address, ", i32 ", align, ", ", mask,
                   ")");
  }
  if (instr.src[2] >= 0) OpenIf(Use(instr.src[2]));
  // Under-aligned, a non-temporal store would be split into single elements.
  const int64_t bytes = int64_t{types::Bytes(type.dtype)} * type.lanes;
  const bool stream =
      instr.non_temporal && bytes % 16 == 0 && align >= std::min<int64_t>(bytes, 64);
  non_temporal_ = non_temporal_ || stream;
  w_.Line("store ", value, ", ptr ", address, ", align ", align,
          stream ? ", !nontemporal !{i32 1}" : "");
  if (instr.src[2] >= 0) Close();
}

void LlvmRegionWriter::Scatter(const Instr& instr) {
  const VType type = TypeOf(instr.src[1]);
  if (type.lanes == 1) return Store(instr);
  const std::string value = ToMemory(instr.src[1]), address = Address(instr);
  const std::string pointers = VectorText("ptr", type.lanes), masks = VectorText("i1", type.lanes);
  const std::string mask =
      instr.src[2] < 0 ? StrCat(masks, " splat (i1 true)") : TypedUse(instr.src[2]);
  const std::string name =
      StrCat("llvm.masked.scatter.", MangledText(MemoryElement(type.dtype), type.lanes), ".",
             MangledText("ptr", type.lanes));
  w_.Declare(
      StrCat("declare void @", name, "(", MemoryType(type), ", ", pointers, ", i32, ", masks, ")"));
  w_.Line("call void @", name, "(", value, ", ", pointers, " ", address, ", i32 ",
          types::Bytes(type.dtype), ", ", mask, ")");
}

}  // namespace tensord::codegen
