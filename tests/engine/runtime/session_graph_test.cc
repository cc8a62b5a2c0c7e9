#include "engine/runtime/session_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ops/evaluator.h"
#include "engine/runtime/fault.h"

namespace tensord::runtime {
namespace {

using testing::HasSubstr;
using types::DType;

types::Type F32(std::vector<int64_t> dims) {
  types::Type type;
  type.dtype = DType::kF32;
  for (int64_t d : dims) type.dims.push_back(d);
  return type;
}

// A value without memory: these tests only look at the graph.
CellRef Stored(const types::Type& type) {
  CellRef cell = Cell::Make(type);
  cell->Submit(Value{nullptr, 0, type});
  cell->Settle();
  return cell;
}

class SessionGraphTest : public testing::Test {
 protected:
  absl::Status Add(Id id, std::string_view op, std::vector<Id> inputs,
                   std::vector<ir::AttrValue> attrs = {}, int results = 1) {
    return graph_.AddNode({id, results, FindOp(op), inputs, attrs, -1}, {1, 2, 3});
  }
  std::string Text(const Slice& slice) { return slice.function->Print(); }

  SessionGraph graph_{2};
};

TEST_F(SessionGraphTest, NamesNodesAndTypes) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  ASSERT_TRUE(Add(2, "mul", {1, 1}).ok());
  EXPECT_EQ(graph_.TypeOf(2)->ToString(), "f32[4]");
  EXPECT_EQ(graph_.StateOf(1), SessionGraph::State::kStored);
  EXPECT_EQ(graph_.StateOf(2), SessionGraph::State::kLazy);
  EXPECT_EQ(graph_.StateOf(3), SessionGraph::State::kUnknown);
}

TEST_F(SessionGraphTest, ExtractsAFunctionOfItsLeaves) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  ASSERT_TRUE(graph_.Define(2, Stored(F32({4}))).ok());
  ASSERT_TRUE(Add(3, "add", {2, 1}).ok());
  ASSERT_TRUE(Add(4, "mul", {3, 2}).ok());
  const Id target = 4;
  const Slice slice = graph_.Extract({&target, 1});
  ASSERT_NE(slice.function, nullptr);
  ASSERT_EQ(slice.inputs.size(), 2u);
  EXPECT_EQ(slice.inputs[0], graph_.CellOf(2));  // numbered in the order of the first visit
  EXPECT_EQ(slice.inputs[1], graph_.CellOf(1));
  ASSERT_EQ(slice.results.size(), 1u);
  EXPECT_EQ(slice.results[0], graph_.CellOf(4));
  EXPECT_EQ(slice.results[0]->state(), Cell::State::kPending);
  EXPECT_EQ(graph_.Extract({&target, 1}).function, nullptr);  // it is stored now
  // What comes later takes the stored value as its input.
  ASSERT_TRUE(Add(5, "neg", {4}).ok());
  const Id next = 5;
  const Slice after = graph_.Extract({&next, 1});
  ASSERT_EQ(after.inputs.size(), 1u);
  EXPECT_EQ(after.inputs[0], slice.results[0]);
}

TEST_F(SessionGraphTest, EqualStepsGiveEqualFunctions) {
  std::string texts[2];
  for (Id step = 0; step < 2; ++step) {
    const Id base = 10 * step;
    ASSERT_TRUE(graph_.Define(base + 1, Stored(F32({4}))).ok());
    ASSERT_TRUE(Add(base + 2, "exp", {base + 1}).ok());
    ASSERT_TRUE(Add(base + 3, "mul", {base + 2, base + 1}).ok());
    const Id target = base + 3;
    texts[step] = Text(graph_.Extract({&target, 1}));
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST_F(SessionGraphTest, SharesTheValueOfEqualNodes) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  ASSERT_TRUE(Add(2, "exp", {1}).ok());
  ASSERT_TRUE(Add(3, "exp", {1}).ok());
  const Id first = 2, second = 3;
  const Slice slice = graph_.Extract({&first, 1});
  EXPECT_EQ(graph_.Extract({&second, 1}).function, nullptr);
  EXPECT_EQ(graph_.CellOf(3), slice.results[0]);
  ASSERT_TRUE(graph_.Free(2).ok());
  ASSERT_TRUE(graph_.Free(3).ok());
  ASSERT_TRUE(graph_.Free(1).ok());
  EXPECT_EQ(slice.results[0]->holders(), 1);
}

TEST_F(SessionGraphTest, WhatIsDescribedAgainDoesNotInheritAFailure) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  ASSERT_TRUE(Add(2, "neg", {1}).ok());
  const Id first = 2, again = 3;
  graph_.Extract({&first, 1})
      .results[0]
      ->Fail(
          std::make_shared<Poison>(Poison{.status = absl::CancelledError("given up"), .cause = 2}));
  ASSERT_TRUE(Add(3, "neg", {1}).ok());
  const Slice slice = graph_.Extract({&again, 1});
  ASSERT_NE(slice.function, nullptr);
  EXPECT_EQ(slice.results[0], graph_.CellOf(3));
  EXPECT_EQ(graph_.StateOf(2), SessionGraph::State::kPoisoned);
  EXPECT_EQ(graph_.StateOf(3), SessionGraph::State::kStored);
  for (Id id : {1, 2, 3}) ASSERT_TRUE(graph_.Free(id).ok());
  EXPECT_EQ(graph_.nodes(), 0);
}

