// The session by unary calls: each brings a frame, and takes the oldest answer that is not acked.
#include <algorithm>

#include "engine/runtime/fault.h"
#include "server/session.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;

constexpr absl::Duration kLongestWait = absl::Seconds(30);

absl::Status CheckFirst(const v1::ClientFrame& frame) {
  if (frame.items_size() > 0 && frame.items(0).has_hello()) return absl::OkStatus();
  return Fault(StatusCode::kUnauthenticated, "SESSION_UNKNOWN",
               "submit: name the session with `session` and `token` of its Welcome, or begin one "
               "with Hello");
}

}  // namespace

void SubmitFrame(const SessionEnv& env, SessionTable& table, const Peer& peer,
                 std::string_view bytes, Reply<SharedBytes> reply) {
  v1::ClientFrame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return reply(Fault(StatusCode::kInvalidArgument, "FRAMING", "the bytes are no ClientFrame"));
  }
  const absl::Duration wait =
      std::min(kLongestWait, absl::Microseconds(static_cast<int64_t>(std::min<uint64_t>(
                                 frame.wait_us(), static_cast<uint64_t>(INT64_MAX)))));
  std::shared_ptr<Session> session;
  if (frame.session().empty()) {
    if (absl::Status status = CheckFirst(frame); !status.ok()) return reply(status);
    session = Session::Make(env, table, peer, nullptr);
  } else {
    session = table.Find(frame.session());
    if (session == nullptr) return reply(UnknownSession());
  }
  session->Submit(bytes, frame.token(), wait, std::move(reply));
}

}  // namespace tensord::server
