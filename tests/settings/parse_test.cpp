#include <algorithm>
#include <map>

#include "sample.h"
#include "settings/keys.h"

using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

TEST_CASE("parse_fills_every_field_of_a_small_file") {
  const auto read = settings::parse(sample(), "node.toml");
  REQUIRE(read.node.id == 1);
  REQUIRE(read.node.cluster == "demo");
  REQUIRE(read.node.data_directory == "data/node1");
  REQUIRE(read.members.size() == 1);
  REQUIRE(read.self().peer == "tcp://127.0.0.1:3111");
  REQUIRE(read.self().client == "tcp://127.0.0.1:4111");
  REQUIRE(read.self().publish == "tcp://127.0.0.1:5111");
  REQUIRE(read.runtime == settings::RuntimeMode::kAsync);
  REQUIRE(read.logging.level == settings::LogLevel::kInfo);
  REQUIRE(read.raft.election_timeout_ms == 300);
  REQUIRE(read.storage.segment_bytes == 64u << 20);
  REQUIRE(read.limits.max_open_files == 4096);
}

TEST_CASE("parse_takes_what_the_file_sets") {
  const auto read =
      settings::parse(sample("[runtime]\nmode = \"threaded\"\n[logging]\nlevel = \"debug\"\n"
                             "[storage]\nsegment_bytes = 65_536\n[raft]\ntick_ms = 0x05\n"),
                      "node.toml");
  REQUIRE(read.runtime == settings::RuntimeMode::kThreaded);
  REQUIRE(read.logging.level == settings::LogLevel::kDebug);
  REQUIRE(read.storage.segment_bytes == 65536);
  REQUIRE(read.raft.tick_ms == 5);
}

TEST_CASE("parse_sorts_members_by_id") {
  const auto read =
      settings::parse(joined({kNode,
                              "[[member]]\nid = 7\npeer = \"tcp://b:1\"\nclient = \"tcp://b:2\"\n"
                              "publish = \"tcp://b:3\"\n",
                              kMember}),
                      "node.toml");
  REQUIRE(read.members.size() == 2);
  REQUIRE(read.members[0].id == 1);
  REQUIRE(read.members[1].id == 7);
}

TEST_CASE("parse_unknown_key_names_the_nearest") {
  REQUIRE(refusal(sample("[raft]\nelection_timout_ms = 300\n")) ==
          "node.toml:11:1: unknown key 'election_timout_ms' in [raft]; did you mean "
          "'election_timeout_ms'?");
  REQUIRE(refusal(replaced(sample(), "peer", "pere")) ==
          "node.toml:7:1: unknown key 'pere' in [[member]]; did you mean 'peer'?");
}

TEST_CASE("parse_unknown_key_in_the_wrong_table_names_the_right_one") {
  REQUIRE(refusal(joined({"cluster = \"demo\"\n", sample()})) ==
          "node.toml:1:1: the key 'cluster' belongs to [node]");
  REQUIRE(refusal(sample("[raft]\nsegment_bytes = 65536\n")) ==
          "node.toml:11:1: unknown key 'segment_bytes' in [raft]; it belongs to [storage]");
}

TEST_CASE("parse_unknown_key_without_a_neighbour_lists_the_known") {
  REQUIRE(refusal(sample("[logging]\n  colourful = true\n")) ==
          "node.toml:11:3: unknown key 'colourful' in [logging]; known are level");
}

TEST_CASE("parse_unknown_table_names_the_nearest") {
  REQUIRE(refusal(sample("[rafft]\n")) ==
          "node.toml:10:2: unknown table 'rafft'; did you mean [raft]?");
  REQUIRE(refusal(sample("[[members]]\n")) ==
          "node.toml:10:3: unknown table 'members'; did you mean [[member]]?");
  REQUIRE(refusal(sample("[zookeeper]\n")) ==
          "node.toml:10:2: unknown table 'zookeeper'; known are [node], [runtime], [[member]], "
          "[raft], [storage], [database], [sessions], [limits], [logging]");
}

