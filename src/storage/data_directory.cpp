#include "storage/data_directory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/little_endian.h"
#include "base/random.h"
#include "storage/damage.h"
#include "storage/hard_state_store.h"
#include "storage/log_recovery.h"
#include "storage/space_guard.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr std::uint64_t kMagic = 0x746e656469746672;  // "rftident"
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kFixedSize = 48;
constexpr std::size_t kMaximumClusterSize = 4096;
constexpr std::size_t kChecksummedFrom = 8;

struct Identity {
  raft::NodeId node = 0;
  raft::Identity id = 0;
  std::uint64_t starts = 0;
  std::string cluster;
};

std::vector<std::byte> encode(const Identity& identity) {
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

Identity decode(const Path& path, std::span<const std::byte> bytes) {
  if (bytes.size() < kFixedSize ||
      base::load_little_endian<std::uint64_t>(bytes.data()) !=
          base::checksum(bytes.subspan(kChecksummedFrom)) ||
      base::load_little_endian<std::uint64_t>(bytes.data() + 8) != kMagic) {
    throw Damage(path, 0, "the identity does not check");
  }
  const auto version = base::load_little_endian<std::uint32_t>(bytes.data() + 16);
  if (version != kVersion) {
    throw Refused(
        fmt::format("{} has format version {}, this program knows version {}: run {} program",
                    path.string(), version, kVersion, version > kVersion ? "a newer" : "an older"));
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

struct DataDirectory::Implementation {
  FileSystem& file_system;
  Path path;
  std::unique_ptr<File> lock;
  Identity identity;
  bool fresh = false;

  Implementation(FileSystem& files, Path directory)
      : file_system(files), path(std::move(directory)) {}

  [[nodiscard]] Path identity_path() const { return path / "identity"; }
  [[nodiscard]] Path log_path() const { return path / "log"; }
  [[nodiscard]] Path snapshots_path() const { return path / "snapshots"; }
  [[nodiscard]] Path database_path() const { return path / "database"; }

  void take_lock() {
    try {
      lock = file_system.lock(path / "lock");
    } catch (const LockHeld&) {
      throw Refused(
          fmt::format("{} is in use by another process: stop that one first, or choose "
                      "another data directory",
                      path.string()));
    }
  }

  // The identity comes last: as long as it is missing nothing was promised, and all is made anew.
  void create(const std::string& cluster, raft::NodeId node, std::uint64_t random) {
    refuse_remains();
    fresh = true;
    identity = {node, draw_id(random), 1, cluster};
    make_durable_directory(file_system, database_path());
    make_durable_directory(file_system, snapshots_path());
    for (const auto& name : names_in(log_path())) file_system.remove(log_path() / name);
    make_durable_directory(file_system, log_path());
    if (!create_segment(file_system, log_path(), {identity.id, {}}, 0)) {
      throw DiskFull("no room for a log in " + log_path().string());
    }
    const HardStateStore hard_state(file_system, path, true);
    write_identity();
  }

  [[nodiscard]] static raft::Identity draw_id(std::uint64_t random) {
    base::Random numbers(random);
    raft::Identity id = 0;
    while (id == 0) id = numbers.next();  // 0 says elsewhere that an identity is not known
    return id;
  }

  [[nodiscard]] std::vector<std::string> names_in(const Path& directory) const {
    return file_system.exists(directory) ? file_system.list(directory) : std::vector<std::string>{};
  }

  // A28: a directory that lost its identity is not a new one. A creation that was cut short
  // leaves at most one segment without entries, a hard state of term 0, no snapshot and no
  // database.
  void refuse_remains() const {
    bool remains = !names_in(database_path()).empty() || !names_in(snapshots_path()).empty();
    for (const auto& name : names_in(log_path())) {
      const auto file = file_system.open(log_path() / name, FileSystem::OpenMode::kReadOnly);
      remains = remains || file->size() > kHeaderSize;
    }
    remains = remains || HardStateStore::term_in(file_system, path) > 0;
    if (!remains) return;
    throw Refused(
        fmt::format("{} holds the data of a node but no identity: restore {} from a "
                    "backup, or choose an empty data directory and replace this node",
                    path.string(), identity_path().string()));
  }

  void restore(const std::string& cluster, raft::NodeId node) {
    const auto file = file_system.open(identity_path(), FileSystem::OpenMode::kReadOnly);
    std::vector<std::byte> bytes(
        std::min<std::uint64_t>(file->size(), kFixedSize + kMaximumClusterSize + 1));
    bytes.resize(file->read(0, bytes));
    identity = decode(identity_path(), bytes);
    if (identity.cluster != cluster || identity.node != node) {
      throw Refused(
          fmt::format("{} belongs to node {} of cluster \"{}\", and this is node {} of "
                      "cluster \"{}\": correct the settings, or choose another data "
                      "directory",
                      path.string(), identity.node, identity.cluster, node, cluster));
    }
    if (!log_exists(file_system, log_path())) {
      throw Damage(log_path(), 0, "the log is missing");
    }
    if (!file_system.exists(snapshots_path())) {
      throw Damage(snapshots_path(), 0, "the snapshots are missing");
    }
    ++identity.starts;
    try {
      write_identity();
    } catch (const DiskFull&) {
      if (!SpaceGuard::release(file_system, path)) throw;
      write_identity();
    }
  }

  void write_identity() {
    const Path preparing = path / "identity.preparing";
    const auto bytes = encode(identity);
    const std::span<const std::byte> part(bytes);
    const auto file = file_system.open(preparing, FileSystem::OpenMode::kCreate);
    file->truncate(0);
    file->write(0, {&part, 1});
    file->sync();
    file_system.rename(preparing, identity_path());
    file_system.sync_directory(path);
  }
};

DataDirectory::DataDirectory(FileSystem& file_system, std::filesystem::path path,
                             const std::string& cluster, raft::NodeId node, std::uint64_t random)
    : implementation_(std::make_unique<Implementation>(file_system, std::move(path))) {
  CHECK(cluster.size() <= kMaximumClusterSize, "a cluster name of {} bytes", cluster.size());
  const bool created = file_system.exists(implementation_->identity_path());
  if (!created) make_durable_directory(file_system, implementation_->path);
  implementation_->take_lock();
  if (created) {
    implementation_->restore(cluster, node);
  } else {
    implementation_->create(cluster, node, random);
  }
}

DataDirectory::~DataDirectory() = default;

bool DataDirectory::fresh() const { return implementation_->fresh; }
raft::Identity DataDirectory::id() const { return implementation_->identity.id; }
std::uint64_t DataDirectory::starts() const { return implementation_->identity.starts; }
std::filesystem::path DataDirectory::log_path() const { return implementation_->log_path(); }
std::filesystem::path DataDirectory::snapshots_path() const {
  return implementation_->snapshots_path();
}
std::filesystem::path DataDirectory::database_path() const {
  return implementation_->database_path();
}
const std::filesystem::path& DataDirectory::path() const { return implementation_->path; }

}  // namespace storage
