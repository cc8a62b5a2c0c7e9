// 300 generated chains of movement ops and their adjoints. Each index is checked by brute force for
// every coordinate. Where the elements that remain lie on plain strides the index has no division
// and no modulo; where they fill a box the mask has at most one bound for each axis that the box
// cuts. The times are printed (the aim is 1 ms a chain), not asserted.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/ir/index_map.h"

namespace tensord::ir {
namespace {

using types::Dims;
using types::Mask;
using types::Sym;
using Ints = std::vector<int64_t>;

int64_t Count(const Ints& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

Ints Unflatten(int64_t flat, const Ints& dims) {
  Ints at(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    at[i] = flat % dims[i];
    flat /= dims[i];
  }
  return at;
}

int64_t FlattenInts(const Ints& at, const Ints& dims) {
  int64_t flat = 0;
  for (size_t i = 0; i < dims.size(); ++i) flat = flat * dims[i] + at[i];
  return flat;
}

Dims ToDims(const Ints& ints) { return Dims(ints.begin(), ints.end()); }

// A tensor whose elements are the numbers of the source's elements, -1 being a structural zero; and
// the index functions that led to it.
class Chain {
 public:
  explicit Chain(Ints dims) : source_(dims), dims_(std::move(dims)) {
    for (int64_t i = 0; i < Count(dims_); ++i) elements_.push_back(i);
  }

  const Ints& dims() const { return dims_; }
  const std::string& text() const { return text_; }
  int64_t size() const { return static_cast<int64_t>(elements_.size()); }

  void Reshape(const Ints& to) {
    const Dims in = ToDims(dims_), out = ToDims(to);
    Record(absl::StrCat("reshape ", absl::StrJoin(to, "x")),
           [=](const Access& a) { return ReshapeIndex(a, out, in); });
    dims_ = to;
  }
  void Permute(const Ints& order) {
    Ints to(order.size());
    for (size_t i = 0; i < order.size(); ++i) to[i] = dims_[static_cast<size_t>(order[i])];
    Apply(to, [&](const Ints& at) {
      Ints from(at.size());
      for (size_t i = 0; i < at.size(); ++i) from[static_cast<size_t>(order[i])] = at[i];
      return from;
    });
    Record(absl::StrCat("permute ", absl::StrJoin(order, ",")),
           [=](const Access& a) { return PermuteIndex(a, order); });
  }
  void Expand(const Ints& to) {
    const Ints from_dims = dims_;
    Apply(to, [&](const Ints& at) {
      Ints from = at;
      for (size_t i = 0; i < at.size(); ++i) from[i] = from_dims[i] == 1 ? 0 : at[i];
      return from;
    });
    Record(absl::StrCat("expand ", absl::StrJoin(to, "x")),
           [in = ToDims(from_dims)](const Access& a) { return ExpandIndex(a, in); });
  }
  void Pad(const Ints& low, const Ints& high) {
    const Dims in = ToDims(dims_), low_dims = ToDims(low);
    Ints to = dims_;
    for (size_t i = 0; i < to.size(); ++i) to[i] += low[i] + high[i];
    Apply(to, [&](const Ints& at) { return Plus(at, low, -1); });
    Record(absl::StrCat("pad ", absl::StrJoin(low, ","), ":", absl::StrJoin(high, ",")),
           [=](const Access& a) { return PadIndex(a, low_dims, in); });
  }
  void Shrink(const Ints& low, const Ints& to) {
    Apply(to, [&](const Ints& at) { return Plus(at, low, 1); });
    Record(absl::StrCat("shrink ", absl::StrJoin(low, ","), " to ", absl::StrJoin(to, "x")),
           [low_dims = ToDims(low)](const Access& a) { return ShrinkIndex(a, low_dims); });
  }
  void Flip(const Ints& axes) {
    const Ints dims = dims_;
    Apply(dims, [&](const Ints& at) {
      Ints from = at;
      for (int64_t a : axes) {
        from[static_cast<size_t>(a)] =
            dims[static_cast<size_t>(a)] - 1 - at[static_cast<size_t>(a)];
      }
      return from;
    });
    Record(absl::StrCat("flip ", absl::StrJoin(axes, ",")),
           [=, in = ToDims(dims)](const Access& a) { return FlipIndex(a, in, axes); });
  }
  void Stride(const Ints& steps) {
    Ints to = dims_;
    for (size_t i = 0; i < to.size(); ++i) to[i] = (to[i] + steps[i] - 1) / steps[i];
    Apply(to, [&](const Ints& at) {
      Ints from = at;
      for (size_t i = 0; i < at.size(); ++i) from[i] *= steps[i];
      return from;
    });
    Record(absl::StrCat("stride ", absl::StrJoin(steps, ",")),
           [=](const Access& a) { return StrideIndex(a, steps); });
  }
  void Windows(const Window& w) {
    Ints to = dims_;
    for (size_t i = 0; i < w.axes.size(); ++i) {
      int64_t& d = to[static_cast<size_t>(w.axes[i])];
      d = (d - 1 - (w.sizes[i] - 1) * w.dilations[i]) / w.strides[i] + 1;
      to.push_back(w.sizes[i]);
    }
    const size_t rank = dims_.size();
    ASSERT_EQ(WindowDims(ToDims(dims_), w), ToDims(to));
    Apply(to, [&](const Ints& at) {
      Ints from(at.begin(), at.begin() + static_cast<ptrdiff_t>(rank));
      for (size_t i = 0; i < w.axes.size(); ++i) {
        int64_t& x = from[static_cast<size_t>(w.axes[i])];
        x = x * w.strides[i] + at[rank + i] * w.dilations[i];
      }
      return from;
    });
    Record(absl::StrCat("window axes ", absl::StrJoin(w.axes, ","), " size ",
                        absl::StrJoin(w.sizes, ","), " stride ", absl::StrJoin(w.strides, ","),
                        " dilation ", absl::StrJoin(w.dilations, ",")),
           [=](const Access& a) { return WindowIndex(a, w); });
  }
  void Dilate(const Ints& factors) {
    Ints to = dims_;
    for (size_t i = 0; i < to.size(); ++i) to[i] = (to[i] - 1) * factors[i] + 1;
    Apply(to, [&](const Ints& at) {
      Ints from = at;
      for (size_t i = 0; i < at.size(); ++i)
        from[i] = at[i] % factors[i] == 0 ? at[i] / factors[i] : -1;
      return from;
    });
    Record(absl::StrCat("dilate ", absl::StrJoin(factors, ",")),
           [=](const Access& a) { return DilateIndex(a, factors); });
  }

  // The composed index, of coordinates o0, o1, ...
  IndexMap Map() const {
    Access access;
    for (size_t i = 0; i < dims_.size(); ++i) {
      access.coords.push_back(Sym::Variable(absl::StrCat("o", i), 0, dims_[i] - 1));
    }
    for (size_t i = steps_.size(); i-- > 0;) access = steps_[i](access);
    return {ToDims(source_), access.coords, access.mask};
  }

  int64_t At(const Ints& at) const {
    return elements_[static_cast<size_t>(FlattenInts(at, dims_))];
  }
  Ints Point(int64_t flat) const { return Unflatten(flat, dims_); }
  static Sym::Assignment Assign(const Ints& at) {
    Sym::Assignment values;
    for (size_t i = 0; i < at.size(); ++i) values[absl::StrCat("o", i)] = at[i];
    return values;
  }

 private:
  static Ints Plus(Ints a, const Ints& b, int64_t k) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += k * b[i];
    return a;
  }

  // New elements from old ones; a coordinate outside gives a structural zero.
  void Apply(const Ints& to, const std::function<Ints(const Ints&)>& from) {
    std::vector<int64_t> moved;
    for (int64_t i = 0; i < Count(to); ++i) {
      const Ints at = from(Unflatten(i, to));
      bool inside = true;
      for (size_t a = 0; a < at.size(); ++a) inside = inside && at[a] >= 0 && at[a] < dims_[a];
      moved.push_back(inside ? At(at) : -1);
    }
    dims_ = to;
    elements_ = std::move(moved);
  }

  void Record(const std::string& text, std::function<Access(const Access&)> step) {
    absl::StrAppend(
        &text_, text_.empty() ? absl::StrCat("[", absl::StrJoin(source_, "x"), "] ") : "; ", text);
    steps_.push_back(std::move(step));
  }

  Ints source_, dims_;
  std::vector<int64_t> elements_;
  std::vector<std::function<Access(const Access&)>> steps_;
  std::string text_;
};

// What brute force says about a chain.
struct Shape {
  bool none = true;      // no element survives
  bool box = false;      // those that do fill a box
  int cut_axes = 0;      // axes that the box doesn't cover
  bool strided = false;  // within the box the source element is affine in the coordinates
};

class Analysis {
 public:
  explicit Analysis(const Chain& chain)
      : chain_(chain), lo_(chain.dims()), hi_(chain.dims().size(), -1) {}

