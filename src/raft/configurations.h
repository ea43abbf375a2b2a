// Configurations: the configurations of the log, by the index of their entries. The last one is in
// force, committed or not; a truncation brings back the one before it (A3).
#pragma once

#include <deque>
#include <vector>

#include "raft/server.h"

namespace raft {

class Configurations {
 public:
  // Of what was restored; `first` where that holds none.
  Configurations(const Restored& restored, Configuration first);

  [[nodiscard]] const Configuration& current() const { return all_.back().configuration; }
  [[nodiscard]] Index index() const { return all_.back().index; }  // 0: no entry of the log
  // In force at `index`, which is not compacted away.
  [[nodiscard]] const Configuration& at(Index index) const;
  // Whether one that is in force at `index` or later has this directory as a voter.
  [[nodiscard]] bool have_voter_since(Index index, const Peer& peer) const;
  // What is before this index is compacted away.
  [[nodiscard]] Index first_index() const { return all_.front().index; }
  // Rises with every change of the one in force.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  void append(Index index, Configuration configuration);
  void truncate_from(Index index);
  // Those before the one in force at `index` are not asked for any more.
  void compact(Index index);
  void reset(Index index, Configuration configuration);

 private:
  std::deque<ConfigurationEntry> all_;  // by rising index, never empty
  std::uint64_t version_ = 1;
};

}  // namespace raft