TEST_F(SessionGraphTest, WeakScalarsAreStoredStrong) {
  ASSERT_TRUE(Add(1, "const", {}, {types::Scalar::Float(DType::kWeakFloat, 0.5)}).ok());
  EXPECT_EQ(graph_.TypeOf(1)->dtype, DType::kWeakFloat);
  const Id target = 1;
  const Slice slice = graph_.Extract({&target, 1});
  EXPECT_EQ(slice.results[0]->type().dtype, DType::kF32);
  types::Type half = F32({2});
  half.dtype = DType::kF16;
  ASSERT_TRUE(graph_.Define(2, Stored(half)).ok());
  ASSERT_TRUE(Add(3, "mul", {2, 1}).ok());
  EXPECT_EQ(graph_.TypeOf(3)->dtype, DType::kF16);  // still weak
}

TEST_F(SessionGraphTest, FailedNodesArePoisonWithTheirCause) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  ASSERT_TRUE(graph_.Define(2, Stored(F32({5}))).ok());
  const absl::Status status = Add(3, "add", {1, 2});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "SHAPE");
  ASSERT_TRUE(Add(4, "neg", {3}).ok());  // silently
  const PoisonRef poison = graph_.CellOf(4)->poison();
  EXPECT_EQ(poison->cause, 3u);
  EXPECT_EQ(poison->op, "add");
  EXPECT_EQ(poison->origin.frame, 1u);
  EXPECT_EQ(poison->origin.source, 3u);
  EXPECT_EQ(graph_.TypeOf(4).status(), status);
}

TEST_F(SessionGraphTest, SaysWhichCheckFailed) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  EXPECT_EQ(ReasonOf(Add(2, "add", {1})), "ARITY");
  EXPECT_EQ(ReasonOf(Add(3, "add", {1, 99})), "UNKNOWN_ID");
  EXPECT_EQ(ReasonOf(Add(4, "reshape", {1}, {std::string("x")})), "ATTRIBUTE");
  EXPECT_EQ(ReasonOf(Add(5, "reshape", {1}, {ir::Ints{5}})), "SHAPE");
  EXPECT_EQ(ReasonOf(Add(6, "bitand", {1, 1})), "DTYPE");
  EXPECT_EQ(ReasonOf(Add(1, "neg", {1})), "ID_USED");
  EXPECT_EQ(ReasonOf(Add(kMaxId + 1, "neg", {1})), "ID_RANGE");
  EXPECT_EQ(ReasonOf(Add(0, "neg", {1})), "ID_RANGE");
  ASSERT_TRUE(graph_.Free(1).ok());
  EXPECT_EQ(ReasonOf(Add(7, "neg", {1})), "FREED");
  EXPECT_EQ(ReasonOf(graph_.Free(1)), "FREED");
  EXPECT_EQ(ReasonOf(graph_.Free(1000)), "UNKNOWN_ID");
}

TEST_F(SessionGraphTest, PlacementsMustAgree) {
  types::Type other = F32({4});
  other.placement.device = 1;
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  ASSERT_TRUE(graph_.Define(2, Stored(other)).ok());
  EXPECT_EQ(ReasonOf(Add(3, "add", {1, 2})), "PLACEMENT");
  const Id input[] = {1};
  ASSERT_TRUE(graph_.AddNode({4, 1, FindOp("copy"), input, {}, 1}, {}).ok());
  EXPECT_EQ(graph_.TypeOf(4)->placement.device, 1);
  ASSERT_TRUE(Add(5, "add", {4, 2}).ok());
  EXPECT_EQ(ReasonOf(graph_.AddNode({6, 1, FindOp("copy"), input, {}, 2}, {})), "DEVICE");
  EXPECT_EQ(ReasonOf(graph_.AddNode({7, 1, FindOp("neg"), input, {}, 1}, {})), "PLACEMENT");
}

TEST_F(SessionGraphTest, GradientsFollowTheGraphAsItWasDefined) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({}))).ok());
  ASSERT_TRUE(Add(2, "mul", {1, 1}).ok());
  ASSERT_TRUE(Add(3, "exp", {2}).ok());
  const Id square = 2;
  graph_.Extract({&square, 1});
  ASSERT_TRUE(Add(4, "exp", {2}).ok());  // of the stored value
  const Id before[] = {3}, after[] = {4}, wrt[] = {1};
  ASSERT_TRUE(graph_.AddGradient({10, before, wrt, {}}, {}).ok());
  ASSERT_TRUE(graph_.AddGradient({11, after, wrt, {}}, {}).ok());
  const Id first = 10, second = 11;
  EXPECT_THAT(Text(graph_.Extract({&first, 1})), HasSubstr("exp"));
  EXPECT_EQ(graph_.Extract({&second, 1}).inputs.size(), 0u);  // zero
}