  Shape Analyse() {
    Shape shape;
    const int64_t survivors = FindBox();
    shape.none = survivors == 0;
    if (shape.none) return shape;
    int64_t volume = 1;
    for (size_t i = 0; i < lo_.size(); ++i) {
      volume *= hi_[i] - lo_[i] + 1;
      if (lo_[i] > 0 || hi_[i] < chain_.dims()[i] - 1) ++shape.cut_axes;
    }
    shape.box = volume == survivors;
    shape.strided = shape.box && FitsStrides();
    return shape;
  }

 private:
  int64_t FindBox() {
    int64_t survivors = 0;
    for (int64_t p = 0; p < chain_.size(); ++p) {
      const Ints at = chain_.Point(p);
      if (chain_.At(at) < 0) continue;
      ++survivors;
      for (size_t i = 0; i < at.size(); ++i) {
        lo_[i] = std::min(lo_[i], at[i]);
        hi_[i] = std::max(hi_[i], at[i]);
      }
    }
    return survivors;
  }

  bool FitsStrides() {
    Ints strides(lo_.size());
    for (size_t i = 0; i < lo_.size(); ++i) {
      Ints at = lo_;
      if (lo_[i] == hi_[i]) continue;
      ++at[i];
      strides[i] = chain_.At(at) - chain_.At(lo_);
    }
    for (int64_t p = 0; p < chain_.size(); ++p) {
      const Ints at = chain_.Point(p);
      if (chain_.At(at) < 0) continue;
      int64_t want = chain_.At(lo_);
      for (size_t i = 0; i < at.size(); ++i) want += strides[i] * (at[i] - lo_[i]);
      if (want != chain_.At(at)) return false;
    }
    return true;
  }

