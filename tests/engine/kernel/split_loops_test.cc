// Loops are split where a mask changes and by residue where a mask depends on one: counts of
// operations, stored elements and masked loads in the kernels of whole functions.
#include "engine/kernel/split_loops.h"

#include <string>

#include "engine/kernel/lower.h"
#include "engine/ops/build.h"
#include "engine/ops/gradient.h"
#include "engine/passes/pipeline.h"
#include "engine/schedule/schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::kernel {
namespace {

using ir::Function;
using ir::Ints;
using ir::Ref;
using ops::Build;

struct Compiled {
  schedule::Schedule schedule;
  std::vector<Linear> kernels;
};

Compiled Compile(const Function& function) {
  auto core = passes::RunPipeline(function);
  TENSORD_CHECK(core.ok(), core.status().ToString());
  auto schedule = schedule::MakeSchedule(*core, {});
  TENSORD_CHECK(schedule.ok(), schedule.status().ToString());
  Compiled compiled{*std::move(schedule), {}};
  types::Capabilities machine;
  machine.vector_bytes = 32;
  for (const schedule::Step& step : compiled.schedule.steps) {
    auto linear = Lower(step.kernel, machine);
    TENSORD_CHECK(linear.ok(), linear.status().ToString());
    compiled.kernels.push_back(*std::move(linear));
  }
  return compiled;
}

Ref Input(Function& f, std::vector<int64_t> dims) {
  types::Type type;
  type.dtype = types::DType::kF32;
  type.dims.assign(dims.begin(), dims.end());
  return ops::AddParameter(f, type);
}

double Flops(const Compiled& compiled) {
  double flops = 0;
  for (const Linear& kernel : compiled.kernels) flops += EstimateWork(kernel, {}).flops;
  return flops;
}

int MaskedLoads(const Linear& kernel) {
  int masked = 0;
  for (const Instr& instr : kernel.code) {
    const bool load = instr.opcode == Opcode::kLoad || instr.opcode == Opcode::kGather;
    masked += load && instr.src[1] >= 0 ? 1 : 0;
  }
  return masked;
}

struct ConvCase {
  std::vector<int64_t> x;  // [N, C, *d]
  int64_t channels, kernel, stride, padding;
  int64_t dilation = 1, output_padding = 0;
};

std::string Name(const ConvCase& c) {
  return StrCat("rank", c.x.size() - 2, "_k", c.kernel, "_s", c.stride, "_p", c.padding, "_d",
                c.dilation, "_o", c.output_padding);
}

std::vector<ops::NamedAttr> Attrs(const ConvCase& c) {
  const Ints stride(c.x.size() - 2, c.stride), padding(c.x.size() - 2, c.padding),
      dilation(c.x.size() - 2, c.dilation);
  return {{"stride", stride}, {"padding", padding}, {"dilation", dilation}};
}

Ref Weight(Function& f, const ConvCase& c) {
  std::vector<int64_t> dims = {c.channels, c.x[1]};
  dims.resize(c.x.size(), c.kernel);
  return Input(f, dims);
}

Function Forward(const ConvCase& c) {
  Function f;
  Ref x = Input(f, c.x), w = Weight(f, c);
  f.results = {Build(*f.graph, "conv", {x, w}, Attrs(c))};
  return f;
}

Function InputGradient(const ConvCase& c) {
  Function f;
  Ref x = Input(f, c.x), w = Weight(f, c);
  Ref y = Build(*f.graph, "conv", {x, w}, Attrs(c));
  std::vector<int64_t> dims;
  for (const types::Sym& dim : y->dims()) dims.push_back(dim.constant());
  f.results = *ops::Gradient(*f.graph, y, {&x, 1}, Input(f, dims));
  return f;
}

// x is the result's, w the convolution's that this inverts.
Function Transpose(const ConvCase& c) {
  Function f = Forward(c);
  std::vector<int64_t> dims;
  for (const types::Sym& dim : f.results[0]->dims()) dims.push_back(dim.constant());
  Function g;
  Ref y = Input(g, dims), w = Weight(g, c);
  std::vector<ops::NamedAttr> attrs = Attrs(c);
  attrs.push_back({"output_padding", Ints(c.x.size() - 2, c.output_padding)});
  g.results = {Build(*g.graph, "conv_transpose", {y, w}, attrs)};
  return g;
}

class InputGradients : public testing::TestWithParam<ConvCase> {};

int64_t Windows(const ConvCase& c, int64_t extent) {
  return (extent + 2 * c.padding - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
}

// Multiplications and additions of both directions of a convolution, padding included.
double UsefulFlops(const ConvCase& c) {
  double flops = 2.0 * static_cast<double>(c.x[0] * c.x[1] * c.channels);
  for (size_t axis = 2; axis < c.x.size(); ++axis)
    flops *= static_cast<double>(Windows(c, c.x[axis]) * c.kernel);
  return flops;
}

TEST_P(InputGradients, MultiplyNoStructuralZero) {
  const double flops = Flops(Compile(InputGradient(GetParam())));
  EXPECT_LE(flops, 1.05 * UsefulFlops(GetParam()));
  EXPECT_LE(flops, 1.05 * Flops(Compile(Forward(GetParam()))));
}

TEST_P(InputGradients, StoreNoZerosBetweenElements) {
  const ConvCase& c = GetParam();
  int64_t dilated = c.x[0] * c.channels;
  for (size_t axis = 2; axis < c.x.size(); ++axis)
    dilated *= (Windows(c, c.x[axis]) - 1) * c.stride + 1;
  for (const schedule::Value& value : Compile(InputGradient(c)).schedule.values) {
    if (value.parameter >= 0 || value.result) continue;
    EXPECT_LT(static_cast<double>(value.type.elements().max()), 0.75 * dilated);
  }
}

TEST_P(InputGradients, OfTheTransposeAreTheSame) {
  EXPECT_LE(Flops(Compile(Transpose(GetParam()))), 1.05 * UsefulFlops(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    Convs, InputGradients,
    testing::Values(ConvCase{{2, 16, 32, 32}, 16, 3, 2, 1}, ConvCase{{2, 16, 32, 32}, 16, 2, 2, 0},
                    ConvCase{{2, 16, 32, 32}, 16, 1, 2, 0},
                    ConvCase{{1, 16, 127, 127}, 16, 3, 2, 0},
                    ConvCase{{2, 16, 33, 33}, 16, 3, 3, 1}, ConvCase{{4, 16, 96}, 16, 3, 2, 1},
                    ConvCase{{4, 16, 96}, 16, 5, 3, 2}, ConvCase{{1, 8, 8, 8, 8}, 16, 3, 2, 1},
                    ConvCase{{2, 16, 64, 64}, 16, 7, 2, 3}),
    [](const auto& info) { return Name(info.param); });

// ---- boundaries ----

double Points(const schedule::LoopKernel& kernel) {
  double points = 1;
  for (const schedule::Range& range : kernel.grid)
    points *= static_cast<double>(range.extent.constant());
  return points;
}

// The one kernel of a function, split; the pieces cover its points.
std::vector<schedule::LoopKernel> Pieces(const Function& f) {
  const Compiled compiled = Compile(f);
  TENSORD_CHECK(compiled.kernels.size() == 1, compiled.schedule.Print());
  const schedule::LoopKernel& kernel = compiled.schedule.steps[0].kernel;
  std::vector<schedule::LoopKernel> pieces = SplitLoops(kernel);
  double points = 0;
  for (const schedule::LoopKernel& piece : pieces) points += Points(piece);
  EXPECT_EQ(points, Points(kernel));
  return pieces;
}

// The share of the points that lie in pieces without any masked load.
double ShareWithoutMasks(absl::Span<const schedule::LoopKernel> pieces) {
  types::Capabilities machine;
  double points = 0, plain = 0;
  for (const schedule::LoopKernel& piece : pieces) {
    points += Points(piece);
    plain += MaskedLoads(*Lower(piece, machine)) == 0 ? Points(piece) : 0;
  }
  return plain / points;
}

TEST(Boundaries, ThePadOfAnImageHasAnInteriorWithoutMasks) {
  Function f;
  Ref x = Build(*f.graph, "relu", {Input(f, {8, 62, 1022})});
  f.results = {ops::Pad(*f.graph, x, types::Dims{0, 1, 1}, types::Dims{0, 1, 1})};
  const auto pieces = Pieces(f);
  EXPECT_EQ(pieces.size(), 5u);
  EXPECT_GE(ShareWithoutMasks(pieces), 0.7);
}

TEST(Boundaries, TwoJoinedHalvesAreTwoLoops) {
  Function f;
  Ref a = Input(f, {32, 512}), b = Input(f, {32, 512});
  f.results = {Build(*f.graph, "cat", {a, b}, {{"axis", 1}})};
  const auto pieces = Pieces(f);
  EXPECT_EQ(pieces.size(), 2u);
  EXPECT_EQ(ShareWithoutMasks(pieces), 1);
}

TEST(Boundaries, AFlippedPadIsCutToo) {
  Function f;
  Ref x = Input(f, {32, 600});
  Ref padded = ops::Pad(*f.graph, x, types::Dims{0, 168}, types::Dims{0, 0});
  f.results = {ops::Flip(*f.graph, padded, {1})};
  EXPECT_GE(ShareWithoutMasks(Pieces(f)), 0.75);
}

TEST(Boundaries, PaddedPoolsHaveAnInteriorWithoutMasks) {
  for (const char* pool : {"max_pool", "avg_pool"}) {
    Function f;
    Ref x = Input(f, {2, 8, 128, 128});
    f.results = {Build(*f.graph, pool, {x},
                       {{"kernel", Ints{3, 3}}, {"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}})};
    EXPECT_GE(ShareWithoutMasks(Pieces(f)), 0.7) << pool;
  }
}

TEST(Boundaries, RowsThatShareLinesStayWhole) {
  Function f;
  Ref x = Build(*f.graph, "relu", {Input(f, {64, 126})});
  f.results = {ops::Pad(*f.graph, x, types::Dims{0, 1}, types::Dims{0, 1})};
  EXPECT_EQ(Pieces(f).size(), 1u);
}

TEST(Boundaries, SmallImagesStayWhole) {
  Function f;
  Ref x = Build(*f.graph, "relu", {Input(f, {128, 16, 8, 8})});
  f.results = {ops::Pad(*f.graph, x, types::Dims{0, 0, 1, 1}, types::Dims{0, 0, 1, 1})};
  EXPECT_EQ(Pieces(f).size(), 1u);
}

// ---- folds ----

TEST(Folds, OfAPaddedValueRunOverTheValue) {
  Function f;
  Ref x = Input(f, {16, 100});
  Ref padded = ops::Pad(*f.graph, x, types::Dims{0, 300}, types::Dims{0, 600});
  f.results = {ops::Reduce(*f.graph, padded, "sum", {1})};
  EXPECT_LE(Flops(Compile(f)), 16 * (100 + 32));
}

TEST(Folds, OfAMaximumKeepTheZerosOfAPad) {
  Function f;
  Ref x = Input(f, {16, 100});
  Ref padded = ops::Pad(*f.graph, x, types::Dims{0, 300}, types::Dims{0, 600});
  f.results = {ops::Reduce(*f.graph, padded, "max", {1})};
  EXPECT_GE(Flops(Compile(f)), 16 * 1000);
}

}  // namespace
}  // namespace tensord::kernel
