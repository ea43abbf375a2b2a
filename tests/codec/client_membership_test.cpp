// Members, transfer, snapshots and sessions in the client protocol: each field read, each of its
// defects one sentence, each reply as documented.
#include <catch2/catch.hpp>
#include <map>
#include <numeric>

#include "client_requests.h"
#include "codec/client_codec.h"
#include "codec/membership_requests.h"

namespace {

using client_requests::map_of;
using client_requests::parsed_as;
using client_requests::refused;
using client_requests::reply;
using codec::ChangeRequest;
using codec::NewMember;
using Nodes = std::vector<std::uint64_t>;

constexpr auto kNil = msgpack::type::nil_t();

// MessagePack that is already encoded, as a field.
struct Encoded {
  std::string bytes;
  template <typename Packer>
  void msgpack_pack(Packer& packer) const {
    packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  }
};

// A member of `add` with its four fields that must be there, and `more` of them.
template <typename... More>
Encoded member(int id, const More&... more) {
  return {map_of("id", id, "peer", "tcp://10.0.0.6:3116", "client", "tcp://10.0.0.6:4116",
                 "publish", "tcp://10.0.0.6:5116", more...)};
}

Encoded learner(int id) { return member(id, "voter", false); }

const NewMember kMember{.id = 6,
                        .identity = 0,
                        .priority = 0,
                        .peer = "tcp://10.0.0.6:3116",
                        .client = "tcp://10.0.0.6:4116",
                        .publish = "tcp://10.0.0.6:5116",
                        .voter = true};

ChangeRequest added(const Encoded& member) {
  return parsed_as<ChangeRequest>(map_of("op", "change", "add", std::vector<Encoded>{member}));
}

template <typename Field>
std::string change_refused(const char* name, const Field& field) {
  return refused(map_of("op", "change", name, field)).message;
}

std::string member_refused(const Encoded& member) {
  return change_refused("add", std::vector<Encoded>{member});
}

// A join in which `name` has another value.
template <typename Value>
std::string join_refused(const std::string& name, const Value& value) {
  std::map<std::string, Encoded> fields = {{"op", {map_of("", "join").substr(2)}}};
  for (const char* each : {"peer", "client", "publish"}) {
    fields[each] = {map_of("", "tcp://10.0.0.6:3116").substr(2)};
  }
  fields["node"] = {map_of("", 6).substr(2)};
  client_requests::parsed(map_of("x", fields).substr(3));  // is fine as it is
  fields[name] = {map_of("", value).substr(2)};
  return refused(map_of("x", fields).substr(3)).message;
}

std::string endpoint_of(std::size_t bytes) { return "tcp://" + std::string(bytes - 8, 'h') + ":1"; }

}  // namespace

TEST_CASE("change_reads_its_three_lists") {
  const auto change = parsed_as<ChangeRequest>(
      map_of("op", "change", "add",
             std::vector<Encoded>{member(6), member(7, "identity", ~std::uint64_t{0}, "priority",
                                                    0xffffffffU, "voter", false, "new", 1)},
             "promote", Nodes{4}, "remove", Nodes{1, 65535}));
  NewMember second = kMember;
  second.id = 7;
  second.identity = ~std::uint64_t{0};
  second.priority = 0xffffffff;
  second.voter = false;
  REQUIRE(change.add == std::vector<NewMember>{kMember, second});
  REQUIRE(change.promote == Nodes{4});
  REQUIRE(change.remove == Nodes{1, 65535});
}

TEST_CASE("join_leave_and_promote_are_changes") {
  const auto join = [](const auto&... more) {
    return parsed_as<ChangeRequest>(map_of("op", "join", "node", 6, "peer", kMember.peer, "client",
                                           kMember.client, "publish", kMember.publish, more...));
  };
  REQUIRE(join().add == std::vector{kMember});
  REQUIRE((join().promote.empty() && join().remove.empty()));
  const auto full =
      join("identity", 9, "priority", 2, "voter", false, "replaces", Nodes{2, 3}, "id", "mine");
  NewMember learner = kMember;
  learner.identity = 9;
  learner.priority = 2;
  learner.voter = false;
  REQUIRE(full.add == std::vector{learner});
  REQUIRE(full.remove == Nodes{2, 3});

  const auto leave = parsed_as<ChangeRequest>(map_of("op", "leave", "node", 3));
  REQUIRE((leave.add.empty() && leave.promote.empty() && leave.remove == Nodes{3}));
  const auto promote = parsed_as<ChangeRequest>(map_of("op", "promote", "node", 3));
  REQUIRE((promote.add.empty() && promote.promote == Nodes{3} && promote.remove.empty()));
}

