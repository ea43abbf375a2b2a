#include "codec/client_codec.h"

#include <catch2/catch.hpp>
#include <msgpack.hpp>

#include "client_requests.h"

namespace {

using codec::ErrorCode;
using codec::RequestError;

using client_requests::json;
using client_requests::map_of;
using client_requests::parsed;
using client_requests::parsed_as;
using client_requests::refused;
using client_requests::reply;

std::vector<char> bin(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }

bool names(const RequestError& error, std::string_view word) {
  return error.message.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("request_of_each_op_is_read") {
  const auto set = parsed_as<codec::SetRequest>(map_of("op", "set", "key", "k", "value", "v"));
  REQUIRE((set.key == "k" && set.value == "v"));
  REQUIRE(parsed_as<codec::DeleteRequest>(map_of("op", "delete", "key", "k")).key == "k");
  const auto publish =
      parsed_as<codec::PublishRequest>(map_of("op", "publish", "channel", "c", "value", ""));
  REQUIRE((publish.channel == "c" && publish.value.empty()));
  REQUIRE(parsed_as<codec::GetRequest>(map_of("op", "get", "key", "k")).linearizable);
  REQUIRE_FALSE(
      parsed_as<codec::GetRequest>(map_of("op", "get", "key", "k", "consistency", "local"))
          .linearizable);
  REQUIRE(
      parsed_as<codec::GetRequest>(map_of("op", "get", "key", "k", "consistency", "linearizable"))
          .linearizable);
  parsed_as<codec::StatusRequest>(map_of("op", "status"));
  parsed_as<codec::DebugRequest>(map_of("op", "debug"));
}

TEST_CASE("request_replay_has_defaults_and_bounds") {
  const auto plain = parsed_as<codec::ReplayRequest>(map_of("op", "replay"));
  REQUIRE((plain.after == 0 && plain.topics.empty() && plain.limit == 1000));

  const std::vector<std::string> topics = {"kv/", ""};
  const auto full = parsed_as<codec::ReplayRequest>(
      map_of("op", "replay", "after", 70'000, "topics", topics, "limit", 10'000));
  REQUIRE((full.after == 70'000 && full.topics == topics && full.limit == 10'000));
  const std::vector<std::vector<char>> bytes = {bin("ch/a")};
  REQUIRE(parsed_as<codec::ReplayRequest>(map_of("op", "replay", "topics", bytes)).topics ==
          std::vector<std::string>{"ch/a"});

  const auto with = [](const auto& name, const auto& value) {
    return refused(map_of("op", "replay", name, value));
  };
  REQUIRE(names(with("limit", 0), "limit"));
  REQUIRE(names(with("limit", 10'001), "limit"));
  REQUIRE(names(with("limit", "1"), "limit"));
  REQUIRE(names(with("after", -1), "after"));
  REQUIRE(names(with("after", 1.5), "after"));
  REQUIRE(names(with("after", ~std::uint64_t{0}), "after"));
  REQUIRE(names(with("topics", "kv/"), "topics"));
  REQUIRE(names(with("topics", std::vector<int>{1}), "topics"));
  REQUIRE(names(with("topics", std::vector<std::vector<std::string>>{{"kv/"}}), "topics"));
  REQUIRE(names(with("topics", std::vector<std::string>(257, "")), "topics"));
  REQUIRE(names(with("topics", std::vector<std::string>{std::string(244, 'x')}), "topics"));
  REQUIRE(names(with("topics", std::map<std::string, int>{{"a", 1}}), "topics"));
}

TEST_CASE("request_keys_and_values_are_str_or_bin") {
  const std::string raw("\x00\xff\xc1", 3);
  const auto set =
      parsed_as<codec::SetRequest>(map_of("op", "set", "key", bin(raw), "value", bin(raw)));
  REQUIRE((set.key == raw && set.value == raw));

  REQUIRE(names(refused(map_of("op", "set", "key", 1, "value", "v")), "key"));
  REQUIRE(
      names(refused(map_of("op", "set", "key", "k", "value", msgpack::type::nil_t())), "value"));
  REQUIRE(names(refused(map_of("op", "set", "key", "k")), "value"));
  REQUIRE(names(refused(map_of("op", "set", "value", "v")), "key"));
  REQUIRE(names(refused(map_of("op", "publish", "value", "v")), "channel"));
}

TEST_CASE("request_key_has_1_to_max_key_bytes") {
  const auto set = [](std::size_t bytes) {
    return map_of("op", "set", "key", std::string(bytes, 'k'), "value", "");
  };
  REQUIRE(parsed_as<codec::SetRequest>(set(240)).key.size() == 240);
  REQUIRE(names(refused(set(241)), "key"));
  REQUIRE(names(refused(set(0)), "key"));
  REQUIRE(names(refused(map_of("op", "publish", "channel", std::string(241, 'c'), "value", "")),
                "channel"));
}

TEST_CASE("request_over_max_request_bytes_is_too_large") {
  const auto of_size = [](std::size_t size) {
    std::string frame = map_of("id", 7, "op", "set", "key", "k", "value", bin(""));
    const std::size_t wanted = size - frame.size() - 1;  // bin 16 instead of bin 8
    return map_of("id", 7, "op", "set", "key", "k", "value", bin(std::string(wanted, 'v')));
  };
  REQUIRE(of_size(4096).size() == 4096);
  parsed(of_size(4096));
  REQUIRE(refused(of_size(4097), ErrorCode::kTooLarge).id == "\x07");
  refused(std::string(5000, '\xc1'), ErrorCode::kTooLarge);
}

TEST_CASE("request_fields_that_are_unknown_are_ignored") {
  const std::map<std::string, std::vector<int>> nested = {{"op", {1, 2}}, {"id", {3}}};
  const auto request = parsed(map_of("new", nested, "op", "status", "id", 7, "value", 1.5));
  REQUIRE(request.id == "\x07");
  REQUIRE(std::holds_alternative<codec::StatusRequest>(request.body));
}

TEST_CASE("request_field_that_is_there_twice_is_refused") {
  const auto error = refused(map_of("op", "get", "key", "a", "key", "b", "id", 7));
  REQUIRE(names(error, "key"));
  REQUIRE(error.id == "\x07");
  REQUIRE(refused(map_of("id", 7, "id", 8, "op", "status")).id == "\x07");
  refused(map_of("op", "status", "op", "status"));
}

TEST_CASE("request_that_is_no_map_with_str_keys_is_refused") {
  REQUIRE(names(refused(std::string("\x05")), "map"));
  REQUIRE(names(refused(std::string("\x91\x05")), "map"));
  REQUIRE(names(refused(""), "MessagePack"));
  REQUIRE(names(refused("\xc1"), "MessagePack"));
  REQUIRE(names(refused("\x80"), "op"));
  REQUIRE(refused(map_of(bin("op"), "status", "id", 7)).id == "\x07");
  REQUIRE(refused(map_of(1, "status", "id", 7)).id == "\x07");
  REQUIRE(refused(map_of(std::vector<int>{1, 2}, "status", "id", 7)).id == "\x07");
  REQUIRE(names(refused(map_of("op", "status") + "\xc0"), "follow"));
  REQUIRE(names(refused(map_of("op", bin("status"))), "op"));
}

TEST_CASE("request_with_an_unknown_op_is_told_which_there_are") {
  const auto error = refused(map_of("op", "sett", "id", 7), ErrorCode::kUnknownOperation);
  REQUIRE(error.id == "\x07");
  REQUIRE(names(error, "did you mean 'set'"));
  REQUIRE(names(error,
                "set, get, delete, publish, replay, status, debug, members, change, join, leave, "
                "promote, transfer, snapshot, snapshot.read, session.open, "
                "session.close"));
  const auto far = refused(map_of("op", std::string(3000, 'z').replace(0, 1, "\x1b")),
                           ErrorCode::kUnknownOperation);
  REQUIRE_FALSE(names(far, "did you mean"));
  REQUIRE(names(far, "?zzz"));
  REQUIRE(far.message.size() < 300);
}

TEST_CASE("request_id_of_every_type_is_echoed_byte_for_byte") {
  using namespace std::string_literals;
  const std::vector<std::string> ids = {
      "\xc0"s,
      "\xc2"s,
      "\xc3"s,
      "\x07"s,
      "\xff"s,
      "\xcc\x07"s,
      "\xcd\x00\x07"s,
      "\xce\x00\x00\x00\x07"s,  // not the shortest form
      "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s,
      "\xd0\x07"s,
      "\xd1\xff\x00"s,
      "\xd2\x00\x00\x00\x07"s,
      "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s,
      "\xca\x7f\xc0\x00\x00"s,
      "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"s,
      "\xa0"s,
      "\xa2\xff\x00"s,
      "\xd9\x01z"s,
      "\xda\x00\x01z"s,
      "\xdb\x00\x00\x00\x01z"s,
      "\xc4\x00"s,
      "\xc5\x00\x01z"s,
      "\xc6\x00\x00\x00\x01z"s,
      "\xd4\x01z"s,
      "\xd5\x01zz"s,
      "\xd6\x01zzzz"s,
      "\xd7\x01zzzzzzzz"s,
      "\xd8\x01zzzzzzzzzzzzzzzz"s,
      "\xc7\x01\x01z"s,
      "\xc8\x00\x01\x01z"s,
      "\xc9\x00\x00\x00\x01\x01z"s,
      "\x90"s,
      "\x93\x01\x91\xc0\x80"s,
      "\xdc\x00\x01\x01"s,
      "\xdd\x00\x00\x00\x01\x01"s,
      "\x80"s,
      "\x82\xa2op\x01\x01\x91\x02"s,
      "\xde\x00\x01\x01\x02"s,
      "\xdf\x00\x00\x00\x01\x01\x02"s,
      "\xd9\xfe"s + std::string(254, 'z'),  // 256 bytes
  };
  for (const auto& id : ids) {
    CAPTURE(json(id));
    REQUIRE(parsed("\x82\xa2id" + id + "\xa2op\xa6status").id == id);
    REQUIRE(parsed("\x82\xa2op\xa6status\xa2id" + id).id == id);
    REQUIRE(refused("\x82\xa2id" + id + "\xa2op\xa3new", ErrorCode::kUnknownOperation).id == id);
    // Cut off right behind the id, and inside of it.
    REQUIRE(refused("\x82\xa2id" + id).id == id);
    if (id.size() > 1) REQUIRE(refused("\x82\xa2id" + id.substr(0, id.size() - 1)).id == "\xc0");
    const auto reply = codec::encode_reply(id, codec::DebugReply{"t"}, std::nullopt);
    REQUIRE(reply == "\x83\xa2id" + id + "\xa2ok\xc3\xa4text\xa1t");
  }
  REQUIRE(parsed(map_of("op", "status")).id == "\xc0");
}

TEST_CASE("request_id_over_its_limit_is_refused") {
  const auto error = refused(map_of("id", std::string(255, 'z'), "op", "status"));
  REQUIRE(names(error, "id"));
  REQUIRE(error.id == "\xc0");
}

TEST_CASE("request_that_is_deep_or_endless_is_refused_B19") {
  const auto nested = [](std::size_t levels) {
    std::string bytes = "\x82\xa2op\xa6status\xa3new";
    return bytes.append(levels, '\x91').append(1, '\xc0');
  };
  parsed(nested(15));
  REQUIRE(names(refused(nested(16)), "deep"));
  REQUIRE(names(refused(nested(2000)), "deep"));
  const codec::ClientLimits wide{.max_request_bytes = 1 << 20, .max_key_bytes = 240};
  const std::string many =
      "\x81\xa3new" + std::string("\xdd\x00\x00\xff\xff", 5) + std::string(0xffff, '\x01');
  const auto result = codec::parse_request(many, wide);
  REQUIRE(std::get<RequestError>(result).message.find("values") != std::string::npos);
}

TEST_CASE("reply_of_each_op_has_the_documented_fields") {
  REQUIRE(reply(codec::SetReply{5, 2}) == R"({"id":7,"ok":true,"index":5,"version":2})");
  REQUIRE(reply(codec::DeleteReply{5, true}) == R"({"id":7,"ok":true,"index":5,"found":true})");
  REQUIRE(reply(codec::PublishReply{5, 3}) == R"({"id":7,"ok":true,"index":5,"seq":3})");
  REQUIRE(reply(codec::GetReply{}) == R"({"id":7,"ok":true,"found":false})");
  REQUIRE(reply(codec::GetReply{{{"v", 2, 5}}}) ==
          R"-({"id":7,"ok":true,"found":true,"value":"BIN(size:1)","version":2,"index":5})-");
  REQUIRE(reply(codec::DebugReply{"dump"}) == R"({"id":7,"ok":true,"text":"dump"})");

  REQUIRE(reply(codec::SetReply{5, 2, true}) ==
          R"({"id":7,"ok":true,"index":5,"version":2,"repeated":true})");
  REQUIRE(reply(codec::DeleteReply{5, false, true}) ==
          R"({"id":7,"ok":true,"index":5,"found":false,"repeated":true})");
  REQUIRE(reply(codec::PublishReply{5, 3, true}) ==
          R"({"id":7,"ok":true,"index":5,"seq":3,"repeated":true})");

  codec::ReplayReply replay{.broadcasts = {}, .complete_to = 9};
  REQUIRE(reply(replay) == R"({"id":7,"ok":true,"broadcasts":[],"complete_to":9})");
  replay.broadcasts.push_back(
      {"kv/a", codec::encode_set_header(5, 2, 1), base::SharedBytes::copy_of("v")});
  REQUIRE(reply(replay) ==
          R"-({"id":7,"ok":true,"broadcasts":[["BIN(size:4)",)-"
          R"-({"index":5,"term":2,"op":"set","version":1},"BIN(size:1)"]],"complete_to":9})-");

  const codec::StatusReply status{.node = 1,
                                  .cluster = "c",
                                  .role = "leader",
                                  .term = 2,
                                  .leader = 1,
                                  .commit_index = 3,
                                  .applied_index = 4,
                                  .first_index = 5,
                                  .last_index = 6,
                                  .members = {{1, "p", "q", "r", true}},
                                  .release = "0.1.0",
                                  .disk_full = true};
  REQUIRE(reply(status) ==
          R"({"id":7,"ok":true,"node":1,"cluster":"c","role":"leader","term":2,"leader":1,)"
          R"("commit_index":3,"applied_index":4,"first_index":5,"last_index":6,"doubt":null,)"
          R"("members":[{"id":1,"peer":"p","client":"q","publish":"r","voter":true}],)"
          R"("protocol":1,"release":"0.1.0","disk_full":true})");
}

TEST_CASE("reply_packs_values_topics_and_payloads_as_bin") {
  codec::ReplayReply replay{.broadcasts = {}, .complete_to = 9};
  replay.broadcasts.push_back({"kv/a", "\x80", base::SharedBytes::copy_of("v")});
  const auto bytes = codec::encode_reply("\x07", replay, std::nullopt);
  REQUIRE(bytes.find("\x91\x93\xc4\x04kv/a\x80\xc4\x01v") != std::string_view::npos);

  const auto get = codec::encode_reply("\x07", codec::GetReply{{{"v", 2, 5}}}, std::nullopt);
  REQUIRE(get.find("\xa5value\xc4\x01v") != std::string_view::npos);
}

TEST_CASE("reply_of_a_failure_has_code_message_and_hint") {
  REQUIRE(reply(codec::ErrorReply{ErrorCode::kBusy, "m", {}}, codec::LeaderHint{3, "e"}) ==
          R"({"id":7,"ok":false,"error":{"code":"busy","message":"m"},)"
          R"("leader":{"id":3,"client":"e"}})");
  REQUIRE(reply(codec::ErrorReply{ErrorCode::kCompacted, "m", 12}) ==
          R"({"id":7,"ok":false,"error":{"code":"compacted","message":"m","first_index":12}})");
}

TEST_CASE("reply_without_an_id_says_nil") {
  const auto bytes = codec::encode_reply("", codec::DebugReply{""}, std::nullopt);
  REQUIRE(json(bytes) == R"({"id":null,"ok":true,"text":""})");
}

TEST_CASE("reply_hint_stands_beside_the_fields_but_not_in_a_status") {
  REQUIRE(reply(codec::SetReply{5, 2}, codec::LeaderHint{3, "e"}) ==
          R"({"id":7,"ok":true,"index":5,"version":2,"leader":{"id":3,"client":"e"}})");
  codec::StatusReply status{};
  status.leader = 3;
  REQUIRE(reply(status, codec::LeaderHint{3, "e"}) == reply(status));
  status.leader.reset();
  REQUIRE(reply(status).find(R"("leader":null)") != std::string::npos);
}

TEST_CASE("reply_error_codes_are_the_documented_ones") {
  REQUIRE(codec::error_code_name(ErrorCode::kBadRequest) == "bad_request");
  REQUIRE(codec::error_code_name(ErrorCode::kUnknownOperation) == "unknown_op");
  REQUIRE(codec::error_code_name(ErrorCode::kNoLeader) == "no_leader");
  REQUIRE(codec::error_code_name(ErrorCode::kBusy) == "busy");
  REQUIRE(codec::error_code_name(ErrorCode::kDiskFull) == "disk_full");
  REQUIRE(codec::error_code_name(ErrorCode::kUnknownOutcome) == "unknown_outcome");
  REQUIRE(codec::error_code_name(ErrorCode::kTooLarge) == "too_large");
  REQUIRE(codec::error_code_name(ErrorCode::kCompacted) == "compacted");
  REQUIRE(codec::error_code_name(ErrorCode::kSessionExpired) == "session_expired");
  REQUIRE(codec::error_code_name(ErrorCode::kConflict) == "conflict");
  REQUIRE(codec::error_code_name(ErrorCode::kSnapshotGone) == "snapshot_gone");
  REQUIRE(codec::error_code_name(ErrorCode::kDamaged) == "damaged");
}

TEST_CASE("broadcast_headers_have_the_documented_fields") {
  REQUIRE(json(codec::encode_set_header(5, 2, 1)) ==
          R"({"index":5,"term":2,"op":"set","version":1})");
  REQUIRE(json(codec::encode_delete_header(6, 2, 2)) ==
          R"({"index":6,"term":2,"op":"delete","version":2})");
  REQUIRE(json(codec::encode_publish_header(7, 2, 9)) == R"({"index":7,"term":2,"seq":9})");
  codec::StatusBroadcast status{1, "follower", 2, std::nullopt, 3, 4, 5};
  REQUIRE(json(codec::encode_status_header(status)) ==
          R"({"node":1,"role":"follower","term":2,"leader":null,"commit_index":3,)"
          R"("applied_index":4,"first_index":5})");
  status.leader = 2;
  REQUIRE(json(codec::encode_status_header(status)).find(R"("leader":2,)") != std::string::npos);
}