  const Chain& chain_;
  Ints lo_, hi_;
};

struct Totals {
  int chains = 0, strided = 0, boxes = 0, divs = 0, mods = 0, mask_divs = 0, bounds = 0;
  std::vector<double> microseconds;

  // What is left over all chains may only shrink.
  void ExpectAtMost(int most_divs, int most_mods, int most_mask_divs, int most_bounds) const {
    EXPECT_LE(divs, most_divs);
    EXPECT_LE(mods, most_mods);
    EXPECT_LE(mask_divs, most_mask_divs);
    EXPECT_LE(bounds, most_bounds);
  }

  void Print(const std::string& name) {
    std::sort(microseconds.begin(), microseconds.end());
    std::cout << "[ CHAINS   ] " << name << ": " << chains << " chains, " << strided << " strided, "
              << boxes << " boxes; div " << divs << ", mod " << mods << ", div and mod in masks "
              << mask_divs << ", mask bounds " << bounds << "; p50 "
              << microseconds[microseconds.size() / 2] << " us, max " << microseconds.back()
              << " us\n";
  }
};

// Of this thread: the machine may be busy.
double CpuMicroseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

void CheckChain(const Chain& chain, Totals& totals) {
  const double begin = CpuMicroseconds();
  const IndexMap map = chain.Map();
  const Sym flat = types::SimplifyUnder(map.Flat(), map.valid);
  totals.microseconds.push_back(CpuMicroseconds() - begin);
  const std::string shown =
      absl::StrCat(chain.text(), "\n  index ", flat.ToString(), "\n  mask ", map.valid.ToString());
  for (int64_t p = 0; p < chain.size(); ++p) {
    const Ints at = chain.Point(p);
    const Sym::Assignment values = Chain::Assign(at);
    ASSERT_EQ(map.valid.Holds(values), chain.At(at) >= 0) << absl::StrJoin(at, ",") << "\n"
                                                          << shown;
    if (chain.At(at) < 0) continue;
    ASSERT_EQ(flat.Evaluate(values), chain.At(at)) << absl::StrJoin(at, ",") << "\n" << shown;
  }
  const Shape shape = Analysis(chain).Analyse();
  const Sym::Cost cost = flat.CountOperators();
  ++totals.chains;
  totals.divs += cost.divs;
  totals.mods += cost.mods;
  totals.bounds += static_cast<int>(map.valid.bounds().size());
  int mask_divs = 0;
  for (const types::Bound& b : map.valid.bounds()) {
    mask_divs += b.expr.CountOperators().divs + b.expr.CountOperators().mods;
  }
  totals.mask_divs += mask_divs;
  if (shape.none) {
    EXPECT_TRUE(map.valid.never()) << shown;
    return;
  }
  if (shape.box) {
    ++totals.boxes;
    EXPECT_LE(static_cast<int>(map.valid.bounds().size()), shape.cut_axes) << shown;
    EXPECT_EQ(mask_divs, 0) << shown;
  }
  if (shape.strided) {
    ++totals.strided;
    EXPECT_EQ(cost.divs + cost.mods, 0) << shown;
  }
}

class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  int64_t Pick(int64_t lo, int64_t hi) {
    return std::uniform_int_distribution<int64_t>(lo, hi)(random_);
  }

