#include "tests/fuzz/session_player.h"

#include <string_view>
#include <utility>

#include "engine/base/check.h"

namespace tensord::server {
namespace {

constexpr size_t kKept = 8;  // old streams, frames and secrets

// What remains of a list that grows at its end.
template <typename T>
void Trim(std::deque<T>* list) {
  while (list->size() > kKept) list->pop_front();
}

v1::ServerFrame Parsed(const SharedBytes& bytes) {
  v1::ServerFrame frame;
  TENSORD_CHECK(frame.ParseFromArray(bytes.view.data(), static_cast<int>(bytes.view.size())));
  return frame;
}

}  // namespace

SessionPlayer::SessionPlayer(const SessionEnv& env, SessionTable& table, Choices& choices,
                             const std::string& principal, const std::string& other)
    : env_(env),
      table_(table),
      choices_(choices),
      peer_{"fuzz", true, {principal, 0}},
      other_principal_(other) {
  Begin();
}

SessionPlayer::~SessionPlayer() {
  Lose();
  while (!fenced_.empty()) {
    fenced_.front()->OnDetached(absl::CancelledError("lost"));
    fenced_.pop_front();
  }
  if (const auto session = Find()) session->End();
}

SessionPlayer::Handler SessionPlayer::OpenStream() const {
  return MakeSessionStream(env_, table_, peer_, std::make_shared<NullStream>());
}

void SessionPlayer::Begin() {
  Lose();
  writer_ = std::make_unique<FrameWriter>(choices_, other_principal_);
  welcome_.Clear();
  old_secrets_.clear(), sent_.clear(), unapplied_.clear();
  seen_ = 0;
  current_ = OpenStream();
  Send(true);
}

void SessionPlayer::Step(const SessionPlayer& other) {
  switch (choices_.Below(24)) {
    case 0:
      return Repeat();
    case 1:
      return Lose();
    case 2:
      return Resume(seen_, welcome_.resume_secret());  // from a stream that may live
    case 3:
      return TryForeign(other);
    case 4:
      return Submit();
    case 5:
      return Send(choices_.Below(4) != 0);  // a frame that is lost breaks the session off
    case 6:
      if (const auto session = Find()) session->OnTick(env_.now() + absl::Seconds(choices_.Byte()));
      return;
    case 7:
      if (!old_secrets_.empty()) Resume(seen_, old_secrets_[choices_.Below(old_secrets_.size())]);
      return;
    case 8:
      return Upload(other);
    case 9:
      if (current_ != nullptr) current_->OnHalfClose();
      return;
    default:
      return current_ != nullptr ? Send(true) : Resume(seen_, welcome_.resume_secret());
  }
}

// ------------------------------------------------------------------ frames

void SessionPlayer::Send(bool deliver) {
  const std::string& bytes = unapplied_[writer_->seq() + 1] = writer_->NextFrame(seen_);
  sent_.push_back(bytes);
  Trim(&sent_);
  if (current_ == nullptr || !deliver) return;
  current_->OnFrame(bytes);
  Listen();
}

// An old frame once more, on the stream or on one that was fenced.
void SessionPlayer::Repeat() {
  if (sent_.empty()) return;
  const std::string& bytes = sent_[choices_.Below(sent_.size())];
  if (!fenced_.empty() && choices_.Below(2) == 0) {
    StreamHandler& old = *fenced_[choices_.Below(fenced_.size())];
    old.OnFrame(bytes);
    SharedBytes answer;
    TENSORD_CHECK(old.NextFrame(&answer) == Pull::kEnd, "a fenced stream is answered");
  } else if (current_ != nullptr) {
    current_->OnFrame(bytes);
    Listen();
  }
}

// The next frame by a call, with a secret that counts or one that does not.
void SessionPlayer::Submit() {
  v1::ClientFrame credentials;
  credentials.set_session(welcome_.session());
  const bool wrong = choices_.Below(4) == 0;
  credentials.set_token(wrong ? std::string(32, 'w') : welcome_.resume_secret());
  std::string bytes = credentials.SerializeAsString();
  if (wrong) {
    bytes += unapplied_.empty() ? "" : unapplied_.rbegin()->second;
  } else {
    bytes += unapplied_[writer_->seq() + 1] = writer_->NextFrame(seen_);
  }
  const auto take = [this, wrong](absl::StatusOr<SharedBytes> answer) {
    TENSORD_CHECK(!wrong || !answer.ok(), "a call with a wrong secret is answered");
    if (answer.ok()) TakeBytes(*answer);
  };
  SubmitFrame(env_, table_, peer_, bytes, {std::make_shared<NullStream>(), take});
}

void SessionPlayer::Upload(const SessionPlayer& other) {
  const auto session = Find();
  if (session == nullptr) return;
  TENSORD_CHECK(!session->MayMoveData(other.welcome_.data_token()) || &other == this,
                "another session's token moves data");
  if (!session->MayMoveData(welcome_.data_token())) return;
  const uint64_t number = choices_.Below(5), total = choices_.Below(64);
  const std::string data(choices_.Below(64), 'u');
  const std::string_view piece = data;
  (void)session->uploads().Add({"", "", number, total, 0}, {&piece, 1}, env_.now());
  Listen();
}

// ------------------------------------------------------------------ streams

void SessionPlayer::Listen() {
  SharedBytes bytes;
  Pull pull = Pull::kNothing;
  while (current_ != nullptr && (pull = current_->NextFrame(&bytes)) == Pull::kMessage) {
    TakeBytes(bytes);
  }
}

// The stream is gone, and perhaps what the session said last; or the session does not notice.
void SessionPlayer::Lose() {
  if (current_ == nullptr) return;
  SharedBytes lost;
  for (uint64_t n = choices_.Below(3); n > 0; --n) (void)current_->NextFrame(&lost);
  current_->OnDetached(absl::CancelledError("lost"));
  current_ = nullptr;
}

v1::Resume SessionPlayer::OwnResume() const {
  v1::Resume resume;
  resume.set_session(welcome_.session());
  resume.set_resume_secret(welcome_.resume_secret());
  resume.set_epoch(env_.epoch);
  resume.set_last_seen(seen_);
  return resume;
}

std::optional<v1::Welcome> SessionPlayer::Ask(StreamHandler& handler,
                                              const v1::Resume& resume) const {
  v1::ClientFrame frame;
  *frame.add_items()->mutable_resume() = resume;
  handler.OnFrame(frame.SerializeAsString());
  SharedBytes bytes;
  if (handler.NextFrame(&bytes) != Pull::kMessage) return std::nullopt;
  const v1::ServerFrame answer = Parsed(bytes);
  TENSORD_CHECK(answer.replies_size() == 1, "a Resume has one answer, and it comes first");
  if (!answer.replies(0).has_welcome()) return std::nullopt;
  return answer.replies(0).welcome();
}

// Takes the session up again with what should do, or begins anew if it is over.
void SessionPlayer::Resume(uint64_t last_seen, const std::string& secret) {
  v1::Resume resume = OwnResume();
  resume.set_resume_secret(secret);
  resume.set_last_seen(last_seen);
  Handler handler = OpenStream();
  const std::optional<v1::Welcome> welcome = Ask(*handler, resume);
  if (!welcome.has_value()) {
    handler->OnDetached(absl::CancelledError("refused"));
    if (Find() == nullptr) return Begin();
    TENSORD_CHECK(secret != welcome_.resume_secret(), "the session is there and does not resume");
    return;
  }
  TENSORD_CHECK(welcome->session() == welcome_.session() && welcome->resumed());
  if (current_ != nullptr) fenced_.push_back(std::move(current_));
  if (fenced_.size() > kKept) {
    fenced_.front()->OnDetached(absl::CancelledError("fenced"));
    fenced_.pop_front();
  }
  current_ = std::move(handler);
  TakeWelcome(*welcome);
  unapplied_.erase(unapplied_.begin(), unapplied_.upper_bound(welcome->applied()));
  const auto again = unapplied_;
  for (const auto& [seq, bytes] : again) current_->OnFrame(bytes);
  Listen();
}

// A Resume that may not be answered with a Welcome.
void SessionPlayer::TryForeign(const SessionPlayer& other) {
  v1::Resume resume = OwnResume();
  switch (choices_.Below(6)) {
    case 0:
      resume.mutable_resume_secret()->append("x");
      break;
    case 1:
      resume.set_resume_secret(other.welcome_.resume_secret());
      break;
    case 2:
      resume.set_session(other.welcome_.session());
      break;
    case 3:
      if (other.peer_.principal == peer_.principal) return;  // whoever has both is its owner
      resume.set_session(other.welcome_.session());
      resume.set_resume_secret(other.welcome_.resume_secret());
      break;
    case 4:
      resume.set_epoch(env_.epoch - 1);
      break;
    default:
      resume.set_last_seen(seen_ + 1'000'000);
      break;
  }
  Handler handler = OpenStream();
  TENSORD_CHECK(!Ask(*handler, resume).has_value(), "a foreign Resume is welcome");
  handler->OnDetached(absl::CancelledError("refused"));
}

// ------------------------------------------------------------------ answers

void SessionPlayer::TakeBytes(const SharedBytes& bytes) { Take(Parsed(bytes)); }

void SessionPlayer::Take(const v1::ServerFrame& frame) {
  TENSORD_CHECK(frame.completed() <= frame.applied());
  TENSORD_CHECK(frame.applied() <= writer_->seq(), "what was never sent is applied");
  unapplied_.erase(unapplied_.begin(), unapplied_.upper_bound(frame.applied()));
  if (frame.seq() != 0 && frame.seq() <= seen_) return;  // a call's answer, once more
  if (frame.seq() != 0) {
    TENSORD_CHECK(frame.seq() == seen_ + 1, "a frame was skipped");
    seen_ = frame.seq();
  }
  for (const v1::Reply& reply : frame.replies()) {
    if (reply.has_welcome()) TakeWelcome(reply.welcome());
    TENSORD_CHECK(reply.of_seq() <= writer_->seq(), "an answer to what was never asked");
    TENSORD_CHECK(
        !reply.has_found() || !writer_->forbidden().contains({reply.of_seq(), reply.of_item()}),
        "a Lookup found what is not shared");
  }
}

void SessionPlayer::TakeWelcome(const v1::Welcome& welcome) {
  if (!welcome_.resume_secret().empty()) old_secrets_.push_back(welcome_.resume_secret());
  Trim(&old_secrets_);
  welcome_ = welcome;
}

}  // namespace tensord::server
