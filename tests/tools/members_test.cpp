#include <catch2/catch.hpp>
#undef CHECK  // base/check.h has its own; the tests say REQUIRE

#include "client/request.h"
#include "codec/client_codec.h"
#include "sender/members.h"

namespace {

using client::Json;

client::Answer answer(const Json& reply) {
  client::Answer answer{"tcp://127.0.0.1:4111", {}};
  auto parsed = client::Reply::parse(client::make_raw(reply).frame);
  REQUIRE(parsed.ok());
  answer.reply = std::move(*parsed);
  return answer;
}

Json member(int id, bool promoting, const Json& match_index) {
  return {
      {"id", id}, {"voter", !promoting}, {"promoting", promoting}, {"match_index", match_index}};
}

TEST_CASE("members_of_the_latest_configuration_are_believed") {
  const Json old{{"index", 3}, {"changing", true}, {"members", Json::array({member(1, false, 9)})}};
  const Json bare{{"index", 5}, {"members", Json::array({member(1, false, nullptr)})}};
  const Json full{{"index", 5}, {"members", Json::array({member(1, false, 9)})}};
  const auto latest = [](const std::vector<Json>& replies) {
    std::vector<client::Answer> answers;
    answers.push_back({"tcp://127.0.0.1:4112", {}});  // one is gone
    for (const Json& reply : replies) answers.push_back(answer(reply));
    return sender::latest_members(answers);
  };
  REQUIRE_FALSE(latest({}));
  REQUIRE_FALSE(latest({Json{{"members", Json::array()}}, Json{{"index", 9}}}));
  REQUIRE(latest({old, bare})->index == 5);
  REQUIRE_FALSE(latest({bare, old})->changing);
  for (const auto& replies : {std::vector{bare, full, old}, std::vector{full, bare, old}}) {
    REQUIRE(latest(replies)->knows_progress());
    REQUIRE(latest(replies)->find(1)->match_index == 9);
  }
  REQUIRE(latest({full})->find(2) == nullptr);
}

TEST_CASE("members_say_who_is_catching_up") {
  const auto described = [](bool changing, const std::vector<Json>& members) {
    const Json reply{{"index", 5}, {"changing", changing}, {"members", members}};
    return sender::describe_change(*sender::read_members(*answer(reply).reply));
  };
  REQUIRE(described(true, {member(1, false, 90), member(6, true, 40), member(7, true, nullptr)}) ==
          "node 6 is catching up: index 40 of 90, node 7 is catching up");
  REQUIRE(described(true, {member(1, false, 90)}) == "the voters are changing");
  REQUIRE(described(false, {}) == "the change is not in force yet");
}

TEST_CASE("request_with_a_name_may_always_be_sent_again") {
  using client::Resend;
  const client::WriteName name{17, 3};
  for (const auto& request : {client::make_set("k", "v", name), client::make_delete("k", name),
                              client::make_publish("k", "v", name)}) {
    const auto unpacked = client::unpack(request.frame);
    const client::Fields fields(&unpacked->get());
    REQUIRE(fields.integer("session") == 17);
    REQUIRE(fields.integer("seq") == 3);
    REQUIRE(request.resend == Resend::kAlways);
  }
  REQUIRE(client::make_publish("k", "v").resend == Resend::kNever);
  REQUIRE(client::make_delete("k").resend == Resend::kIdempotent);
  const Json raw{{"op", "publish"}, {"channel", "c"}, {"value", "v"}};
  REQUIRE(client::make_raw(raw).resend == Resend::kNever);
  Json named = raw;
  named.update(Json{{"session", 17}, {"seq", 3}});
  REQUIRE(client::make_raw(named).resend == Resend::kAlways);
  REQUIRE(client::make_raw(Json{{"op", "leave"}, {"node", 3}}).resend == Resend::kNever);
  REQUIRE(client::make_raw(Json{{"op", "leave"}, {"node", 3}}).needs_leader);
}

// As a node reads what the tool makes.
template <typename Body>
Body taken(const client::Request& request) {
  const codec::ClientLimits limits{.max_request_bytes = 4096, .max_key_bytes = 240};
  auto parsed = codec::parse_request(request.frame, limits);
  if (const auto* error = std::get_if<codec::RequestError>(&parsed)) FAIL(error->message);
  return std::get<Body>(std::get<codec::Request>(std::move(parsed)).body);
}

TEST_CASE("requests_of_the_tools_are_taken_by_the_nodes") {
  using codec::ChangeRequest;
  const client::Newcomer newcomer{
      6, "tcp://127.0.0.1:3116", "tcp://127.0.0.1:4116", "tcp://127.0.0.1:5116", 2, false, {3, 4}};
  const auto join = taken<ChangeRequest>(client::make_join(newcomer));
  REQUIRE(join.add == std::vector<codec::NewMember>{
                          {6, 0, 2, newcomer.peer, newcomer.client, newcomer.publish, false}});
  REQUIRE(join.remove == newcomer.replaces);
  REQUIRE(taken<ChangeRequest>(client::make_leave(3)).remove == std::vector<std::uint64_t>{3});
  REQUIRE(taken<ChangeRequest>(client::make_promote(6)).promote == std::vector<std::uint64_t>{6});
  REQUIRE(taken<codec::TransferRequest>(client::make_transfer(4)).node == 4);
  REQUIRE_FALSE(taken<codec::TransferRequest>(client::make_transfer({})).node);
  taken<codec::MembersRequest>(client::make_members());
  taken<codec::SnapshotRequest>(client::make_snapshot());
  REQUIRE(taken<codec::SessionOpenRequest>(client::make_session_open(60'000)).timeout_ms == 60'000);
  REQUIRE_FALSE(taken<codec::SessionOpenRequest>(client::make_session_open({})).timeout_ms);
  REQUIRE(taken<codec::SessionCloseRequest>(client::make_session_close(17)).session == 17);
  const codec::WriteName name{17, 3};
  REQUIRE(taken<codec::SetRequest>(client::make_set("k", "v", client::WriteName{17, 3})).name ==
          name);
  REQUIRE(taken<codec::DeleteRequest>(client::make_delete("k", client::WriteName{17, 3})).name ==
          name);
  REQUIRE(
      taken<codec::PublishRequest>(client::make_publish("c", "v", client::WriteName{17, 3})).name ==
      name);
}

}  // namespace
