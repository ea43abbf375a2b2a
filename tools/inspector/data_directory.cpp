#include "inspector/data_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/checksum.h"
#include "inspector/log_walk.h"

namespace inspector {
namespace {

Path hard_state_path(const Directory& directory, std::size_t which) {
  return directory.path / (which == 0 ? "hard_state.0" : "hard_state.1");
}

base::Result<HardStateCopy> read_copy(const Path& path, std::size_t which, Findings& findings) {
  if (!is_there(path)) return base::Error{"the file is missing"};
  const File file(path);
  const auto bytes = file.read_all();
  if (bytes.size() > kHardStateBytes) {
    findings.push_back({Weight::kNote, path, kHardStateBytes,
                        fmt::format("{} bytes behind the end", bytes.size() - kHardStateBytes)});
  }
  return decode_hard_state(path, bytes, static_cast<std::uint32_t>(which));
}

// A creation that was cut short leaves none of these.
bool holds_something(const Directory& directory) {
  const auto files_in = [](const Path& path) {
    return names_in(path).value_or(std::vector<std::string>{});
  };
  if (!files_in(directory.path / "database").empty()) return true;
  if (!files_in(directory.snapshots_path()).empty()) return true;
  for (const std::string& name : files_in(directory.log_path())) {
    if (File(directory.log_path() / name).size() > kSegmentHeaderBytes) return true;
  }
  Findings ignored;
  for (const std::size_t which : {0, 1}) {
    const auto copy = read_copy(hard_state_path(directory, which), which, ignored);
    if (copy && copy->term > 0) return true;
  }
  return false;
}

bool looks_like_one(const Path& path) {
  return is_there(path / "identity") || is_there(path / "log") || is_there(path / "hard_state.0") ||
         is_there(path / "snapshots");
}

LogOwner owner_by(const IdentityFile& identity) {
  return {identity.directory_id, identity.node,
          base::checksum(std::as_bytes(std::span(identity.cluster)))};
}

// Without an identity the first segment that checks says whose the log is.
LogOwner owner_of_log(const Path& log) {
  const auto found = segments_in(log);
  if (!found) return {};
  for (const std::string& name : found->names) {
    const File file(log / name);
    std::vector<std::byte> buffer(kMostSegmentHeaderBytes);
    const auto header = decode_segment_header(file.path(), file.read(0, buffer));
    if (header) return header->owner;
  }
  return {};
}

}  // namespace

Directory open_directory(const Path& path, Findings& findings) {
  if (!is_there(path)) throw Unreadable(path.string() + ": there is no such directory");
  if (!std::filesystem::is_directory(path)) {
    throw Unreadable(path.string() + " is a file, not a data directory");
  }
  if (!looks_like_one(path)) {
    throw Unreadable(path.string() +
                     " is not the data directory of a node: it has neither identity nor log");
  }
  Directory directory{.path = path};
  const Path identity = path / "identity";
  if (is_there(identity)) {
    const auto decoded = decode_identity(identity, File(identity).read_all());
    if (decoded) {
      directory.identity = *decoded;
      directory.owner = owner_by(*decoded);
      return directory;
    }
    findings.push_back({Weight::kDamage, identity, 0, decoded.error()});
  } else if (holds_something(directory)) {
    findings.push_back({Weight::kDamage, identity, 0,
                        "the identity is missing, and the directory holds the data of a node"});
  } else {
    directory.unfinished = true;
    findings.push_back({Weight::kNote, identity, 0,
                        "the creation of the directory was cut short; a start begins it anew"});
  }
  directory.owner = owner_of_log(directory.log_path());
  return directory;
}

HardState read_hard_state(const Directory& directory, Findings& findings) {
  HardState state;
  bool missing = false;
  // A save writes copy 0 first. Read the other way round, a save meanwhile looks like one that was
  // cut short, and not like a write that was lost.
  for (const std::size_t which : {1, 0}) {
    const Path path = hard_state_path(directory, which);
    missing = missing || !is_there(path);
    const auto copy = read_copy(path, which, findings);
    if (copy) {
      state.copies[which] = *copy;
    } else {
      state.problems[which] = copy.error();
    }
  }
  const auto& [first, second] = state.copies;
  for (const std::size_t which : {0, 1}) {
    if (state.copies[which]) continue;
    const bool mended = state.copies[1 - which].has_value() && !missing;
    findings.push_back(
        {Weight::kDamage, hard_state_path(directory, which), 0,
         state.problems[which] +
             (mended ? "; the other copy is whole, and a start of the node mends this" : "")});
  }
  if (missing || (!first && !second)) return state;
  if (!first || !second || *first == *second) {
    state.in_force = first ? first : second;
  } else if (first->sequence == second->sequence + 1) {
    state.in_force = first;
    findings.push_back(
        {Weight::kNote, hard_state_path(directory, 1), 24,
         fmt::format("save {} was cut short; a start of the node completes it", first->sequence)});
  } else {
    findings.push_back(
        {Weight::kDamage, hard_state_path(directory, first->sequence < second->sequence ? 0 : 1),
         24,
         fmt::format("saves {} and {} do not stand beside each other: a write was lost, or a file "
                     "was exchanged",
                     first->sequence, second->sequence)});
  }
  return state;
}

}  // namespace inspector