TEST_CASE("parse_tells_the_first_unknown_key_of_the_file") {
  REQUIRE_THAT(refusal(sample("[storage]\nzzz = 1\n[limits]\naaa = 1\n")),
               StartsWith("node.toml:11:1: unknown key 'zzz'"));
}

TEST_CASE("parse_tells_a_misspelt_key_before_the_one_that_is_missing_for_it") {
  REQUIRE(refusal(replaced(sample(), "cluster", "clutser")) ==
          "node.toml:3:1: unknown key 'clutser' in [node]; did you mean 'cluster'?");
}

TEST_CASE("parse_wrong_type_says_both_types") {
  REQUIRE(refusal(sample("[raft]\nelection_timeout_ms = \"300\"\n")) ==
          "node.toml:11:23: raft.election_timeout_ms is a string, but must be an integer: 20 to "
          "60000 milliseconds");
  REQUIRE(refusal(sample("[raft]\ntick_ms = 1.5\n")) ==
          "node.toml:11:11: raft.tick_ms is a number with a fraction, but must be an integer: 1 to "
          "1000 milliseconds");
  REQUIRE(refusal(replaced(sample(), "\"demo\"", "5")) ==
          "node.toml:3:11: node.cluster is an integer, but must be a string: 1 to 64 letters, "
          "digits, '-', '_' or '.'");
  REQUIRE(refusal(sample("[logging]\nlevel = 1979-05-27\n")) ==
          "node.toml:11:9: logging.level is a date, but must be a string: \"debug\", \"info\", "
          "\"warning\" or \"error\"");
}

TEST_CASE("parse_wrong_shape_of_a_table_says_how_to_write_it") {
  REQUIRE(refusal(joined({"raft = 5\n", sample()})) ==
          "node.toml:1:8: raft is an integer, but must be a table; write [raft]");
  REQUIRE(refusal(sample("[[raft]]\n")) ==
          "node.toml:10:1: raft is an array, but must be a table; write [raft]");
  REQUIRE(refusal(replaced(sample(), "[[member]]", "[member]")) ==
          "node.toml:5:1: member is a table, but must be an array of tables; write [[member]]");
  REQUIRE(refusal(joined({"member = [1]\n", kNode})) ==
          "node.toml:1:11: member is an integer, but must be an array of tables; write "
          "[[member]]");
}

TEST_CASE("parse_out_of_range_says_value_and_range_with_unit") {
  REQUIRE(refusal(sample("[raft]\nelection_timeout_ms = 19\n")) ==
          "node.toml:11:23: raft.election_timeout_ms is 19 milliseconds; it must be 20 to 60000 "
          "milliseconds");
  REQUIRE(refusal(sample("[storage]\nsegment_bytes = 1000\n")) ==
          "node.toml:11:17: storage.segment_bytes is 1000 bytes; it must be 64 KiB to 1 GiB (65536 "
          "to 1073741824 bytes)");
  REQUIRE(refusal(sample("[limits]\nmax_open_files = -1\n")) ==
          "node.toml:11:18: limits.max_open_files is -1; it must be 64 to 1048576 files");
  REQUIRE(refusal(sample("[limits]\nmax_key_bytes = 241\n")) ==
          "node.toml:11:17: limits.max_key_bytes is 241 bytes; it must be 1 to 240 bytes");  // B15
}

// Every integer of the description, at and just beyond both ends of its range.
TEST_CASE("parse_range_of_every_integer_ends_where_the_description_says") {
  for (const auto& key : settings::keys()) {
    const auto* const integer = std::get_if<settings::Integer>(&key.kind);
    if (integer == nullptr || key.required()) continue;
    const auto message = [&](std::uint64_t value) {
      const std::string text = std::to_string(static_cast<std::int64_t>(value));  // one below 0: -1
      return refusal(sample(joined({"[", key.table, "]\n", key.name, " = ", text, "\n"})));
    };
    const std::string beyond = joined({"; it must be ", key.domain()});
    INFO(key.name);
    REQUIRE_THAT(message(integer->minimum - 1), EndsWith(beyond));
    REQUIRE_THAT(message(integer->maximum + 1), EndsWith(beyond));
    REQUIRE_THAT(message(integer->minimum), !EndsWith(beyond));
    REQUIRE_THAT(message(integer->maximum), !EndsWith(beyond));
  }
}

