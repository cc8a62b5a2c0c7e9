#include "engine/ops/einsum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "absl/algorithm/container.h"
#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "engine/ops/compose.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using types::Dims;
using types::DType;
using types::Sym;

constexpr int kMaxPlanned = 8;  // operands whose every contraction order is weighed: 3^8 steps

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Has(std::string_view labels, char label) {
  return labels.find(label) != std::string_view::npos;
}

// Ellipsis labels count from the last axis of the ellipsis, so that they align as in broadcasting.
std::string EllipsisLabels(int count) {
  std::string labels;
  for (int i = count - 1; i >= 0; --i) labels += static_cast<char>('!' + i);
  return labels;
}

// One side of an equation: letters, with at most one ellipsis that stands for `rank` less the
// letters (rank < 0: for `ellipsis` axes).
absl::StatusOr<std::string> ReadTerm(std::string_view equation, std::string_view term, int rank,
                                     int ellipsis) {
  std::string letters;
  int at = -1;
  for (size_t i = 0; i < term.size(); ++i) {
    if (IsLetter(term[i])) {
      letters += term[i];
    } else if (term.substr(i, 3) == "..." && at < 0) {
      at = static_cast<int>(letters.size());
      i += 2;
    } else {
      return InvalidArgument("einsum: unexpected '", term.substr(i, 1), "' in equation \"",
                             equation,
                             "\"; expected letters, one \"...\" a term, \",\" and \"->\"");
    }
  }
  const int count = rank < 0 ? ellipsis : rank - static_cast<int>(letters.size());
  if (rank >= 0 && (count < 0 || (at < 0 && count != 0))) {
    return InvalidArgument("einsum: term \"", term, "\" of equation \"", equation, "\" names ",
                           letters.size(), " axes of an operand of rank ", rank);
  }
  return at < 0 ? letters : letters.insert(at, EllipsisLabels(count));
}

// Without "->": ellipsis, then the letters that occur once.
std::string ImplicitOutput(const std::vector<std::string>& inputs, int ellipsis) {
  std::array<int, 128> uses{};
  for (const std::string& input : inputs) {
    for (char label : input) ++uses[static_cast<unsigned char>(label)];
  }
  std::string output = EllipsisLabels(ellipsis);
  for (int c = 0; c < 128; ++c) {
    if (IsLetter(static_cast<char>(c)) && uses[c] == 1) output += static_cast<char>(c);
  }
  return output;
}

