// Whatever stands in a file, the answer is settings or one line of InvalidSettings.
#include <algorithm>

#include "base/random.h"
#include "sample.h"

namespace {

void require_one_line(const std::string& message) {
  REQUIRE(message.starts_with("node.toml:"));
  REQUIRE(message.size() < 1000);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  REQUIRE(std::none_of(message.begin(), message.end(), is_control));
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("hostile_random_bytes") {
  base::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random.between(1, 200), '\0');
    for (char& c : text) c = static_cast<char>(random.between(0, 255));
    require_one_line(refusal(text));
  }
}

TEST_CASE("hostile_random_changes_of_a_valid_file") {
  base::Random random(2);
  constexpr std::string_view kSigns = "[]{}=.,\"'#\n\t\\0129ae-_\xff\xc2\x85\x1b";
  for (int round = 0; round < 5000; ++round) {
    std::string text = sample("[raft]\ntick_ms = 10\n[logging]\nlevel = \"info\"\n");
    for (auto changes = random.between(1, 4); changes > 0; --changes) {
      const auto at = random.between(0, text.size() - 1);
      const char sign = kSigns[random.between(0, kSigns.size() - 1)];
      switch (random.between(0, 2)) {
        case 0:
          text[at] = sign;
          break;
        case 1:
          text.insert(at, 1, sign);
          break;
        default:
          text.erase(at, random.between(1, 20));
          break;
      }
    }
    const std::string message = refusal(text);
    if (!message.empty()) require_one_line(message);
  }
}

TEST_CASE("hostile_truncated_file") {
  const std::string text = sample();
  for (std::size_t size = 0; size < text.size() - 2; ++size) {
    require_one_line(refusal(std::string_view(text).substr(0, size)));
  }
}

TEST_CASE("hostile_deep_nesting") {
  require_one_line(refusal(joined({"a = ", repeated("[", 60000)})));
  require_one_line(refusal(joined({"a = ", repeated("{a=", 20000)})));
  require_one_line(refusal(joined({"a = ", repeated("[{a=", 15000)})));
}

// Some ten thousand levels of tables exhaust the stack when they are destroyed.
TEST_CASE("hostile_dotted_keys") {
  REQUIRE(refusal(joined({repeated("a.", 30000), "a = 1\n"})) ==
          "node.toml:1:1: more than 64 dots in one line; no setting needs a line like that");
  require_one_line(refusal(joined({"[", repeated("a.", 30000), "a]\n"})));
  require_one_line(refusal(joined({"[", repeated("\"a\" . ", 10000), "a]\n"})));
  require_one_line(refusal(joined({repeated("a.", 64), "a = 1\n"})));
}

TEST_CASE("hostile_dotted_keys_nested_line_by_line") {
  const std::string level = joined({"{", repeated("a.", 64), "a=[\n"});
  const std::string end = "]}";
  require_one_line(refusal(joined({"a=[", repeated(level, 120), repeated(end, 120), "]\n"})));
  require_one_line(refusal(joined({"a=[", repeated(level, 120)})));
}

TEST_CASE("hostile_dots_in_a_comment_are_a_decoration") {
  REQUIRE(refusal(sample(joined({"# ", repeated(".", 200), "\n"}))).empty());
}

TEST_CASE("hostile_integers") {
  for (const auto* const number :
       {"9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "99999999999999999999999999999999", "0xffffffffffffffffff", "1e400", "inf", "nan"}) {
    require_one_line(refusal(sample(joined({"[raft]\ntick_ms = ", number, "\n"}))));
  }
}

TEST_CASE("hostile_utf8") {
  require_one_line(refusal(sample("# \xff\xfe\n")));
  require_one_line(refusal(sample("# \xc0\x80\n")));
  require_one_line(refusal(sample("[raft]\n\"\xed\xa0\x80\" = 1\n")));
  require_one_line(refusal(std::string(1, '\0')));
}

TEST_CASE("hostile_names_stay_on_one_line_and_short") {
  REQUIRE(refusal(sample("[raft]\n\"a\\nb\\u001b[2J\\u0085c\" = 1\n")) ==
          "node.toml:11:1: unknown key 'a\\nb\\x1b[2J\\u0085c' in [raft]; known are "
          "election_timeout_ms, heartbeat_interval_ms, tick_ms, max_append_bytes, window_messages, "
          "window_bytes, max_uncommitted_bytes, max_applying_bytes, log_memory_bytes, priority, "
          "snapshot_log_bytes, trailing_entries, snapshot_bytes_per_second, commit_news_wait_ms, "
          "max_disk_wait_ms, read_lease_drift_percent");
  require_one_line(refusal(sample(joined({"[raft]\n", std::string(50000, 'a'), " = 1\n"}))));
  require_one_line(refusal(replaced(sample(), "demo", std::string(50000, 'a'))));
  require_one_line(refusal(sample(joined({"[runtime]\nmode = \"", repeated("ä", 20000), "\"\n"}))));
}

TEST_CASE("hostile_size") {
  REQUIRE(refusal(sample(repeated("#\n", 100000))) ==
          "node.toml: is larger than 64 KiB; a settings file is not");
}

TEST_CASE("hostile_many_members") {
  require_one_line(refusal(joined({kNode, repeated("[[member]]\n", 4000)})));
}
