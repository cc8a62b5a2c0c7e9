#include "kernels.h"

#include <array>
#include <functional>
#include <limits>
#include <utility>

#include "engine/kernel/linear_builder.h"

namespace tensord::golden {
namespace {

using ir::ScalarOp;
using kernel::Access;
using kernel::Linear;
using kernel::LinearBuilder;
using kernel::LoopKind;
using kernel::VType;
using types::DType;

constexpr VType kF32{DType::kF32, 1};
constexpr VType kF32x4{DType::kF32, 4};
constexpr VType kF32x8{DType::kF32, 8};
constexpr VType kF32x16{DType::kF32, 16};
constexpr VType kI64x16{DType::kI64, 16};

// a * b + c on indices.
int At(LinearBuilder& b, int row, int64_t stride, int column) {
  return b.Add(b.Mul(row, b.I64(stride)), column);
}
int Plus(LinearBuilder& b, int index, int64_t offset) { return b.Add(index, b.I64(offset)); }

// for i in [0, n) by step { body(i) }
void Loop(LinearBuilder& b, int64_t n, int64_t step, const std::function<void(int)>& body) {
  const int i = b.For(LoopKind::kSerial, b.I64(0), b.I64(n), step);
  body(i);
  b.End();
}

// ---- blocked matmul ----

struct MatmulBlocks {
  static constexpr int m = 126, n = 512, k = 320, tile_m = 14, tile_n = 32, lanes = 16;
};

class MatmulWriter {
 public:
  using S = MatmulShape;
  using B = MatmulBlocks;

  Linear Write() {
    const int j0 = b_.For(LoopKind::kParallel, b_.I64(0), b_.I64(S::n), B::n);
    const int k0 = b_.For(LoopKind::kSerial, b_.I64(0), b_.I64(S::k), B::k);
    PackB(k0, j0);
    const int i0 = b_.For(LoopKind::kSerial, b_.I64(0), b_.I64(S::m), B::m);
    PackA(i0, k0);
    Loop(b_, B::n, B::tile_n, [&](int j) {
      Loop(b_, B::m, B::tile_m, [&](int i) { Tile(b_.Add(i0, i), b_.Add(j0, j), i, j, k0); });
    });
    b_.End();
    b_.End();
    b_.End();
    return std::move(b_).Finish();
  }

 private:
  // panel_b: columns in groups of 32, in each group the rows of k one after the other.
  void PackB(int k0, int j0) {
    Loop(b_, B::n, B::tile_n, [&](int j) {
      Loop(b_, B::k, 1, [&](int k) {
        const int from = At(b_, b_.Add(k0, k), S::n, b_.Add(j0, j));
        const int to = At(b_, j, B::k, b_.Mul(k, b_.I64(B::tile_n)));
        for (int v = 0; v < B::tile_n; v += B::lanes) {
          b_.Store(panel_b_, Plus(b_, to, v), b_.Load(in_b_, kF32x16, Plus(b_, from, v)));
        }
      });
    });
  }

  // panel_a: rows one after the other; a tile reads 14 of them side by side.
  void PackA(int i0, int k0) {
    Loop(b_, B::m, 1, [&](int i) {
      Loop(b_, B::k, B::lanes, [&](int k) {
        const int from = At(b_, b_.Add(i0, i), S::k, b_.Add(k0, k));
        b_.Store(panel_a_, At(b_, i, B::k, k), b_.Load(in_a_, kF32x16, from));
      });
    });
  }

  void Tile(int row, int column, int i, int j, int k0) {
    constexpr int kVectors = B::tile_n / B::lanes;
    std::array<int, B::tile_m * kVectors> sums;
    for (int& sum : sums) sum = b_.Acc(b_.Const(kF32x16, 0.0));
    Loop(b_, B::k, 1, [&](int k) {
      int columns[kVectors];
      const int from = b_.Add(b_.Mul(j, b_.I64(B::k)), b_.Mul(k, b_.I64(B::tile_n)));
      for (int v = 0; v < kVectors; ++v) {
        columns[v] = b_.Load(panel_b_, kF32x16, Plus(b_, from, v * B::lanes));
      }
      const int first = At(b_, i, B::k, k);
      for (int r = 0; r < B::tile_m; ++r) {
        const int a = b_.Splat(b_.Load(panel_a_, kF32, Plus(b_, first, r * B::k)), B::lanes);
        for (int v = 0; v < kVectors; ++v) {
          const int sum = sums[r * kVectors + v];
          b_.Set(sum, b_.Fma(a, columns[v], sum));
        }
      }
    });
    // The first block of k reads zeros instead of c.
    const int later = b_.Splat(b_.Lt(b_.I64(0), k0), B::lanes);
    const int to = At(b_, row, S::n, column);
    for (int r = 0; r < B::tile_m; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        const int at = Plus(b_, to, r * S::n + v * B::lanes);
        const int before = b_.Load(out_, kF32x16, at, later);
        b_.Store(out_, at, b_.Add(before, sums[r * kVectors + v]));
      }
    }
  }

