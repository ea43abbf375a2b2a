// What `raft-actor` does beside running a node: a copy of a stopped node, a new cluster from a
// copy, and a new cluster from the one directory that is left of an old one. Each says what it did
// on stdout and throws one sentence where it does not do it. docs/operations.md walks through them.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "settings/settings.h"
#include "storage/file_system.h"

namespace commands {

// What was asked for lacks a word that only a person can add.
class NotConfirmed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void back_up(storage::FileSystem& file_system, const settings::Settings& settings,
             const std::filesystem::path& file, bool force);

// `new_cluster`: that the user said so; else throws NotConfirmed.
void restore(storage::FileSystem& file_system, const settings::Settings& settings,
             const std::filesystem::path& file, bool new_cluster);

// `members`: data directories of other nodes that are left. `confirmed`: nobody is asked; else a
// terminal is, and where there is none, throws NotConfirmed.
void recover(storage::FileSystem& file_system, const settings::Settings& settings,
             const std::vector<std::filesystem::path>& members, bool confirmed);

}  // namespace commands
