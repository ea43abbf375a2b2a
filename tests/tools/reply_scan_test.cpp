#include "bench/reply_scan.h"

#include <catch2/catch.hpp>
#include <msgpack.hpp>
#include <string>

#include "base/random.h"

namespace {

using bench::scan_index;
using bench::scan_reply;

std::string make_reply() {
  msgpack::sbuffer buffer;
  msgpack::packer packer(buffer);
  packer.pack_map(6);
  packer.pack("nested");
  packer.pack(std::map<std::string, std::vector<int>>{{"a", {1, -1, 1000, -100'000}}});
  packer.pack("value");
  packer.pack(std::string(70'000, 'x'));
  packer.pack("ok");
  packer.pack(true);
  packer.pack("number");
  packer.pack(1.5);
  packer.pack("id");
  packer.pack(std::uint64_t{1} << 40);
  packer.pack("found");
  packer.pack(false);
  return {buffer.data(), buffer.size()};
}

TEST_CASE("reply_scan_finds_fields_among_others") {
  const auto reply = scan_reply(make_reply());
  REQUIRE(reply);
  REQUIRE(reply->id == std::uint64_t{1} << 40);
  REQUIRE(reply->ok);
  REQUIRE_FALSE(reply->found);
  REQUIRE_FALSE(reply->has_leader);
}

TEST_CASE("reply_scan_truncated_replies_are_refused") {
  const std::string reply = make_reply();
  for (std::size_t size = 0; size < reply.size(); size += size < 100 ? 1 : 997) {
    REQUIRE_FALSE(scan_reply(std::string_view(reply).substr(0, size)));
  }
}

TEST_CASE("reply_scan_declared_lengths_beyond_the_frame_are_refused") {
  // B19: a length that is declared is not believed.
  using namespace std::string_literals;
  for (const std::string& frame :
       {"\x82\xa2id\x01\xa1v\xdd\xff\xff\xff\xff"s, "\x82\xa2id\x01\xa1v\xdf\xff\xff\xff\xff"s,
        "\x82\xa2id\x01\xa1v\xc6\xff\xff\xff\xff"s, "\x82\xa2id\x01\xa1v\xdb\xff\xff\xff\xff"s,
        "\x82\xa2id\x01\xa1v\xc9\xff\xff\xff\xff"s, "\x82\xdb\xff\xff\xff\xff"s}) {
    REQUIRE_FALSE(scan_reply(frame));
  }
}

TEST_CASE("reply_scan_deep_nesting_is_passed_over") {
  REQUIRE_FALSE(scan_reply("\x82\xa2id\x01\xa1v" + std::string(1'000'000, '\x91')));
}

TEST_CASE("reply_scan_survives_random_bytes") {
  base::Random random(1);
  const std::string reply = make_reply().substr(0, 64);
  for (int round = 0; round < 20'000; ++round) {
    std::string frame = reply;
    for (int change = 0; change < 4; ++change) {
      frame[random.between(0, frame.size() - 1)] = static_cast<char>(random.next());
    }
    static_cast<void>(scan_reply(frame));
  }
  SUCCEED("no bounds were left");
}

TEST_CASE("reply_scan_finds_the_index_of_a_write") {
  const std::string reply("\x83\xa2id\x05\xa5index\xcd\x01\x00\xa2ok\xc3", 19);
  REQUIRE(scan_reply(reply)->index == 256);
  REQUIRE(scan_reply(make_reply())->index == 0);
}

TEST_CASE("reply_scan_finds_the_index_of_a_broadcast") {
  const std::string header("\x82\xa4term\x01\xa5index\xcd\x01\x00", 16);
  REQUIRE(scan_index(header) == 256);
  for (std::size_t size = 0; size < header.size(); ++size) {
    REQUIRE_FALSE(scan_index(header.substr(0, size)));
  }
  REQUIRE_FALSE(scan_index("\x81\xa4term\x01"));
}

}  // namespace