  LinearBuilder b_{"matmul"};
  const int in_a_ = b_.AddGlobal("a", DType::kF32, S::m* S::k, Access::kIn);
  const int in_b_ = b_.AddGlobal("b", DType::kF32, S::k* S::n, Access::kIn);
  const int out_ = b_.AddGlobal("c", DType::kF32, S::m* S::n, Access::kOut);
  const int panel_a_ = b_.AddPrivate("panel_a", DType::kF32, B::m* B::k);
  const int panel_b_ = b_.AddPrivate("panel_b", DType::kF32, B::k* B::n);
};

// ---- input gradient of a stride-2 convolution ----

class ConvGradientWriter {
 public:
  using S = ConvShape;

  Linear Write() {
    const int plane = b_.For(LoopKind::kParallel, b_.I64(0), b_.I64(S::batch * S::in));
    const int image = b_.FloorDiv(plane, b_.I64(S::in));
    const int channel = b_.FloorMod(plane, b_.I64(S::in));
    // Rows h = 2a and 2a + 1; the tap that reads row a + 1 of dy exists but for the last a.
    Loop(b_, S::small - 1, 1, [&](int a) { RowPair(plane, image, channel, a, true); });
    RowPair(plane, image, channel, b_.I64(S::small - 1), false);
    b_.End();
    return std::move(b_).Finish();
  }

 private:
  void RowPair(int plane, int image, int channel, int a, bool next_row) {
    Row(plane, image, channel, a, 0, {{1, 0}});
    if (next_row) {
      Row(plane, image, channel, a, 1, {{0, 1}, {2, 0}});
    } else {
      Row(plane, image, channel, a, 1, {{2, 0}});
    }
  }

  // One row of dx: h = 2a + residue. `taps` are the (kernel row, row of dy less a) that meet it.
  void Row(int plane, int image, int channel, int a, int residue,
           const std::vector<std::pair<int, int>>& taps) {
    const int even = b_.Acc(b_.Const(kF32x8, 0.0)), odd = b_.Acc(b_.Const(kF32x8, 0.0));
    Loop(b_, S::out, 1, [&](int o) {
      const int weight = b_.Mul(At(b_, o, S::in, channel), b_.I64(9));
      const int dy_plane = b_.Mul(At(b_, image, S::out, o), b_.I64(S::small * S::small));
      for (const auto& [kernel_row, dy_row] : taps) {
        const int row = b_.Add(dy_plane, b_.Mul(Plus(b_, a, dy_row), b_.I64(S::small)));
        const int here = b_.Load(dy_, kF32x8, row);
        // Column b + 1: the last lane falls outside of the row.
        const int inside = b_.Lt(b_.Iota({DType::kI64, 8}), b_.I64(S::small - 1));
        const int right = b_.Load(dy_, kF32x8, Plus(b_, row, 1), inside);
        const int taps_of_row = Plus(b_, weight, 3 * kernel_row);
        Accumulate(even, here, Plus(b_, taps_of_row, 1));
        Accumulate(odd, right, taps_of_row);
        Accumulate(odd, here, Plus(b_, taps_of_row, 2));
      }
    });
    const std::vector<int32_t> interleave = {0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15};
    const int h = Plus(b_, b_.Mul(a, b_.I64(2)), residue);
    const int to = b_.Mul(At(b_, plane, S::size, h), b_.I64(S::size));
    b_.Store(dx_, to, b_.Shuffle(even, odd, interleave));
  }

  void Accumulate(int sum, int values, int weight) {
    b_.Set(sum, b_.Fma(values, b_.Load(w_, kF32, weight), sum));
  }

