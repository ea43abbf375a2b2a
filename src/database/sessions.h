// Sessions: who they are, when they end, and what came of their requests. Private to
// src/database. The facts about each session are held in memory too, and bounded by kMaxSessions;
// outcomes are only in the store.
//
//   key, integers big-endian        value, integers little-endian
//   u64 session                     u64 timeout_ms, u64 used_ms, u64 newest seq (0: none)
//   u64 session, u16 slot           u64 seq, u64 index, u8 kind, u64 number
//
// The slot of a seq is its rest by kSessionWindow, so a new outcome takes the place of the one
// that leaves the window. A slot whose seq is not in the window counts as empty, and so does one
// whose session has ended: as many sessions may end at once, their outcomes are removed bit by bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "database/buffered_store.h"
#include "database/command.h"
#include "database/database.h"

namespace database {

// What came of a command, and at which index.
struct Effect {
  Outcome outcome;
  std::uint64_t index;
};

struct SessionRecord {
  std::uint64_t timeout_ms;
  std::uint64_t used_ms;     // the log's time at its last command
  std::uint64_t newest_seq;  // 0: none yet

  // Of the log; the session is over at any time after it.
  [[nodiscard]] std::uint64_t expiry_ms() const;
  [[nodiscard]] bool in_window(std::uint64_t seq) const;
};

struct OutcomeRecord {
  std::uint64_t seq;
  Effect effect;  // of a write
};

struct SessionKey {
  std::uint64_t session;
  std::optional<std::uint64_t> slot;  // none: the key of the session itself
};

[[nodiscard]] std::optional<SessionKey> read_session_key(std::string_view bytes);
[[nodiscard]] std::optional<SessionRecord> read_session_record(std::string_view bytes);
[[nodiscard]] std::optional<OutcomeRecord> read_outcome_record(std::string_view bytes);

class Sessions {
 public:
  // Reads all sessions of the store.
  explicit Sessions(BufferedStore& store);

  [[nodiscard]] std::uint64_t count() const { return sessions_.size(); }

  // The time of the next entry: sessions that it finds expired end here.
  void advance_to(std::uint64_t time_ms);

  [[nodiscard]] Outcome open(const OpenSessionCommand& command, std::uint64_t index);
  [[nodiscard]] SessionClosed close(std::uint64_t session);

  // What a request comes to without being executed; nothing: execute it, and keep() what comes
  // of it. `index`: of its entry. Its session counts as used.
  [[nodiscard]] std::optional<Effect> use(const SessionCommand& command, std::uint64_t index);
  void keep(const SessionCommand& command, const Effect& effect);

  // The end of a turn of so many entries: stores what has changed and was not stored yet.
  void finish(std::size_t entries);

 private:
  [[nodiscard]] std::optional<Effect> kept(std::uint64_t session, std::uint64_t seq) const;
  void end(std::map<std::uint64_t, SessionRecord>::iterator session);
  void remove_outcomes(std::size_t budget);

  BufferedStore& store_;
  std::uint64_t time_ms_ = 0;
  std::map<std::uint64_t, SessionRecord> sessions_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> expiries_;  // expiry_ms, session
  std::deque<std::uint64_t> ended_;                             // their outcomes are to be removed
  std::set<std::uint64_t> changed_;                             // in this turn
};

}  // namespace database
