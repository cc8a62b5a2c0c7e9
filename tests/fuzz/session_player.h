// A client that a fuzzer's bytes steer: it loses streams and takes sessions up again, keeps old
// streams talking, repeats and drops frames, submits some by calls, and tries secrets that are not
// its own. What the session core promises whatever it does is checked on the way.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/session.h"
#include "tests/fuzz/frame_writer.h"

namespace tensord::server {

// The wire's end of a session, which nothing reaches.
class NullStream : public Stream {
 public:
  void Wake() override {}
  void ResumeReading() override {}
  void Close(absl::Status) override {}
  void Abort() override {}
  bool cancelled() const override { return false; }
};

class SessionPlayer {
 public:
  // Acts for `principal`, and looks up what `other` publishes. Says Hello.
  SessionPlayer(const SessionEnv& env, SessionTable& table, Choices& choices,
                const std::string& principal, const std::string& other);
  // The streams are lost, and the session is ended.
  ~SessionPlayer();

  // Does one thing; `other` is whose secrets it may have come by.
  void Step(const SessionPlayer& other);

 private:
  using Handler = std::unique_ptr<StreamHandler>;

  void Begin();
  Handler OpenStream() const;
  std::shared_ptr<Session> Find() const { return table_.Find(welcome_.session()); }

  // The client's side of a session.
  void Send(bool deliver);
  void Repeat();
  void Submit();
  void Upload(const SessionPlayer& other);
  void Listen();
  void Lose();
  void Resume(uint64_t last_seen, const std::string& secret);
  void TryForeign(const SessionPlayer& other);
  v1::Resume OwnResume() const;
  void TakeBytes(const SharedBytes& bytes);
  void Take(const v1::ServerFrame& frame);
  void TakeWelcome(const v1::Welcome& welcome);
  // What a stream says to this Resume: a Welcome, if it is welcome.
  std::optional<v1::Welcome> Ask(StreamHandler& handler, const v1::Resume& resume) const;

  const SessionEnv& env_;
  SessionTable& table_;
  Choices& choices_;
  const Peer peer_;
  const std::string other_principal_;

  std::unique_ptr<FrameWriter> writer_;
  Handler current_;  // nullptr: the stream is lost
  std::deque<Handler> fenced_;
  v1::Welcome welcome_;
  std::deque<std::string> old_secrets_, sent_;
  std::map<uint64_t, std::string> unapplied_;
  uint64_t seen_ = 0;
};

}  // namespace tensord::server
