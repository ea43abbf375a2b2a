// RegisterMachine: a state machine as the database is one, without its storage: for each key a
// value and a version, 1 at creation, one higher a change, none once it was deleted. A copy is
// what the database calls a flush.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/little_endian.h"
#include "linearizability.h"
#include "raft/entry.h"

namespace sim {

// Every attempt to write has its own number in a run, from 1 on; an operation that is tried again
// writes the same value under another number.
struct Command {
  std::uint64_t write = 0;
  std::uint64_t key = 0;
  Call call = Call::kSet;
  std::uint64_t value = 0;

  [[nodiscard]] base::SharedBytes encode(std::size_t padding) const;
  // None for an entry that carries no command.
  [[nodiscard]] static std::optional<Command> of(const raft::Entry& entry);
};

struct Register {
  std::uint64_t version = 0;  // 0: absent
  std::uint64_t value = 0;
  raft::Index index = 0;  // of the last change
};

class RegisterMachine {
 public:
  // The register that a set made, or that a delete removed; none where the entry has no command.
  std::optional<Register> apply(const raft::Entry& entry);
  [[nodiscard]] Register read(std::uint64_t key) const;
  [[nodiscard]] raft::Index applied_index() const { return applied_index_; }
  // Of all keys; equal states have equal hashes.
  [[nodiscard]] std::uint64_t state_hash() const { return hash_; }

 private:
  static std::uint64_t hash_of(std::uint64_t key, const Register& state);

  std::map<std::uint64_t, Register> registers_;
  raft::Index applied_index_ = 0;
  std::uint64_t hash_ = 0;  // of each key, added up
};

}  // namespace sim
