#include "storage/snapshot_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "storage/snapshot_file.h"
#include "storage/snapshot_receiver.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

std::vector<raft::Index> find(const std::vector<std::string>& names, SnapshotState state) {
  std::vector<raft::Index> found;
  for (const auto& name : names) {
    if (const auto index = index_of_snapshot(name, state)) found.push_back(*index);
  }
  return found;
}

}  // namespace

struct SnapshotStore::Implementation {
  FileSystem& file_system;
  Path directory;
  std::uint64_t owner;
  SnapshotOptions options;
  std::optional<raft::SnapshotHead> newest;
  std::optional<SnapshotReader> reader;  // of the newest
  std::optional<SnapshotWriter> own;
  std::optional<SnapshotReceiver> received;
  bool failed = false;

  Implementation(FileSystem& files, Path path, std::uint64_t owner_id,
                 const SnapshotOptions& chosen)
      : file_system(files), directory(std::move(path)), owner(owner_id), options(chosen) {
    make_durable_directory(file_system, directory);
    file_system.sync_directory(directory);  // names may be known to the page cache alone
    const auto names = file_system.list(directory);
    const auto complete = find(names, SnapshotState::kComplete);
    if (!complete.empty()) {
      read_newest(complete.back());
      remove_all_but(complete, complete.back(), SnapshotState::kComplete);
    }
    remove_all_but(find(names, SnapshotState::kWriting), std::nullopt, SnapshotState::kWriting);
    restore_received(find(names, SnapshotState::kReceiving));
  }

  [[nodiscard]] Path path_of(raft::Index index, SnapshotState state) const {
    return directory / snapshot_name(index, state);
  }

  // A16: after a failed change nothing more is changed.
  template <typename Change>
  auto change(Change action) {
    if (failed) {
      throw DiskFault("the snapshots in " + directory.string() + " failed before and are closed");
    }
    failed = true;  // stays where the action throws
    if constexpr (std::is_void_v<decltype(action())>) {
      action();
      failed = false;
    } else {
      auto result = action();
      failed = false;
      return result;
    }
  }

  // The same for a change of what `writer` writes: it is given up where there is no room.
  template <typename Writer, typename Change>
  auto change_of(std::optional<Writer>& writer, Change action) {
    try {
      return change(action);
    } catch (const DiskFull&) {
      failed = false;
      change([&] { drop(writer); });
      throw;
    }
  }

  void read_newest(raft::Index index) {
    const Path path = path_of(index, SnapshotState::kComplete);
    reader.reset();
    reader.emplace(file_system, path, owner);
    if (reader->meta().last.index != index) {
      throw Damage(path, 0,
                   fmt::format("the snapshot is of index {}, its name says {}",
                               reader->meta().last.index, index));
    }
    newest = reader->meta();
  }

  void remove_all_but(const std::vector<raft::Index>& found, std::optional<raft::Index> kept,
                      SnapshotState state) {
    for (const raft::Index index : found) {
      if (index != kept) file_system.remove(path_of(index, state));
    }
  }

  void restore_received(const std::vector<raft::Index>& found) {
    if (found.empty()) return;
    remove_all_but(found, found.back(), SnapshotState::kReceiving);
    const raft::Index index = found.back();
    received.emplace(file_system, path_of(index, SnapshotState::kReceiving), raft::SnapshotHead{},
                     owner);
    if (is_newer(index) && goes_on(index)) {
      look_up();
    } else {
      drop(received);
    }
  }

  // What another release wrote, or has no room, can be had again: no reason not to start.
  [[nodiscard]] bool goes_on(raft::Index index) {
    try {
      return received->resume() && received->meta().last.index == index;
    } catch (const DiskFull&) {
      return false;
    } catch (const Refused&) {
      return false;
    }
  }

  [[nodiscard]] bool is_newer(raft::Index index) const {
    return !newest || index > newest->last.index;
  }

  void look_up() { received->look_up(reader ? &*reader : nullptr); }

  template <typename Writer>
  void drop(std::optional<Writer>& writer) {
    if (!writer) return;
    const Path path = writer->path();
    writer.reset();
    file_system.remove(path);
  }

  void name_complete(const Path& path, raft::Index index) {
    try {
      file_system.rename(path, path_of(index, SnapshotState::kComplete));
    } catch (const DiskFull&) {
      file_system.remove(path);
      throw;
    }
    file_system.sync_directory(directory);
  }

