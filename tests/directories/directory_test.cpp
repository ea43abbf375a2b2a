// What an earlier release has written is read by this one: all of it, and nothing is repaired.
#include <spdlog/sinks/ostream_sink.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "description.h"
#include "storage/catch.h"

namespace {

// A copy, as an opening changes what it opens.
class Copy {
 public:
  explicit Copy(const std::filesystem::path& from) {
    std::string name = (std::filesystem::temp_directory_path() / "directories-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    std::filesystem::copy(from, path_, std::filesystem::copy_options::recursive);
  }
  ~Copy() { std::filesystem::remove_all(path_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("directory_of_each_release_holds_what_its_description_says") {
  const std::filesystem::path folder = DIRECTORIES;
  const std::string release = GENERATE(as<std::string>(), "release-0.1");
  const Copy copy(folder / release);
  std::ostringstream said;
  {
    const actors::Logging logging(1, settings::LogLevel::kDebug,
                                  std::make_shared<spdlog::sinks::ostream_sink_mt>(said), false);
    const auto files = storage::posix_file_system();
    actors::Disk disk(*files, directories::settings_of(copy.path()),
                      actors::ActorLog(logging, "node"));
    CHECK(disk.directory.starts() > 1);
    CHECK(directories::describe(disk) == content_of(folder / (release + ".txt")));
  }
  CHECK(said.str().empty());
}
