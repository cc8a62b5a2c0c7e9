// Nothing that passes Make may abort later: every row with random input types and attributes either
// is refused with a message, or expands and evaluates to the types it promised.
#include <gtest/gtest.h>

#include <random>

#include "engine/base/strings.h"
#include "engine/ops/expand.h"
#include "engine/ops/gradient.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using ir::AttrKind;
using ir::AttrValue;
using types::Dims;
using types::DType;

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool Often(int percent) { return Below(100) < percent; }

  DType OneDType() {
    return types::AllDTypes()[Below(static_cast<int64_t>(types::AllDTypes().size()))].dtype;
  }
  std::vector<int64_t> Shape() {
    std::vector<int64_t> shape(Below(4));
    for (int64_t& d : shape) d = Often(5) ? 0 : 1 + Below(3);
    return shape;
  }
  HostTensor Values(DType dtype, std::vector<int64_t> shape) {
    HostTensor t(dtype, std::move(shape));
    for (int64_t i = 0; i < t.elements(); ++i) {
      t.Set(i, types::Scalar::Float(DType::kF64, static_cast<double>(Below(9)) - 3));
    }
    return t;
  }
  int64_t Small() {
    if (Often(3)) return Often(50) ? INT64_MAX : INT64_MIN;
    return Below(7) - 2;
  }
  ir::Ints Smalls(size_t count) {
    ir::Ints ints(Often(70) ? count : Below(4));
    for (int64_t& v : ints) v = Small();
    return ints;
  }
  std::string Text() {
    const char* kTexts[] = {"sum",     "mean",      "max", "and", "none",
                            "reflect", "ij,jk->ik", "add", "set", "tanh"};
    return kTexts[Below(10)];
  }
  AttrValue Attr(AttrKind kind, size_t rank) {
    switch (kind) {
      case AttrKind::kInt:
        return Small();
      case AttrKind::kFloat:
        return static_cast<double>(Below(5)) / 2 - 0.5;
      case AttrKind::kBool:
        return Often(50);
      case AttrKind::kString:
        return Text();
      case AttrKind::kInts:
        return Smalls(rank);
      case AttrKind::kDims: {
        const ir::Ints ints = Smalls(rank);
        return Dims(ints.begin(), ints.end());
      }
      case AttrKind::kDType:
        return OneDType();
      case AttrKind::kScalar:
        return types::Scalar::Int(OneDType(), Below(5));
      default:
        return {};
    }
  }

 private:
  std::mt19937 random_;
};

// A random call of `row`; inputs tend to share a dtype and a shape, for most calls would be
// refused.
absl::StatusOr<OpCall> RandomCall(const ir::OpRow& row, Draw& draw) {
  const DType dtype = draw.OneDType();
  const std::vector<int64_t> shape = draw.Shape();
  size_t count = row.inputs.size();
  while (count > 0 && row.inputs[count - 1].optional && draw.Often(50)) --count;
  if ((row.traits & ir::kVariadicInputs) != 0) count += draw.Below(3);
  std::vector<HostTensor> inputs;
  for (size_t i = 0; i < count; ++i) {
    inputs.push_back(draw.Values(draw.Often(70) ? dtype : draw.OneDType(),
                                 draw.Often(70) ? shape : draw.Shape()));
  }
  std::vector<NamedAttr> attrs;
  for (const ir::AttrSpec& spec : row.attrs) {
    if (!spec.default_text.empty() && draw.Often(40)) continue;
    attrs.push_back({spec.name, draw.Attr(spec.kind, shape.size())});
  }
  return OpCall::Make(row.name, std::move(inputs), attrs);
}

class RobustnessTest : public testing::TestWithParam<const ir::OpRow*> {};

void CheckResults(const ir::OpRow& row, const OpCall& call) {
  const auto results = EvaluateFunction(call.function, call.arguments);
  if (results.status().code() == absl::StatusCode::kResourceExhausted) return;
  ASSERT_TRUE(results.ok()) << row.name << ": " << results.status();
  for (size_t i = 0; i < results->size(); ++i) {
    const types::Type& type = call.function.results[i]->type();
    EXPECT_EQ((*results)[i].dtype(), type.dtype) << row.name;
    EXPECT_EQ(Dims((*results)[i].shape().begin(), (*results)[i].shape().end()), type.dims)
        << row.name;
  }
}

// The gradient of a float result either exists in the types of the inputs, or is refused.
void CheckGradient(const OpCall& call) {
  Graph& graph = *call.function.graph;
  const Ref target = call.function.results[0];
  if (!types::IsFloat(target->dtype())) return;
  std::vector<Ref> wrt;
  for (Ref parameter : call.function.parameters) {
    if (types::IsFloat(parameter->dtype())) wrt.push_back(parameter);
  }
  const auto gradients = Gradient(graph, target, wrt, ConstantLike(graph, target, 1));
  if (!gradients.ok()) return;
  for (size_t i = 0; i < wrt.size(); ++i) EXPECT_EQ((*gradients)[i]->type(), wrt[i]->type());
}

TEST_P(RobustnessTest, RefusesOrComputes) {
  const ir::OpRow& row = *GetParam();
  Draw draw(static_cast<uint32_t>(std::hash<std::string_view>()(row.name)));
  int accepted = 0;
  for (int round = 0; round < 300; ++round) {
    const auto call = RandomCall(row, draw);
    if (!call.ok()) {
      EXPECT_EQ(call.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_NE(FromAbsl(call.status().message()).find(": "), std::string_view::npos)
          << call.status();
      continue;
    }
    ++accepted;
    CheckResults(row, *call);
    CheckGradient(*call);
  }
  RecordProperty("accepted", accepted);
}

std::vector<const ir::OpRow*> Rows() {
  std::vector<const ir::OpRow*> rows;
  for (const ir::OpRow* row : AllOps()) {
    if (row->name != "param") rows.push_back(row);
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(All, RobustnessTest, testing::ValuesIn(Rows()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace tensord::ops
