// The snapshots of a data directory: which are there, and whether they are whole.
#include <fmt/format.h>

#include <algorithm>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "inspector/data_directory.h"

namespace inspector {
namespace {

using Report = std::function<void(std::uint64_t offset, std::string what)>;

// The table behind the content against the header, and the content's blocks against the table.
class ContentCheck {
 public:
  ContentCheck(const File& file, const SnapshotHeader& header, const Report& report)
      : file_(file), header_(header), report_(report) {}

  void run(const SnapshotOptions& options) {
    const std::vector<std::byte> table = read_table();
    if (base::checksum(table) != header_.content_checksum) {
      return report_(table_offset(), "the table of the snapshot's blocks does not check");
    }
    const std::string problem = take_lengths(table);
    if (!problem.empty()) return report_(table_offset(), problem);
    if (options.check_content) check_blocks(table, options);
  }

 private:
  [[nodiscard]] std::uint64_t table_offset() const {
    return header_.content_offset + header_.content_bytes;
  }
  [[nodiscard]] std::vector<std::byte> read_table() const {
    std::vector<std::byte> table(header_.blocks * kBlockEntryBytes);
    if (file_.read(table_offset(), table).size() < table.size()) {
      throw MovedOn(file_.path().string() + " became shorter");
    }
    return table;
  }
  // What is wrong with them, where the checksum is right all the same.
  std::string take_lengths(std::span<const std::byte> table) {
    std::uint64_t sum = 0;
    for (; !table.empty(); table = table.subspan(kBlockEntryBytes)) {
      const auto length = base::load_little_endian<std::uint64_t>(table.data());
      if (length == 0 || length > kMostBlockBytes) {
        return fmt::format("the snapshot has a block of {} bytes, it says", length);
      }
      lengths_.push_back(length);
      sum += length;
    }
    if (sum == header_.content_bytes) return {};
    return fmt::format("the snapshot's blocks have {} bytes, its content {}", sum,
                       header_.content_bytes);
  }
  void check_blocks(std::span<const std::byte> table, const SnapshotOptions& options) {
    std::vector<std::byte> buffer(kMostBlockBytes);
    std::uint64_t done = 0;
    for (std::size_t block = 0; block < lengths_.size(); ++block) {
      const auto bytes =
          file_.read(header_.content_offset + done, std::span(buffer).first(lengths_[block]));
      const std::byte* stored = table.data() + block * kBlockEntryBytes + 8;
      const base::WideChecksum checksum{base::load_little_endian<std::uint64_t>(stored),
                                        base::load_little_endian<std::uint64_t>(stored + 8)};
      if (base::wide_checksum(bytes) != checksum) {
        report_(header_.content_offset + done,
                fmt::format("block {} of the snapshot does not check", block));
      }
      done += lengths_[block];
      if (options.on_progress) options.on_progress(done, header_.content_bytes);
    }
  }

  const File& file_;
  const SnapshotHeader& header_;
  const Report& report_;
  std::vector<std::uint64_t> lengths_;
};

// What a name says of a file; none where it is no snapshot.
std::optional<Snapshot> by_name(const Path& folder, const std::string& name) {
  static constexpr std::pair<const char*, const char*> kStates[] = {
      {".snapshot", "complete"}, {".writing", "being written"}, {".receiving", "being received"}};
  for (const auto& [suffix, state] : kStates) {
    if (index_in_name(name, suffix)) return Snapshot{.path = folder / name, .state = state};
  }
  return std::nullopt;
}

void check_complete(Snapshot& snapshot, const File& file, const Directory& directory,
                    const SnapshotOptions& options, const Report& report) {
  auto header = read_snapshot_header(file);
  if (!header) return report(0, header.error());
  snapshot.header = *header;
  if (header->owner != directory.owner.directory) {
    report(24, fmt::format("the snapshot belongs to data directory {:016x}, this is {:016x}",
                           header->owner, directory.owner.directory));
  }
  const auto named = index_in_name(snapshot.path.filename().string(), ".snapshot");
  if (named != header->last.index) {
    report(32,
           fmt::format("the snapshot is of entry {}, its name says otherwise", header->last.index));
  }
  const std::uint64_t size =
      header->content_offset + header->content_bytes + header->blocks * kBlockEntryBytes;
  if (file.size() != size) {
    return report(std::min(size, file.size()),
                  fmt::format("the snapshot has {} bytes and should have {}", file.size(), size));
  }
  ContentCheck(file, *header, report).run(options);
}

}  // namespace

std::optional<raft::Index> newest_snapshot(const Directory& directory) {
  std::optional<raft::Index> newest;
  for (const std::string& name :
       names_in(directory.snapshots_path()).value_or(std::vector<std::string>{})) {
    if (const auto index = index_in_name(name, ".snapshot")) newest = index;
  }
  return newest;
}

std::vector<Snapshot> read_snapshots(const Directory& directory, const SnapshotOptions& options,
                                     Findings& findings) {
  const Path folder = directory.snapshots_path();
  const auto names = names_in(folder);
  if (!names) {
    findings.push_back({Weight::kDamage, folder, 0, "the snapshots are missing"});
    return {};
  }
  const auto newest = newest_snapshot(directory);
  std::vector<Snapshot> snapshots;
  for (const std::string& name : *names) {
    auto snapshot = by_name(folder, name);
    if (!snapshot) continue;
    const File file(snapshot->path);
    snapshot->bytes = file.size();
    if (snapshot->state != "complete") {
      // Never damage: what does not check of it is thrown away, or received again.
      if (auto header = read_snapshot_header(file)) snapshot->header = std::move(*header);
    } else if (index_in_name(name, ".snapshot") != newest) {
      snapshot->state = "superseded";
      findings.push_back({Weight::kNote, snapshot->path, 0,
                          "a newer snapshot stands for it; a start of the node removes it"});
    } else {
      check_complete(
          *snapshot, file, directory, options, [&](std::uint64_t offset, std::string what) {
            findings.push_back({Weight::kDamage, snapshot->path, offset, std::move(what)});
            snapshot->state = "damaged";
          });
    }
    snapshots.push_back(std::move(*snapshot));
  }
  return snapshots;
}

}  // namespace inspector
