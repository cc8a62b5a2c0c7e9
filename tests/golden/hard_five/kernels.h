// The hard five, written with the builder. Their text is checked in beside this file: the goldens
// are what the tests read, and a test holds the two together (TENSORD_UPDATE_GOLDENS=1 writes them
// anew).
#pragma once

#include <string>
#include <vector>

#include "engine/kernel/linear.h"

namespace tensord::golden {

// Blocked matmul with packed panels for one processor: c[M,N] = a[M,K] b[K,N] in f32. A register
// tile of 14 x 32 (28 vectors of 16), blocks of 320 in K, 126 in M, 512 in N. A partial sum is
// closed after each block of K.
struct MatmulShape {
  static constexpr int m = 1008, n = 1024, k = 960;
};
kernel::Linear Matmul();

// dx of y = conv2d(x, w, stride 2, padding 1), 3 x 3: each residue of (h, w) modulo 2 has its own
// taps, so no structural zero is multiplied; the last row, where a tap falls outside, is split off.
struct ConvShape {
  static constexpr int batch = 2, in = 8, out = 16, size = 16, small = 8;  // x size^2, y small^2
};
kernel::Linear ConvInputGradient();

// Softmax over the last of (rows, n): one pass carries maximum and rescaled sum, a second writes.
kernel::Linear OnlineSoftmax();

// softmax(q k^T / 8) v for q, k, v of (heads, t, 64): 16 queries in the lanes, keys in blocks of 8
// and a remainder, one pass with a running maximum and sum.
kernel::Linear Attention();

// c[128,128] = a[128,96] b[96,128] for a GPU: groups of 16 x 16 work-items make tiles of 64 x 64;
// stages of 16 in K, double-buffered in local memory with the next one loaded ahead.
struct GpuMatmulShape {
  static constexpr int m = 128, n = 128, k = 96;
};
kernel::Linear GpuMatmul();

struct Golden {
  std::string file;  // "matmul.ir"
  kernel::Linear (*make)();
};
std::vector<Golden> HardFive();

}  // namespace tensord::golden
