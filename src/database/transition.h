// Transition: the commands of one batch, executed in order. Reads what was there before from the
// store, sees the changes of earlier commands of the same batch, and collects all of them in one
// Batch. Where batches begin and end changes nothing in the outcome. Private to
// src/database; lives as long as the entries it executes at most, as it holds views into them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "database/command.h"
#include "database/database.h"
#include "database/sessions.h"
#include "database/store.h"

namespace database {

// What is stored of a key.
struct KeyRecord {
  std::uint64_t version;
  std::uint64_t index;  // of its last change
  std::string_view value;
};
[[nodiscard]] std::optional<KeyRecord> read_key_record(std::string_view bytes);

class Transition {
 public:
  Transition(const Store& store, Sessions& sessions, Batch& batch)
      : store_(store), sessions_(sessions), batch_(batch) {}

  // A broadcast is appended where the entry changed something.
  [[nodiscard]] Effect execute(const Committed& entry, std::vector<Broadcast>& broadcasts);

  [[nodiscard]] std::uint64_t undecodable_commands() const { return undecodable_commands_; }

 private:
  [[nodiscard]] Effect execute_in_session(const SessionCommand& command, const Committed& entry,
                                          std::vector<Broadcast>& broadcasts);
  [[nodiscard]] Outcome write(const Write& write_command, const Committed& entry,
                              std::vector<Broadcast>& broadcasts);
  [[nodiscard]] SetOutcome set(const SetCommand& command, std::uint64_t index);
  // The version that the deletion is, or nothing where the key is not there.
  [[nodiscard]] std::optional<std::uint64_t> erase(const DeleteCommand& command);
  [[nodiscard]] PublishOutcome publish(const PublishCommand& command);

  // The number as this batch has left it so far; 0 where the key or channel is not there.
  [[nodiscard]] std::uint64_t& version_of(std::string_view key);
  [[nodiscard]] std::uint64_t& seq_of(std::string_view channel);

  const Store& store_;
  Sessions& sessions_;
  Batch& batch_;
  std::string bytes_;  // of the record just read; kept for its memory
  // Looked up only, never iterated: their order reaches nothing.
  std::unordered_map<std::string_view, std::uint64_t> versions_;
  std::unordered_map<std::string_view, std::uint64_t> seqs_;
  std::uint64_t undecodable_commands_ = 0;
};

}  // namespace database
