#include "sample.h"
#include "settings/endpoint.h"
#include "settings/keys.h"

namespace {

std::string member(int id, const std::string& host, int port) {
  const auto endpoint = [&](int n) {
    return joined({"\"tcp://", host, ":", std::to_string(port + n), "\"\n"});
  };
  return joined({"[[member]]\nid = ", std::to_string(id), "\npeer = ", endpoint(0),
                 "client = ", endpoint(1), "publish = ", endpoint(2)});
}

std::string objection(std::string_view text) {
  std::string objection;
  const auto endpoint = settings::parse_endpoint(text, objection);
  REQUIRE(endpoint.has_value() == objection.empty());
  return objection;
}

settings::Endpoint endpoint(std::string_view text) {
  std::string objection;
  return settings::parse_endpoint(text, objection).value();
}

}  // namespace

TEST_CASE("checks_two_members_with_one_id") {
  REQUIRE(refusal(sample(joined({member(2, "a", 1), member(2, "b", 1)}))) ==
          "node.toml:16:6: two members have the id 2, the first in line 11; give each its own");
}

TEST_CASE("checks_node_id_is_a_member") {
  REQUIRE(refusal(replaced(sample(member(2, "a", 1)), "id = 1", "id = 9")) ==
          "node.toml:2:6: node.id is 9, but no [[member]] has that id; the members are 1, 2");
}

TEST_CASE("checks_port_used_twice") {
  REQUIRE(refusal(sample(member(2, "127.0.0.1", 5111))) ==
          "node.toml:12:8: port 5111 of 127.0.0.1 is used twice, first in line 9; give each "
          "endpoint its own");
  REQUIRE_THAT(refusal(replaced(sample(), ":5111", ":3111")),
               Catch::Contains("node.toml:9:11: port 3111 of 127.0.0.1 is used twice"));
  REQUIRE(refusal(sample(member(2, "127.0.0.2", 3111))).empty());
}

TEST_CASE("checks_port_used_twice_is_seen_through_another_spelling") {
  REQUIRE_THAT(refusal(sample(member(2, "a.example", 1) + member(3, "A.Example", 1))),
               Catch::Contains("port 1 of a.example is used twice"));
  REQUIRE(endpoint("tcp://[0:0::1]:5") == endpoint("tcp://[::1]:5"));
  REQUIRE(endpoint("tcp://h:05") == endpoint("tcp://h:5"));
}

TEST_CASE("checks_endpoint_forms") {
  REQUIRE(objection("tcp://127.0.0.1:1").empty());
  REQUIRE(objection("tcp://node-1.example.org:65535").empty());
  REQUIRE(objection("tcp://[fe80::1%eth0]:7").empty());
  REQUIRE(objection("ipc://socket") == "it does not begin with tcp://");
  REQUIRE(objection("tcp://localhost") == "it has no port");
  REQUIRE(objection("tcp://:5") == "it has no host");
  for (const auto* const port :
       {"", "0", "65536", "-1", "+1", "5x", " 5", "99999999999999999999"}) {
    REQUIRE(objection(joined({"tcp://h:", port})) == "its port is not a number of 1 to 65535");
  }
  for (const auto* const host : {"*", "0.0.0.0", "[::]", "[0::0]"}) {
    REQUIRE(objection(joined({"tcp://", host, ":5"})) ==
            "other nodes cannot connect to every address");
  }
  REQUIRE(objection("tcp://::1:5") == "an IPv6 address stands in brackets");
  REQUIRE(objection("tcp://[::g]:5") == "its host is not an IPv6 address");
  REQUIRE(objection("tcp://[]:5") == "its host is not an IPv6 address");
  REQUIRE(objection("tcp://[:5") == "its host has a forbidden character");
  REQUIRE(objection("tcp://127.0.0.256:5") == "its host is not an IPv4 address");
  REQUIRE(objection("tcp://a b:5") == "its host has a forbidden character");
  REQUIRE(objection("tcp://h;eth0:5") == "its host has a forbidden character");
  REQUIRE(objection(joined({"tcp://", std::string(254, 'h'), ":5"})) ==
          "its host is longer than 253 characters");
}

TEST_CASE("checks_endpoint_refusal_points_at_it") {
  REQUIRE(refusal(replaced(sample(), "127.0.0.1:4111", "*:4111")) ==
          "node.toml:8:10: member.client is 'tcp://*:4111', but other nodes cannot connect to "
          "every address; it must be tcp://HOST:PORT with a port of 1 to 65535");
}