TEST_CASE("change_as_a_whole_has_1_to_64_nodes_each_once") {
  REQUIRE(refused(map_of("op", "change")).message ==
          "the fields add, promote and remove are empty or missing");
  REQUIRE(change_refused("remove", Nodes{}) ==
          "the fields add, promote and remove are empty or missing");

  Nodes many(64);
  std::iota(many.begin(), many.end(), 1);
  REQUIRE(parsed_as<ChangeRequest>(map_of("op", "change", "remove", many)).remove == many);
  REQUIRE(refused(map_of("op", "change", "remove", many, "promote", Nodes{99})).message ==
          "the change is of 65 nodes, at most 64 are taken at once");
  many.push_back(65);
  REQUIRE(change_refused("remove", many) == "the field remove holds more than 64 nodes");
  // Empty, so that the frame is within its limit.
  REQUIRE(change_refused("add", std::vector<Encoded>(65, Encoded{"\x80"})) ==
          "the field add holds more than 64 members");

  REQUIRE(change_refused("remove", Nodes{3, 2, 3}) == "the change names node 3 twice");
  REQUIRE(change_refused("add", std::vector<Encoded>{member(6), member(6)}) ==
          "the change names node 6 twice");
  REQUIRE(
      refused(map_of("op", "change", "add", std::vector<Encoded>{member(6)}, "remove", Nodes{6}))
          .message == "the change names node 6 twice");
  REQUIRE(join_refused("replaces", Nodes{6}) == "the change names node 6 twice");
}

TEST_CASE("parse_change_takes_a_voter_its_vote") {
  const auto demoted = parsed_as<ChangeRequest>(
      map_of("op", "change", "add", std::vector<Encoded>{learner(6)}, "remove", Nodes{6}));
  REQUIRE(demoted.remove == Nodes{6});
  REQUIRE(demoted.add.size() == 1);
  REQUIRE_FALSE(demoted.add.front().voter);

  const auto refusal = [](Nodes promote, Nodes remove, std::vector<Encoded> add) {
    return refused(map_of("op", "change", "add", std::move(add), "promote", std::move(promote),
                          "remove", std::move(remove)))
        .message;
  };
  REQUIRE(refusal({6}, {6}, {learner(6)}) == "the change names node 6 twice");
  REQUIRE(refusal({}, {6, 6}, {learner(6)}) == "the change names node 6 twice");
  REQUIRE(refusal({}, {6}, {learner(6), learner(6)}) == "the change names node 6 twice");
}

TEST_CASE("change_says_which_list_is_wrong") {
  REQUIRE(change_refused("add", "6") == "the field add is not a list of maps");
  REQUIRE(change_refused("add", std::vector<int>{6}) == "a member in the field add is not a map");
  REQUIRE(change_refused("add", std::map<std::string, int>{{"id", 6}}) ==
          "the field add is not a list of maps");
  REQUIRE(change_refused("remove", 3) == "the field remove is not a list of node ids");
  REQUIRE(change_refused("promote", std::vector<std::string>{"3"}) ==
          "a node in the field promote is not a whole number from 1");
  REQUIRE(change_refused("remove", Nodes{0}) ==
          "the field remove names node 0, an id goes from 1 to 65535");
  REQUIRE(change_refused("promote", Nodes{65536}) ==
          "the field promote names node 65536, an id goes from 1 to 65535");
  REQUIRE(join_refused("replaces", "2") == "the field replaces is not a list of node ids");
  REQUIRE(join_refused("replaces", std::vector<int>{-2}) ==
          "a node in the field replaces is not a whole number from 1");
}

