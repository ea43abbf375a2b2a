// Entries in words: for people on one line, for programs as JSON.
#pragma once

#include <string>

#include "client/json.h"
#include "inspector/segment_reader.h"

namespace inspector {

using client::Json;

// `values`: of set and publish too.
[[nodiscard]] std::string entry_text(const Record& record, bool values);
[[nodiscard]] Json entry_json(const Record& record, bool values);

[[nodiscard]] std::string configuration_text(const raft::Configuration& configuration);
[[nodiscard]] Json configuration_json(const raft::Configuration& configuration);

// 64 bits that mean nothing as a number.
[[nodiscard]] std::string hex64(std::uint64_t value);
[[nodiscard]] std::string list_text(const std::vector<raft::NodeId>& nodes);

}  // namespace inspector
