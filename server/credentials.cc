#include "server/credentials.h"

#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/token_table.h"

namespace tensord::server {

struct Authenticator::Table {
  std::optional<TokenTable> tokens;
  std::optional<JwtVerifier> jwt;
};

absl::StatusOr<std::shared_ptr<const Authenticator::Table>> Authenticator::Read(
    const TokenSources& sources) {
  auto table = std::make_shared<Table>();
  if (const std::string& path = sources.token_file; !path.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadPrivateFile(path, "token file"));
    absl::StatusOr<TokenTable> tokens = TokenTable::Parse(text);
    RETURN_IF_ERROR(Annotate(tokens.status(), StrCat("token file ", path, ": ")));
    table->tokens = *std::move(tokens);
  }
  std::string keys, secrets;
  if (const std::string& path = sources.jwt_key_file; !path.empty()) {
    ASSIGN_OR_RETURN(keys, base::ReadFile(path, 1 << 20));
    if (keys.empty()) return InvalidArgument("JWT key file ", path, " is empty");
  }
  if (const std::string& path = sources.jwt_secret_file; !path.empty()) {
    ASSIGN_OR_RETURN(secrets, ReadPrivateFile(path, "JWT secret file"));
    if (secrets.empty()) return InvalidArgument("JWT secret file ", path, " is empty");
  }
  if (!keys.empty() || !secrets.empty()) {
    absl::StatusOr<JwtVerifier> verifier = JwtVerifier::Make(sources.jwt, keys, secrets);
    RETURN_IF_ERROR(Annotate(verifier.status(), StrCat("JWT keys ", sources.jwt_key_file, " ",
                                                       sources.jwt_secret_file, ": ")));
    table->jwt = *std::move(verifier);
  }
  return table;
}

absl::Status Authenticator::Load(const TokenSources& sources) {
  sources_ = sources;
  watch_ = FileWatch({sources.token_file, sources.jwt_key_file, sources.jwt_secret_file});
  ASSIGN_OR_RETURN(std::shared_ptr<const Table> table, Read(sources_));
  MutexLock lock(mutex_);
  table_ = std::move(table);
  return absl::OkStatus();
}

void Authenticator::Reload(bool always) {
  if (!watch_.Changed() && !always) return;
  absl::StatusOr<std::shared_ptr<const Table>> table = Read(sources_);
  if (!table.ok()) {
    LOG_ERROR("tokens and keys stay as they were", {"error", table.status()});
    return;
  }
  {
    MutexLock lock(mutex_);
    std::swap(table_, *table);
  }
  LOG_INFO("tokens and keys read again");
}

absl::StatusOr<Principal> Authenticator::Check(const Peer& peer, const std::string& bearer) const {
  if (bearer.empty() && peer.identified) return peer.principal;
  if (bearer.empty()) {
    return absl::UnauthenticatedError(
        "this listener wants a token: set Credentials.bearer in the request");
  }
  std::shared_ptr<const Table> table;
  {
    MutexLock lock(mutex_);
    table = table_;
  }
  if (table != nullptr && table->tokens) {
    if (const std::string* name = table->tokens->Find(bearer)) return Principal{.name = *name};
  }
  if (table != nullptr && table->jwt) return table->jwt->Verify(bearer, absl::Now());
  return absl::UnauthenticatedError("the token is not valid");
}

absl::StatusOr<Principal> Authenticator::Authenticate(const Peer& peer,
                                                      const v1::Credentials& credentials) const {
  absl::StatusOr<Principal> principal = Check(peer, credentials.bearer());
  if (!principal.ok()) CountRefusal(peer, principal.status());
  return principal;
}

void Authenticator::CountRefusal(const Peer& peer, const absl::Status& why) const {
  if (metrics_ != nullptr) metrics_->Add(Metric::auth_failures);
  LOG_WARNING("refused", {"peer", peer.address}, {"why", FromAbsl(why.message())});
}

}  // namespace tensord::server
