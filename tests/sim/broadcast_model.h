// BroadcastModel: what subscribers are to see, worked out anew from the entries that were applied,
// without the database: one broadcast for each change, in order, with the version of the key or the
// seq of the channel. Checks compare with it what each entry was answered, what was broadcast, and
// in the end what each node still has for a replay: gapless, in order, never retracted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "database/command.h"
#include "node.h"

namespace sim {

class BroadcastModel {
 public:
  // An entry that no node has applied before. They come in order.
  void on_first_applied(const raft::Entry& entry, const AppliedEntry& applied);
  // What the node kept for replay is all that there was, from some index on to what it applied.
  void check_replay(const Node& node) const;

 private:
  struct Change {
    database::BroadcastKind kind;
    raft::Index index;
    raft::Term term;
    std::uint64_t number;
    std::string topic;
    std::uint64_t payload;  // its checksum
  };
  using Numbers = std::unordered_map<std::string, std::uint64_t>;

  [[nodiscard]] std::optional<Change> change_of(const raft::Entry& entry,
                                                const AppliedEntry& applied);
  [[nodiscard]] std::optional<Change> change(const database::SetCommand& set,
                                             const database::Outcome& outcome);
  [[nodiscard]] std::optional<Change> change(const database::DeleteCommand& deletion,
                                             const database::Outcome& outcome);
  [[nodiscard]] std::optional<Change> change(const database::PublishCommand& publication,
                                             const database::Outcome& outcome);
  static void require_same(const Node* node, const database::Broadcast& broadcast,
                           const Change& expected);

  raft::Index applied_to_ = 0;
  Numbers versions_;  // of the keys that are there
  Numbers seqs_;      // of the channels
  std::vector<Change> changes_;
};

}  // namespace sim