TEST_CASE("change_says_which_field_of_which_member_is_wrong") {
  const std::vector<Encoded> second_is_bare = {member(6), {map_of("id", 7)}};
  REQUIRE(change_refused("add", second_is_bare) == "the field peer of member 2 in add is missing");
  REQUIRE(member_refused({map_of("peer", "tcp://a:1")}) ==
          "the field id of member 1 in add is missing");
  REQUIRE(member_refused({map_of("id", "six")}) ==
          "the field id of member 1 in add is not a node id, which goes from 1 to 65535");
  REQUIRE(member_refused(member(0)) ==
          "the field id of member 1 in add is 0, it goes from 1 to 65535");
  REQUIRE(member_refused(member(6, "identity", -1)) ==
          "the field identity of member 1 in add is not a whole number from 0");
  REQUIRE(member_refused(member(6, "priority", std::uint64_t{1} << 32)) ==
          "the field priority of member 1 in add is 4294967296, it goes from 0 to 4294967295");
  REQUIRE(member_refused(member(6, "voter", 1)) ==
          "the field voter of member 1 in add is not a bool");
  REQUIRE(member_refused(member(6, "id", 7)) ==
          "the field id of a member in the field add is there twice");
  REQUIRE(member_refused({map_of(6, 7)}) == "a key of a member in the field add is not a str");
  REQUIRE(member_refused({map_of(std::vector<std::string>{"id"}, 7)}) ==
          "a key of a member in the field add is not a str");
}

TEST_CASE("change_ignores_what_is_nested_in_unknown_fields_of_a_member") {
  const std::map<std::string, std::map<std::string, int>> nested = {{"id", {{"id", 9}}}};
  REQUIRE(added(member(6, "new", nested, "other", std::vector<std::string>{"id"})).add ==
          std::vector{kMember});
  // Another field that holds maps leaves no trace in `add`.
  REQUIRE(
      parsed_as<ChangeRequest>(map_of("op", "change", "topics", std::vector<std::string>{}, "new",
                                      std::vector<Encoded>{member(9)}, "remove", Nodes{1}))
          .add.empty());
}

TEST_CASE("join_says_which_field_is_wrong") {
  REQUIRE(refused(map_of("op", "join", "node", 6)).message == "the field peer is missing");
  REQUIRE(refused(map_of("op", "join")).message == "the field node is missing");
  REQUIRE(join_refused("node", 65536) == "the field node is 65536, it goes from 1 to 65535");
  REQUIRE(join_refused("node", "6") ==
          "the field node is not a node id, which goes from 1 to 65535");
  REQUIRE(join_refused("peer", 6) == "the field peer is not a str");
  REQUIRE(join_refused("client", kNil) == "the field client is not a str");
  REQUIRE(join_refused("publish", "ipc://x") ==
          "the field publish is no endpoint, it looks like tcp://HOST:PORT");
  REQUIRE(join_refused("voter", kNil) == "the field voter is not a bool");
  REQUIRE(join_refused("identity", 1.5) == "the field identity is not a whole number from 0");
}

TEST_CASE("leave_promote_and_transfer_say_what_is_wrong_with_their_node") {
  for (const char* op : {"leave", "promote"}) {
    CAPTURE(op);
    REQUIRE(refused(map_of("op", op)).message == "the field node is missing");
    REQUIRE(refused(map_of("op", op, "node", kNil)).message ==
            "the field node is not a node id, which goes from 1 to 65535");
    REQUIRE(refused(map_of("op", op, "node", 0)).message ==
            "the field node is 0, it goes from 1 to 65535");
  }
  REQUIRE_FALSE(parsed_as<codec::TransferRequest>(map_of("op", "transfer")).node);
  REQUIRE_FALSE(parsed_as<codec::TransferRequest>(map_of("op", "transfer", "node", kNil)).node);
  REQUIRE(parsed_as<codec::TransferRequest>(map_of("op", "transfer", "node", 4)).node == 4);
  REQUIRE(refused(map_of("op", "transfer", "node", 65536)).message ==
          "the field node is 65536, it goes from 1 to 65535");
  REQUIRE(refused(map_of("op", "transfer", "node", "4")).message ==
          "the field node is not a whole number from 1");
}