// libzmq resolves names where it connects, and not where it binds.
TEST_CASE("checks_own_endpoint_is_an_address") {
  REQUIRE(refusal(replaced(sample(), "127.0.0.1:3111", "localhost:3111")) ==
          "node.toml:7:8: this node cannot bind to the name 'localhost'; write its IP address");
  REQUIRE(refusal(sample(member(2, "localhost", 3111))).empty());
  REQUIRE(refusal(replaced(sample(), "127.0.0.1:3111", "[::1]:3111")).empty());
}

TEST_CASE("checks_heartbeat_is_at_most_a_third_of_the_election_timeout") {
  REQUIRE(refusal(sample("[raft]\nheartbeat_interval_ms = 101\n")) ==
          "node.toml:11:25: raft.heartbeat_interval_ms (101 milliseconds) is more than a third of "
          "raft.election_timeout_ms (300 milliseconds, the default); lower the first or raise the "
          "second");
  REQUIRE(refusal(sample("[raft]\nheartbeat_interval_ms = 100\n")).empty());
  REQUIRE(refusal(sample("[raft]\nelection_timeout_ms = 149\n")) ==
          "node.toml:11:23: raft.heartbeat_interval_ms (50 milliseconds, the default) is more than "
          "a third of raft.election_timeout_ms (149 milliseconds); lower the first or raise the "
          "second");
}

TEST_CASE("checks_tick_is_at_most_the_heartbeat") {
  REQUIRE(refusal(sample("[raft]\ntick_ms = 51\n")) ==
          "node.toml:11:11: raft.tick_ms (51 milliseconds) is more than raft.heartbeat_interval_ms "
          "(50 milliseconds, the default); lower the first or raise the second");
  REQUIRE(refusal(sample("[raft]\ntick_ms = 50\n")).empty());
}

TEST_CASE("checks_request_fits_into_an_append_and_an_append_into_the_window") {
  REQUIRE_THAT(refusal(sample("[limits]\nmax_request_bytes = 1048577\n")),
               Catch::Contains("limits.max_request_bytes (1048577 bytes) is more than "
                               "raft.max_append_bytes (1 MiB, the default)"));
  REQUIRE_THAT(refusal(sample("[raft]\nwindow_bytes = 1048575\n")),
               Catch::Contains("raft.max_append_bytes (1 MiB, the default) is more than "
                               "raft.window_bytes (1048575 bytes)"));
  REQUIRE_THAT(refusal(sample("[raft]\nmax_uncommitted_bytes = 1024\n")),
               Catch::Contains("limits.max_request_bytes (1 MiB, the default) is more than "
                               "raft.max_uncommitted_bytes (1 KiB)"));
}

TEST_CASE("checks_one_client_has_at_most_the_place_of_all") {
  REQUIRE_THAT(refusal(sample("[limits]\nmax_requests_in_flight = 4095\n")),
               Catch::Contains("limits.max_requests_per_client (4096 requests, the default) is "
                               "more than limits.max_requests_in_flight (4095 requests)"));
}

TEST_CASE("checks_join_asks_others_and_each_once") {
  const auto join = [](std::string_view endpoints) {
    return refusal(
        replaced(sample(), "[[member]]", joined({"join = [", endpoints, "]\n[[member]]"})));
  };
  REQUIRE(join("\"tcp://127.0.0.1:4112\"").empty());
  REQUIRE(join("\"tcp://127.0.0.1:04111\"") ==
          "node.toml:5:8: node.join has this node's own endpoint 'tcp://127.0.0.1:04111'; name the "
          "client endpoints of members that run");
  REQUIRE(join("\"tcp://B:1\", \"tcp://b:1\"") ==
          "node.toml:5:8: node.join has 'tcp://b:1' twice; name each member once");
}

TEST_CASE("checks_every_relation_names_two_integers") {
  for (const auto& relation : settings::relations()) {
    const auto* const lesser = settings::find_key(relation.lesser_table, relation.lesser_name);
    const auto* const greater = settings::find_key(relation.greater_table, relation.greater_name);
    REQUIRE(lesser != nullptr);
    REQUIRE(greater != nullptr);
    REQUIRE(std::holds_alternative<settings::Integer>(lesser->kind));
    REQUIRE(std::holds_alternative<settings::Integer>(greater->kind));
  }
}

TEST_CASE("settings_without_own_member_is_a_broken_invariant") {
  REQUIRE_THROWS_AS((void)settings::Settings{}.self(), std::logic_error);
}
