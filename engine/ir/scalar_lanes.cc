#include "engine/ir/scalar_lanes.h"

#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "engine/ir/scalar_math.h"
#include "engine/types/tensor.h"

namespace tensord::ir {
namespace {

using types::DType;

// How an element of each dtype is stored and what it computes in.
template <typename T>
struct Plain {
  using Stored = T;
  using Computed = T;
  static T Get(T stored) { return stored; }
  static T Put(T computed) { return computed; }
};
struct Half {
  using Stored = uint16_t;
  using Computed = float;
  static float Get(uint16_t bits) { return types::F16ToF32(bits); }
  static uint16_t Put(float value) { return types::F32ToF16(value); }
};
struct BFloat {
  using Stored = uint16_t;
  using Computed = float;
  static float Get(uint16_t bits) { return types::BF16ToF32(bits); }
  static uint16_t Put(float value) { return types::F32ToBF16(value); }
};

// to[i] = f(i). Loops of a constant count that read everything before they write become vector
// instructions, though `to` may be an operand.
template <typename T, typename F>
inline void ForLanes(T* to, int64_t n, F f) {
  constexpr int kBlock = 8;
  if (n == 1) {
    to[0] = f(0);
    return;
  }
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    T block[kBlock];
    for (int j = 0; j < kBlock; ++j) block[j] = f(i + j);
    for (int j = 0; j < kBlock; ++j) to[i + j] = block[j];
  }
  for (; i < n; ++i) to[i] = f(i);
}

template <typename E>
auto* As(std::byte* at) {
  return reinterpret_cast<typename E::Stored*>(at);
}
template <typename E>
auto* As(const std::byte* at) {
  return reinterpret_cast<const typename E::Stored*>(at);
}

template <ScalarOp op, typename E>
void UnaryLanes(std::byte* to, const std::byte* a, const std::byte*, const std::byte*, int64_t n) {
  auto* x = As<E>(a);
  ForLanes(As<E>(to), n, [=](int64_t i) { return E::Put(Unary<op>(E::Get(x[i]))); });
}

template <ScalarOp op, typename E>
void BinaryLanes(std::byte* to, const std::byte* a, const std::byte* b, const std::byte*,
                 int64_t n) {
  auto *x = As<E>(a), *y = As<E>(b);
  ForLanes(As<E>(to), n, [=](int64_t i) { return E::Put(Binary<op>(E::Get(x[i]), E::Get(y[i]))); });
}

template <ScalarOp op, typename E>
void CompareLanes(std::byte* to, const std::byte* a, const std::byte* b, const std::byte*,
                  int64_t n) {
  auto *x = As<E>(a), *y = As<E>(b);
  ForLanes(As<Plain<bool>>(to), n,
           [=](int64_t i) { return Compare<op>(E::Get(x[i]), E::Get(y[i])); });
}

template <typename E>
void WhereLanes(std::byte* to, const std::byte* a, const std::byte* b, const std::byte* c,
                int64_t n) {
  auto* condition = As<Plain<bool>>(a);
  auto *x = As<E>(b), *y = As<E>(c);
  ForLanes(As<E>(to), n, [=](int64_t i) { return condition[i] ? x[i] : y[i]; });
}

template <typename E>
void FmaLanes(std::byte* to, const std::byte* a, const std::byte* b, const std::byte* c,
              int64_t n) {
  auto *x = As<E>(a), *y = As<E>(b), *z = As<E>(c);
  ForLanes(As<E>(to), n,
           [=](int64_t i) { return E::Put(std::fma(E::Get(x[i]), E::Get(y[i]), E::Get(z[i]))); });
}

#if defined(__x86_64__)
// The same with the instruction instead of a call; both round once, so the bits agree.
template <typename T>
[[gnu::target("avx2,fma")]] void HardwareFmaLanes(std::byte* to, const std::byte* a,
                                                  const std::byte* b, const std::byte* c,
                                                  int64_t n) {
  auto* t = As<Plain<T>>(to);
  auto *x = As<Plain<T>>(a), *y = As<Plain<T>>(b), *z = As<Plain<T>>(c);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    T block[8];
    for (int j = 0; j < 8; ++j) block[j] = std::fma(x[i + j], y[i + j], z[i + j]);
    for (int j = 0; j < 8; ++j) t[i + j] = block[j];
  }
  for (; i < n; ++i) t[i] = std::fma(x[i], y[i], z[i]);
}
#endif

template <typename E>
LaneFunction FmaFor() {
#if defined(__x86_64__)
  if constexpr (std::is_same_v<typename E::Stored, typename E::Computed>) {
    static const bool hardware = __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
    if (hardware) return HardwareFmaLanes<typename E::Computed>;
  }
#endif
  return FmaLanes<E>;
}

