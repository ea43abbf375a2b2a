#include <catch2/catch.hpp>
#undef CHECK  // base/check.h has its own; the tests say REQUIRE

#include "sender/input_line.h"

namespace {

using sender::parse_input_line;
using sender::split_words;
using Words = std::vector<std::string>;

TEST_CASE("split_words_quotes_as_a_shell_does") {
  REQUIRE(split_words("set  a\tb").value() == Words{"set", "a", "b"});
  REQUIRE(split_words("set a 'b  c'").value() == Words{"set", "a", "b  c"});
  REQUIRE(split_words(R"(set a "b \"c\" \\ \n")").value() == Words{"set", "a", R"(b "c" \ \n)"});
  REQUIRE(split_words(R"(a\ b 'c'"d"e)").value() == Words{"a b", "cde"});
  REQUIRE(split_words("set a ''").value() == Words{"set", "a", ""});
}

TEST_CASE("split_words_open_quote_is_refused") {
  REQUIRE_FALSE(split_words("set a 'b").ok());
  REQUIRE_FALSE(split_words("set a \"b").ok());
  REQUIRE_FALSE(split_words("set a b\\").ok());
}

TEST_CASE("input_line_empty_lines_and_comments_are_no_requests") {
  for (const char* line : {"", "   ", "\r", "# set a b", "  # x"}) {
    const auto parsed = parse_input_line(line);
    REQUIRE(parsed.ok());
    REQUIRE_FALSE(parsed->has_value());
  }
}

TEST_CASE("input_line_publish_is_never_resent") {
  // A publish that takes effect twice is a different history.
  REQUIRE((*parse_input_line("publish news hello"))->request.resend == client::Resend::kNever);
  REQUIRE(
      (*parse_input_line(R"({"op": "publish", "channel": "a", "value": "b"})"))->request.resend ==
      client::Resend::kNever);
  REQUIRE((*parse_input_line("set a b"))->request.resend == client::Resend::kIdempotent);
  REQUIRE((*parse_input_line("get a"))->request.resend == client::Resend::kAlways);
}

TEST_CASE("input_line_words_and_json_make_the_same_kind_of_request") {
  REQUIRE((*parse_input_line("get a"))->read_key == "a");
  REQUIRE((*parse_input_line(R"({"op": "get", "key": "a"})"))->read_key == "a");
  REQUIRE((*parse_input_line(R"({"op": "set", "key": "a", "value": "b"})"))->request.resend ==
          client::Resend::kIdempotent);
}

TEST_CASE("input_line_wrong_lines_are_refused_with_a_reason") {
  for (const char* line :
       {"frobnicate a", "set a", "set a b c", "get", "delete a b", "{", "{\"op\": ", "set a 'b"}) {
    const auto parsed = parse_input_line(line);
    REQUIRE_FALSE(parsed.ok());
  }
}

}  // namespace