  Ints Source() {
    const int64_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12};
    Ints dims;
    const int64_t rank = Pick(1, 4);
    for (int64_t i = 0; i < rank; ++i) {
      const int64_t d = sizes[Pick(0, 9)];
      dims.push_back(Count(dims) * d > 400 ? 2 : d);
    }
    return dims;
  }

  // A random factorisation of n.
  Ints Factors(int64_t n) {
    Ints dims;
    while (n > 1 && dims.size() < 4) {
      Ints divisors;
      for (int64_t d = 2; d <= n; ++d) {
        if (n % d == 0) divisors.push_back(d);
      }
      dims.push_back(
          divisors[static_cast<size_t>(Pick(0, static_cast<int64_t>(divisors.size()) - 1))]);
      n /= dims.back();
    }
    if (n > 1) dims.back() *= n;
    if (dims.empty() || Pick(0, 4) == 0)
      dims.insert(dims.begin() + Pick(0, static_cast<int64_t>(dims.size())), 1);
    return dims;
  }

  Ints Order(size_t rank) {
    Ints order(rank);
    for (size_t i = 0; i < rank; ++i) order[i] = static_cast<int64_t>(i);
    std::shuffle(order.begin(), order.end(), random_);
    return order;
  }

  Ints Each(size_t rank, int64_t lo, int64_t hi) {
    Ints values(rank);
    for (int64_t& v : values) v = Pick(lo, hi);
    return values;
  }

  Ints SomeAxes(size_t rank) {
    Ints axes;
    for (size_t i = 0; i < rank; ++i) {
      if (Pick(0, 1) == 0) axes.push_back(static_cast<int64_t>(i));
    }
    return axes;
  }

  void RandomStep(Chain& chain) {
    const size_t rank = chain.dims().size();
    switch (Pick(0, 8)) {
      case 0:
      case 1:
        return chain.Reshape(Factors(chain.size()));
      case 2:
        return chain.Permute(Order(rank));
      case 3:
        return chain.Flip(SomeAxes(rank));
      case 4: {
        if (chain.size() > 600) return;
        return chain.Pad(Each(rank, 0, 2), Each(rank, 0, 2));
      }
      case 5: {
        Ints low(rank), to = chain.dims();
        for (size_t i = 0; i < rank; ++i) {
          low[i] = Pick(0, (to[i] - 1) / 3);
          to[i] -= low[i] + Pick(0, (to[i] - 1) / 3);
        }
        return chain.Shrink(low, to);
      }
      case 6:
        return chain.Stride(Each(rank, 1, 2));
      case 7: {
        Ints factors = Each(rank, 1, 3);
        if (chain.size() > 150) factors = Ints(rank, 1);
        return chain.Dilate(factors);
      }
      default: {
        Ints to = chain.dims();
        for (int64_t& d : to) {
          if (d == 1 && chain.size() < 300) d = Pick(1, 4);
        }
        return chain.Expand(to);
      }
    }
  }

 private:
  std::mt19937 random_;
};

