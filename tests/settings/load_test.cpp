#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sample.h"

namespace {

namespace fs = std::filesystem;

// A folder of its own that is the current one while it lives.
class Folder {
 public:
  Folder() : before_(fs::current_path()) {
    std::string name = (fs::temp_directory_path() / "settings-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    fs::current_path(path_);
    unsetenv("RAFT_ACTOR_CONFIG_PATH");
  }
  ~Folder() {
    fs::current_path(before_);
    fs::remove_all(path_);
    unsetenv("RAFT_ACTOR_CONFIG_PATH");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  static void write(const fs::path& name, const std::string& text) {
    if (name.has_parent_path()) fs::create_directories(name.parent_path());
    std::ofstream(name, std::ios::binary) << text;
  }

 private:
  fs::path before_;
  fs::path path_;
};

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
    return "";
  } catch (const settings::InvalidSettings& error) {
    return error.what();
  }
}

std::string load_message(const std::string& name) {
  return message_of([&] { (void)settings::load(name); });
}

std::string find_message(const std::string& name) {
  return message_of([&] { (void)settings::find(name); });
}

}  // namespace

TEST_CASE("load_reads_a_file") {
  const Folder folder;
  Folder::write("node.toml", sample());
  REQUIRE(settings::load("node.toml").node.cluster == "demo");
}

TEST_CASE("load_names_the_file_as_it_was_given") {
  const Folder folder;
  Folder::write("sub/node.toml", sample("[rafft]\n"));
  REQUIRE(load_message("./sub/../sub/node.toml") ==
          "./sub/../sub/node.toml:10:2: unknown table 'rafft'; did you mean [raft]?");
}

TEST_CASE("load_missing_file_says_so") {
  const Folder folder;
  REQUIRE(load_message("node9.toml") ==
          "node9.toml: cannot be read (No such file or directory); check its path and permissions");
}

TEST_CASE("load_unreadable_file_says_so") {
  const Folder folder;
  Folder::write("node.toml", sample());
  fs::permissions("node.toml", fs::perms::none);
  if (access("node.toml", R_OK) == 0) return;  // root reads every file
  REQUIRE(load_message("node.toml") ==
          "node.toml: cannot be read (Permission denied); check its path and permissions");
}

TEST_CASE("load_file_below_a_file_says_so") {
  const Folder folder;
  Folder::write("node.toml", sample());
  REQUIRE(load_message("node.toml/x") ==
          "node.toml/x: cannot be read (Not a directory); check its path and permissions");
}

TEST_CASE("load_directory_says_so") {
  const Folder folder;
  fs::create_directory("config");
  REQUIRE(load_message("config") ==
          "config: is a directory; name a settings file in it, such as node1.toml");
}

TEST_CASE("load_file_without_an_end_is_refused") {
  REQUIRE(load_message("/dev/zero") == "/dev/zero: is larger than 64 KiB; a settings file is not");
}

TEST_CASE("load_empty_file_misses_its_tables") {
  const Folder folder;
  Folder::write("node.toml", "");
  REQUIRE(load_message("node.toml") ==
          "node.toml:1:1: missing table [node]; it needs id, cluster, data_directory");
}

TEST_CASE("find_prefers_the_current_folder") {
  const Folder folder;
  Folder::write("node.toml", "");
  Folder::write("config/node.toml", "");
  setenv("RAFT_ACTOR_CONFIG_PATH", "config", 1);
  REQUIRE(settings::find("node.toml") == "node.toml");
}

TEST_CASE("find_searches_the_folders_in_order") {
  const Folder folder;
  Folder::write("two/node.toml", "");
  Folder::write("three/node.toml", "");
  fs::create_directories("one/node.toml");  // a folder of that name is not meant
  setenv("RAFT_ACTOR_CONFIG_PATH", ":one::two:three:", 1);
  REQUIRE(settings::find("node.toml") == "two/node.toml");
}

TEST_CASE("find_uses_a_name_with_a_slash_as_it_is") {
  const Folder folder;
  Folder::write("config/sub/node.toml", "");
  setenv("RAFT_ACTOR_CONFIG_PATH", "config", 1);
  REQUIRE(settings::find("sub/node.toml") == "sub/node.toml");
}

TEST_CASE("find_says_where_it_searched") {
  const Folder folder;
  REQUIRE(find_message("node.toml") ==
          "node.toml: not found in the current folder, and RAFT_ACTOR_CONFIG_PATH is not set; give "
          "its path");
  setenv("RAFT_ACTOR_CONFIG_PATH", "one:two", 1);
  REQUIRE(find_message("node.toml") ==
          "node.toml: not found in the current folder, nor in the folders of "
          "RAFT_ACTOR_CONFIG_PATH: one:two; give its path");
  REQUIRE(find_message("") ==
          "settings: the name of the file is empty; give one, such as node1.toml");
}