TEST_CASE("parse_unknown_word_lists_the_known") {
  REQUIRE(refusal(sample("[runtime]\nmode = \"turbo\"\n")) ==
          "node.toml:11:8: runtime.mode is 'turbo'; it must be \"threaded\" or \"async\"");
}

TEST_CASE("parse_missing_key_names_its_table") {
  REQUIRE(refusal(replaced(sample(), "cluster = \"demo\"\n", "")) ==
          "node.toml:1:1: missing key 'cluster' in [node]; it must be 1 to 64 letters, digits, "
          "'-', '_' or '.'");
  REQUIRE(refusal(replaced(sample(), "client = \"tcp://127.0.0.1:4111\"\n", "")) ==
          "node.toml:5:1: missing key 'client' in [[member]]; it must be tcp://HOST:PORT with a "
          "port of 1 to 65535");
}

TEST_CASE("parse_every_required_key_is_missed") {
  const std::map<std::string, std::string> lines = {{"node", kNode}, {"member", kMember}};
  for (const auto& key : settings::keys()) {
    if (!key.required()) continue;
    std::string part = lines.at(std::string(key.table));
    const auto begin = part.find(joined({"\n", key.name, " = "})) + 1;
    part.erase(begin, part.find('\n', begin) + 1 - begin);
    const std::string text = key.table == "node" ? joined({part, kMember}) : joined({kNode, part});
    REQUIRE_THAT(refusal(text), Catch::Contains(joined({"missing key '", key.name, "' in ",
                                                        settings::header_of(key.table)})));
  }
}

TEST_CASE("parse_missing_table_names_what_it_needs") {
  REQUIRE(refusal("") ==
          "node.toml:1:1: missing table [node]; it needs id, cluster, data_directory");
  REQUIRE(refusal(kNode) ==
          "node.toml:1:1: missing table [[member]]; it needs id, peer, client, publish");
  REQUIRE_THAT(refusal(joined({"member = []\n", kNode})),
               EndsWith("it needs id, peer, client, publish"));
}

TEST_CASE("parse_cluster_name_has_a_form") {
  REQUIRE(
      refusal(replaced(sample(), "demo", "my cluster")) ==
      "node.toml:3:11: node.cluster is 'my cluster', but it has a forbidden character; it must be "
      "1 to 64 letters, digits, '-', '_' or '.'");
  REQUIRE_THAT(refusal(replaced(sample(), "demo", "")), Catch::Contains("but it is empty"));
  REQUIRE(refusal(replaced(sample(), "demo", std::string(64, 'x'))).empty());
  REQUIRE_THAT(refusal(replaced(sample(), "demo", std::string(65, 'x'))),
               Catch::Contains("but it has 65 characters"));
}

TEST_CASE("parse_data_directory_has_a_form") {
  REQUIRE_THAT(refusal(replaced(sample(), "data/node1", "")), Catch::Contains("but it is empty"));
  REQUIRE_THAT(refusal(replaced(sample(), "data/node1", "a\\u0000b")),
               Catch::Contains("'a\\x00b', but it has a control character"));
}

TEST_CASE("parse_join_is_a_list_of_endpoints") {
  REQUIRE(settings::parse(sample(), "node.toml").join.empty());
  const auto join = [](std::string_view value) {
    return replaced(sample(), "[[member]]", joined({"join = ", value, "\n[[member]]"}));
  };
  const auto read = settings::parse(join("[\"tcp://b:4112\", \"tcp://[::1]:4113\"]"), "node.toml");
  REQUIRE(read.join == std::vector<std::string>{"tcp://b:4112", "tcp://[::1]:4113"});
  REQUIRE(settings::parse(join("[]"), "node.toml").join.empty());
  REQUIRE(refusal(join("\"tcp://b:4112\"")) ==
          "node.toml:5:8: node.join is a string, but must be an array: a list of at most 64, each "
          "tcp://HOST:PORT with a port of 1 to 65535");
  REQUIRE(refusal(join("[\"tcp://b:4112\", \"tcp://b\"]")) ==
          "node.toml:5:25: node.join has 'tcp://b', but it has no port; each must be "
          "tcp://HOST:PORT with a port of 1 to 65535");
  REQUIRE(refusal(join("[4112]")) ==
          "node.toml:5:9: node.join has an element, but it is an integer; each must be "
          "tcp://HOST:PORT with a port of 1 to 65535");
  std::string many;
  for (int port = 1; port <= 65; ++port) {
    many += joined({"\"tcp://b:", std::to_string(port), "\", "});
  }
  REQUIRE(refusal(join(joined({"[", many, "]"}))) ==
          "node.toml:5:8: node.join has 65 elements; it must be a list of at most 64, each "
          "tcp://HOST:PORT with a port of 1 to 65535");
}

