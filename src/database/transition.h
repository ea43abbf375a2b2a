// Transition: commands, executed in order, each on what those before it left. Where one ends and
// the next begins changes nothing in the outcome. Private to src/database; for one turn of changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/buffered_store.h"
#include "database/command.h"
#include "database/database.h"
#include "database/sessions.h"

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
  Transition(BufferedStore& store, Sessions& sessions) : store_(store), sessions_(sessions) {}

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

  // 0 where the key or channel is not there.
  [[nodiscard]] std::uint64_t version_of(std::string_view key);
  [[nodiscard]] std::uint64_t seq_of(std::string_view channel);

  BufferedStore& store_;
  Sessions& sessions_;
  std::string memory_;  // of the record just read
  std::uint64_t undecodable_commands_ = 0;
};

}  // namespace database
