// How scripts show messages, entries and nodes. Short, and of the paper's words.
#pragma once

#include <string>
#include <string_view>

#include "cluster.h"

namespace raft {

[[nodiscard]] bool is_message_name(std::string_view name);
[[nodiscard]] std::string_view refusal_name(RefusalReason reason);

// "append_entries: term 2, after 1/1, commit 1, entries 2/2 3/2"; places are INDEX/TERM.
[[nodiscard]] std::string describe(const Message& message);
// "2/1 command a"
[[nodiscard]] std::string describe(const Entry& entry);

// "voters 1 2 3, old voters 1 2, goal 1 2 4, learners 4"
[[nodiscard]] std::string describe(const Configuration& configuration);

[[nodiscard]] std::string table_header();
[[nodiscard]] std::string table_row(const State& state);

}  // namespace raft