TEST_CASE("endpoint_is_one_that_every_node_can_connect_to") {
  for (const std::string& endpoint :
       {std::string("tcp://127.0.0.1:1"), std::string("tcp://node-6.example_net:65535"),
        std::string("tcp://[::1]:4116"), std::string("tcp://[fe80::1%eth0]:4116"),
        endpoint_of(256)}) {
    CAPTURE(endpoint);
    REQUIRE(codec::endpoint_objection(endpoint).empty());
  }
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "is no endpoint"},
      {"127.0.0.1:4116", "is no endpoint"},
      {"inproc://x:1", "is no endpoint"},
      {endpoint_of(257), "has more than 256 bytes"},
      {"tcp://host", "has no port"},
      {"tcp://host:", "has a port"},
      {"tcp://host:0", "has a port"},
      {"tcp://host:65536", "has a port"},
      {"tcp://host:+1", "has a port"},
      {"tcp://host:1 ", "has a port"},
      {"tcp://*:1", "stands for every address"},
      {"tcp://0.0.0.0:1", "stands for every address"},
      {"tcp://[::]:1", "stands for every address"},
      {"tcp://:1", "has a host"},
      {"tcp://-host:1", "has a host"},
      {"tcp://127.0.0.1;host:1", "has a host"},  // libzmq takes what stands before ';' as its own
      {"tcp://ho st:1", "has a host"},
      {std::string("tcp://ho\0st:1", 13), "has a host"},
      {"tcp://::1:1", "has a host"},
      {"tcp://[]:1", "has a host"},
      {"tcp://[host]:1", "has a host"},
      {"tcp://[::1%]:1", "has a host"},
  };
  for (const auto& [endpoint, objection] : wrong) {
    CAPTURE(endpoint);
    REQUIRE(codec::endpoint_objection(endpoint).starts_with(objection));
    REQUIRE(member_refused({map_of("id", 6, "peer", endpoint)})
                .starts_with("the field peer of member 1 in add " + objection));
  }
}

TEST_CASE("session_open_and_close_are_read") {
  const auto open = [](const auto&... more) {
    return parsed_as<codec::SessionOpenRequest>(map_of("op", "session.open", more...)).timeout_ms;
  };
  REQUIRE_FALSE(open());
  REQUIRE_FALSE(open("timeout_ms", kNil));
  REQUIRE(open("timeout_ms", 1000) == 1000);
  REQUIRE(open("timeout_ms", 86'400'000) == 86'400'000);
  for (const std::uint64_t wrong : {999, 86'400'001}) {
    REQUIRE(refused(map_of("op", "session.open", "timeout_ms", wrong)).message ==
            "the field timeout_ms is " + std::to_string(wrong) + ", it goes from 1000 to 86400000");
  }
  REQUIRE(refused(map_of("op", "session.open", "timeout_ms", "1000")).message ==
          "the field timeout_ms is not a whole number from 1000");

  REQUIRE(
      parsed_as<codec::SessionCloseRequest>(map_of("op", "session.close", "session", 5)).session ==
      5);
  REQUIRE(refused(map_of("op", "session.close")).message == "the field session is missing");
  REQUIRE(refused(map_of("op", "session.close", "session", 0))
              .message.starts_with("the field session is 0"));
}

TEST_CASE("write_under_a_session_has_its_name") {
  const codec::WriteName name{5, 9};
  REQUIRE(parsed_as<codec::SetRequest>(
              map_of("op", "set", "key", "k", "value", "v", "session", 5, "seq", 9))
              .name == name);
  REQUIRE(
      parsed_as<codec::DeleteRequest>(map_of("op", "delete", "key", "k", "session", 5, "seq", 9))
          .name == name);
  REQUIRE(parsed_as<codec::PublishRequest>(
              map_of("op", "publish", "channel", "c", "value", "v", "session", 5, "seq", 9))
              .name == name);
  REQUIRE_FALSE(parsed_as<codec::DeleteRequest>(map_of("op", "delete", "key", "k")).name);

  const auto wrong = [](const auto&... more) {
    return refused(map_of("op", "delete", "key", "k", more...)).message;
  };
  REQUIRE(wrong("session", 5) == "the field session is there without the field seq");
  REQUIRE(wrong("seq", 9) == "the field seq is there without the field session");
  REQUIRE(wrong("session", 5, "seq", 0).starts_with("the field seq is 0, it goes from 1 to"));
  REQUIRE(wrong("session", 0, "seq", 1).starts_with("the field session is 0"));
  REQUIRE(wrong("session", ~std::uint64_t{0}, "seq", 1).starts_with("the field session is"));
  REQUIRE(wrong("session", "5", "seq", 1) == "the field session is not a whole number from 1");
  REQUIRE(wrong("session", 5, "seq", kNil) == "the field seq is not a whole number from 1");
  // A read has no effect that could be repeated.
  parsed_as<codec::GetRequest>(map_of("op", "get", "key", "k", "session", "x"));
}