  // The content is on disk, then its name; only then the snapshot before it goes.
  template <typename Writer>
  void publish(std::optional<Writer>& writer) {
    writer->seal();
    const raft::Index index = writer->meta().last.index;
    const std::optional<raft::SnapshotHead> before = newest;
    const Path path = writer->path();
    writer.reset();
    name_complete(path, index);
    read_newest(index);
    if (before && before->last.index != index) {
      file_system.remove(path_of(before->last.index, SnapshotState::kComplete));
    }
    if (!received) return;
    if (!is_newer(received->meta().last.index)) return drop(received);
    look_up();  // what was to be copied is in another file now, or not to be had
  }

  void begin(raft::SnapshotHead meta) {
    drop(own);
    const Path path = path_of(meta.last.index, SnapshotState::kWriting);
    own.emplace(file_system, path, std::move(meta), owner, options.blocks);
  }

  bool finish() {
    CHECK(own.has_value(), "no snapshot was begun");
    const raft::Index index = own->meta().last.index;
    if (!is_newer(index) && index != 0) {
      drop(own);
      return false;
    }
    if (index == 0 && newest && newest->last.index != 0) {
      drop(own);
      return false;
    }
    publish(own);
    return true;
  }

  Received receive(const raft::SnapshotHead& meta, std::uint64_t offset,
                   std::span<const std::byte> bytes) {
    if (!meta.is_possible()) return {Receipt::kRefused, {}};
    if (!is_newer(meta.last.index)) return {Receipt::kNotNewer, {meta.transfer_size()}};
    if (received && received->meta() != meta) {
      if (meta.last.index <= received->meta().last.index) return {Receipt::kRefused, {}};
      drop(received);
    }
    if (!received) {
      received.emplace(file_system, path_of(meta.last.index, SnapshotState::kReceiving), meta,
                       owner);
      received->begin();
      look_up();
    }
    if (!received->add(offset, bytes)) {
      drop(received);
      return {Receipt::kDamaged, {}};
    }
    received->copy(options.copy_bytes);
    if (!received->complete()) {
      return {Receipt::kMore, received->demand()};
    }
    const std::uint64_t copied = received->copied();
    publish(received);
    return {Receipt::kComplete, {meta.transfer_size()}, copied};
  }
};

SnapshotStore::SnapshotStore(FileSystem& file_system, std::filesystem::path directory,
                             std::uint64_t owner, const SnapshotOptions& options)
    : implementation_(
          std::make_unique<Implementation>(file_system, std::move(directory), owner, options)) {}

SnapshotStore::~SnapshotStore() = default;

const std::optional<raft::SnapshotHead>& SnapshotStore::newest() const {
  return implementation_->newest;
}

std::vector<std::byte> SnapshotStore::head() const {
  return encode_snapshot_head(*implementation_->newest, implementation_->owner);
}

std::optional<base::SharedBytes> SnapshotStore::read(raft::Index index, std::uint64_t offset,
                                                     std::uint64_t max_bytes) const {
  const auto& newest = implementation_->newest;
  if (!newest || newest->last.index != index) return std::nullopt;
  return implementation_->reader->read(offset, max_bytes);
}

std::optional<base::SharedBytes> SnapshotStore::read_transfer(raft::Index index,
                                                              std::uint64_t offset,
                                                              std::uint64_t max_bytes) const {
  const auto& newest = implementation_->newest;
  if (!newest || newest->last.index != index) return std::nullopt;
  return implementation_->reader->read_transfer(offset, max_bytes);
}

void SnapshotStore::begin(raft::SnapshotHead meta) {
  implementation_->change_of(implementation_->own,
                             [&] { implementation_->begin(std::move(meta)); });
}

void SnapshotStore::append(std::span<const std::byte> bytes) {
  CHECK(writing(), "no snapshot was begun");
  implementation_->change_of(implementation_->own, [&] { implementation_->own->append(bytes); });
}

bool SnapshotStore::finish() {
  return implementation_->change_of(implementation_->own,
                                    [&] { return implementation_->finish(); });
}

void SnapshotStore::abandon() {
  implementation_->change([&] { implementation_->drop(implementation_->own); });
}

void SnapshotStore::keep_first(const raft::Configuration& configuration) {
  if (writing() || (newest() && newest()->last.index > 0)) return;
  begin({{}, configuration, 0, 0});
  static_cast<void>(finish());
}

bool SnapshotStore::writing() const { return implementation_->own.has_value(); }

Received SnapshotStore::receive(const raft::SnapshotHead& meta, std::uint64_t offset,
                                std::span<const std::byte> bytes) {
  return implementation_->change_of(implementation_->received,
                                    [&] { return implementation_->receive(meta, offset, bytes); });
}

std::optional<raft::SnapshotHead> SnapshotStore::receiving() const {
  if (!implementation_->received) return std::nullopt;
  return implementation_->received->meta();
}

void SnapshotStore::forget_receiving() {
  implementation_->change([&] { implementation_->drop(implementation_->received); });
}

}  // namespace storage
