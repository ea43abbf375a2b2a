// Snapshots and compaction (§7): when one is taken, what of the log goes with it, and how one
// reaches a follower whose next entry is gone: in parts, each asked for by the answer to the one
// before, resumed wherever the follower has got to.
#pragma once

#include "raft/state.h"

namespace raft {

// This node's own.
void on_snapshot_requested(State& state, RequestNumber request);
// End of a turn, after committed entries were handed out: a snapshot is due by the size of the log,
// or was asked for.
void take_snapshot(State& state);
void on_snapshot_taken(State& state, SnapshotTaken event);
void on_snapshot_not_taken(State& state);
// End of a turn: the log lets go of what the newest snapshot stands for, also where the snapshot is
// older than this process, or came before its entries were committed. Some entries stay, so that a
// follower that is a little late needs none.
void compact_log(State& state);

// The leader's side.
void begin_snapshot(State& state, Progress& progress);
// End of a turn: whoever waits for a part gets it, as far as the rate allows; in turn, where that
// is not enough for all.
void fetch_snapshot_parts(State& state);
void on_snapshot_chunk_fetched(State& state, SnapshotChunkFetched event);
void on_install_snapshot_reply(State& state, const Peer& from, const InstallSnapshotReply& reply);

// The follower's side.
void on_install_snapshot(State& state, const Peer& from, InstallSnapshot message);
void on_snapshot_chunk_stored(State& state, SnapshotChunkStored event);
void on_snapshot_chunk_not_stored(State& state);
void on_snapshot_installed(State& state, Index index);

// Nobody waits for the requests `expired`, which are sorted, any more.
void forget_snapshot_requests(State& state, const std::vector<RequestNumber>& expired);

}  // namespace raft