TEST_F(SessionGraphTest, DonatedIdsSayWhatHappened) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  graph_.Donate(1);
  EXPECT_EQ(graph_.StateOf(1), SessionGraph::State::kDonated);
  EXPECT_EQ(ReasonOf(Add(2, "neg", {1})), "DONATED");
  EXPECT_EQ(graph_.ids(), 1u);
}

TEST_F(SessionGraphTest, FreeingALeafGivesItsValueBackWhenNothingNeedsIt) {
  const CellRef cell = Stored(F32({4}));
  ASSERT_TRUE(graph_.Define(1, cell).ok());
  ASSERT_TRUE(Add(2, "neg", {1}).ok());
  ASSERT_TRUE(graph_.Free(1).ok());
  EXPECT_GT(cell->holders(), 1);
  ASSERT_TRUE(graph_.Free(2).ok());
  EXPECT_EQ(cell->holders(), 1);
  EXPECT_EQ(graph_.nodes(), 0);
}

TEST_F(SessionGraphTest, StaysFlatOverManyNodes) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  Id state = 1, next = 2, freed = 2;
  for (int i = 0; i < 300'000; ++i) {
    ASSERT_TRUE(Add(next, i % 3 == 0 ? "mul" : "add", {state, 1}).ok());
    state = next++;
    if (next - freed < 10'000) continue;
    const Slice slice = graph_.Extract({&state, 1});
    ASSERT_NE(slice.function, nullptr);
    slice.results[0]->Submit(Value{nullptr, 0, F32({4})});
    slice.results[0]->Settle();
    for (; freed < state; ++freed) ASSERT_TRUE(graph_.Free(freed).ok());
  }
  EXPECT_LT(graph_.arena_nodes(), 50'000u);
  EXPECT_LT(graph_.ids(), 20'000u);
}

TEST_F(SessionGraphTest, DeepGraphsDoNotRecurse) {
  ASSERT_TRUE(graph_.Define(1, Stored(F32({4}))).ok());
  for (Id id = 2; id <= 100'001; ++id) ASSERT_TRUE(Add(id, "neg", {id - 1}).ok());
  const Id target = 100'001;
  EXPECT_EQ(graph_.Extract({&target, 1}).inputs.size(), 1u);
  for (Id id = 1; id <= 100'001; ++id) ASSERT_TRUE(graph_.Free(id).ok());
  EXPECT_EQ(graph_.nodes(), 0);
}

TEST_F(SessionGraphTest, LimitsRefuse) {
  SessionGraph small(1, {.max_nodes = 3, .max_ids = 4});
  ASSERT_TRUE(small.Define(1, Stored(F32({4}))).ok());
  const Id one[] = {1};
  ASSERT_TRUE(small.AddNode({2, 1, FindOp("exp"), one, {}, -1}, {}).ok());
  ASSERT_TRUE(small.AddNode({3, 1, FindOp("log"), one, {}, -1}, {}).ok());
  absl::Status status = small.AddNode({4, 1, FindOp("sin"), one, {}, -1}, {});
  EXPECT_EQ(LimitOf(status)->name, "max_nodes");
  EXPECT_EQ(LimitOf(status)->max, 3u);
  status = small.AddNode({5, 1, FindOp("sin"), one, {}, -1}, {});
  EXPECT_EQ(LimitOf(status)->name, "max_values");
  ASSERT_TRUE(small.Free(3).ok());
  EXPECT_TRUE(small.AddNode({6, 1, FindOp("sin"), one, {}, -1}, {}).ok());
}

TEST(IdSetTest, JoinsIntervals) {
  IdSet set(3);
  set.Add(1, 3);
  set.Add(4);
  EXPECT_EQ(set.intervals(), 1u);
  set.Add(10, 2);
  set.Add(6, 4);
  EXPECT_EQ(set.intervals(), 2u);
  EXPECT_TRUE(set.Contains(4));
  EXPECT_FALSE(set.Contains(5));
  EXPECT_TRUE(set.Contains(11));
  EXPECT_FALSE(set.Contains(12));
  set.Add(5);
  EXPECT_EQ(set.intervals(), 1u);
  set.Add(20);
  set.Add(30);
  set.Add(40);  // forgets the lowest
  EXPECT_EQ(set.intervals(), 3u);
  EXPECT_FALSE(set.Contains(1));
  EXPECT_TRUE(set.Contains(40));
}

}  // namespace
}  // namespace tensord::runtime
