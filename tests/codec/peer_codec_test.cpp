#include "codec/peer_codec.h"

#include <catch2/catch.hpp>
#include <msgpack.hpp>
#include <sstream>

#include "samples.h"

namespace {

using codec::Frames;
using codec::PeerMessage;
using codec::PeerRefusal;
using codec::Refusal;
using samples::kReceiver;
using samples::kSender;

std::variant<PeerMessage, Refusal> decode(const Frames& frames, codec::PeerLimits limits = {}) {
  return codec::decode_peer_message(kReceiver, limits, frames);
}

raft::Message decoded(const Frames& frames) {
  auto result = decode(frames);
  if (const auto* refusal = std::get_if<Refusal>(&result)) FAIL(refusal->detail);
  return std::get<PeerMessage>(std::move(result)).message;
}

Refusal refused(const Frames& frames, codec::PeerLimits limits = {}) {
  auto result = decode(frames, limits);
  REQUIRE(std::holds_alternative<Refusal>(result));
  REQUIRE_FALSE(std::get<Refusal>(result).detail.empty());
  return std::get<Refusal>(result);
}

// A first frame as text: [1,"test",1,2,8,…].
std::string layout(const base::SharedBytes& frame) {
  std::ostringstream text;
  text << msgpack::unpack(reinterpret_cast<const char*>(frame.data()), frame.size()).get();
  return text.str();
}

template <typename... Fields>
base::SharedBytes header(const Fields&... fields) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, std::make_tuple(fields...));
  return base::SharedBytes::copy_of({buffer.data(), buffer.size()});
}

constexpr int kHeartbeat = 8;

}  // namespace

TEST_CASE("peer_message_returns_as_it_was_sent") {
  for (const auto& message : samples::messages()) {
    CAPTURE(raft::message_name(message));
    const Frames frames = samples::encoded(message);
    auto result = decode(frames);
    REQUIRE(std::holds_alternative<PeerMessage>(result));
    const auto& back = std::get<PeerMessage>(result);
    REQUIRE(back.from == kSender.node);
    REQUIRE(back.message.index() == message.index());
    REQUIRE(samples::encoded(back.message) == frames);
  }
}

TEST_CASE("peer_layout_is_the_documented_one") {
  const std::vector<std::string> expected = {
      R"([1,"test",1,2,1,7,8,20,6])",
      R"([1,"test",1,2,1,0,1,0,0])",
      R"([1,"test",1,2,2,7,8,true])",
      R"([1,"test",1,2,3,8,20,6])",
      R"([1,"test",1,2,4,8,false])",
      R"([1,"test",1,2,5,8,20,6,19])",
      R"([1,"test",1,2,5,9,0,0,3])",
      R"([1,"test",1,2,5,9,20,5,3])",
      R"([1,"test",1,2,6,8,26])",
      R"([1,"test",1,2,7,8,20,15,4])",
      R"([1,"test",1,2,8,8,19,300])",
      R"([1,"test",1,2,9,8,300,26])",
      R"([1,"test",1,2,10,8,[1001,3,1002,0,1003,1]])",
      R"([1,"test",1,2,10,8,[1099511627776,5]])",
      R"([1,"test",1,2,10,8,[]])",
      R"([1,"test",1,2,11,8,[1001,27,1003,28],[1004,1005]])",
      R"([1,"test",1,2,11,8,[],[]])",
      R"([1,"test",1,2,12,8,12])",
      R"([1,"test",1,2,13,8,12,26])",
      R"([1,"test",1,2,13,8,13,null])",
  };
  const auto messages = samples::messages();
  REQUIRE(messages.size() == expected.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    REQUIRE(layout(samples::encoded(messages[i])[0]) == expected[i]);
  }
}

TEST_CASE("append_entries_of_one_block_is_one_frame_and_no_copy") {
  const auto message = samples::append(samples::blocks(21, 1, 50, 5));
  const Frames frames = samples::encoded(message);
  REQUIRE(frames.size() == 2);
  REQUIRE(frames[1].data() == message.entries.front().record.data());

  const auto back = std::get<raft::AppendEntries>(decoded(frames));
  REQUIRE(back.entries.size() == 50);
  REQUIRE(back.entries.front().record.owner() == frames[1].owner());
  REQUIRE(back.entries.back().record.data() == message.entries.back().record.data());
}

