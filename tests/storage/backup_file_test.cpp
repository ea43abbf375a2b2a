#include "storage/backup_file.h"

#include "base/checksum.h"
#include "base/little_endian.h"
#include "catch.h"
#include "snapshots.h"
#include "storage/identity.h"
#include "storage/tally.h"

using namespace storage;

namespace {

const BackupOrigin kOrigin{"demo", 3};

std::vector<std::byte> content_of(const BackupReader& reader) {
  std::vector<std::byte> bytes;
  reader.for_each_part([&](const base::SharedBytes& part) {
    bytes.insert(bytes.end(), part.data(), part.data() + part.size());
  });
  return bytes;
}

void write_backup(FileSystem& disk, std::span<const std::byte> content, bool replace = false) {
  BackupWriter writer(disk, "copy", replace);
  writer.begin(kOrigin, meta_of(42), kSnapshotOwner);
  writer.append(content);
  static_cast<void>(writer.finish());
}

// Opens and reads everything; what is wrong, or nothing.
std::string problem_of(FileSystem& disk) {
  try {
    static_cast<void>(content_of(BackupReader(disk, "copy")));
    return {};
  } catch (const Damage& damage) {
    return damage.what();
  }
}

}  // namespace

TEST_CASE("backup_file_holds_what_was_written_and_where_it_was_taken") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{65536}, std::size_t{200'000}}) {
    SimulatedDisk disk;
    const auto content = content_of(size, 1);
    write_backup(disk, content);
    const BackupReader reader(disk, "copy");
    CHECK(reader.origin() == kOrigin);
    CHECK(reader.head().last == meta_of(42).last);
    CHECK(reader.head().configuration == meta_of(42).configuration);
    CHECK(content_of(reader) == content);
    CHECK(disk.list(".") == std::vector<std::string>{"copy"});
  }
}

TEST_CASE("backup_file_copied_in_parts_is_the_one_written_at_once") {
  const auto content = content_of(150'000, 2);
  const Sent sent = make_sent(42, content, {});
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  write(store, meta_of(42), content);
  write_backup(disk, content);
  const auto at_once = disk.content("copy");
  BackupWriter writer(disk, "copy", true);
  // What was begun before is forgotten: a newer snapshot has taken its place.
  REQUIRE_FALSE(writer.begin_copy(kOrigin, store.head()));
  REQUIRE_FALSE(writer.add_part(std::span(sent.transfer).first(1000)));
  REQUIRE_FALSE(writer.begin_copy(kOrigin, store.head()));
  while (writer.next_offset() < sent.transfer.size()) {
    const auto rest = std::span(sent.transfer).subspan(writer.next_offset());
    REQUIRE_FALSE(writer.add_part(rest.first(std::min<std::size_t>(30'000, rest.size()))));
  }
  CHECK(writer.finish() == *store.newest());
  CHECK(disk.content("copy") == at_once);
}

TEST_CASE("backup_file_of_a_copy_that_does_not_check_is_not_there") {
  const auto content = content_of(100'000, 3);
  const Sent sent = make_sent(42, content, {});
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  write(store, meta_of(42), content);
  BackupWriter writer(disk, "copy", false);
  auto head = store.head();
  head[40] ^= std::byte{1};
  CHECK(writer.begin_copy(kOrigin, head).has_value());
  for (const std::size_t at : {std::size_t{5}, sent.transfer.size() - 33'333}) {
    REQUIRE_FALSE(writer.begin_copy(kOrigin, store.head()));
    auto wrong = sent.transfer;
    wrong[at] ^= std::byte{1};
    CHECK(writer.add_part(wrong).has_value());
    CHECK_FALSE(disk.exists("copy"));
    CHECK_FALSE(disk.exists("copy.unfinished"));
  }
}

TEST_CASE("backup_file_is_not_replaced_unasked") {
  SimulatedDisk disk;
  write_backup(disk, content_of(10, 1));
  CHECK_THROWS_AS(BackupWriter(disk, "copy", false), Refused);
  write_backup(disk, content_of(20, 2), true);
  CHECK(content_of(BackupReader(disk, "copy")) == content_of(20, 2));
}

TEST_CASE("backup_file_refuses_every_damaged_byte_with_its_offset") {
  SimulatedDisk disk;
  write_backup(disk, content_of(70'000, 4));
  const auto whole = disk.content("copy");
  Tally tally("bytes damaged or cut off", {"refused"});
  for (std::size_t at = 0; at < whole.size(); at += at < 1000 ? 1 : 997) {
    auto damaged = whole;
    damaged[at] ^= std::byte{0x10};
    disk.set_content("copy", damaged);
    const std::string problem = problem_of(disk);
    INFO("byte " << at);
    CHECK(problem.find("copy, offset ") == 0);
    CHECK(problem.find("take another") != std::string::npos);
    tally.add("refused");
  }
  for (std::size_t size = 0; size < whole.size(); size += size < 1000 ? 1 : 997) {
    disk.set_content("copy", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    INFO("cut to " << size);
    CHECK(problem_of(disk).find("copy, offset ") == 0);
    tally.add("refused");
  }
  auto longer = whole;
  longer.push_back({});
  disk.set_content("copy", longer);
  CHECK_FALSE(problem_of(disk).empty());
}

TEST_CASE("backup_file_of_another_version_is_refused_by_name") {
  SimulatedDisk disk;
  write_backup(disk, content_of(10, 1));
  auto bytes = disk.content("copy");
  base::store_little_endian(bytes.data() + 16, std::uint32_t{2});
  const std::size_t header = 32 + kOrigin.cluster.size();
  base::store_little_endian(bytes.data(), base::checksum(std::span(bytes).subspan(8, header - 8)));
  disk.set_content("copy", bytes);
  CHECK(problem_of(disk).find("format version 2") != std::string::npos);
}

TEST_CASE("backup_file_is_whole_or_not_there_after_a_crash") {
  const auto content = content_of(100'000, 5);
  base::Random random(7);
  bool ended = false;
  Tally tally("power cuts while it is written", {"left no file", "came too late"});
  for (std::uint64_t passing = 0; !ended; ++passing) {
    SimulatedDisk disk;
    disk.make_directory("node");
    disk.sync_directory(".");
    disk.fail_after(passing, FaultKind::kPowerCut);
    try {
      BackupWriter writer(disk, "node/copy", false);
      writer.begin(kOrigin, meta_of(42), kSnapshotOwner);
      writer.append(content);
      static_cast<void>(writer.finish());
      ended = true;
    } catch (const DiskFault&) {
    }
    disk.crash("node", random);
    tally.add(ended ? "came too late" : "left no file");
    if (!disk.exists("node/copy")) {
      CHECK_FALSE(ended);
      continue;
    }
    CHECK(content_of(BackupReader(disk, "node/copy")) == content);
  }
}