TEST(MovementChains, RandomOps) {
  Totals totals;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Maker maker(seed);
    Chain chain(maker.Source());
    const int64_t steps = maker.Pick(2, 7);
    for (int64_t i = 0; i < steps; ++i) maker.RandomStep(chain);
    CheckChain(chain, totals);
  }
  totals.ExpectAtMost(68, 18, 54, 116);
  totals.Print("random ops");
}

// Reshapes, permutes and flips: bijections, then undone in reverse order.
void Undo(Chain& chain, Maker& maker) {
  struct Step {
    int kind;
    Ints value;
  };
  std::vector<Step> done;
  const int64_t steps = maker.Pick(2, 5);
  for (int64_t i = 0; i < steps; ++i) {
    const size_t rank = chain.dims().size();
    const int64_t kind = maker.Pick(0, 4);
    if (kind <= 1) {
      done.push_back({0, chain.dims()});
      chain.Reshape(maker.Factors(chain.size()));
    } else if (kind == 2) {
      const Ints order = maker.Order(rank);
      Ints inverse(rank);
      for (size_t a = 0; a < rank; ++a)
        inverse[static_cast<size_t>(order[a])] = static_cast<int64_t>(a);
      done.push_back({1, inverse});
      chain.Permute(order);
    } else if (kind == 3) {
      done.push_back({2, maker.SomeAxes(rank)});
      chain.Flip(done.back().value);
    } else {
      const Ints low = maker.Each(rank, 0, 2), high = maker.Each(rank, 0, 2);
      if (chain.size() > 500) continue;
      done.push_back({3, low});
      done.push_back({4, chain.dims()});
      chain.Pad(low, high);
    }
  }
  while (!done.empty()) {
    const Step step = done.back();
    done.pop_back();
    if (step.kind == 0) chain.Reshape(step.value);
    if (step.kind == 1) chain.Permute(step.value);
    if (step.kind == 2) chain.Flip(step.value);
    if (step.kind == 4) {
      chain.Shrink(done.back().value, step.value);
      done.pop_back();
    }
  }
}

TEST(MovementChains, AdjointsUndo) {
  Totals totals;
  for (uint32_t seed = 0; seed < 80; ++seed) {
    Maker maker(1000 + seed);
    Chain chain(maker.Source());
    const Ints source = chain.dims();
    Undo(chain, maker);
    ASSERT_EQ(chain.dims(), source);
    CheckChain(chain, totals);
    const IndexMap map = chain.Map();
    EXPECT_TRUE(map.valid.always()) << chain.text();
    for (size_t i = 0; i < source.size(); ++i) {
      EXPECT_EQ(map.index[i],
                source[i] == 1 ? Sym(0) : Sym::Variable(absl::StrCat("o", i), 0, source[i] - 1))
          << chain.text() << " axis " << i << ": " << map.index[i].ToString();
    }
  }
  totals.ExpectAtMost(0, 0, 0, 0);
  totals.Print("undone ops");
}