TEST_CASE("append_entries_of_many_blocks_stays_within_a_handful_of_frames") {
  SECTION("up to 64 blocks travel as they are") {
    const auto message = samples::append(samples::blocks(21, 64, 2, 5));
    REQUIRE(samples::encoded(message).size() == 65);
  }
  SECTION("many small blocks are joined") {
    const auto message = samples::append(samples::blocks(21, 1000, 1, 5));
    const Frames frames = samples::encoded(message);
    REQUIRE(frames.size() == 2);
    REQUIRE(std::get<raft::AppendEntries>(decoded(frames)).entries.size() == 1000);
  }
  SECTION("a large block among small ones is not copied") {
    auto entries = samples::blocks(21, 100, 1, 5);
    const auto large = samples::entries(121, 1, 5, entries.back().checksum(), 1 << 20);
    const auto after = samples::entries(122, 1, 5, large.back().checksum());
    entries.insert(entries.end(), large.begin(), large.end());
    entries.insert(entries.end(), after.begin(), after.end());
    const Frames frames = samples::encoded(samples::append(entries));
    REQUIRE(frames.size() == 4);
    REQUIRE(frames[2].data() == large.front().record.data());
    REQUIRE(std::get<raft::AppendEntries>(decoded(frames)).entries.size() == 102);
  }
}

TEST_CASE("append_entries_that_do_not_follow_each_other_are_refused_A21") {
  const auto message = samples::append(samples::blocks(21, 3, 2, 5));
  Frames frames = samples::encoded(message);
  REQUIRE(frames.size() == 4);

  SECTION("a frame is missing") { frames.erase(frames.begin() + 2); }
  SECTION("two frames are swapped") { std::swap(frames[2], frames[3]); }
  SECTION("a frame is repeated") { frames.push_back(frames[3]); }
  SECTION("the first entry is not prev_log_index + 1") { frames.erase(frames.begin() + 1); }
  SECTION("the indices follow, the checksums do not") {
    frames[3] = samples::entries(25, 2, 5, 12345).front().record;
  }
  SECTION("the term falls from one frame to the next") {
    frames[3] = samples::entries(25, 1, 4, message.entries[3].checksum()).front().record;
  }
  SECTION("a frame is empty") { frames.push_back({}); }
  SECTION("an entry is damaged") {
    std::string bytes(frames[2].view());
    bytes.back() ^= 1;
    frames[2] = base::SharedBytes::take(bytes);
  }
  REQUIRE(refused(frames).reason == PeerRefusal::kMalformed);
}

TEST_CASE("append_entries_agrees_with_its_own_header") {
  auto message = samples::append(samples::blocks(1, 1, 2, 5));
  SECTION("an entry of a later term than the message") { message.term = 4; }
  SECTION("an entry of an earlier term than the one before it") {
    message = samples::append(samples::blocks(21, 1, 2, 5));
    message.prev_log_term = 6;
  }
  SECTION("a term before the first entry") { message.prev_log_term = 1; }
  SECTION("entry 1 names an entry before it") { message.entries = samples::entries(1, 2, 5, 77); }
  REQUIRE(refused(samples::encoded(message)).reason == PeerRefusal::kMalformed);
}

TEST_CASE("forward_commands_share_the_frame_they_came_in") {
  const auto messages = samples::messages();
  const Frames frames = samples::encoded(messages[12]);
  REQUIRE(frames.size() == 2);
  const auto back = std::get<raft::ForwardCommands>(decoded(frames));
  REQUIRE(back.commands.size() == 3);
  REQUIRE(back.commands[0].command.view() == "one");
  REQUIRE(back.commands[1].command.empty());
  REQUIRE(back.commands[2].command.view() == "3");
  REQUIRE(back.commands[2].command.owner() == frames[1].owner());
}

TEST_CASE("forward_commands_whose_lengths_do_not_add_up_are_refused") {
  using List = std::vector<std::uint64_t>;
  const auto body = base::SharedBytes::copy_of("abcd");
  const auto with = [](const List& list) { return header(1, "test", 1, 2, 10, 8, list); };
  REQUIRE(std::holds_alternative<PeerMessage>(decode({with({5, 1, 6, 3}), body})));

  REQUIRE(refused({with({5, 1, 6, 4}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 1, 6, 2}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 1, 6}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 2, 6, ~std::uint64_t{0}}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 4})}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 2, 6, 2}), body, body}).reason == PeerRefusal::kMalformed);
}

