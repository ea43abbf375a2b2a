// Trio: three nodes without their actors, in one thread: cores whose messages go through the codec
// and whose orders go to logs on a file system. Time stands still. Same calls, same instructions.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "codec/frames.h"
#include "raft/server.h"
#include "storage/file_system.h"
#include "storage/persistence.h"

namespace benchmarks {

class Trio {
 public:
  // New nodes with folders below `folder`, which exists. The first is elected.
  Trio(storage::FileSystem& file_system, const std::filesystem::path& folder);

  // Commands of clients of the leader in one turn; then all messages and syncs that follow, until
  // they are committed at every node. Returns how many entries the leader has handed to its
  // database, one for each command.
  std::size_t commit(std::vector<base::SharedBytes> commands);

  [[nodiscard]] raft::Index committed() const;

 private:
  struct Node {
    raft::Member self;
    std::unique_ptr<storage::Persistence> persistence;
    std::unique_ptr<raft::Server> server;
  };
  struct Envelope {
    std::size_t to;  // place in nodes_
    codec::Frames frames;
  };

  void start(Node& node, storage::FileSystem& file_system, const std::filesystem::path& folder,
             const std::vector<raft::Member>& members);
  void elect_first();
  // Carries out the effects of a turn, and those of the turns that its disk causes.
  void carry_out(Node& node);
  void post(const Node& from, const raft::Send& send);
  void deliver(const Envelope& envelope);
  void settle();

  std::array<Node, 3> nodes_;
  std::deque<Envelope> network_;
  raft::RequestNumber last_request_ = 0;
  std::size_t applied_at_leader_ = 0;  // since the last call of commit()
};

}  // namespace benchmarks