template <typename From, typename To>
void CastLanes(std::byte* to, const std::byte* a, const std::byte*, const std::byte*, int64_t n) {
  using Computed = typename To::Computed;
  auto* x = As<From>(a);
  ForLanes(As<To>(to), n, [=](int64_t i) {
    if constexpr (std::is_same_v<To, Half> && std::is_same_v<From, Plain<double>>) {
      return types::F64ToF16(x[i]);  // one rounding
    } else if constexpr (std::is_same_v<To, BFloat> && std::is_same_v<From, Plain<double>>) {
      return types::F64ToBF16(x[i]);
    } else {
      return To::Put(CastOf<Computed>(From::Get(x[i])));
    }
  });
}

template <int bytes>
void CopyLanes(std::byte* to, const std::byte* a, const std::byte*, const std::byte*, int64_t n) {
  std::memmove(to, a, static_cast<size_t>(n * bytes));
}

// ---- tables ----

template <ScalarOp op, typename E>
LaneFunction FunctionOf() {
  if constexpr (!DefinedFor<op, typename E::Computed>()) {
    return nullptr;
  } else if constexpr (op == ScalarOp::kWhere) {
    return WhereLanes<E>;
  } else if constexpr (op == ScalarOp::kFma) {
    return FmaFor<E>();
  } else if constexpr (op >= ScalarOp::kEq && op <= ScalarOp::kLe) {
    return CompareLanes<op, E>;
  } else if constexpr (op < ScalarOp::kEq) {
    return BinaryLanes<op, E>;
  } else {
    return UnaryLanes<op, E>;
  }
}

constexpr size_t kOrdinaryOps = static_cast<size_t>(ScalarOp::kCast);
using OpTable = std::array<LaneFunction, kOrdinaryOps>;

template <typename E>
const OpTable& TableOf() {
  static const OpTable table = []<size_t... op>(std::index_sequence<op...>) {
    return OpTable{FunctionOf<static_cast<ScalarOp>(op), E>()...};
  }(std::make_index_sequence<kOrdinaryOps>());
  return table;
}

// Calls `use` with the element type of `dtype`.
template <typename Use>
auto WithElement(DType dtype, Use use) -> decltype(use(Plain<bool>())) {
  switch (dtype) {
    case DType::kBool:
      return use(Plain<bool>());
    case DType::kI8:
      return use(Plain<int8_t>());
    case DType::kI16:
      return use(Plain<int16_t>());
    case DType::kI32:
      return use(Plain<int32_t>());
    case DType::kI64:
      return use(Plain<int64_t>());
    case DType::kU8:
      return use(Plain<uint8_t>());
    case DType::kU16:
      return use(Plain<uint16_t>());
    case DType::kU32:
      return use(Plain<uint32_t>());
    case DType::kU64:
      return use(Plain<uint64_t>());
    case DType::kF16:
      return use(Half());
    case DType::kBF16:
      return use(BFloat());
    case DType::kF32:
      return use(Plain<float>());
    case DType::kF64:
      return use(Plain<double>());
    default:
      return {};
  }
}

LaneFunction CopyOf(int bytes) {
  switch (bytes) {
    case 1:
      return CopyLanes<1>;
    case 2:
      return CopyLanes<2>;
    case 4:
      return CopyLanes<4>;
    case 8:
      return CopyLanes<8>;
    default:
      return nullptr;
  }
}

LaneFunction CastFor(DType from, DType to) {
  if (from == to) return CopyOf(types::Bytes(from));
  return WithElement(from, [to](auto source) {
    return WithElement(to, [](auto result) -> LaneFunction {
      return CastLanes<decltype(source), decltype(result)>;
    });
  });
}

}  // namespace

LaneFunction LaneFunctionFor(ScalarOp op, DType operand, DType result) {
  if (op == ScalarOp::kCast) return CastFor(operand, result);
  if (op == ScalarOp::kBitcast) {
    const bool same = types::Bytes(operand) == types::Bytes(result);
    const bool to_bool = types::IsBool(result) && !types::IsBool(operand);
    return same && !to_bool ? CopyOf(types::Bytes(operand)) : nullptr;
  }
  if (static_cast<size_t>(op) >= kOrdinaryOps) return nullptr;
  const bool compare = (Row(op).traits & kCompare) != 0;
  if (result != (compare ? DType::kBool : operand)) return nullptr;
  return WithElement(operand, [op](auto element) {
    return TableOf<decltype(element)>()[static_cast<size_t>(op)];
  });
}

}  // namespace tensord::ir
