// What clients are told: from the outcomes of actors to the replies of docs/protocol.md. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "actors/counters.h"
#include "actors/request_table.h"
#include "codec/client_codec.h"
#include "database/database.h"
#include "raft/effects.h"
#include "raft/server.h"
#include "settings/settings.h"

namespace actors {

[[nodiscard]] codec::ReplyBody reply_to_command(const database::Outcome& outcome,
                                                raft::Index index);
[[nodiscard]] codec::ReplyBody reply_to_read(std::optional<database::Found> found);
[[nodiscard]] codec::ReplyBody reply_to_replay(
    std::variant<database::Replay, database::Compacted> result);
[[nodiscard]] codec::ReplyBody reply_to_status(const raft::Status& status,
                                               const settings::Settings& settings);

[[nodiscard]] codec::ErrorReply refusal(raft::RefusalReason reason);
[[nodiscard]] codec::ErrorReply refusal_of_expired(RequestKind kind, raft::Milliseconds timeout_ms);
[[nodiscard]] codec::ErrorReply refusal_at_stop(RequestKind kind);

// The dump of `debug`: one `name: value` a line.
[[nodiscard]] std::string debug_text(const raft::Status& status, const Counters& counters,
                                     const std::map<std::string, std::uint64_t>& more);

}  // namespace actors