struct Conv {
  int64_t image, kernel, stride, padding, dilation;
  int64_t out() const { return (image + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; }
};

Conv RandomConv(Maker& maker) {
  Conv c;
  do {
    c = {maker.Pick(4, 9), maker.Pick(1, 4), maker.Pick(1, 3), maker.Pick(0, 2), maker.Pick(1, 2)};
  } while (c.image + 2 * c.padding < c.dilation * (c.kernel - 1) + 1);
  return c;
}

// Patches of a padded image: [C, H] -> pad -> window -> [O, C, K] -> [O, C*K].
void Patches(Chain& chain, const Conv& c, bool flatten) {
  chain.Pad({0, c.padding}, {0, c.padding});
  chain.Windows({{1}, {c.kernel}, {c.stride}, {c.dilation}});
  chain.Permute({1, 0, 2});
  if (flatten) chain.Reshape({chain.dims()[0], chain.dims()[1] * chain.dims()[2]});
}

// What the gradient of the image reads of the output's gradient: dilate by the stride, pad, window
// with the kernel's dilation, kernel backwards.
void InputGradient(Chain& chain, const Conv& c) {
  chain.Dilate({1, c.stride});
  const int64_t reach = c.dilation * (c.kernel - 1);
  const int64_t missing = c.image + 2 * c.padding - reach - 1 - (c.out() - 1) * c.stride;
  chain.Pad({0, reach - c.padding}, {0, reach - c.padding + missing});
  chain.Windows({{1}, {c.kernel}, {1}, {c.dilation}});
  chain.Flip({2});
}

TEST(MovementChains, Convolutions) {
  Totals totals;
  for (uint32_t seed = 0; seed < 80; ++seed) {
    Maker maker(2000 + seed);
    const Conv c = RandomConv(maker);
    const int64_t channels = maker.Pick(1, 3);
    switch (seed % 4) {
      case 0: {
        Chain chain({channels, c.image});
        Patches(chain, c, maker.Pick(0, 1) == 0);
        CheckChain(chain, totals);
        break;
      }
      case 1: {
        Chain chain({channels, c.out()});
        InputGradient(chain, c);
        ASSERT_EQ(chain.dims()[1], c.image);
        CheckChain(chain, totals);
        break;
      }
      case 2: {  // the weight's gradient reads the image with stride and dilation exchanged
        Chain chain({channels, c.image});
        chain.Pad({0, c.padding}, {0, c.padding});
        chain.Windows({{1}, {c.out()}, {c.dilation}, {c.stride}});
        chain.Shrink({0, 0, 0}, {channels, c.kernel, c.out()});
        CheckChain(chain, totals);
        break;
      }
      default: {  // two axes, stacked in one matrix
        Chain chain({channels, c.image, 6});
        chain.Pad({0, c.padding, 1}, {0, c.padding, 1});
        chain.Windows({{1, 2}, {c.kernel, 3}, {c.stride, 1}, {c.dilation, 1}});
        chain.Permute({1, 2, 0, 3, 4});
        const Ints d = chain.dims();
        if (maker.Pick(0, 1) == 0) chain.Reshape({d[0] * d[1], d[2] * d[3] * d[4]});
        CheckChain(chain, totals);
      }
    }
  }
  totals.ExpectAtMost(41, 1, 47, 88);
  totals.Print("convolutions");
}

// Layout changes that models are full of, and their inverses.
void Layout(Chain& chain, Maker& maker, int64_t kind, int64_t a, int64_t b, int64_t n) {
  switch (kind) {
    case 0:  // split heads
      chain.Reshape({n, a, b});
      chain.Permute({1, 0, 2});
      if (maker.Pick(0, 1) == 0) {
        chain.Permute({1, 0, 2});
        chain.Reshape({n, a * b});
      }
      break;
    case 1:  // depth to space, and back
      chain.Reshape({n, a, b});
      chain.Permute({0, 2, 1});
      chain.Reshape({n * b, a});
      chain.Reshape({n, b, a});
      chain.Permute({0, 2, 1});
      chain.Reshape({n, a * b});
      break;
    case 2:  // repeat each element
      chain.Reshape({n, a * b, 1});
      chain.Expand({n, a * b, 3});
      if (maker.Pick(0, 1) == 0) chain.Reshape({n, a * b * 3});
      break;
    case 3:  // roll: pad by one period, cut
      chain.Reshape({1, n * a * b});
      chain.Expand({2, n * a * b});
      chain.Reshape({2 * n * a * b});
      chain.Shrink({maker.Pick(1, n * a * b - 1)}, {n * a * b});
      break;
    case 4:  // space of non-overlapping windows is a reshape
      chain.Windows({{1}, {b}, {b}, {1}});
      chain.Reshape({n, a * b});
      break;
    default:  // zeros between elements, taken out again
      chain.Dilate({maker.Pick(1, 2), maker.Pick(2, 3)});
      chain.Pad({0, 1}, {0, 2});
      chain.Shrink({0, 1}, {chain.dims()[0], chain.dims()[1] - 3});
      chain.Stride({(chain.dims()[0] - 1) / std::max<int64_t>(n - 1, 1), 1});
  }
}

TEST(MovementChains, Layouts) {
  Totals totals;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Maker maker(3000 + seed);
    const int64_t n = maker.Pick(2, 5), a = maker.Pick(2, 5), b = maker.Pick(2, 6);
    Chain chain({n, a * b});
    Layout(chain, maker, seed % 6, a, b, n);
    CheckChain(chain, totals);
  }
  totals.ExpectAtMost(7, 7, 6, 6);
  totals.Print("layouts");
}

}  // namespace
}  // namespace tensord::ir
