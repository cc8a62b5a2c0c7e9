// Where in the program an op was written, as a small number that a fault gives back.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <vector>

#include "tensord/v1/graph.pb.h"

namespace tensord::client {

// The number of a place, from 1: the same one each time; 0 for a source_location that is none. One
// table for the process, so that a Program's body means the same in every session. Thread-safe.
uint32_t SourceOf(const std::source_location& where);

// The place of a number; nothing for 0 and for numbers that were not given out.
std::optional<v1::Source> FindSource(uint32_t index);

// The places after number `last`, in order: what a session has still to send.
std::vector<v1::Source> SourcesAfter(uint32_t last);

}  // namespace tensord::client