absl::Status CheckOutput(std::string_view equation, const EinsumTerms& terms) {
  for (char label : terms.output) {
    if (absl::c_count(terms.output, label) > 1) {
      return InvalidArgument("einsum: the result of \"", equation, "\" names axis ",
                             std::string(1, label), " twice");
    }
    const auto has_label = [label](const std::string& input) { return Has(input, label); };
    if (!absl::c_any_of(terms.inputs, has_label)) {
      return InvalidArgument("einsum: axis ", std::string(1, label), " of the result of \"",
                             equation, "\" is in no operand");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLabelCount(std::string_view equation, const EinsumTerms& terms) {
  std::string labels;
  for (const std::string& input : terms.inputs) labels += input;
  absl::c_sort(labels);
  const auto distinct = std::unique(labels.begin(), labels.end()) - labels.begin();
  if (distinct <= types::kMaxRank) return absl::OkStatus();
  return InvalidArgument("einsum: \"", equation, "\" has ", distinct, " distinct axes; at most ",
                         types::kMaxRank);
}

// The comma-separated pieces; empty ones count (scalars).
std::vector<std::string_view> SplitTerms(std::string_view text) {
  std::vector<std::string_view> terms;
  for (size_t comma; (comma = text.find(',')) != std::string_view::npos;) {
    terms.push_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  terms.push_back(text);
  return terms;
}

// ---- planning ----

using Bits = uint32_t;  // a set of operands, or of labels by their position in `labels`

struct Planner {
  std::string labels;           // every label
  std::vector<double> extents;  // of each
  std::vector<Bits> operands;   // labels of each operand
  Bits output = 0;

  Planner(const EinsumTerms& terms, const EinsumExtents& all) {
    for (const auto& [label, extent] : all) labels += label;
    absl::c_sort(labels);
    for (char label : labels)
      extents.push_back(static_cast<double>(std::max<int64_t>(all.at(label).max(), 1)));
    for (const std::string& input : terms.inputs) operands.push_back(SetOf(input));
    output = SetOf(terms.output);
  }
  Bits SetOf(std::string_view text) const {
    Bits set = 0;
    for (char label : text) set |= Bits{1} << labels.find(label);
    return set;
  }
  // Multiplications of a contraction over `set`.
  double Work(Bits set) const {
    double work = 1;
    for (; set != 0; set &= set - 1) work *= extents[std::countr_zero(set)];
    return work;
  }
};

// Labels that remain when the operands `inside` are contracted: those needed outside.
Bits Remaining(const Planner& planner, const std::vector<Bits>& operands, Bits inside) {
  Bits in = 0, out = planner.output;
  for (size_t i = 0; i < operands.size(); ++i) ((inside >> i & 1) != 0 ? in : out) |= operands[i];
  return in & out;
}

Bits Contracted(const Planner& planner, const std::vector<Bits>& operands, int a, int b) {
  return Remaining(planner, operands, Bits{1} << a | Bits{1} << b);
}

void Apply(const Planner& planner, std::vector<Bits>& operands, EinsumStep step,
           std::vector<EinsumStep>& steps) {
  operands[step.left] = Contracted(planner, operands, step.left, step.right);
  operands.erase(operands.begin() + step.right);
  steps.push_back(step);
}

EinsumStep CheapestPair(const Planner& planner, const std::vector<Bits>& operands) {
  EinsumStep best{0, 1};
  double least = std::numeric_limits<double>::infinity();
  for (int a = 0; a < static_cast<int>(operands.size()); ++a) {
    for (int b = a + 1; b < static_cast<int>(operands.size()); ++b) {
      const double work = planner.Work(operands[a] | operands[b]);
      if (work < least) {
        least = work;
        best = {a, b};
      }
    }
  }
  return best;
}

// The cheapest split of every set of operands into two, by dynamic programming over subsets.
std::vector<Bits> CheapestSplits(const Planner& planner, const std::vector<Bits>& operands) {
  const Bits all = (Bits{1} << operands.size()) - 1;
  std::vector<double> cost(all + 1, 0);
  std::vector<Bits> split(all + 1, 0);
  for (Bits set = 1; set <= all; ++set) {
    if (std::has_single_bit(set)) continue;
    cost[set] = std::numeric_limits<double>::infinity();
    for (Bits left = (set - 1) & set; left != 0; left = (left - 1) & set) {
      const Bits right = set ^ left;
      if (left < right) continue;  // each split once
      const Bits labels = Remaining(planner, operands, left) | Remaining(planner, operands, right);
      const double total = cost[left] + cost[right] + planner.Work(labels);
      if (total < cost[set]) {
        cost[set] = total;
        split[set] = left;
      }
    }
    if (split[set] == 0) split[set] = set & (~set + 1);  // all infinite: any
  }
  return split;
}

// Follows the splits, children first; `members[i]` is the set that position i stands for.
void FollowSplits(const std::vector<Bits>& split, Bits all, std::vector<EinsumStep>& steps) {
  std::vector<Bits> order = {all}, members;
  for (size_t i = 0; i < order.size(); ++i) {
    if (std::has_single_bit(order[i])) continue;
    const Bits set = order[i];
    order.push_back(split[set]);
    order.push_back(set ^ split[set]);
  }
  for (Bits bit = 1; bit <= all; bit <<= 1) members.push_back(bit);
  for (auto set = order.rbegin(); set != order.rend(); ++set) {
    if (std::has_single_bit(*set)) continue;
    const auto a = absl::c_find(members, split[*set]) - members.begin();
    const auto b = absl::c_find(members, *set ^ split[*set]) - members.begin();
    const EinsumStep step{static_cast<int>(std::min(a, b)), static_cast<int>(std::max(a, b))};
    members[step.left] = *set;
    members.erase(members.begin() + step.right);
    steps.push_back(step);
  }
}

// ---- expansion ----

struct Operand {
  Ref value;
  std::string labels;  // one per axis, none twice
};

// The diagonal of axes i < j of equal extent n: j goes last, [.., n, .., n] is read with a step of
// n + 1 through the flattened pair, and the diagonal stays at the place of i.
Ref Diagonal(Graph& graph, Ref x, int i, int j) {
  Ints order = OtherAxes(x, {i, j});
  order.push_back(i);
  order.push_back(j);
  x = Permute(graph, x, order);
  Dims dims = x->dims();
  const Sym n = dims.back();
  dims.pop_back();
  dims.back() = n * n;
  Dims low(dims.size(), Sym(0)), high = low;
  high.back() = n;  // n*n + n = n rows of n + 1, whose first column is the diagonal
  x = Pad(graph, Reshape(graph, x, dims), low, high);
  dims.back() = n;
  dims.push_back(n + 1);
  x = Slice(graph, Reshape(graph, x, dims), static_cast<int>(dims.size()) - 1, 0, 1);
  dims.pop_back();
  x = Reshape(graph, x, dims);
  Ints back = Range(0, x->rank() - 1);
  back.insert(back.begin() + i, x->rank() - 1);
  return Permute(graph, x, back);
}

// Axes of 1 that broadcast are dropped when another operand has the real extent; diagonals are
// taken.
Operand Simple(Graph& graph, Ref x, std::string labels, const EinsumExtents& extents) {
  for (size_t j = 0; j < labels.size();) {
    const size_t i = labels.find(labels[j]);
    const Sym& extent = extents.at(labels[j]);
    if (x->dims()[j] != extent) {
      x = Squeeze(graph, x, static_cast<int>(j));
    } else if (i < j && x->dims()[i] == extent) {
      x = Diagonal(graph, x, static_cast<int>(i), static_cast<int>(j));
    } else {
      ++j;
      continue;
    }
    labels.erase(j, 1);
  }
  return {x, labels};
}

// Sums the axes that nothing outside needs.
Operand SumUnneeded(Graph& graph, Operand x, std::string_view needed) {
  Ints axes;
  std::string kept;
  for (size_t i = 0; i < x.labels.size(); ++i) {
    if (Has(needed, x.labels[i]))
      kept += x.labels[i];
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  if (axes.empty()) return x;
  return {Reduce(graph, x.value, "sum", axes), kept};
}

// x with its axes at the places of `labels`, 1 where it has none.
Ref Aligned(Graph& graph, const Operand& x, std::string_view labels) {
  Ints order, places;
  for (size_t place = 0; place < labels.size(); ++place) {
    const size_t axis = x.labels.find(labels[place]);
    if (axis == std::string::npos) continue;
    order.push_back(static_cast<int64_t>(axis));
    places.push_back(static_cast<int64_t>(place));
  }
  return PlaceAxes(graph, Permute(graph, x.value, order), places, static_cast<int>(labels.size()));
}

Operand ContractPair(Graph& graph, const Operand& a, const Operand& b, std::string_view needed) {
  std::string kept, summed;
  for (char label : a.labels) (Has(needed, label) ? kept : summed) += label;
  for (char label : b.labels) {
    if (!Has(a.labels, label)) (Has(needed, label) ? kept : summed) += label;
  }
  const std::string labels = kept + summed;
  Ref left = Aligned(graph, a, labels), right = Aligned(graph, b, labels);
  if (summed.empty()) return {Mul(graph, left, right), kept};
  const int rank = static_cast<int>(labels.size());
  return {Contract(graph, left, right, Range(rank - static_cast<int>(summed.size()), rank)), kept};
}

// The labels that operands other than `a` and `b`, and the result, have.
std::string NeededBeside(const std::vector<Operand>& operands, const EinsumTerms& terms, int a,
                         int b) {
  std::string needed = terms.output;
  for (int i = 0; i < static_cast<int>(operands.size()); ++i) {
    if (i != a && i != b) needed += operands[i].labels;
  }
  return needed;
}

}  // namespace

absl::StatusOr<EinsumTerms> ParseEinsum(std::string_view equation, absl::Span<const int> ranks) {
  std::string text(equation);
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const size_t arrow = text.find("->");
  const std::vector<std::string_view> pieces = SplitTerms(std::string_view(text).substr(0, arrow));
  if (pieces.size() != ranks.size()) {
    return InvalidArgument("einsum: equation \"", equation, "\" has ", pieces.size(), " terms for ",
                           ranks.size(), " operands");
  }
  EinsumTerms terms;
  int ellipsis = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    ASSIGN_OR_RETURN(std::string term, ReadTerm(equation, pieces[i], ranks[i], 0));
    ellipsis = std::max(
        ellipsis, static_cast<int>(absl::c_count_if(term, [](char c) { return !IsLetter(c); })));
    terms.inputs.push_back(std::move(term));
  }
  if (arrow == std::string::npos) {
    terms.output = ImplicitOutput(terms.inputs, ellipsis);
  } else {
    const std::string_view output = std::string_view(text).substr(arrow + 2);
    ASSIGN_OR_RETURN(terms.output, ReadTerm(equation, output, -1, ellipsis));
  }
  RETURN_IF_ERROR(CheckOutput(equation, terms));
  RETURN_IF_ERROR(CheckLabelCount(equation, terms));
  return terms;
}

absl::StatusOr<EinsumExtents> FindEinsumExtents(const EinsumTerms& terms,
                                                absl::Span<const Dims> dims) {
  EinsumExtents extents;
  for (size_t i = 0; i < dims.size(); ++i) {
    for (size_t axis = 0; axis < dims[i].size(); ++axis) {
      const char label = terms.inputs[i][axis];
      Sym& extent = extents.try_emplace(label, dims[i][axis]).first->second;
      if (extent == Sym(1)) extent = dims[i][axis];
      if (dims[i][axis] == extent || dims[i][axis] == Sym(1)) continue;
      return InvalidArgument(
          "einsum: axis ", axis, " of operand ", i, ", ", types::DimsToString(dims[i]), ", is ",
          dims[i][axis].ToString(),
          IsLetter(label) ? StrCat(" but ", std::string(1, label)) : " but \"...\"", " is ",
          extent.ToString(), " elsewhere");
    }
  }
  return extents;
}

std::vector<EinsumStep> PlanEinsum(const EinsumTerms& terms, const EinsumExtents& extents) {
  const Planner planner(terms, extents);
  std::vector<Bits> operands = planner.operands;
  std::vector<EinsumStep> steps;
  while (operands.size() > kMaxPlanned) {
    Apply(planner, operands, CheapestPair(planner, operands), steps);
  }
  const Bits all = (Bits{1} << operands.size()) - 1;
  FollowSplits(CheapestSplits(planner, operands), all, steps);
  return steps;
}

Ref ExpandEinsum(Graph& graph, const EinsumTerms& terms, absl::Span<const Ref> operands) {
  std::vector<Dims> dims;
  DType dtype = operands[0]->dtype();
  for (Ref operand : operands) {
    dims.push_back(operand->dims());
    dtype = types::Promote(dtype, operand->dtype());
  }
  const EinsumExtents extents = *FindEinsumExtents(terms, dims);
  std::vector<Operand> left;
  for (size_t i = 0; i < operands.size(); ++i) {
    Ref wide = Cast(graph, operands[i], types::Row(dtype).sum);
    left.push_back(Simple(graph, wide, terms.inputs[i], extents));
  }
  for (int i = 0; i < static_cast<int>(left.size()); ++i) {
    left[i] = SumUnneeded(graph, left[i], NeededBeside(left, terms, i, i));
  }
  for (const EinsumStep& step : PlanEinsum(terms, extents)) {
    const std::string needed = NeededBeside(left, terms, step.left, step.right);
    left[step.left] = ContractPair(graph, left[step.left], left[step.right], needed);
    left.erase(left.begin() + step.right);
  }
  return Aligned(graph, left[0], terms.output);
}

}  // namespace tensord::ops
