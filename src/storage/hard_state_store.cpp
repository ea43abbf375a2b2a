#include "storage/hard_state_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/little_endian.h"
#include "base/result.h"
#include "storage/damage.h"

namespace storage {
namespace {

constexpr std::uint64_t kMagic = 0x74732d6472616866;  // "fhard-st"
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kCopySize = 64;
constexpr std::size_t kChecksummedFrom = 8;

using CopyBytes = std::array<std::byte, kCopySize>;

struct Copy {
  std::uint64_t sequence = 0;  // rises by one with each save
  raft::HardState hard_state;
};

CopyBytes encode(const Copy& copy, std::size_t which) {
  CopyBytes bytes{};
  base::store_little_endian(bytes.data() + 8, kMagic);
  base::store_little_endian(bytes.data() + 16, kVersion);
  base::store_little_endian(bytes.data() + 20, static_cast<std::uint32_t>(which));
  base::store_little_endian(bytes.data() + 24, copy.sequence);
  base::store_little_endian(bytes.data() + 32, copy.hard_state.current_term);
  base::store_little_endian(bytes.data() + 40, copy.hard_state.voted_for.value_or(0));
  base::store_little_endian(bytes.data(),
                            base::checksum(std::span(bytes).subspan(kChecksummedFrom)));
  return bytes;
}

base::Result<Copy> decode(const CopyBytes& bytes) {
  const auto stored = base::load_little_endian<std::uint64_t>(bytes.data());
  const auto actual = base::checksum(std::span(bytes).subspan(kChecksummedFrom));
  if (stored != actual || base::load_little_endian<std::uint64_t>(bytes.data() + 8) != kMagic) {
    return base::Error{"term and vote do not check"};
  }
  Copy copy;
  copy.sequence = base::load_little_endian<std::uint64_t>(bytes.data() + 24);
  copy.hard_state.current_term = base::load_little_endian<raft::Term>(bytes.data() + 32);
  const auto voted_for = base::load_little_endian<raft::NodeId>(bytes.data() + 40);
  if (voted_for != 0) copy.hard_state.voted_for = voted_for;
  return copy;
}

std::filesystem::path path_of(const std::filesystem::path& directory, std::size_t which) {
  return directory / (which == 0 ? "hard_state.0" : "hard_state.1");
}

}  // namespace

struct HardStateStore::Implementation {
  std::array<std::unique_ptr<File>, 2> files;
  std::filesystem::path directory;
  Copy newest;
  bool failed = false;

  // The first copy is on disk before the second is touched: at every moment one of them is whole,
  // and what the second holds is never newer than the first.
  void write(const Copy& copy) {
    for (std::size_t which = 0; which < files.size(); ++which) {
      const CopyBytes bytes = encode(copy, which);
      const std::span<const std::byte> part(bytes);
      files[which]->write(0, {&part, 1});
      files[which]->sync();
    }
  }

  [[nodiscard]] base::Result<Copy> read(std::size_t which) const {
    CopyBytes bytes{};
    if (files[which]->read(0, bytes) < bytes.size()) return base::Error{"the file is too short"};
    auto copy = decode(bytes);
    const auto version = base::load_little_endian<std::uint32_t>(bytes.data() + 16);
    if (copy && version != kVersion) {
      throw Refused(unknown_version(path_of(directory, which).string(), version, kVersion));
    }
    if (copy && base::load_little_endian<std::uint32_t>(bytes.data() + 20) != which) {
      return base::Error{"this is the other copy"};
    }
    return copy;
  }

  void create(FileSystem& file_system) {
    for (std::size_t which = 0; which < files.size(); ++which) {
      files[which] = file_system.open(path_of(directory, which), FileSystem::OpenMode::kCreate);
    }
    write(newest);
    file_system.sync_directory(directory);
  }

  void restore(FileSystem& file_system) {
    for (std::size_t which = 0; which < files.size(); ++which) {
      const auto path = path_of(directory, which);
      if (!file_system.exists(path)) throw Damage(path, 0, "the file is missing");
      files[which] = file_system.open(path, FileSystem::OpenMode::kReadWrite);
    }
    const auto first = read(0);
    const auto second = read(1);
    if (!first && !second) {
      throw Damage(path_of(directory, 0), 0,
                   fmt::format("{}, nor does the second copy ({})", first.error(), second.error()));
    }
    if (first && second) check_pair(*first, *second);
    newest = first ? *first : *second;
    // It may be known to the page cache alone: of a process that was killed before its sync.
    write(newest);
    file_system.sync_directory(directory);
  }

  // A crash leaves equal copies, or the first one ahead by the save that it cut short. One of
  // them alone is at least what was promised last: save() returned when both had it.
  void check_pair(const Copy& first, const Copy& second) const {
    const bool equal = first.sequence == second.sequence && first.hard_state == second.hard_state;
    if (equal || first.sequence == second.sequence + 1) return;
    throw Damage(path_of(directory, first.sequence < second.sequence ? 0 : 1), 0,
                 fmt::format("copies {} and {} do not follow each other: a write was lost",
                             first.sequence, second.sequence));
  }

  void save(const raft::HardState& hard_state) {
    const raft::HardState& before = newest.hard_state;
    CHECK(hard_state.current_term >= before.current_term, "term {} saved after term {}",
          hard_state.current_term, before.current_term);
    CHECK(hard_state.current_term > before.current_term || !before.voted_for ||
              hard_state.voted_for == before.voted_for,
          "a second vote in term {}: for {} after {}", hard_state.current_term,
          hard_state.voted_for.value_or(0), before.voted_for.value_or(0));
    CHECK(hard_state.voted_for != raft::NodeId{0}, "a vote for node 0 in term {}",
          hard_state.current_term);
    if (failed) {
      throw DiskFault("the hard state in " + directory.string() + " failed before and is closed");
    }
    if (hard_state == before) return;
    const Copy next{newest.sequence + 1, hard_state};
    failed = true;  // A16: stays where the write does not succeed
    write(next);
    failed = false;
    newest = next;
  }
};

HardStateStore::HardStateStore(FileSystem& file_system, std::filesystem::path directory, bool fresh)
    : implementation_(std::make_unique<Implementation>()) {
  implementation_->directory = std::move(directory);
  if (fresh) {
    implementation_->create(file_system);
  } else {
    implementation_->restore(file_system);
  }
}

HardStateStore::~HardStateStore() = default;

raft::Term HardStateStore::term_in(FileSystem& file_system,
                                   const std::filesystem::path& directory) {
  Implementation implementation;
  implementation.directory = directory;
  raft::Term highest = 0;
  for (std::size_t which = 0; which < implementation.files.size(); ++which) {
    const auto path = path_of(directory, which);
    if (!file_system.exists(path)) continue;
    implementation.files[which] = file_system.open(path, FileSystem::OpenMode::kReadOnly);
    const auto copy = implementation.read(which);
    if (copy) highest = std::max(highest, copy->hard_state.current_term);
  }
  return highest;
}

const raft::HardState& HardStateStore::current() const {
  return implementation_->newest.hard_state;
}

void HardStateStore::save(const raft::HardState& hard_state) { implementation_->save(hard_state); }

}  // namespace storage