TEST_CASE("parse_fills_what_the_complete_core_needs") {
  const auto defaults = settings::parse(sample(), "node.toml");
  REQUIRE(defaults.raft.priority == 0);
  REQUIRE(defaults.raft.snapshot_log_bytes == 256u << 20);
  REQUIRE(defaults.raft.trailing_entries == 10000);
  REQUIRE(defaults.raft.snapshot_bytes_per_second == 64u << 20);
  REQUIRE(defaults.raft.commit_news_wait_ms == 1);
  REQUIRE(defaults.raft.max_disk_wait_ms == 1000);
  REQUIRE(defaults.raft.read_lease_drift_percent == 0);  // A12
  REQUIRE(defaults.sessions.timeout_ms == 3600000);
  REQUIRE(defaults.sessions.max_sessions == 10000);
  const auto read = settings::parse(
      sample("[raft]\npriority = 4_294_967_295\nsnapshot_log_bytes = 65536\ntrailing_entries = 0\n"
             "snapshot_bytes_per_second = 0\nmax_disk_wait_ms = 500\ncommit_news_wait_ms = "
             "0\nread_lease_drift_percent = 10\n"
             "[sessions]\ntimeout_ms = 2000\nmax_sessions = 3\n"),
      "node.toml");
  REQUIRE(read.raft.priority == 4294967295);
  REQUIRE(read.raft.snapshot_log_bytes == 65536);
  REQUIRE(read.raft.trailing_entries == 0);
  REQUIRE(read.raft.snapshot_bytes_per_second == 0);
  REQUIRE(read.raft.commit_news_wait_ms == 0);
  REQUIRE(read.raft.max_disk_wait_ms == 500);
  REQUIRE(read.raft.read_lease_drift_percent == 10);
  REQUIRE(read.sessions.timeout_ms == 2000);
  REQUIRE(read.sessions.max_sessions == 3);
  REQUIRE(refusal(sample("[raft]\nread_lease_drift_percent = 51\n")) ==
          "node.toml:11:28: raft.read_lease_drift_percent is 51 percent; it must be 0 to 50 "
          "percent");
}

TEST_CASE("parse_syntax_error_has_its_position") {
  REQUIRE_THAT(refusal("[node]\nid = \n"),
               StartsWith("node.toml:2:6: not valid TOML: error while "));
  REQUIRE_THAT(refusal(replaced(sample(), "id = 1\n", "id = 1\nid = 1\n")),
               StartsWith("node.toml:3:") && Catch::Contains("'id'"));
}

TEST_CASE("words_of_choices_are_those_of_the_file") {
  using settings::LogLevel;
  using settings::RuntimeMode;
  REQUIRE(settings::runtime_mode_of("threaded") == RuntimeMode::kThreaded);
  REQUIRE(settings::runtime_mode_of("async") == RuntimeMode::kAsync);
  REQUIRE_FALSE(settings::runtime_mode_of("Async"));
  REQUIRE_FALSE(settings::log_level_of(""));
  REQUIRE(settings::word_of(RuntimeMode::kAsync) == "async");
  for (const auto level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    REQUIRE(settings::log_level_of(settings::word_of(level)) == level);
  }
  REQUIRE(settings::word_of(LogLevel::kWarning) == "warning");
}
