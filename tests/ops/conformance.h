// The lines of clients/conformance/types.txt: a call, and what the engine answers to it.
#pragma once

#include <string>
#include <string_view>

namespace tensord::testing_support {

// The answer to "op | type; type | attribute=value": the types of the results as "f32[2]; i32[2]",
// or "! message". A call that can't be read is a CHECK failure.
std::string AnswerTypes(std::string_view call);

// The lines of `text`, each with the engine's answer in the place of its own.
std::string RenewAnswers(std::string_view text);

}  // namespace tensord::testing_support
