// The parts of a session by themselves: credit, matching, columns, spans, addresses, tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "clients/cpp/tensord/address.h"
#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tensord/free_list.h"
#include "clients/cpp/tensord/inbox.h"
#include "clients/cpp/tensord/node_columns.h"
#include "clients/cpp/tensord/outbox.h"
#include "clients/cpp/tensord/sha256.h"
#include "clients/cpp/tensord/sources.h"
#include "clients/cpp/tensord/spans.h"
#include "clients/cpp/tensord/type.h"
#include "proto/tensord/bulk_copy.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

grpc::ByteBuffer Bytes(size_t count) {
  const grpc::Slice slice(std::string(count, 'x'));
  return grpc::ByteBuffer(&slice, 1);
}

TEST(Outbox, HoldsFramesUntilCreditCoversItemsAndBytes) {
  Outbox outbox;
  outbox.Grant(3, 100);
  outbox.Put(1, Bytes(60), 2);
  outbox.Put(2, Bytes(60), 1);
  EXPECT_TRUE(outbox.Next().has_value());
  EXPECT_FALSE(outbox.Next().has_value()) << "120 bytes in all, 100 granted";
  outbox.Grant(0, 120);
  EXPECT_EQ(outbox.bytes(), 60u);
  EXPECT_TRUE(outbox.Next().has_value());
  outbox.Put(3, Bytes(1), 1);
  outbox.Grant(0, 1000);
  EXPECT_FALSE(outbox.Next().has_value()) << "4 items in all, 3 granted";
  outbox.Grant(4, 0);
  EXPECT_TRUE(outbox.Next().has_value());
}

TEST(Outbox, SendsAgainWhatIsNotApplied) {
  Outbox outbox;
  for (uint64_t seq = 1; seq <= 3; ++seq) outbox.Put(seq, Bytes(seq), 1);
  outbox.Next();
  outbox.Next();
  outbox.Applied(1);
  outbox.SendAgain();
  std::vector<size_t> sizes;
  while (const auto frame = outbox.Next()) sizes.push_back(frame->Length());
  EXPECT_THAT(sizes, ElementsAre(2, 3));
}

v1::ServerFrame FaultFrame(uint64_t of_seq, uint64_t seq = 1) {
  v1::ServerFrame frame;
  frame.set_seq(seq);
  v1::Reply* reply = frame.add_replies();
  reply->set_of_seq(of_seq);
  reply->mutable_fault()->set_code(3);
  reply->mutable_fault()->set_reason("SHAPE");
  reply->mutable_fault()->add_poisoned()->set_first(7);
  return frame;
}

TEST(Inbox, MatchesRepliesToWaiters) {
  Inbox inbox;
  inbox.Expect(2, 0, [](Answer) {});
  EXPECT_TRUE(inbox.Receive(FaultFrame(3), 10).answers.empty());
  News news = inbox.Receive(FaultFrame(2, 2), 10);
  EXPECT_TRUE(inbox.Receive(FaultFrame(2, 2), 10).faults.empty()) << "again, after a resumption";
  ASSERT_EQ(news.answers.size(), 1u);
  EXPECT_EQ(FaultOf(news.answers[0].second.status())->reason, "SHAPE");
  EXPECT_TRUE(inbox.TakeWaiters().empty());
  EXPECT_EQ(inbox.received(), 20u);
}

TEST(Inbox, KeepsFaultsByTheIdsTheyPoisoned) {
  Inbox inbox;
  EXPECT_EQ(inbox.Receive(FaultFrame(3), 10).faults.size(), 1u);
  EXPECT_EQ(FaultOf(inbox.FaultOfId(7))->reason, "SHAPE");
  EXPECT_TRUE(inbox.FaultOfId(8).ok());
}

TEST(Inbox, AnAckIsDueAfterManyFramesOrBytes) {
  Inbox inbox;
  v1::ServerFrame frame;
  frame.set_seq(63);
  inbox.Receive(frame, 10);
  EXPECT_FALSE(inbox.AckIsDue());
  frame.set_seq(64);
  inbox.Receive(frame, 10);
  EXPECT_TRUE(inbox.AckIsDue());
  inbox.MarkTold();
  EXPECT_FALSE(inbox.AckIsDue());
  frame.set_seq(65);
  inbox.Receive(frame, 8 << 20);
  EXPECT_TRUE(inbox.AckIsDue());
}

TEST(NodeColumns, UniformColumnsAreShort) {
  NodeColumns columns;
  const uint64_t inputs[] = {3, 1};
  columns.Append({10, 0, inputs, 1, 5, 0});
  columns.Append({11, 0, inputs, 1, 5, 0});
  const v1::NodeBatch batch = columns.Take();
  EXPECT_EQ(batch.first_id(), 10u);
  EXPECT_THAT(batch.n_in(), ElementsAre(2));
  EXPECT_THAT(batch.in(), ElementsAre(7, 9, 8, 10));
  EXPECT_THAT(batch.n_out(), ElementsAre());
  EXPECT_THAT(batch.source(), ElementsAre(5));
  EXPECT_THAT(batch.device(), ElementsAre());
  EXPECT_TRUE(columns.empty());
}

TEST(NodeColumns, OthersAreAsLongAsTheBatch) {
  NodeColumns columns;
  const uint64_t inputs[] = {3};
  columns.Append({10, 0, inputs, 2, 0, 0});
  columns.Append({12, 1, {}, 1, 1, 2});
  const v1::NodeBatch batch = columns.Take();
  EXPECT_THAT(batch.n_in(), ElementsAre(1, 0));
  EXPECT_THAT(batch.n_out(), ElementsAre(2, 1));
  EXPECT_THAT(batch.source(), ElementsAre(0, 1));
  EXPECT_THAT(batch.device(), ElementsAre(0, 2));
}

