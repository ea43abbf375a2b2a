#include "database/command.h"

#include "support.h"

namespace database {
namespace {

using test::random_bytes;
using namespace std::string_literals;

bool decodes(std::string_view bytes) { return decode_command(bytes).ok(); }

std::string encoded(const Command& command) { return std::string(encode_command(command).view()); }

TEST_CASE("command_bytes_are_as_specified") {
  REQUIRE(encoded(SetCommand{"k", "value"}) == "\x93\x01\xc4\x01k\xc4\x05value");
  REQUIRE(encoded(DeleteCommand{"k"}) == "\x92\x02\xc4\x01k");
  REQUIRE(encoded(PublishCommand{"c", ""}) == "\x93\x03\xc4\x01\x63\xc4\x00"s);
  REQUIRE(encoded(OpenSessionCommand{30'000, 100}) == "\x93\x04\xcd\x75\x30\x64"s);
  REQUIRE(encoded(CloseSessionCommand{200}) == "\x92\x05\xcc\xc8"s);
  REQUIRE(encoded(SessionCommand{7, 1, DeleteCommand{"k"}}) ==
          "\x94\x06\x07\x01\x92\x02\xc4\x01k"s);
}

TEST_CASE("command_numbers_come_back_in_their_shortest_form") {
  for (int bits = 0; bits <= 64; ++bits) {
    const std::uint64_t power = bits == 64 ? 0 : std::uint64_t{1} << bits;
    for (const std::uint64_t number : {power - 1, power, power + 1}) {
      const auto bytes = encoded(OpenSessionCommand{number, ~number});
      const auto command = decode_command(bytes);
      REQUIRE(command.ok());
      REQUIRE(std::get<OpenSessionCommand>(*command).timeout_ms == number);
      REQUIRE(std::get<OpenSessionCommand>(*command).max_sessions == ~number);
    }
  }
  REQUIRE(encoded(CloseSessionCommand{0x7f}).size() == 3);
  REQUIRE(encoded(CloseSessionCommand{0x80}).size() == 4);
  REQUIRE(encoded(CloseSessionCommand{0x100}).size() == 5);
  REQUIRE(encoded(CloseSessionCommand{0x10000}).size() == 7);
  REQUIRE(encoded(CloseSessionCommand{0x100000000}).size() == 11);
}

TEST_CASE("command_in_session_holds_its_write") {
  const auto bytes = encoded(SessionCommand{70'000, 300, SetCommand{"key", "value"}});
  const auto command = decode_command(bytes);
  REQUIRE(command.ok());
  const auto& in_session = std::get<SessionCommand>(*command);
  REQUIRE(in_session.session == 70'000);
  REQUIRE(in_session.seq == 300);
  REQUIRE(std::get<SetCommand>(in_session.write).key == "key");
  REQUIRE(std::get<SetCommand>(in_session.write).value == "value");
}

TEST_CASE("command_comes_back_at_every_form_of_length") {
  base::Random random(1);
  for (const std::size_t size : {0u, 1u, 255u, 256u, 65'535u, 65'536u, 1'000'000u}) {
    const std::string name = random_bytes(random, size % 300);
    const std::string value = random_bytes(random, size);
    const std::string set = encoded(SetCommand{name, value});
    const auto command = decode_command(set);
    REQUIRE(command.ok());
    REQUIRE(std::get<SetCommand>(*command).key == name);
    REQUIRE(std::get<SetCommand>(*command).value == value);
    const std::string erase = encoded(DeleteCommand{value});
    const auto erased = decode_command(erase);
    REQUIRE(erased.ok());
    REQUIRE(std::get<DeleteCommand>(*erased).key == value);
  }
}

TEST_CASE("command_decodes_to_views_of_its_bytes") {
  const auto bytes = encode_command(PublishCommand{"news", "hello"});
  const auto command = decode_command(bytes.view());
  REQUIRE(command.ok());
  const auto& publish = std::get<PublishCommand>(*command);
  REQUIRE(publish.channel == "news");
  REQUIRE(publish.value == "hello");
  REQUIRE(publish.value.data() == bytes.view().data() + bytes.size() - 5);
}

TEST_CASE("command_that_no_release_wrote_is_refused") {
  REQUIRE_FALSE(decodes(""));
  REQUIRE_FALSE(decodes("\x93"));
  REQUIRE_FALSE(decodes("\x93\x07\xc4\x01k\xc4\x01v"));          // an unknown kind
  REQUIRE_FALSE(decodes("\x93\x02\xc4\x01k\xc4\x01v"));          // a delete with a value
  REQUIRE_FALSE(decodes("\x92\x01\xc4\x01k"));                   // a set without one
  REQUIRE_FALSE(decodes("\x93\x01\xa1k\xa1v"));                  // str for bin
  REQUIRE_FALSE(decodes("\x93\x01\xc5\x00\x01k\xc4\x01v"s));     // a length longer than needed
  REQUIRE_FALSE(decodes("\x93\x01\xc4\x01k\xc4\x01vx"));         // bytes after the end
  REQUIRE_FALSE(decodes("\x83\x01\xc4\x01k\xc4\x01v"));          // a map
  REQUIRE_FALSE(decodes("\x92\x05\xcc\x7f"));                    // a number longer than needed
  REQUIRE_FALSE(decodes("\x92\x05\xcd\x00\xff"s));               // the same
  REQUIRE_FALSE(decodes("\x92\x05\xff"));                        // a number below 0
  REQUIRE_FALSE(decodes("\x94\x06\x01\x00\x92\x02\xc4\x01k"s));  // seq 0
  REQUIRE_FALSE(decodes("\x94\x06\x01\x01\x92\x05\x01"));        // no write inside
  REQUIRE_FALSE(decodes("\x94\x06\x01\x01\x94\x06\x01\x01\x92\x02\xc4"));  // a session inside
}

// B19: what a length declares is never reserved, only compared with what is there.
TEST_CASE("command_with_a_huge_declared_length_is_refused") {
  for (const std::string& length : {"\x7f\xff\xff\xff"s, "\xff\xff\xff\xff"s}) {
    REQUIRE_FALSE(decodes("\x93\x01\xc6"s + length));
    REQUIRE_FALSE(decodes("\x93\x01\xc6"s + length + "key"));
    REQUIRE_FALSE(decodes("\x93\x01\xc4\x01k\xc6"s + length));
    REQUIRE_FALSE(decodes("\xdd"s + length));
    REQUIRE_FALSE(decodes("\xdf"s + length));
  }
}

TEST_CASE("command_cut_short_anywhere_is_refused") {
  base::Random random(2);
  const std::string value = random_bytes(random, 300);
  for (const auto& whole :
       {encoded(SetCommand{"key", value}), encoded(DeleteCommand{"key"}),
        encoded(PublishCommand{"channel", value}), encoded(OpenSessionCommand{30'000, 1'000'000}),
        encoded(CloseSessionCommand{std::uint64_t{1} << 40}),
        encoded(SessionCommand{500, 70'000, SetCommand{"key", value}})}) {
    REQUIRE(decodes(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      REQUIRE_FALSE(decodes(std::string_view(whole).substr(0, size)));
    }
  }
}

// Whatever decodes is what the encoder writes: a command has one encoding.
TEST_CASE("command_random_bytes_are_refused_or_encode_back") {
  base::Random random(3);
  std::size_t decoded = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = random_bytes(random, random.between(0, 12));
    if (bytes.size() > 3 && random.chance(1, 2)) {  // a likely beginning
      bytes[0] = static_cast<char>(random.between(0x92, 0x94));
      bytes[1] = static_cast<char>(random.between(1, 6));
      bytes[2] = static_cast<char>(random.between(0xc4, 0xc6));
      bytes[3] = static_cast<char>(random.between(0, 4));
    }
    const auto command = decode_command(bytes);
    if (!command) continue;
    ++decoded;
    REQUIRE(encoded(*command) == bytes);
  }
  REQUIRE(decoded > 0);
}

TEST_CASE("command_with_one_damaged_byte_stays_within_its_bytes") {
  base::Random random(4);
  const std::string whole = encoded(SetCommand{"some key", random_bytes(random, 260)});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(random.between(0, 255));
    const auto command = decode_command(damaged);
    if (command) REQUIRE(encoded(*command) == damaged);
  }
}

}  // namespace
}  // namespace database
