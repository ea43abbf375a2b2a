// What a node asks to be let in is what nodes read, and what nodes reply is what it reads.
#include "codec/joining.h"

#include <map>

#include "../storage/catch.h"
#include "client_requests.h"
#include "hostile_bytes.h"

namespace {

using client_requests::map_of;
using client_requests::parsed_as;

const codec::NewMember kNode6{.id = 6,
                              .identity = ~0ULL,
                              .priority = 3,
                              .peer = "tcp://h:1",
                              .client = "tcp://h:2",
                              .publish = "tcp://h:3",
                              .voter = true};

codec::MembersReply members() {
  codec::MembersReply reply{.index = 40, .changing = true, .members = {}};
  reply.members.push_back({.id = 1,
                           .identity = 11,
                           .priority = 0,
                           .peer = "tcp://a:1",
                           .client = "tcp://a:2",
                           .publish = "tcp://a:3",
                           .voter = true,
                           .promoting = false,
                           .match_index = 39});
  reply.members.push_back({.id = 6,
                           .identity = kNode6.identity,
                           .priority = 3,
                           .peer = "tcp://h:1",
                           .client = "tcp://h:2",
                           .publish = "tcp://h:3",
                           .voter = false,
                           .promoting = true,
                           .match_index = std::nullopt});
  return reply;
}

std::string encoded(const codec::ReplyBody& body,
                    const std::optional<codec::LeaderHint>& leader = std::nullopt) {
  return codec::encode_reply("\x07", body, leader);
}

}  // namespace

TEST_CASE("joining_asks_what_nodes_read") {
  const auto change = parsed_as<codec::ChangeRequest>(codec::encode_join_request(7, kNode6));
  REQUIRE(change.add == std::vector<codec::NewMember>{kNode6});
  REQUIRE((change.promote.empty() && change.remove.empty()));
  REQUIRE(client_requests::parsed(codec::encode_members_request(7)).id == "\x07");
  parsed_as<codec::MembersRequest>(codec::encode_members_request(7));
}

TEST_CASE("joining_reads_what_nodes_reply") {
  const auto taken = codec::parse_member_reply(encoded(codec::ChangeReply{12}));
  REQUIRE(taken.has_value());
  REQUIRE((taken->ok && taken->id == 7 && taken->index == 12 && taken->members.empty()));

  const auto known =
      codec::parse_member_reply(encoded(members(), codec::LeaderHint{1, "tcp://a:2"}));
  REQUIRE(known.has_value());
  REQUIRE((known->ok && known->id == 7 && known->index == 40));
  REQUIRE(known->members.size() == 2);
  const codec::KnownMember& first = known->members[0];
  REQUIRE((first.id == 1 && first.identity == 11 && first.priority == 0));
  REQUIRE((first.peer == "tcp://a:1" && first.client == "tcp://a:2"));
  REQUIRE(first.publish == "tcp://a:3");
  REQUIRE(known->members[1].identity == kNode6.identity);
  REQUIRE(known->members[1].priority == 3);
  REQUIRE((first.voter && !first.promoting));
  REQUIRE((!known->members[1].voter && known->members[1].promoting));
}

TEST_CASE("joining_reads_why_it_is_refused") {
  const auto refused = codec::parse_member_reply(
      encoded(codec::ErrorReply{codec::ErrorCode::kConflict, "Node 6 is\na member.", {}},
              codec::LeaderHint{1, "tcp://a:2"}));
  REQUIRE(refused.has_value());
  REQUIRE((!refused->ok && refused->id == 7 && refused->code == "conflict"));
  REQUIRE(refused->message.find('\n') == std::string::npos);
  REQUIRE(refused->message.starts_with("Node 6 is"));
  const auto long_winded = codec::parse_member_reply(
      encoded(codec::ErrorReply{codec::ErrorCode::kBusy, std::string(100'000, 'x'), {}}));
  REQUIRE(long_winded->message.size() <= 400);
}

TEST_CASE("joining_refuses_members_that_nobody_could_connect_to") {
  for (const auto* const endpoint : {"", "tcp://*:1", "ipc://x", "tcp://a", "tcp://a:0"}) {
    auto reply = members();
    reply.members[0].peer = endpoint;
    REQUIRE_FALSE(codec::parse_member_reply(encoded(reply)).has_value());
  }
  auto reply = members();
  reply.members[1].id = 0;
  REQUIRE_FALSE(codec::parse_member_reply(encoded(reply)).has_value());
  reply.members.assign(65, members().members[0]);
  REQUIRE_FALSE(codec::parse_member_reply(encoded(reply)).has_value());
}

TEST_CASE("joining_takes_fields_only_where_they_stand") {
  const auto nested = codec::parse_member_reply(
      map_of("id", 7, "new", std::map<std::string, bool>{{"ok", true}}, "ok", false));
  REQUIRE((nested && nested->id == 7 && !nested->ok));
  const std::map<std::string, std::string> map{{"id", "x"}, {"peer", "tcp://b:1"}};
  const auto other_type = codec::parse_member_reply(map_of("id", "7", "ok", 1, "members", map));
  REQUIRE((other_type && other_type->id == 0 && !other_type->ok && other_type->members.empty()));
  for (const std::string frame : {"", "\x90", "\x07", "\xc1", "\x80\x80"}) {
    REQUIRE_FALSE(codec::parse_member_reply(frame).has_value());
  }
}

TEST_CASE("joining_hostile_replies_are_harmless") {  // B19
  using namespace std::string_literals;
  const std::vector<std::string> bombs = {"\xdf\xff\xff\xff\xff",
                                          "\xdd\xff\xff\xff\xff",
                                          "\x81\xa7members\xdd\xff\xff\xff\xff"s,
                                          "\x81\xa2id\xc9\xff\xff\xff\xff\x01"s,
                                          "\x81\xa2id"s + std::string(1000, '\x91'),
                                          "\x81\x81\xa7members\x91\x81\xa2id\x01\x90"s};
  for (const std::string& bomb : bombs) static_cast<void>(codec::parse_member_reply(bomb));

  base::Random random(5);
  const std::string valid = encoded(members(), codec::LeaderHint{1, "tcp://a:2"});
  for (std::size_t size = 0; size < valid.size(); ++size) {
    REQUIRE_FALSE(codec::parse_member_reply(valid.substr(0, size)).has_value());
  }
  for (int round = 0; round < 20'000; ++round) {
    const auto reply = codec::parse_member_reply(hostile::mutated(random, valid));
    if (!reply) continue;
    REQUIRE(reply->members.size() <= 64);
    for (const auto& member : reply->members) REQUIRE(member.peer.starts_with("tcp://"));
  }
}
