// Transition: commands, executed in order, each on what those before it left. Where one ends and
// the next begins changes nothing in the outcome. Private to src/database; for one turn of changes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "database/buffered_store.h"
#include "database/command.h"
#include "database/database.h"
#include "database/sessions.h"
#include "database/versions.h"

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
  // `entries` outlive it.
  Transition(BufferedStore& store, Versions& versions, Sessions& sessions,
             std::span<const Committed> entries);

  // Of the entry at this place, each once, one after the other. A broadcast is appended where the
  // entry changed something.
  [[nodiscard]] Effect execute(std::size_t place, std::vector<Broadcast>& broadcasts);

  [[nodiscard]] std::uint64_t undecodable_commands() const { return undecodable_commands_; }

 private:
  struct Decoded {
    Command command;
    std::optional<HashedKey> key;  // of one that sets or deletes, in a session too
  };

  void decode();
  void prefetch(std::size_t place) const;
  [[nodiscard]] Effect execute_in_session(const SessionCommand& command, const HashedKey* key,
                                          const Committed& entry,
                                          std::vector<Broadcast>& broadcasts);
  // `key`: null where the command has none.
  [[nodiscard]] Outcome write(const Write& write_command, const HashedKey* key,
                              const Committed& entry, std::vector<Broadcast>& broadcasts);
  [[nodiscard]] SetOutcome set(const HashedKey& key, std::string_view value, std::uint64_t index);
  // The version that the deletion is, or nothing where the key is not there.
  [[nodiscard]] std::optional<std::uint64_t> erase(const HashedKey& key);
  [[nodiscard]] PublishOutcome publish(const PublishCommand& command);

  // 0 where the key or channel is not there. That of a key lasts until the next call.
  [[nodiscard]] std::uint64_t& version_of(const HashedKey& key);
  [[nodiscard]] std::uint64_t look_up_version(std::string_view key);
  [[nodiscard]] std::uint64_t seq_of(std::string_view channel);

  BufferedStore& store_;
  Versions& versions_;
  Sessions& sessions_;
  std::span<const Committed> entries_;
  std::vector<std::optional<Decoded>> commands_;  // of the entries; none where they have none
  std::string memory_;                            // of the record just read
  std::uint64_t undecodable_commands_ = 0;
};

}  // namespace database