  LinearBuilder b_{"conv_input_gradient"};
  const int dy_ =
      b_.AddGlobal("dy", DType::kF32, S::batch* S::out* S::small* S::small, Access::kIn);
  const int w_ = b_.AddGlobal("w", DType::kF32, S::out* S::in * 9, Access::kIn);
  const int dx_ = b_.AddGlobal("dx", DType::kF32, S::batch* S::in* S::size* S::size, Access::kOut);
};

// ---- attention ----

class AttentionWriter {
 public:
  static constexpr int kWidth = 64, kQueries = 16, kKeys = 8;

  Linear Write() {
    const int t = b_.Var(t_);
    const int head = b_.For(LoopKind::kParallel, b_.I64(0), b_.Var(heads_));
    head_row_ = b_.Mul(head, t);
    const int first_query = b_.For(LoopKind::kSerial, b_.I64(0), t, kQueries);
    Tile(first_query, t);
    b_.End();
    b_.End();
    return std::move(b_).Finish();
  }

 private:
  void Tile(int first_query, int t) {
    const int query = b_.Add(first_query, b_.Iota(kI64x16));
    const int inside = b_.Lt(query, t);
    const int row = b_.Mul(b_.Add(head_row_, query), b_.I64(kWidth));
    Loop(b_, kWidth, 1, [&](int d) {
      const int q = b_.Gather(q_, kF32x16, b_.Add(row, d), inside);
      const int at = b_.Mul(d, b_.I64(kQueries));
      b_.Store(query_panel_, at, b_.Mul(q, b_.Const(kF32, 0.125)));
      b_.Store(sum_panel_, at, b_.Const(kF32x16, 0.0));
    });
    max_ = b_.Acc(b_.Const(kF32x16, std::numeric_limits<float>::lowest()));
    sum_ = b_.Acc(b_.Const(kF32x16, 0.0));
    const int whole = b_.Mul(b_.FloorDiv(t, b_.I64(kKeys)), b_.I64(kKeys));
    const int block = b_.For(LoopKind::kSerial, b_.I64(0), whole, kKeys);
    Keys(block, kKeys);
    b_.End();
    const int rest = b_.For(LoopKind::kSerial, whole, t);
    Keys(rest, 1);
    b_.End();
    const int scale = b_.Div(b_.Const(kF32x16, 1.0), sum_);
    Loop(b_, kWidth, 1, [&](int d) {
      const int o = b_.Load(sum_panel_, kF32x16, b_.Mul(d, b_.I64(kQueries)));
      b_.Scatter(out_, b_.Add(row, d), b_.Mul(o, scale), inside);
    });
  }

  // One step of the fold over keys: scores, new maximum, correction of what was summed before.
  void Keys(int first, int count) {
    const int row = b_.Mul(b_.Add(head_row_, first), b_.I64(kWidth));
    std::vector<int> scores;
    for (int j = 0; j < count; ++j) scores.push_back(b_.Acc(b_.Const(kF32x16, 0.0)));
    Loop(b_, kWidth, 1, [&](int d) {
      const int q = b_.Load(query_panel_, kF32x16, b_.Mul(d, b_.I64(kQueries)));
      for (int j = 0; j < count; ++j) {
        const int k = b_.Load(k_, kF32, Plus(b_, b_.Add(row, d), j * kWidth));
        b_.Set(scores[j], b_.Fma(q, k, scores[j]));
      }
    });
    int new_max = b_.Get(max_);
    for (int score : scores) new_max = b_.Max(new_max, score);
    const int correction = b_.Unary(ScalarOp::kExp, b_.Sub(max_, new_max));
    b_.Set(max_, new_max);
    std::vector<int> weights;
    int sum = b_.Mul(sum_, correction);
    for (int score : scores) {
      weights.push_back(b_.Unary(ScalarOp::kExp, b_.Sub(score, new_max)));
      sum = b_.Add(sum, weights.back());
    }
    b_.Set(sum_, sum);
    Loop(b_, kWidth, 1, [&](int d) {
      const int at = b_.Mul(d, b_.I64(kQueries));
      int o = b_.Mul(b_.Load(sum_panel_, kF32x16, at), correction);
      for (int j = 0; j < count; ++j) {
        const int v = b_.Load(v_, kF32, Plus(b_, b_.Add(row, d), j * kWidth));
        o = b_.Fma(weights[j], v, o);
      }
      b_.Store(sum_panel_, at, o);
    });
  }

