// The session by unary calls: each brings a frame, and takes the oldest answer that is not acked.
#include <algorithm>

#include "engine/base/status.h"
#include "engine/runtime/fault.h"
#include "server/session.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;

constexpr absl::Duration kLongestWait = absl::Seconds(30);

// Whether the frame names no session: its first item tells.
bool Begins(const v1::ClientFrame& frame) {
  return frame.session().empty() && frame.items_size() > 0;
}

// The session that the frame is for, with the frame applied.
absl::StatusOr<std::shared_ptr<Session>> Apply(const SessionEnv& env, SessionTable& table,
                                               const Peer& peer, const v1::ClientFrame& frame,
                                               std::string_view bytes) {
  const bool begins = Begins(frame);
  if (begins && frame.items(0).has_resume()) {
    ASSIGN_OR_RETURN(const Carried carried, TakeOver(env, table, peer, frame, nullptr));
    return carried.session;
  }
  std::shared_ptr<Session> session;
  if (begins && frame.items(0).has_hello()) {
    session = Session::Make(env, table, peer, nullptr);
  } else if (frame.session().empty()) {
    return Fault(StatusCode::kUnauthenticated, "SESSION_UNKNOWN",
                 "submit: name the session with `session` and `token` of its Welcome, or begin "
                 "with Hello or Resume");
  } else {
    session = table.Find(frame.session());
    if (session == nullptr) return UnknownSession();
  }
  RETURN_IF_ERROR(session->Submit(bytes, frame.token()));
  return session;
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
  const absl::StatusOr<std::shared_ptr<Session>> session = Apply(env, table, peer, frame, bytes);
  if (!session.ok()) {
    if (!Begins(frame)) CountUnknownSession(env, peer, session.status());
    return reply(session.status());
  }
  (*session)->Answer(wait, std::move(reply));
}

}  // namespace tensord::server
