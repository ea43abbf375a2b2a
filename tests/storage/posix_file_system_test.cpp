#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/catch.h"
#include "storage/data_directory.h"
#include "storage/entries.h"
#include "storage/file_system.h"
#include "storage/log_store.h"

namespace storage {
namespace {

using Catch::Matchers::Contains;

// A directory of its own for each test, gone at its end.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "storage-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Scratch() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

TEST_CASE("posix_file_many_parts_are_one_run_of_bytes") {
  const Scratch scratch;
  const auto files = posix_file_system();
  const auto file = files->open(scratch.path / "file", FileSystem::OpenMode::kCreate);
  std::vector<std::vector<std::byte>> chunks;
  std::string expected(5, '\0');
  for (int i = 0; i < 3 * IOV_MAX; ++i) {
    const std::string text = fmt::format("{},", i);
    chunks.push_back(bytes_of(text));
    chunks.emplace_back();
    expected += text;
  }
  const std::vector<std::span<const std::byte>> parts(chunks.begin(), chunks.end());
  file->write(5, parts);
  file->sync();
  CHECK(file->size() == expected.size());
  std::vector<std::byte> read(expected.size() + 10);
  CHECK(file->read(0, read) == expected.size());
  read.resize(expected.size());
  CHECK(read == bytes_of(expected));
  CHECK(file->read(expected.size(), read) == 0);
  file->truncate(7);
  CHECK(file->size() == 7);
}

TEST_CASE("posix_file_takes_room_and_keeps_what_is_there") {
  const Scratch scratch;
  const auto files = posix_file_system();
  const auto path = scratch.path / "file";
  const auto file = files->open(path, FileSystem::OpenMode::kCreate);
  const auto text = bytes_of("abc");
  const std::span<const std::byte> part(text);
  file->write(0, {&part, 1});
  constexpr std::size_t kRoom = 256 << 10;
  file->take_room(1, kRoom);
  file->take_room(0, 10);
  REQUIRE(file->size() == kRoom);
  std::vector<std::byte> content(kRoom + 1);
  REQUIRE(file->read(0, content) == kRoom);
  CHECK(std::equal(text.begin(), text.end(), content.begin()));
  CHECK(std::all_of(content.begin() + 3, content.end(),
                    [](std::byte b) { return b == std::byte{}; }));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(static_cast<std::size_t>(status.st_blocks) * 512 >= kRoom);
}

TEST_CASE("posix_file_system_names") {
  const Scratch scratch;
  const auto files = posix_file_system();
  make_durable_directory(*files, scratch.path / "a" / "b");
  make_durable_directory(*files, scratch.path / "a" / "b");
  for (const char* name : {"zebra", "ant", "bear"}) {
    static_cast<void>(files->open(scratch.path / "a" / name, FileSystem::OpenMode::kCreate));
  }
  CHECK(files->list(scratch.path / "a") == std::vector<std::string>{"ant", "b", "bear", "zebra"});
  files->rename(scratch.path / "a" / "zebra", scratch.path / "a" / "ant");
  files->remove(scratch.path / "a" / "bear");
  files->sync_directory(scratch.path / "a");
  CHECK(files->list(scratch.path / "a") == std::vector<std::string>{"ant", "b"});
  CHECK(files->exists(scratch.path / "a" / "ant"));
  CHECK_FALSE(files->exists(scratch.path / "a" / "zebra"));
}

TEST_CASE("posix_file_system_fault_names_operation_path_and_cause") {
  const auto files = posix_file_system();
  CHECK_THROWS_WITH(files->open("/no/such/file", FileSystem::OpenMode::kReadOnly),
                    "cannot open /no/such/file: No such file or directory");
  CHECK_THROWS_WITH(files->remove("/no/such/file"), Contains("cannot remove /no/such/file: "));
  CHECK_THROWS_AS(files->list("/no/such"), DiskFault);
  CHECK_THROWS_AS(files->sync_directory("/no/such"), DiskFault);
  const auto full = files->open("/dev/full", FileSystem::OpenMode::kReadWrite);
  const auto text = bytes_of("x");
  const std::span<const std::byte> part(text);
  CHECK_THROWS_WITH(full->write(0, {&part, 1}), "cannot write /dev/full: No space left on device");
}

TEST_CASE("posix_lock_is_refused_to_a_second_process_until_the_first_is_gone") {
  const Scratch scratch;
  const auto files = posix_file_system();
  auto directory = std::make_unique<DataDirectory>(*files, scratch.path / "node", "colours", 1, 42);
  const auto open_in_child = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        const DataDirectory again(*files, scratch.path / "node", "colours", 1, 42);
        ::_exit(0);
      } catch (const Refused& refused) {
        const bool clear =
            std::string(refused.what()).find("in use by another process") != std::string::npos;
        ::_exit(clear ? 1 : 2);
      } catch (...) {
        ::_exit(3);
      }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status);
  };
  CHECK(open_in_child() == 1);
  CHECK_THROWS_AS(DataDirectory(*files, scratch.path / "node", "colours", 1, 42), Refused);
  directory.reset();
  CHECK(open_in_child() == 0);
}

TEST_CASE("posix_log_is_written_reopened_and_truncated") {
  const Scratch scratch;
  const auto files = posix_file_system();
  std::vector<raft::Entry> all;
  const LogOptions options{64 << 10};
  {
    LogStore log(*files, scratch.path / "log", {9, 1, 0}, options);
    for (int i = 0; i < 200; ++i) {
      const auto entries = next_entries(log, 10, 1, 100);
      log.append(entries);
      all.insert(all.end(), entries.begin(), entries.end());
    }
    log.sync();
    log.truncate_from(1234);
    all.resize(1233);
    const auto more = next_entries(log, 10, 2, 100);
    log.append(more);
    log.sync();
    all.insert(all.end(), more.begin(), more.end());
  }
  const LogStore log(*files, scratch.path / "log", {9, 1, 0}, options);
  CHECK(log.torn_bytes() == 0);
  CHECK(same(all_of(log), all));
}

}  // namespace
}  // namespace storage
