// StateMachine: the database of the product, in memory, as the simulated nodes use it: keys and
// values are numbers, and every attempt to write carries a number of its own, so that each entry
// tells whose it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "database/database.h"
#include "database/snapshot.h"
#include "raft/entry.h"

namespace sim {

struct SessionSeq {
  std::uint64_t session = 0;
  std::uint64_t seq = 0;

  friend auto operator<=>(const SessionSeq&, const SessionSeq&) = default;
};

enum class Deed : std::uint8_t { kSet, kDelete, kPublish };

// Every attempt to write has its own number in a run, from 1 on; an operation that is tried again
// writes the same value under another number.
struct Command {
  std::uint64_t write = 0;
  std::uint64_t key = 0;  // or channel
  Deed deed = Deed::kSet;
  std::uint64_t value = 0;
  std::optional<SessionSeq> name;

  [[nodiscard]] base::SharedBytes encode(std::size_t padding) const;
};
struct OpenSession {
  std::uint64_t write = 0;
  std::uint64_t timeout_ms = 0;
  std::uint64_t max_sessions = 0;

  [[nodiscard]] base::SharedBytes encode() const;
};
struct CloseSession {
  std::uint64_t write = 0;
  std::uint64_t session = 0;

  [[nodiscard]] base::SharedBytes encode() const;
};
// The number of the attempt that made this entry; 0: none did.
[[nodiscard]] std::uint64_t write_of(const raft::Entry& entry);
// What is for the database in the payload of an entry with a command.
[[nodiscard]] std::string_view command_in(const base::SharedBytes& payload);
// The name under a session of the command in this entry.
[[nodiscard]] std::optional<SessionSeq> session_seq_of(const raft::Entry& entry);

struct Register {
  std::uint64_t version = 0;  // 0: absent
  std::uint64_t value = 0;
  raft::Index index = 0;  // of the last change
};

struct AppliedEntry {
  database::Outcome outcome;
  raft::Index effect_index = 0;
  std::uint64_t outcome_digest = 0;
  std::uint64_t digest = 0;  // of outcome, effect index and broadcasts: the same on every node
  std::vector<database::Broadcast> broadcasts;
};

class StateMachine {
 public:
  // Begins with what the image holds.
  explicit StateMachine(std::shared_ptr<database::MemoryImage> image);

  [[nodiscard]] AppliedEntry apply(const raft::Entry& entry);
  [[nodiscard]] Register read(std::uint64_t key) const;
  // What was broadcast behind `after`, or a part of it.
  [[nodiscard]] std::variant<database::Replay, database::Compacted> replay(raft::Index after) const;
  [[nodiscard]] raft::Index applied_index() const { return database_.applied_index(); }
  [[nodiscard]] std::uint64_t state_hash() const { return database_.state_hash(); }
  [[nodiscard]] std::uint64_t session_count() const { return database_.session_count(); }
  // All that is applied survives the process.
  void flush() { database_.flush(); }
  [[nodiscard]] std::unique_ptr<database::SnapshotReader> read_snapshot() const {
    return database_.read_snapshot();
  }
  // Becomes what the snapshot says; it has to be in order.
  void load(std::string_view snapshot);

 private:
  database::Database database_;
};

}  // namespace sim
