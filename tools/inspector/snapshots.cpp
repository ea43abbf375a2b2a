// The snapshots of a data directory: which are there, and whether they are whole.
#include <fmt/format.h>

#include <algorithm>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "inspector/data_directory.h"

namespace inspector {
namespace {

using Report = std::function<void(std::uint64_t offset, std::string what)>;

// The content's blocks against the checksums behind it, and those against the header.
class ContentCheck {
 public:
  ContentCheck(const File& file, const SnapshotHeader& header, const Report& report)
      : file_(file), header_(header), report_(report) {}

  void run(const SnapshotOptions& options) {
    const bool check_content = options.check_content;
    stored_ = read_checksums();
    const bool stored_checks = total(stored_) == header_.content_checksum;
    if (check_content) compute(options);
    if (!stored_checks && (!check_content || total(computed_) != header_.content_checksum)) {
      report_(checksums_offset(), "the checksums of the snapshot's blocks do not check");
    }
    // Where the blocks give what the header says, it is their checksums that are damaged.
    const bool content_checks = check_content && total(computed_) == header_.content_checksum;
    for (std::size_t block = 0; block < computed_.size(); ++block) {
      if (computed_[block] == stored_[block]) continue;
      if (content_checks) {
        report_(checksums_offset() + block * sizeof(std::uint64_t),
                fmt::format("the checksum of block {} is damaged, the block is whole", block));
      } else {
        report_(header_.content_offset + block * kBlockBytes,
                fmt::format("block {} of the snapshot does not check", block));
      }
    }
  }

 private:
  [[nodiscard]] std::uint64_t checksums_offset() const {
    return header_.content_offset + header_.content_bytes;
  }
  [[nodiscard]] static std::uint64_t total(const std::vector<std::uint64_t>& checksums) {
    return base::checksum(std::as_bytes(std::span(checksums)));
  }
  [[nodiscard]] std::vector<std::uint64_t> read_checksums() const {
    const std::uint64_t blocks = (header_.content_bytes + kBlockBytes - 1) / kBlockBytes;
    std::vector<std::uint64_t> checksums(static_cast<std::size_t>(blocks));
    const auto into = std::as_writable_bytes(std::span(checksums));
    if (file_.read(checksums_offset(), into).size() < into.size()) {
      throw MovedOn(file_.path().string() + " became shorter");
    }
    return checksums;
  }
  void compute(const SnapshotOptions& options) {
    std::vector<std::byte> block(kBlockBytes);
    for (std::uint64_t done = 0; done < header_.content_bytes; done += kBlockBytes) {
      const auto size = std::min<std::uint64_t>(kBlockBytes, header_.content_bytes - done);
      computed_.push_back(
          base::checksum(file_.read(header_.content_offset + done, std::span(block).first(size))));
      if (options.on_progress) options.on_progress(done + size, header_.content_bytes);
    }
  }

  const File& file_;
  const SnapshotHeader& header_;
  const Report& report_;
  std::vector<std::uint64_t> stored_;
  std::vector<std::uint64_t> computed_;
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
  if (header->owner != directory.owner) {
    report(24, fmt::format("the snapshot belongs to data directory {:016x}, this is {:016x}",
                           header->owner, directory.owner));
  }
  const auto named = index_in_name(snapshot.path.filename().string(), ".snapshot");
  if (named != header->last.index) {
    report(32,
           fmt::format("the snapshot is of entry {}, its name says otherwise", header->last.index));
  }
  const std::uint64_t blocks = (header->content_bytes + kBlockBytes - 1) / kBlockBytes;
  const std::uint64_t size =
      header->content_offset + header->content_bytes + blocks * sizeof(std::uint64_t);
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
