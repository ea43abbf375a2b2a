// The files in config/ are documentation as well, and stay true.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "sample.h"
#include "settings/keys.h"

namespace {

std::string path_of(int node) {
  return std::string(CONFIG_DIRECTORY) + "/node" + std::to_string(node) + ".toml";
}

struct Line {
  std::string table;  // whose header stands above
  std::string text;   // with single blanks
};

std::string with_single_blanks(const std::string& text) {
  std::istringstream words(text);
  std::string joined;
  for (std::string word; words >> word;) joined.append(joined.empty() ? "" : " ").append(word);
  return joined;
}

std::vector<Line> lines_of(const std::string& path) {
  std::ifstream stream(path);
  std::vector<Line> lines;
  std::string table;
  for (std::string text; std::getline(stream, text);) {
    if (text.starts_with("[")) table = text.substr(0, text.rfind(']') + 1);
    lines.push_back({table, with_single_blanks(text)});
  }
  return lines;
}

std::string default_of(const settings::Key& key) {
  if (const auto* integer = std::get_if<settings::Integer>(&key.kind)) {
    return std::to_string(integer->fallback.value());
  }
  if (std::holds_alternative<settings::TextList>(key.kind)) return "[]";
  const auto& choice = std::get<settings::Choice>(key.kind);
  return fmt::format("\"{}\"", choice.words[choice.fallback]);
}

bool has_line(const std::vector<Line>& lines, const std::string& table, const std::string& text) {
  for (const Line& line : lines) {
    if (line.table == table && line.text == text) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("config_node1_shows_every_optional_key_with_default_and_range") {
  const auto lines = lines_of(path_of(1));
  for (const auto& key : settings::keys()) {
    if (key.required()) continue;
    const std::string expected =
        fmt::format("# {} = {} # {}", key.name, default_of(key), key.domain());
    INFO("expected in " << settings::header_of(key.table) << ": " << expected);
    REQUIRE(has_line(lines, settings::header_of(key.table), expected));
  }
}

TEST_CASE("config_node1_says_what_every_required_key_must_be") {
  std::string prose;
  for (const Line& line : lines_of(path_of(1))) {
    if (line.text.starts_with("# ")) prose += line.text.substr(2) + " ";
  }
  for (const auto& key : settings::keys()) {
    if (!key.required()) continue;
    INFO(key.table << "." << key.name << ": " << key.domain());
    REQUIRE_THAT(prose, Catch::Contains(key.domain()));
  }
}

TEST_CASE("config_node1_with_its_comments_as_settings_is_the_same") {
  std::string all;
  std::map<std::string, int> shown;
  for (const Line& line : lines_of(path_of(1))) {
    const auto equals = line.text.find(" = ");
    const bool is_default = line.text.starts_with("# ") && equals != std::string::npos &&
                            line.text.find(' ', 2) == equals;
    if (is_default) ++shown[line.table + line.text.substr(2, equals - 2)];
    all += (is_default ? line.text.substr(2) : line.text) + "\n";
  }
  for (const auto& [key, times] : shown) {
    INFO(key);
    REQUIRE(times == 1);
  }
  auto with_all = settings::parse(all, "node1.toml");
  auto as_it_is = settings::load(path_of(1));
  for (const auto& key : settings::keys()) {
    const auto* const integer = std::get_if<settings::Integer>(&key.kind);
    if (integer == nullptr) continue;
    INFO(key.name);
    REQUIRE(integer->field(with_all) == integer->field(as_it_is));
  }
  REQUIRE(with_all.join == as_it_is.join);
  REQUIRE(with_all.runtime == as_it_is.runtime);
  REQUIRE(with_all.logging.level == as_it_is.logging.level);
}

TEST_CASE("config_files_agree_on_the_cluster") {
  const auto first = settings::load(path_of(1));
  REQUIRE(first.members.size() == 5);
  for (int node = 1; node <= 5; ++node) {
    const auto read = settings::load(path_of(node));
    const auto id = std::to_string(node);
    REQUIRE(read.node.id == static_cast<std::uint64_t>(node));
    REQUIRE(read.node.cluster == first.node.cluster);
    REQUIRE(read.node.data_directory == "data/node" + id);
    REQUIRE(read.self().peer == "tcp://127.0.0.1:311" + id);
    REQUIRE(read.self().client == "tcp://127.0.0.1:411" + id);
    REQUIRE(read.self().publish == "tcp://127.0.0.1:511" + id);
    REQUIRE(read.members.size() == first.members.size());
    for (std::size_t i = 0; i < first.members.size(); ++i) {
      REQUIRE(read.members[i].id == first.members[i].id);
      REQUIRE(read.members[i].peer == first.members[i].peer);
      REQUIRE(read.members[i].client == first.members[i].client);
      REQUIRE(read.members[i].publish == first.members[i].publish);
    }
  }
}

TEST_CASE("config_node6_asks_the_five_to_be_let_in") {
  const auto first = settings::load(path_of(1));
  const auto read = settings::load(path_of(6));
  REQUIRE(read.node.id == 6);
  REQUIRE(read.node.cluster == first.node.cluster);
  REQUIRE(read.node.data_directory == "data/node6");
  REQUIRE(read.members.size() == 1);
  REQUIRE(read.self().peer == "tcp://127.0.0.1:3116");
  REQUIRE(read.self().client == "tcp://127.0.0.1:4116");
  REQUIRE(read.self().publish == "tcp://127.0.0.1:5116");
  REQUIRE(read.join.size() == first.members.size());
  for (std::size_t i = 0; i < first.members.size(); ++i) {
    REQUIRE(read.join[i] == first.members[i].client);
  }
}

TEST_CASE("keys_have_one_description_each_and_a_default_in_range") {
  std::map<std::string, int> times;
  for (const auto& key : settings::keys()) {
    const std::string address = std::string(key.table) + "." + std::string(key.name);
    INFO(address);
    REQUIRE(++times[address] == 1);
    const auto* const integer = std::get_if<settings::Integer>(&key.kind);
    if (integer == nullptr || key.required()) continue;
    REQUIRE(integer->fallback.value() >= integer->minimum);
    REQUIRE(integer->fallback.value() <= integer->maximum);
  }
}
