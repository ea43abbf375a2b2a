// HardStateStore: term and vote, in two checksummed copies. A save writes and syncs one after the
// other before it returns: a torn write leaves the other copy, and so does damage to one of them
// at any time, without a promise forgotten. docs/log-format.md specifies bytes and rule.
#pragma once

#include <memory>

#include "raft/types.h"
#include "storage/damage.h"
#include "storage/file_system.h"

namespace storage {

class HardStateStore {
 public:
  // Creates the copies where the directory is new (`fresh`); elsewhere throws Damage where
  // neither copy checks, one is missing, or the two cannot stand beside each other: "term 0" is
  // never guessed.
  HardStateStore(FileSystem& file_system, std::filesystem::path directory, bool fresh);
  ~HardStateStore();

  // The highest term that a copy in `directory` holds; 0 where none checks. Changes nothing.
  [[nodiscard]] static raft::Term term_in(FileSystem& file_system,
                                          const std::filesystem::path& directory);

  [[nodiscard]] const raft::HardState& current() const;
  // Both copies durable on return. The term never falls; a vote within a term never changes.
  void save(const raft::HardState& hard_state);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace storage
