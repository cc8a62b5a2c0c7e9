// tensord.v1.Compute/Run: one stateless graph, compiled, run, answered, forgotten.
#pragma once

#include "server/compute_handler.h"
#include "server/session_env.h"

namespace tensord::server {

struct Account;

// Answers later, on an engine's thread, as work of the account. `env` outlives the call.
void StartRun(const SessionEnv& env, std::shared_ptr<Account> account, v1::RunRequest request,
              Reply<v1::RunReply> reply);

}  // namespace tensord::server
