#include <catch2/catch.hpp>
#undef CHECK  // base/check.h has its own; the tests say REQUIRE

#include "client/json.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/terminal.h"

namespace {

using client::Json;
using namespace std::string_literals;

TEST_CASE("json_bytes_come_back_as_they_were") {
  for (const std::string& bytes : {""s, "blue"s, "\xff"s, "\xff\x00"s, "\xff\x00\x01"s,
                                   "gr\xc3\xbcn"s, "\xc3"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s}) {
    const Json json = client::bytes_to_json(bytes);
    REQUIRE(json.is_string() == client::is_utf8(bytes));
    REQUIRE(client::decode_bytes(json).value_or(json.is_string() ? json.get<std::string>() : "") ==
            bytes);
  }
}

TEST_CASE("json_wrong_base64_is_refused") {
  REQUIRE_THROWS_AS(client::decode_bytes(Json{{"base64", "a"}}), std::invalid_argument);
  REQUIRE_THROWS_AS(client::decode_bytes(Json{{"base64", "a?=="}}), std::invalid_argument);
  REQUIRE_FALSE(client::decode_bytes(Json{{"base64", 1}}));
}

TEST_CASE("request_id_is_patched_in_place") {
  client::Request request = client::make_get("colour", client::Consistency::kLocal);
  request.set_id(0x0102030405060708);
  const auto unpacked = client::unpack(request.frame);
  REQUIRE(unpacked.ok());
  const client::Fields fields(&unpacked->get());
  REQUIRE(fields.integer("id") == 0x0102030405060708);
  REQUIRE(fields.bytes("op") == "get");
  REQUIRE(fields.bytes("key") == "colour");
  REQUIRE(fields.bytes("consistency") == "local");
}

TEST_CASE("reply_hostile_bytes_are_refused") {
  // B19: neither the length that is declared nor the depth is believed.
  for (const std::string& frame :
       {""s, "\xc1"s, "\xdd\xff\xff\xff\xff"s, "\xdf\xff\xff\xff\xff"s, "\xdb\xff\xff\xff\xff"s,
        std::string(100'000, '\x91'), "\x93\x01\x02\x03"s, "\x80\x80"s}) {
    REQUIRE_FALSE(client::Reply::parse(frame).ok());
  }
}

TEST_CASE("reply_fields_of_other_types_are_absent") {
  const auto reply = client::Reply::parse(
      "\x83\xa2ok\xa3yes\xa5"
      "error\x01\xa6leader\x07"s);
  REQUIRE(reply.ok());
  REQUIRE_FALSE(reply->ok());
  REQUIRE(reply->error_code().empty());
  REQUIRE_FALSE(reply->leader_endpoint());
  REQUIRE_FALSE(reply->fields().integer("ok"));
}

TEST_CASE("printable_text_does_nothing_to_a_terminal") {
  REQUIRE(client::printable("a\nb\x1b[31m\\") == "a\\nb\\x1b[31m\\\\");
  REQUIRE(client::printable("gr\xc3\xbcn") == "gr\xc3\xbcn");
  REQUIRE(client::printable("\xff") == "\\xff");
  REQUIRE(client::printable("\xc2\x9b") == "\\xc2\\x9b");
}

}  // namespace