  LinearBuilder b_{"attention"};
  const int heads_ = b_.AddVariable("heads", 1, 1024);
  const int t_ = b_.AddVariable("t", 1, 65536);
  const types::Sym size_ = b_.VariableSym(heads_) * b_.VariableSym(t_) * kWidth;
  const int q_ = b_.AddGlobal("q", DType::kF32, size_, Access::kIn);
  const int k_ = b_.AddGlobal("k", DType::kF32, size_, Access::kIn);
  const int v_ = b_.AddGlobal("v", DType::kF32, size_, Access::kIn);
  const int out_ = b_.AddGlobal("out", DType::kF32, size_, Access::kOut);
  const int query_panel_ = b_.AddPrivate("query_panel", DType::kF32, kWidth* kQueries);
  const int sum_panel_ = b_.AddPrivate("sum_panel", DType::kF32, kWidth* kQueries);
  int head_row_ = -1, max_ = -1, sum_ = -1;
};

// ---- two-stage local-memory matmul ----

class GpuMatmulWriter {
 public:
  using S = GpuMatmulShape;
  static constexpr int kTile = 64, kStage = 16, kItems = 16, kOwn = 4;
  static constexpr int kStageElements = kTile * kStage;

  Linear Write() {
    const int zero = b_.I64(0);
    const int row0 = b_.For(LoopKind::kGroup, zero, b_.I64(S::m), kTile, 1);
    const int column0 = b_.For(LoopKind::kGroup, zero, b_.I64(S::n), kTile, 0);
    const int y = b_.For(LoopKind::kLocal, b_.I64(0), b_.I64(kItems), 1, 1);
    const int x = b_.For(LoopKind::kLocal, b_.I64(0), b_.I64(kItems), 1, 0);
    Item(row0, column0, y, x);
    for (int i = 0; i < 4; ++i) b_.End();
    return std::move(b_).Finish();
  }

 private:
  void Item(int row0, int column0, int y, int x) {
    const int item = At(b_, y, kItems, x);
    a_row_ = b_.FloorDiv(item, b_.I64(4));
    a_k_ = b_.Mul(b_.FloorMod(item, b_.I64(4)), b_.I64(4));
    a_from_ = At(b_, b_.Add(row0, a_row_), S::k, a_k_);
    b_k_ = y;
    b_column_ = b_.Mul(x, b_.I64(4));
    b_from_ = At(b_, b_k_, S::n, b_.Add(column0, b_column_));
    for (int& sum : sums_) sum = b_.Acc(b_.Const(kF32x4, 0.0));
    StoreStage(b_.I64(0), b_.Load(in_a_, kF32x4, a_from_), b_.Load(in_b_, kF32x4, b_from_));
    b_.Barrier();
    const int k0 = b_.For(LoopKind::kSerial, b_.I64(0), b_.I64(S::k), kStage);
    const int next = Plus(b_, k0, kStage);
    const int more = b_.Splat(b_.Lt(next, b_.I64(S::k)), 4);
    const int next_a = b_.Load(in_a_, kF32x4, b_.Add(a_from_, next), more);
    const int next_b = b_.Load(in_b_, kF32x4, b_.Add(b_from_, b_.Mul(next, b_.I64(S::n))), more);
    const int stage = b_.FloorMod(b_.FloorDiv(k0, b_.I64(kStage)), b_.I64(2));
    MultiplyStage(stage, y, x);
    StoreStage(b_.Sub(b_.I64(1), stage), next_a, next_b);
    b_.Barrier();
    b_.End();
    for (int r = 0; r < kOwn; ++r) {
      const int row = Plus(b_, b_.Add(row0, b_.Mul(y, b_.I64(kOwn))), r);
      b_.Store(out_, At(b_, row, S::n, b_.Add(column0, b_column_)), sums_[r]);
    }
  }

  // a is stored transposed, so that a work-item reads its four rows as one vector.
  void StoreStage(int stage, int a, int b) {
    const int base = b_.Mul(stage, b_.I64(kStageElements));
    for (int c = 0; c < 4; ++c) {
      const int at = b_.Add(base, At(b_, Plus(b_, a_k_, c), kTile, a_row_));
      b_.Store(tile_a_, at, b_.Extract(a, c));
    }
    b_.Store(tile_b_, b_.Add(base, At(b_, b_k_, kTile, b_column_)), b);
  }