TEST_CASE("ops_without_fields_are_read") {
  parsed_as<codec::MembersRequest>(map_of("op", "members"));
  parsed_as<codec::SnapshotRequest>(map_of("op", "snapshot"));
}

TEST_CASE("snapshot_read_has_defaults_and_bounds") {
  const auto read = parsed_as<codec::SnapshotReadRequest>(
      map_of("op", "snapshot.read", "index", 7, "offset", 3, "max_bytes", 1 << 20));
  REQUIRE(read.index == 7U);
  REQUIRE(read.offset == 3);
  REQUIRE(read.max_bytes == 1 << 20);
  const auto newest = parsed_as<codec::SnapshotReadRequest>(
      map_of("op", "snapshot.read", "index", msgpack::type::nil_t(), "offset", 0));
  REQUIRE_FALSE(newest.index);
  REQUIRE(newest.max_bytes == 256 << 10);
  const auto defect = [](const auto&... fields) {
    return refused(map_of("op", "snapshot.read", fields...)).message;
  };
  REQUIRE(defect("index", 7) == "the field offset is missing");
  REQUIRE(defect("offset", 0, "max_bytes", 0) ==
          "the field max_bytes is 0, it goes from 1 to 1048576");
  REQUIRE(defect("offset", 0, "max_bytes", (1 << 20) + 1) ==
          "the field max_bytes is 1048577, it goes from 1 to 1048576");
  REQUIRE(defect("offset", "x") == "the field offset is not a whole number from 0");
}

TEST_CASE("reply_of_each_membership_op_has_the_documented_fields") {
  REQUIRE(reply(codec::ChangeReply{12}) == R"({"id":7,"ok":true,"index":12})");
  REQUIRE(reply(codec::TransferReply{4}, codec::LeaderHint{4, "e"}) ==
          R"({"id":7,"ok":true,"node":4,"leader":{"id":4,"client":"e"}})");
  REQUIRE(reply(codec::SnapshotReply{12}) == R"({"id":7,"ok":true,"index":12})");
  REQUIRE(reply(codec::SnapshotReadReply{
              3, "demo", 12, 5, {std::byte{'h'}}, base::SharedBytes::copy_of("ab")}) ==
          R"-({"id":7,"ok":true,"node":3,"cluster":"demo","index":12,"size":5,)-"
          R"-("head":"BIN(size:1)","bytes":"BIN(size:2)"})-");
  REQUIRE(reply(codec::SessionOpenReply{5, 12}) == R"({"id":7,"ok":true,"session":5,"index":12})");
  REQUIRE(reply(codec::SessionCloseReply{12, false}) ==
          R"({"id":7,"ok":true,"index":12,"found":false})");

  codec::MembersReply members{.index = 12, .changing = true, .members = {}};
  REQUIRE(reply(members) == R"({"id":7,"ok":true,"index":12,"changing":true,"members":[]})");
  members.members = {{1, 9, 2, "p", "c", "s", true, false, 40},
                     {6, 0, 0, "p", "c", "s", false, true, {}}};
  REQUIRE(reply(members) ==
          R"({"id":7,"ok":true,"index":12,"changing":true,"members":[)"
          R"({"id":1,"identity":9,"priority":2,"peer":"p","client":"c","publish":"s",)"
          R"("voter":true,"promoting":false,"match_index":40},)"
          R"({"id":6,"identity":0,"priority":0,"peer":"p","client":"c","publish":"s",)"
          R"("voter":false,"promoting":true,"match_index":null}]})");
}
