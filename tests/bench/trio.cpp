#include "trio.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "codec/peer_codec.h"
#include "storage/doubt.h"
#include "storage/hard_state_store.h"
#include "storage/log_store.h"

namespace benchmarks {
namespace {

constexpr std::size_t kRecentBytes = 64 << 20;
// Small: a file in memory is filled with zeros when it is begun.
constexpr std::uint64_t kSegmentBytes = 4 << 20;
const std::string kCluster = "benchmark";

raft::Member member_of(raft::NodeId id) {
  return {.id = id,
          .identity = 1000 + id,
          .priority = 0,
          .peer = fmt::format("tcp://127.0.0.1:{}", 3110 + id),
          .client = fmt::format("tcp://127.0.0.1:{}", 4110 + id),
          .publish = fmt::format("tcp://127.0.0.1:{}", 5110 + id)};
}

codec::PeerIdentity identity_of(const raft::Member& member) {
  return {kCluster, member.id, member.identity};
}

}  // namespace

Trio::Trio(storage::FileSystem& file_system, const std::filesystem::path& folder) {
  std::vector<raft::Member> members;
  for (raft::NodeId id = 1; id <= nodes_.size(); ++id) members.push_back(member_of(id));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].self = members[i];
    start(nodes_[i], file_system, folder / fmt::format("node{}", i + 1), members);
  }
  elect_first();
}

void Trio::start(Node& node, storage::FileSystem& file_system, const std::filesystem::path& folder,
                 const std::vector<raft::Member>& members) {
  file_system.make_directory(folder);
  file_system.make_directory(folder / "log");
  const std::uint64_t owner = node.self.identity;
  node.persistence = std::make_unique<storage::Persistence>(
      folder, std::make_unique<storage::HardStateStore>(file_system, folder, true),
      std::make_unique<storage::LogStore>(file_system, folder / "log",
                                          storage::LogOwner{owner, 1, 0},
                                          storage::LogOptions{kSegmentBytes}),
      std::nullopt, std::make_unique<storage::DoubtFile>(file_system, folder, owner));
  raft::Options options;
  options.self = node.self;
  options.first_members = members;
  node.server =
      std::make_unique<raft::Server>(options, node.persistence->restored(0, kRecentBytes));
  carry_out(node);
}

void Trio::elect_first() {
  Node& first = nodes_.front();
  for (Node& node : nodes_) node.server->step(raft::TickElapsed{0});
  first.server->step(raft::TickElapsed{10'000});
  for (Node& node : nodes_) carry_out(node);
  settle();
  CHECK(first.server->status().role == raft::Role::kLeader, "the first node was not elected");
}

void Trio::carry_out(Node& node) {
  for (bool stirred = true; stirred;) {
    stirred = false;
    raft::Effects effects = node.server->take_effects();
    CHECK(effects.fetches.empty(), "an entry is not in memory any more");
    for (const raft::Send& send : effects.sends) post(node, send);
    if (effects.first_configuration) {
      node.server->step(
          raft::FirstConfigurationStored{std::move(effects.first_configuration->configuration)});
      stirred = true;
    }
    if (effects.persist) {
      const std::size_t done = node.persistence->persist({&*effects.persist, 1});
      CHECK(done == 1, "the simulated disk is full");
      for (const raft::Send& promise : effects.persist->promises) post(node, promise);
      node.server->step(raft::Persisted{effects.persist->number});
      stirred = true;
    }
    if (effects.apply) {
      const auto& entries = effects.apply->entries;
      for (const raft::CommittedEntry& each : entries) applied_at_leader_ += each.request ? 1 : 0;
      node.server->step(raft::EntriesApplied{entries.back().entry.index});
      stirred = true;
    }
  }
}

void Trio::post(const Node& from, const raft::Send& send) {
  network_.push_back(
      {send.to.id - 1, codec::encode_peer_message(identity_of(from.self), send.to, send.message)});
}

void Trio::deliver(const Envelope& envelope) {
  Node& node = nodes_[envelope.to];
  auto decoded = codec::decode_peer_message(identity_of(node.self), {}, envelope.frames);
  auto* message = std::get_if<codec::PeerMessage>(&decoded);
  CHECK(message != nullptr, "a message was refused: {}", std::get<codec::Refusal>(decoded).detail);
  node.server->step(
      raft::MessageReceived{message->from, std::move(message->message), message->addressed});
  carry_out(node);
}

void Trio::settle() {
  while (!network_.empty()) {
    const Envelope envelope = std::move(network_.front());
    network_.pop_front();
    deliver(envelope);
  }
}

std::size_t Trio::commit(std::vector<base::SharedBytes> commands) {
  applied_at_leader_ = 0;
  Node& leader = nodes_.front();
  for (base::SharedBytes& command : commands) {
    leader.server->step(raft::CommandSubmitted{++last_request_, std::move(command)});
  }
  carry_out(leader);
  settle();
  return applied_at_leader_;
}

raft::Index Trio::committed() const { return nodes_.front().server->status().commit_index; }

}  // namespace benchmarks