  void MultiplyStage(int stage, int y, int x) {
    const int base = b_.Mul(stage, b_.I64(kStageElements));
    Loop(b_, kStage, 1, [&](int k) {
      const int row = b_.Add(base, b_.Mul(k, b_.I64(kTile)));
      const int a = b_.Load(tile_a_, kF32x4, b_.Add(row, b_.Mul(y, b_.I64(kOwn))));
      const int b = b_.Load(tile_b_, kF32x4, b_.Add(row, b_.Mul(x, b_.I64(kOwn))));
      for (int r = 0; r < kOwn; ++r) {
        b_.Set(sums_[r], b_.Fma(b_.Extract(a, r), b, sums_[r]));
      }
    });
  }

  LinearBuilder b_{"gpu_matmul"};
  const int in_a_ = b_.AddGlobal("a", DType::kF32, S::m* S::k, Access::kIn);
  const int in_b_ = b_.AddGlobal("b", DType::kF32, S::k* S::n, Access::kIn);
  const int out_ = b_.AddGlobal("c", DType::kF32, S::m* S::n, Access::kOut);
  const int tile_a_ = b_.AddLocal("tile_a", DType::kF32, 2 * kStageElements);
  const int tile_b_ = b_.AddLocal("tile_b", DType::kF32, 2 * kStageElements);
  int a_row_ = -1, a_k_ = -1, a_from_ = -1, b_k_ = -1, b_column_ = -1, b_from_ = -1;
  std::array<int, kOwn> sums_;
};

}  // namespace

Linear Matmul() { return MatmulWriter().Write(); }
Linear ConvInputGradient() { return ConvGradientWriter().Write(); }
Linear Attention() { return AttentionWriter().Write(); }
Linear GpuMatmul() { return GpuMatmulWriter().Write(); }

Linear OnlineSoftmax() {
  constexpr int kLanes = 16;
  LinearBuilder b("online_softmax");
  const int rows = b.AddVariable("rows", 1, 1 << 20), n = b.AddVariable("n", 1, 1 << 20);
  const types::Sym size = b.VariableSym(rows) * b.VariableSym(n);
  const int x = b.AddGlobal("x", DType::kF32, size, Access::kIn);
  const int y = b.AddGlobal("y", DType::kF32, size, Access::kOut);
  const int row = b.Mul(b.For(LoopKind::kParallel, b.I64(0), b.Var(rows)), b.Var(n));
  const int lowest = b.Const(kF32x16, std::numeric_limits<float>::lowest());
  const int zero = b.Const(kF32x16, 0.0);
  const int max = b.Acc(lowest), sum = b.Acc(zero);
  auto exp = [&](int a) { return b.Unary(ScalarOp::kExp, a); };
  int j = b.For(LoopKind::kSerial, b.I64(0), b.Var(n), kLanes);
  {
    const int inside = b.Lt(b.Add(j, b.Iota(kI64x16)), b.Var(n));
    const int v = b.Where(inside, b.Load(x, kF32x16, b.Add(row, j), inside), lowest);
    const int new_max = b.Max(max, v);
    const int term = b.Where(inside, exp(b.Sub(v, new_max)), zero);
    b.Set(sum, b.Fma(sum, exp(b.Sub(max, new_max)), term));
    b.Set(max, new_max);
  }
  b.End();
  const int row_max = b.Horizontal(ScalarOp::kMax, max);
  const int row_sum = b.Horizontal(ScalarOp::kAdd, b.Mul(sum, exp(b.Sub(max, row_max))));
  const int scale = b.Div(b.Const(kF32, 1.0), row_sum);
  j = b.For(LoopKind::kSerial, b.I64(0), b.Var(n), kLanes);
  {
    const int inside = b.Lt(b.Add(j, b.Iota(kI64x16)), b.Var(n));
    const int v = b.Load(x, kF32x16, b.Add(row, j), inside);
    b.Store(y, b.Add(row, j), b.Mul(exp(b.Sub(v, row_max)), scale), inside);
  }
  b.End();
  b.End();
  return std::move(b).Finish();
}

std::vector<Golden> HardFive() {
  return {{"matmul.ir", Matmul},
          {"conv_input_gradient.ir", ConvInputGradient},
          {"online_softmax.ir", OnlineSoftmax},
          {"attention.ir", Attention},
          {"gpu_matmul.ir", GpuMatmul}};
}

}  // namespace tensord::golden