TEST(Spans, JoinNeighbours) {
  v1::Free free;
  const uint64_t ids[] = {3, 4, 5, 9, 11, 12};
  AppendIds(ids, free.mutable_ids());
  ASSERT_EQ(free.ids_size(), 3);
  EXPECT_EQ(free.ids(0).count(), 3u);
  EXPECT_EQ(free.ids(1).first(), 9u);
  EXPECT_EQ(free.ids(1).count(), 0u) << "one id needs no count";
  EXPECT_EQ(free.ids(2).count(), 2u);
}

TEST(FreeList, GivesWhatWasPushedOnce) {
  FreeList list;
  list.Push(1);
  list.Push(2);
  EXPECT_THAT(list.Take(), UnorderedElementsAre(1, 2));
  EXPECT_TRUE(list.empty());
}

TEST(Sources, APlaceIsOneNumber) {
  const std::source_location here = std::source_location::current();
  const uint32_t index = SourceOf(here);
  EXPECT_EQ(SourceOf(here), index);
  EXPECT_EQ(FindSource(index)->line(), here.line());
  EXPECT_EQ(SourcesAfter(index - 1).front().index(), index);
  EXPECT_FALSE(FindSource(0).has_value());
}

TEST(Address, HasThreeForms) {
  EXPECT_EQ(ParseAddress("unix:///run/t.sock")->path, "/run/t.sock");
  EXPECT_EQ(ParseAddress("unix:/run/t.sock")->grpc, "unix:///run/t.sock");
  EXPECT_EQ(ParseAddress("tcp://localhost:7070")->grpc, "localhost:7070");
  EXPECT_TRUE(ParseAddress("[::1]:7070")->path.empty());
  EXPECT_EQ(ParseAddress("tls://localhost:7070")->grpc, "localhost:7070");
  EXPECT_TRUE(ParseAddress("tls://localhost:7070")->tls);
  EXPECT_FALSE(ParseAddress("tcp://localhost:7070")->tls);
  for (const char* bad : {"unix://t.sock", "localhost", ":7070", "http://x:1/y", "tls://x"}) {
    EXPECT_THAT(std::string(ParseAddress(bad).status().message()), HasSubstr(bad));
  }
}

TEST(Address, IsFoundInTheConfigFileUnlessGiven) {
  const std::string path = testing::TempDir() + "client.conf";
  std::ofstream(path) << "# mine\naddress = localhost:1  # one\ntoken = abc\n";
  setenv("TENSORD_CLIENT_CONFIG", path.c_str(), 1);
  EXPECT_EQ(*AddressOr(""), "localhost:1");
  EXPECT_EQ(*AddressOr("localhost:2"), "localhost:2");
  EXPECT_EQ(*TokenOr(""), "abc");
  setenv("TENSORD_ADDR", "localhost:3", 1);
  EXPECT_EQ(*AddressOr(""), "localhost:3");
  unsetenv("TENSORD_ADDR");
  std::ofstream(path) << "adress = localhost:1\n";
  EXPECT_THAT(std::string(AddressOr("").status().message()), HasSubstr("client.conf:1: expected"));
  unsetenv("TENSORD_CLIENT_CONFIG");
}

TEST(Type, NegativeDimsOfAttributesTravelAsText) {
  v1::Dims dims;
  ToMessage(Dims{2, -1}, &dims);
  EXPECT_EQ(dims.dims(0).size(), 2u);
  EXPECT_EQ(dims.dims(1).expr(), "-1");
  EXPECT_EQ((Type{DType::kF32, {2, "n+1"}}).ToString(), "f32[2,n+1]");
}

TEST(Errors, AReasonInFrontOfACallsMessageIsTheFaults) {
  const absl::Status status =
      StatusOf(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "SHAPE: add: no"));
  EXPECT_EQ(FaultOf(status)->reason, "SHAPE");
  EXPECT_EQ(std::string(status.message()), "add: no");
  EXPECT_FALSE(FaultOf(StatusOf(grpc::Status(grpc::StatusCode::INTERNAL, "what: no"))).has_value());
}

TEST(Sha256, IsTheStandards) { EXPECT_EQ(Sha256("abc").substr(0, 4), "\xba\x78\x16\xbf"); }

using Copy = void (*)(char*, const char*, size_t);
using CopyTest = testing::TestWithParam<Copy>;

TEST_P(CopyTest, CopiesJustItsBytesWhateverTheirPlaceAndNumber) {
  constexpr size_t kRoom = 300 << 10;
  std::string from(kRoom, '\0');
  for (size_t i = 0; i < kRoom; ++i) from[i] = static_cast<char>(i * 2654435761u >> 13);
  for (const size_t count : {0, 1, 63, 64, 100, 4096, 32767, 32768, 32769, 100'000, 262'144}) {
    for (const size_t at : {0, 1, 16, 63}) {
      std::string to(kRoom, '#'), expected = to;
      expected.replace(at, count, from, 7, count);
      GetParam()(to.data() + at, from.data() + 7, count);
      EXPECT_TRUE(to == expected) << count << " bytes to " << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BulkCopy, CopyTest,
                         testing::Values(wire::StreamingCopy, wire::HandOverCopy,
                                         wire::CopySideBySide));

TEST(BulkCopy, FillsSlotsThatStayInACoresCache) {
  EXPECT_EQ(wire::SlotsUnderWay(8, 512 << 10), 3u);
  EXPECT_EQ(wire::SlotsUnderWay(2, 64 << 10), 2u);
  EXPECT_EQ(wire::SlotsUnderWay(8, 16 << 20), 1u);
}

}  // namespace
}  // namespace tensord::client
