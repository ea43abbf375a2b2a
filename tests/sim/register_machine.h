// RegisterMachine: the smallest state machine that shows a lost, doubled or reordered write: for
// each key the number of writes it has seen and the last of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/little_endian.h"
#include "raft/entry.h"

namespace sim {

// A write of the value `write` to `key`. Every write of a run has its own number, from 1 on.
struct Command {
  std::uint64_t write = 0;
  std::uint64_t key = 0;

  [[nodiscard]] base::SharedBytes encode(std::size_t padding) const {
    std::vector<std::byte> bytes(2 * sizeof(std::uint64_t) + padding);
    base::store_little_endian(bytes.data(), write);
    base::store_little_endian(bytes.data() + sizeof write, key);
    return base::SharedBytes::take(std::move(bytes));
  }
  // None for an entry that carries no command.
  [[nodiscard]] static std::optional<Command> of(const raft::Entry& entry) {
    if (entry.kind != raft::EntryKind::kCommand) return std::nullopt;
    const base::SharedBytes payload = entry.payload();
    return Command{base::load_little_endian<std::uint64_t>(payload.data()),
                   base::load_little_endian<std::uint64_t>(payload.data() + sizeof(std::uint64_t))};
  }
};

struct Register {
  std::uint64_t version = 0;  // 0: never written
  std::uint64_t write = 0;    // the last
};

class RegisterMachine {
 public:
  void apply(const raft::Entry& entry) {
    applied_index_ = entry.index;
    const auto command = Command::of(entry);
    if (!command) return;
    Register& written = registers_[command->key];
    ++written.version;
    written.write = command->write;
  }
  [[nodiscard]] Register read(std::uint64_t key) const {
    const auto found = registers_.find(key);
    return found == registers_.end() ? Register{} : found->second;
  }
  [[nodiscard]] raft::Index applied_index() const { return applied_index_; }

 private:
  std::map<std::uint64_t, Register> registers_;
  raft::Index applied_index_ = 0;
};

}  // namespace sim