TEST_CASE("peer_refusal_is_named_after_its_cause_A29_B14") {
  SECTION("another protocol, whatever follows") {
    REQUIRE(refused({header(2)}).reason == PeerRefusal::kOtherProtocol);
    REQUIRE(refused({header(-1, "test")}).reason == PeerRefusal::kOtherProtocol);
    REQUIRE(refused({header(2, "other", 2, 2)}).reason == PeerRefusal::kOtherProtocol);
    REQUIRE(refused({header(2, 1.5, std::map<int, int>{})}).reason == PeerRefusal::kOtherProtocol);
    const auto cut = base::SharedBytes::copy_of("\x95\x02\xa4te");
    REQUIRE(refused({cut}).reason == PeerRefusal::kOtherProtocol);
  }
  SECTION("another cluster, whatever follows") {
    REQUIRE(refused({header(1, "other", 1, 2, kHeartbeat, 8, 19, 300)}).reason ==
            PeerRefusal::kOtherCluster);
    REQUIRE(refused({header(1, "", 2, 2)}).reason == PeerRefusal::kOtherCluster);
    REQUIRE(refused({header(1, "tes", 1.5)}).reason == PeerRefusal::kOtherCluster);
  }
  SECTION("another receiver, then the own message") {
    REQUIRE(refused({header(1, "test", 1, 3, kHeartbeat, 8, 19, 300)}).reason ==
            PeerRefusal::kOtherReceiver);
    REQUIRE(refused({header(1, "test", 2, 3)}).reason == PeerRefusal::kOtherReceiver);
    REQUIRE(refused({header(1, "test", 2, 2, kHeartbeat, 8, 19, 300)}).reason ==
            PeerRefusal::kOwnMessage);
  }
  SECTION("what is no envelope at all") {
    REQUIRE(refused({}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({{}}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header()}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header("1", "test", 1, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(1, 7, 1, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(1, "test", 0, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(1, "test", 1, 0)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(1, "test", 1, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(1, "test", 1, 2, "8")}).reason == PeerRefusal::kMalformed);
  }
  SECTION("a name from outside is made printable") {
    const auto refusal = refused({header(1, std::string("a\x1b[31m\n") + std::string(999, 'z'))});
    REQUIRE(refusal.detail.find("a?[31m?zzz") != std::string::npos);
    REQUIRE(refusal.detail.size() < 200);
  }
}

TEST_CASE("peer_field_of_wrong_number_type_or_range_is_refused") {
  const auto last = ~std::uint64_t{0};
  const auto heartbeat = [](const auto&... fields) {
    return decode({header(1, "test", 1, 2, kHeartbeat, fields...)}).index() == 0;
  };
  REQUIRE(heartbeat(8, 19, last));
  REQUIRE_FALSE(heartbeat(8, 19));
  REQUIRE_FALSE(heartbeat(8, 19, 300, 1));
  REQUIRE_FALSE(heartbeat(0, 19, 300));
  REQUIRE_FALSE(heartbeat(8, last, 300));
  REQUIRE_FALSE(heartbeat(last, 19, 300));
  REQUIRE_FALSE(heartbeat(8, -1, 300));
  REQUIRE_FALSE(heartbeat(8, "19", 300));
  REQUIRE_FALSE(heartbeat(8, true, 300));
  REQUIRE_FALSE(heartbeat(8, std::vector<int>{19}, 300));
  REQUIRE_FALSE(heartbeat(8, 19, 300, std::vector<std::vector<int>>{{1}}));

  REQUIRE(refused({header(1, "test", 1, 2, 0, 8)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({header(1, "test", 1, 2, 14, 8)}).reason == PeerRefusal::kMalformed);
  // 256 + 8: a kind is not cut to a byte.
  REQUIRE(refused({header(1, "test", 1, 2, 264, 8, 19, 300)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({header(1, "test", 1, 2, 3, 8, 0, 6)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({header(1, "test", 1, 2, 3, 8, 6, 0)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({header(1, "test", 1, 2, 4, 8, 1)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({header(1, "test", 1, 2, 13, 8, 12, false)}).reason == PeerRefusal::kMalformed);
}

TEST_CASE("peer_message_with_more_than_it_says_is_refused") {
  const Frames heartbeat = samples::encoded(raft::Heartbeat{8, 19, 300});
  SECTION("bytes behind the first frame's array") {
    const std::string longer = std::string(heartbeat[0].view()) + '\xc0';
    REQUIRE(refused({base::SharedBytes::take(longer)}).reason == PeerRefusal::kMalformed);
  }
  SECTION("a frame more") {
    REQUIRE(refused({heartbeat[0], {}}).reason == PeerRefusal::kMalformed);
  }
}

TEST_CASE("peer_message_over_a_limit_is_refused_B16") {
  const Frames frames = samples::encoded(samples::append(samples::blocks(21, 3, 2, 5)));
  std::size_t bytes = 0;
  for (const auto& frame : frames) bytes += frame.size();

  REQUIRE(decode(frames, {.max_frames = 4, .max_bytes = bytes}).index() == 0);
  REQUIRE(refused(frames, {.max_frames = 3}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused(frames, {.max_bytes = bytes - 1}).reason == PeerRefusal::kMalformed);

  std::string list = "\x97\x01\xa4test\x01\x02\x0a\x08";
  list += std::string("\xdd\x00\x50\x00\x00", 5) + std::string(0x500000, '\0');
  const auto refusal = refused({base::SharedBytes::take(list), {}});
  REQUIRE(refusal.detail.find("first frame") != std::string::npos);
}

TEST_CASE("peer_refusals_have_distinct_names") {
  REQUIRE(codec::refusal_name(PeerRefusal::kMalformed) == "malformed");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherProtocol) == "other_protocol");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherCluster) == "other_cluster");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherReceiver) == "other_receiver");
  REQUIRE(codec::refusal_name(PeerRefusal::kOwnMessage) == "own_message");
}
