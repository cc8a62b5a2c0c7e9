#include "tests/soak/submit_session.h"

#include "clients/cpp/tensord/address.h"
#include "clients/cpp/tensord/rpc.h"
#include "tests/soak/roles.h"

namespace tensord::soak {

SubmitSession::SubmitSession(const std::string& address)
    : channel_(client::MakeChannel(Get(client::ParseAddress(address)), nullptr)) {
  v1::Hello& hello = *Item().mutable_hello();
  hello.set_max_version(1);
  hello.set_label("share");
  welcome_ = Ask([](const v1::Reply& reply) { return reply.has_welcome(); }).welcome();
}

SubmitSession::~SubmitSession() {
  Item().mutable_bye();
  Send();
}

uint64_t SubmitSession::Publish(const std::string& name, const std::string& bytes) {
  v1::Put& put = *Item().mutable_put();
  put.set_id(next_id_);
  put.mutable_type()->set_dtype(v1::DTYPE_U8);
  put.mutable_type()->mutable_dims()->add_sizes(bytes.size());
  put.set_data(bytes);
  v1::Publish& publish = *Item().mutable_publish();
  publish.set_name(name);
  publish.add_entries()->set_path("x");
  publish.mutable_entries(0)->set_id(next_id_);
  const v1::Reply reply = Ask([](const v1::Reply& r) { return r.has_published(); });
  Item().mutable_free()->add_ids()->set_first(next_id_++);
  return reply.published().generation();
}

std::string SubmitSession::Read(const std::string& name, uint64_t generation) {
  v1::Lookup& lookup = *Item().mutable_lookup();
  lookup.set_name(name);
  lookup.add_paths("x");
  lookup.set_first_id(next_id_);
  lookup.set_min_generation(generation);
  Item().mutable_fetch()->set_id(next_id_);
  const v1::Reply reply = Ask([](const v1::Reply& r) { return r.has_data(); });
  Item().mutable_free()->add_ids()->set_first(next_id_++);
  return reply.data().inline_();
}

void SubmitSession::Unpublish(const std::string& name) {
  Item().mutable_unpublish()->set_name(name);
  Send();
}

v1::Reply SubmitSession::Ask(const Wanted& wanted) {
  for (;;) {
    const v1::ServerFrame answer = Send();
    for (const v1::Reply& reply : answer.replies()) {
      if (reply.has_fault()) Die(reply.fault().message());
      if (wanted(reply)) return reply;
    }
  }
}

v1::ServerFrame SubmitSession::Send() {
  frame_.set_seq(++seq_);
  frame_.set_acked(seen_);
  frame_.set_max_reply_bytes(uint64_t{1} << 40);
  frame_.set_session(welcome_.session());
  frame_.set_token(welcome_.resume_secret());
  frame_.set_wait_us(1'000'000);
  v1::ServerFrame answer;
  const absl::Status status =
      client::CallUnary(channel_, "/tensord.v1.Compute/Submit", frame_, absl::Seconds(30), &answer);
  if (!status.ok()) Die(status.ToString());
  frame_.Clear();
  if (answer.seq() != 0) seen_ = answer.seq();
  return answer;
}

}  // namespace tensord::soak
