#include "clients/cpp/tensord/credentials.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace tensord::client {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(30);  // of tokens that tell no end
constexpr absl::Duration kSoonest = absl::Seconds(1);
constexpr double kShare = 0.8;  // of a JWT's remaining life

// The `exp` of a JWT.
std::optional<absl::Time> EndOf(const std::string& token) {
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  std::string payload;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[1], &payload)) return std::nullopt;
  google::protobuf::Struct claims;
  if (!google::protobuf::util::JsonStringToMessage(payload, &claims).ok()) return std::nullopt;
  const auto exp = claims.fields().find("exp");
  if (exp == claims.fields().end() || !exp->second.has_number_value()) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(exp->second.number_value());
}

}  // namespace

TokenSource TokenOfFile(std::string path) {
  return [path = std::move(path)]() -> absl::StatusOr<std::string> {
    const std::ifstream file(path);
    if (!file.good()) {
      return absl::UnauthenticatedError(absl::StrCat("no token in ", path, ": it can't be read"));
    }
    std::ostringstream text;
    text << file.rdbuf();
    return std::string(absl::StripAsciiWhitespace(text.str()));
  };
}

absl::Duration UntilRenewal(const std::string& token, absl::Time now) {
  const std::optional<absl::Time> end = EndOf(token);
  return end.has_value() ? std::max(kSoonest, (*end - now) * kShare) : kEvery;
}

absl::StatusOr<v1::Credentials> Credentials::Now() {
  if (source_ != nullptr) {
    const std::lock_guard one(reading_);
    absl::StatusOr<std::string> token = source_();
    if (!token.ok()) return token.status();
    const std::lock_guard lock(mutex_);
    token_ = *std::move(token);
  }
  v1::Credentials credentials;
  if (std::string token = last(); !token.empty()) credentials.set_bearer(std::move(token));
  return credentials;
}

std::string Credentials::last() const {
  const std::lock_guard lock(mutex_);
  return token_;
}

Renewal::Renewal(Credentials& credentials, Tell tell)
    : credentials_(credentials), tell_(std::move(tell)), thread_([this] { Loop(); }) {}

Renewal::~Renewal() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool Renewal::Sleep(absl::Duration time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, absl::ToChronoMilliseconds(time), [&] { return over_; });
}

void Renewal::Loop() {
  for (std::string told = credentials_.last(); Sleep(UntilRenewal(told, absl::Now()));) {
    const absl::StatusOr<v1::Credentials> fresh = credentials_.Now();
    if (fresh.ok() && fresh->bearer() == told) continue;
    if (fresh.ok()) told = fresh->bearer();
    tell_(fresh);
  }
}

}  // namespace tensord::client
