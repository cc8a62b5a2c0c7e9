#include "tests/ops/random_graph.h"

#include <numeric>
#include <random>

#include "engine/ops/build.h"

namespace tensord::testing_support {
namespace {

using ir::Ints;
using ir::Ref;
using types::Dims;
using types::DType;
using types::Scalar;
using types::Sym;

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  RandomGraph Run() {
    const int parameters = 1 + Below(3), steps = 2 + Below(10);
    for (int i = 0; i < parameters; ++i) AddParameter();
    for (int i = 0; i < steps; ++i) nodes_.push_back(Step());
    const int results = 1 + Below(2);
    for (int i = 0; i < results; ++i)
      result_.function.results.push_back(nodes_[nodes_.size() - 1 - i]);
    return std::move(result_);
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  ir::Graph& graph() { return *result_.function.graph; }
  Ref Pick() { return nodes_[Below(static_cast<int>(nodes_.size()))]; }

  void AddParameter() {
    types::Type type;
    type.dtype = Below(4) == 0 ? DType::kI32 : DType::kF32;
    const int rank = Below(4);
    std::vector<int64_t> shape;
    for (int i = 0; i < rank; ++i) shape.push_back(1 + Below(Below(4) == 0 ? 37 : 7));
    type.dims.assign(shape.begin(), shape.end());
    types::HostTensor tensor(type.dtype, shape);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.Set(i, Scalar::Int(DType::kI64, Below(9) - 4));
    result_.arguments.push_back(std::move(tensor));
    nodes_.push_back(ops::AddParameter(result_.function, type));
  }

  Ref Step() {
    Ref x = Pick();
    switch (Below(12)) {
      case 0:
        return ops::Add(graph(), x, SameDims(x));
      case 1:
        return ops::Mul(graph(), x, SameDims(x));
      case 2:
        return ops::Where(graph(), ops::Build(graph(), "lt", {x, SameDims(x)}), x, SameDims(x));
      case 3:
        return Reduced(x);
      case 4:
        return Permuted(x);
      case 5:
        return Padded(x);
      case 6:
        return Shrunk(x);
      case 7:
        return Contracted(x);
      case 8:
        return Dilated(x);
      case 9:
        return Windowed(x);
      case 10:
        return Convolved(x);
      default:
        return Clamped(x);
    }
  }

  // A node of x's dims: another of them, or x's dims broadcast from a row of it.
  Ref SameDims(Ref x) {
    for (int tries = 0; tries < 4; ++tries) {
      Ref y = Pick();
      if (y->dims() == x->dims()) return y;
    }
    if (x->rank() == 0) return x;
    Ref row = ops::Reduce(graph(), x, "max", {0});
    return ops::Expand(graph(), ops::Unreduce(graph(), row, {0}), x->dims());
  }
  Ref Reduced(Ref x) {
    if (x->rank() == 0) return x;
    static constexpr const char* kMonoids[] = {"sum", "max", "min"};
    Ints axes = {Below(x->rank())};
    if (x->rank() > 1 && Below(2) == 0) axes = {0, x->rank() - 1};
    return ops::Reduce(graph(), Clamped(x), kMonoids[Below(3)], axes);
  }
  Ref Permuted(Ref x) {
    Ints order(x->rank());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random_);
    return ops::Permute(graph(), x, order);
  }
  Ref Padded(Ref x) {
    Dims low, high;
    for (int i = 0; i < x->rank(); ++i) {
      low.push_back(Below(3));
      high.push_back(Below(3));
    }
    return x->type().elements().max() > 4000 ? x : ops::Pad(graph(), x, low, high);
  }
  Ref Shrunk(Ref x) {
    Dims low, dims;
    Ints flipped;
    for (int i = 0; i < x->rank(); ++i) {
      const int size = static_cast<int>(x->dims()[i].constant()), from = Below(size);
      low.push_back(from);
      dims.push_back(1 + Below(size - from));
      if (Below(3) == 0) flipped.push_back(i);
    }
    Ref piece = ops::Shrink(graph(), x, low, dims);
    return flipped.empty() ? piece : ops::Flip(graph(), piece, flipped);
  }
  // x [.., k] with itself transposed: a contraction when x is a matrix of floats.
  Ref Contracted(Ref x) {
    if (x->rank() != 2 || !types::IsFloat(x->dtype())) return Clamped(x);
    Ref y = ops::Permute(graph(), Clamped(x), {1, 0});
    return ops::Build(graph(), "matmul", {Clamped(x), y});
  }
  // Zeros between the elements, a pad around.
  Ref Dilated(Ref x) {
    if (x->rank() == 0 || x->type().elements().max() > 400) return x;
    Ints factors;
    for (int i = 0; i < x->rank(); ++i) factors.push_back(1 + Below(3));
    return Padded(ops::Build(graph(), "dilate", {x}, {{"factors", factors}}));
  }
  // A fold over windows of a padded axis.
  Ref Windowed(Ref x) {
    if (x->rank() == 0) return x;
    static constexpr const char* kMonoids[] = {"sum", "max", "min"};
    Ref padded = Padded(Clamped(x));
    const int64_t axis = Below(x->rank());
    const int64_t size = std::min<int64_t>(1 + Below(3), padded->dims()[axis].constant());
    Ref windows = ops::Build(graph(), "window", {padded},
                             {{"axes", Ints{axis}},
                              {"sizes", Ints{size}},
                              {"strides", Ints{1 + Below(3)}},
                              {"dilations", Ints{1}}});
    return ops::Reduce(graph(), windows, kMonoids[Below(3)], {x->rank()});
  }
  // x as [1, C, n] by itself cut to a kernel: forward or transposed, with strides.
  Ref Convolved(Ref x) {
    if (x->rank() != 2 || !types::IsFloat(x->dtype())) return Clamped(x);
    const int64_t c = x->dims()[0].constant(), n = x->dims()[1].constant();
    const int64_t k = 1 + Below(static_cast<int>(std::min<int64_t>(n, 4)));
    Ref small = Clamped(x);
    Ref image = ops::Reshape(graph(), small, Dims{1, c, n});
    Ref kernel = ops::Slice(graph(), small, 1, 0, k);
    const bool transposed = Below(2) == 0;
    kernel = ops::Reshape(graph(), kernel, transposed ? Dims{c, 1, k} : Dims{1, c, k});
    kernel = ops::Expand(graph(), kernel, transposed ? Dims{c, 3, k} : Dims{3, c, k});
    Ref y = ops::Build(
        graph(), transposed ? "conv_transpose" : "conv", {image, kernel},
        {{"stride", Ints{1 + Below(3)}}, {"padding", Ints{Below(static_cast<int>(k + 1) / 2)}}});
    Dims dims = y->dims();
    dims.erase(dims.begin());
    return Clamped(ops::Reshape(graph(), y, dims));
  }
  // Keeps values small, so that sums in any order stay exact in f32.
  Ref Clamped(Ref x) {
    Ref four = ops::ConstantLike(graph(), x, 4), minus = ops::ConstantLike(graph(), x, -4);
    return ops::Build(graph(), "minimum", {ops::Build(graph(), "maximum", {x, minus}), four});
  }

  std::mt19937_64 random_;
  RandomGraph result_;
  std::vector<Ref> nodes_;
};

}  // namespace

RandomGraph MakeRandomGraph(uint64_t seed) { return Maker(seed).Run(); }

}  // namespace tensord::testing_support
