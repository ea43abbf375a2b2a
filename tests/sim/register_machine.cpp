#include "register_machine.h"

#include <array>
#include <span>

namespace sim {
namespace {

constexpr std::size_t kWords = 4;

}  // namespace

base::SharedBytes Command::encode(std::size_t padding) const {
  std::vector<std::byte> bytes(kWords * sizeof(std::uint64_t) + padding);
  const std::array<std::uint64_t, kWords> words{write, key, static_cast<std::uint64_t>(call),
                                                value};
  for (std::size_t i = 0; i < kWords; ++i) {
    base::store_little_endian(bytes.data() + i * sizeof(std::uint64_t), words[i]);
  }
  return base::SharedBytes::take(std::move(bytes));
}

std::optional<Command> Command::of(const raft::Entry& entry) {
  if (entry.kind != raft::EntryKind::kCommand) return std::nullopt;
  std::array<std::uint64_t, kWords> words{};
  const std::byte* bytes = entry.record.data() + raft::kRecordHeaderSize;
  for (std::size_t i = 0; i < kWords; ++i) {
    words[i] = base::load_little_endian<std::uint64_t>(bytes + i * sizeof(std::uint64_t));
  }
  return Command{words[0], words[1], static_cast<Call>(words[2]), words[3]};
}

std::uint64_t RegisterMachine::hash_of(std::uint64_t key, const Register& state) {
  if (state.version == 0) return 0;
  const std::array<std::uint64_t, 3> words{key, state.version, state.value};
  return base::checksum(std::as_bytes(std::span(words)));
}

std::optional<Register> RegisterMachine::apply(const raft::Entry& entry) {
  applied_index_ = entry.index;
  const auto command = Command::of(entry);
  if (!command) return std::nullopt;
  Register& state = registers_[command->key];
  const Register before = state;
  hash_ -= hash_of(command->key, before);
  if (command->call == Call::kSet) {
    state = {before.version + 1, command->value, entry.index};
    hash_ += hash_of(command->key, state);
    return state;
  }
  state = {};
  return before;
}

Register RegisterMachine::read(std::uint64_t key) const {
  const auto found = registers_.find(key);
  return found == registers_.end() ? Register{} : found->second;
}

}  // namespace sim
