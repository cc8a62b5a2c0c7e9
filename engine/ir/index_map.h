// Movement as index functions: where each element of a movement's result comes from.
//
// Every function below takes the coordinates of an element of the result (`out`: one expression per
// axis, and the condition under which the element is not a structural zero) and gives the
// coordinates of the element of the input that it is. Coordinates mean something only where the
// mask holds; chains compose by passing the result on:
//
//   Access a = {{i, j, k, l}, {}};                        // of the result
//   a = FlipIndex(a, dims, {2, 3});                       // what was applied last comes first
//   a = WindowIndex(a, {{0, 1}, {3, 3}, {1, 1}, {1, 1}});
//   a = PadIndex(a, {2, 2}, dilated_dims);
//   a = DilateIndex(a, {2, 2});                           // coordinates of the source
//
// Coordinates are simplified under the mask so far.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "engine/types/sym.h"

namespace tensord::ir {

struct Access {
  std::vector<types::Sym> coords;
  types::Mask mask;
};

// Same elements in row-major order. REQUIRES: equal numbers of elements. Runs of dims with equal
// products are regrouped separately, so a dim that both sides share costs nothing.
Access ReshapeIndex(const Access& out, absl::Span<const types::Sym> out_dims,
                    absl::Span<const types::Sym> in_dims);
// Axis i of the result is axis order[i] of the input.
Access PermuteIndex(const Access& out, absl::Span<const int64_t> order);
// Dims of 1 are repeated.
Access ExpandIndex(const Access& out, absl::Span<const types::Sym> in_dims);
// low[i] zeros before the elements of axis i (negative: elements cut off), some after.
Access PadIndex(const Access& out, absl::Span<const types::Sym> low,
                absl::Span<const types::Sym> in_dims);
// Elements from low[i] on.
Access ShrinkIndex(const Access& out, absl::Span<const types::Sym> low);
// These axes backwards.
Access FlipIndex(const Access& out, absl::Span<const types::Sym> in_dims,
                 absl::Span<const int64_t> axes);
// Every steps[i]-th element.
Access StrideIndex(const Access& out, absl::Span<const int64_t> steps);

// Sliding windows: axes[i] becomes the number of the window, and the position in it is appended as
// a new last axis, in the order of `axes`. Position k of window o is element o*stride + k*dilation.
struct Window {
  std::vector<int64_t> axes, sizes, strides, dilations;
};
Access WindowIndex(const Access& out, const Window& window);
// Dims of the result, for input dims that hold at least one window.
types::Dims WindowDims(absl::Span<const types::Sym> in_dims, const Window& window);

// factors[i] - 1 zeros between the elements of axis i.
Access DilateIndex(const Access& out, absl::Span<const int64_t> factors);

// Row-major element number of `coords` in an array of `dims`.
types::Sym Flatten(absl::Span<const types::Sym> coords, absl::Span<const types::Sym> dims);

// A composed movement: the input's coordinates as functions of named coordinates of the result.
struct IndexMap {
  types::Dims in_dims;
  std::vector<types::Sym> index;
  types::Mask valid;

  types::Sym Flat() const { return Flatten(index, in_dims); }
};

// A piece of a loop over a variable: begin, begin + step, ... below end.
struct LoopPiece {
  int64_t begin = 0, end = 0, step = 1;
  // Of the mask, for the values of the piece, the other variables being free.
  enum class Truth : uint8_t { kNever, kSometimes, kAlways } truth = Truth::kSometimes;

  int64_t count() const { return end > begin ? (end - begin + step - 1) / step : 0; }
  friend bool operator==(const LoopPiece&, const LoopPiece&) = default;
};

// The pieces of a loop of `variable` over [0, extent) between which `mask` changes: at the points
// where a bound starts or stops to hold, and by residue where the mask has a modulo of the
// variable. Together they cover each value once, ordered by (residue, begin). Skipping the kNever
// ones and splitting the other variables of a kSometimes one in turn, no structural zero is left to
// multiply.
std::vector<LoopPiece> SplitPoints(const types::Mask& mask, const std::string& variable,
                                   int64_t extent);

// Classes of residues into which a loop may be split.
inline constexpr int64_t kMostResidues = 16;

// How many residue classes of `variable` tell apart where `mask` can hold: the period of the bounds
// that ask for one value of an expression periodic in it, as `dilate` makes. 1: none, or too many.
int64_t ResiduePeriod(const types::Mask& mask, const std::string& variable);

}  // namespace tensord::ir
