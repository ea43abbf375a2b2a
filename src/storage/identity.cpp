#include "storage/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "base/random.h"
#include "storage/damage.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr std::uint64_t kMagic = 0x746e656469746672;  // "rftident"
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kFixedSize = 48;
constexpr std::size_t kChecksummedFrom = 8;

std::vector<std::byte> encode(const DirectoryIdentity& identity) {
  std::vector<std::byte> bytes(kFixedSize + identity.cluster.size());
  base::store_little_endian(bytes.data() + 8, kMagic);
  base::store_little_endian(bytes.data() + 16, kVersion);
  base::store_little_endian(bytes.data() + 20, static_cast<std::uint32_t>(identity.cluster.size()));
  base::store_little_endian(bytes.data() + 24, identity.node);
  base::store_little_endian(bytes.data() + 32, identity.id);
  base::store_little_endian(bytes.data() + 40, identity.starts);
  std::copy_n(reinterpret_cast<const std::byte*>(identity.cluster.data()), identity.cluster.size(),
              bytes.begin() + kFixedSize);
  base::store_little_endian(bytes.data(),
                            base::checksum(std::span(bytes).subspan(kChecksummedFrom)));
  return bytes;
}

DirectoryIdentity decode(const Path& path, std::span<const std::byte> bytes) {
  if (bytes.size() < kFixedSize ||
      base::load_little_endian<std::uint64_t>(bytes.data()) !=
          base::checksum(bytes.subspan(kChecksummedFrom)) ||
      base::load_little_endian<std::uint64_t>(bytes.data() + 8) != kMagic) {
    throw Damage(path, 0, "the identity does not check");
  }
  const auto version = base::load_little_endian<std::uint32_t>(bytes.data() + 16);
  if (version != kVersion) {
    throw Refused(unknown_version(path.string(), version, kVersion));
  }
  if (base::load_little_endian<std::uint32_t>(bytes.data() + 20) != bytes.size() - kFixedSize) {
    throw Damage(path, 20, "the cluster name is not as long as the identity says");
  }
  return {base::load_little_endian<raft::NodeId>(bytes.data() + 24),
          base::load_little_endian<std::uint64_t>(bytes.data() + 32),
          base::load_little_endian<std::uint64_t>(bytes.data() + 40),
          {reinterpret_cast<const char*>(bytes.data()) + kFixedSize, bytes.size() - kFixedSize}};
}

}  // namespace

LogOwner DirectoryIdentity::log_owner() const {
  return {id, node, base::checksum(std::as_bytes(std::span(cluster)))};
}

Path identity_path(const Path& directory) { return directory / "identity"; }

std::optional<DirectoryIdentity> read_identity(FileSystem& file_system, const Path& directory) {
  const Path path = identity_path(directory);
  if (!file_system.exists(path)) return std::nullopt;
  const auto file = file_system.open(path, FileSystem::OpenMode::kReadOnly);
  std::vector<std::byte> bytes(
      std::min<std::uint64_t>(file->size(), kFixedSize + kMaximumClusterSize + 1));
  bytes.resize(file->read(0, bytes));
  return decode(path, bytes);
}

void write_identity(FileSystem& file_system, const Path& directory,
                    const DirectoryIdentity& identity) {
  const Path preparing = directory / "identity.preparing";
  const auto bytes = encode(identity);
  const std::span<const std::byte> part(bytes);
  const auto file = file_system.open(preparing, FileSystem::OpenMode::kCreate);
  file->truncate(0);
  file->write(0, {&part, 1});
  file->sync();
  file_system.rename(preparing, identity_path(directory));
  file_system.sync_directory(directory);
}

raft::Identity draw_directory_id(std::uint64_t random) {
  base::Random numbers(random);
  raft::Identity id = 0;
  while (id == 0) id = numbers.next();
  return id;
}

std::unique_ptr<File> lock_directory(FileSystem& file_system, const Path& directory) {
  try {
    return file_system.lock(directory / "lock");
  } catch (const LockHeld&) {
    throw InUse(
        fmt::format("{} is in use by another process: stop that one first, or choose "
                    "another data directory",
                    directory.string()));
  }
}

}  // namespace storage
