// What clients are told: from the outcomes of actors to the replies of docs/protocol.md. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "actors/counters.h"
#include "actors/messages.h"
#include "actors/request_table.h"
#include "codec/client_codec.h"
#include "database/database.h"
#include "raft/effects.h"
#include "raft/server.h"
#include "settings/settings.h"

namespace actors {

[[nodiscard]] codec::ReplyBody reply_to_command(const CommandOutcome& command);
[[nodiscard]] codec::ReplyBody reply_to_read(std::optional<database::Found> found);
[[nodiscard]] codec::ReplyBody reply_to_replay(
    std::variant<database::Replay, database::Compacted> result);
// `node`: the answering one.
[[nodiscard]] codec::ReplyBody reply_to_snapshot_read(
    const settings::Node& node, std::variant<SnapshotPart, SnapshotGone, SnapshotDamaged> result);
[[nodiscard]] codec::ReplyBody reply_to_status(const raft::Status& status,
                                               const std::string& cluster);
[[nodiscard]] codec::ReplyBody reply_to_members(const raft::Status& status);
// Of a request of this kind, a transfer or a snapshot, that is done.
[[nodiscard]] codec::ReplyBody reply_to_completed(RequestKind kind, std::uint64_t number);

// `detail`: what is said instead of the reason alone; may be empty.
[[nodiscard]] codec::ErrorReply refusal(raft::RefusalReason reason, const std::string& detail = {});
[[nodiscard]] codec::ErrorReply refusal_of_expired(RequestKind kind, raft::Milliseconds timeout_ms);
[[nodiscard]] codec::ErrorReply refusal_at_stop(RequestKind kind);

// The dump of `debug`: one `name: value` a line.
[[nodiscard]] std::string debug_text(const raft::Status& status, const Counters& counters,
                                     const std::map<std::string, std::uint64_t>& more);

}  // namespace actors
