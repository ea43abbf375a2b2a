#include "storage/backup_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/little_endian.h"
#include "storage/damage.h"
#include "storage/identity.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr std::uint64_t kMagic = 0x70756b6274666172;  // "raftbkup"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFixedSize = 32;
constexpr std::size_t kChecksummedFrom = 8;
constexpr std::size_t kPartBytes = 1 << 20;
constexpr const char* kRemedy = "the backup cannot be used, take another one";

std::vector<std::byte> encode(const BackupOrigin& origin) {
  std::vector<std::byte> bytes(kFixedSize + origin.cluster.size());
  std::byte* at = bytes.data();
  base::store_little_endian(at + 8, kMagic);
  base::store_little_endian(at + 16, kVersion);
  base::store_little_endian(at + 20, static_cast<std::uint32_t>(origin.cluster.size()));
  base::store_little_endian(at + 24, origin.node);
  std::copy_n(reinterpret_cast<const std::byte*>(origin.cluster.data()), origin.cluster.size(),
              bytes.begin() + kFixedSize);
  base::store_little_endian(at, base::checksum(std::span(bytes).subspan(kChecksummedFrom)));
  return bytes;
}

// The header, of as many bytes as it says, or why it is none.
base::Result<std::vector<std::byte>> read_header(const File& file) {
  std::vector<std::byte> bytes(kFixedSize);
  if (file.read(0, bytes) < kFixedSize) {
    return base::Error{fmt::format("a file of {} bytes is no backup", file.size())};
  }
  if (base::load_little_endian<std::uint64_t>(bytes.data() + 8) != kMagic) {
    return base::Error{"this is no backup file"};
  }
  const auto length = base::load_little_endian<std::uint32_t>(bytes.data() + 20);
  if (length <= kMaximumClusterSize) {
    bytes.resize(kFixedSize + length);
    bytes.resize(file.read(0, bytes));
  }
  if (bytes.size() != kFixedSize + length ||
      base::load_little_endian<std::uint64_t>(bytes.data()) !=
          base::checksum(std::span(bytes).subspan(kChecksummedFrom))) {
    return base::Error{"the header of the backup does not check"};
  }
  const auto version = base::load_little_endian<std::uint32_t>(bytes.data() + 16);
  if (version != kVersion) {
    return base::Error{unknown_version("the backup", version, kVersion)};
  }
  return bytes;
}

}  // namespace

BackupWriter::BackupWriter(FileSystem& file_system, Path path, bool replace)
    : file_system_(file_system),
      path_(std::move(path)),
      unfinished_(path_.string() + ".unfinished"),
      replace_(replace) {
  refuse_existing();
}

BackupWriter::~BackupWriter() {
  try {
    discard();
  } catch (const DiskFault&) {
    // It bears a name of its own, and the next backup removes it.
  }
}

void BackupWriter::refuse_existing() const {
  if (replace_ || !file_system_.exists(path_)) return;
  throw Refused(fmt::format("{} is there already: name another file, or replace it with --force",
                            path_.string()));
}

void BackupWriter::discard() {
  if (!writer_ && !copy_) return;
  writer_.reset();
  copy_.reset();
  file_system_.remove(unfinished_);
}

std::uint64_t BackupWriter::start(const BackupOrigin& origin) {
  CHECK(origin.cluster.size() <= kMaximumClusterSize, "a cluster name of {} bytes",
        origin.cluster.size());
  discard();
  if (file_system_.exists(unfinished_)) file_system_.remove(unfinished_);  // of one cut short
  return encode(origin).size();
}

void BackupWriter::write_origin(const BackupOrigin& origin) {
  const auto header = encode(origin);
  const std::span<const std::byte> part(header);
  file_system_.open(unfinished_, FileSystem::OpenMode::kReadWrite)->write(0, {&part, 1});
}

void BackupWriter::begin(const BackupOrigin& origin, raft::SnapshotHead head, std::uint64_t owner) {
  const std::uint64_t at = start(origin);
  writer_.emplace(file_system_, unfinished_, std::move(head), owner, BlockSizes{}, at);
  write_origin(origin);
}

void BackupWriter::append(std::span<const std::byte> bytes) { writer_->append(bytes); }

std::optional<base::Error> BackupWriter::begin_copy(const BackupOrigin& origin,
                                                    std::span<const std::byte> head) {
  const std::uint64_t owner = snapshot_owner(head);
  if (const auto foreign = foreign_snapshot(head, owner)) return base::Error{*foreign};
  auto decoded = decode_snapshot_head(head, owner);
  if (!decoded) return base::Error{decoded.error()};
  const std::uint64_t at = start(origin);
  copy_.emplace(file_system_, unfinished_, std::move(decoded->meta), owner, at);
  copy_->begin();
  write_origin(origin);
  return add_part({});  // a table of no blocks is whole
}

std::optional<base::Error> BackupWriter::add_part(std::span<const std::byte> bytes) {
  const std::uint64_t expected = copy_->next_offset() + bytes.size();
  if (copy_->add(copy_->next_offset(), bytes) && copy_->next_offset() == expected) {
    return std::nullopt;
  }
  discard();
  return base::Error{"what was read is not what the checksum of the snapshot says"};
}

raft::SnapshotHead BackupWriter::finish() {
  CHECK(writer_ || (copy_ && copy_->complete()), "a backup is to end before it is whole");
  writer_ ? writer_->seal() : copy_->seal();
  raft::SnapshotHead head = writer_ ? writer_->meta() : copy_->meta();
  // What stands there, and not what was meant to: every byte is read again.
  BackupReader(file_system_, unfinished_).for_each_part([](const base::SharedBytes&) {});
  refuse_existing();
  file_system_.rename(unfinished_, path_);
  writer_.reset();
  copy_.reset();
  file_system_.sync_directory(path_.parent_path());
  return head;
}

BackupReader::BackupReader(FileSystem& file_system, Path path) {
  const auto file = file_system.open(path, FileSystem::OpenMode::kReadOnly);
  const auto header = read_header(*file);
  if (!header) throw Damage(path, 0, header.error(), kRemedy);
  origin_.node = base::load_little_endian<raft::NodeId>(header->data() + 24);
  origin_.cluster.assign(reinterpret_cast<const char*>(header->data()) + kFixedSize,
                         header->size() - kFixedSize);
  std::vector<std::byte> head(kSnapshotHeaderSize);
  head.resize(file->read(header->size(), head));
  reader_.emplace(file_system, std::move(path), snapshot_owner(head), header->size(), kRemedy);
}

void BackupReader::for_each_part(const std::function<void(const base::SharedBytes&)>& take) const {
  for (std::uint64_t offset = 0; offset < head().size; offset += kPartBytes) {
    take(reader_->read(offset, kPartBytes));
  }
}

}  // namespace storage
