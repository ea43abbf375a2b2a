#include "codec/peer_codec.h"

#include <sstream>

#include "peer_frames.h"

namespace {

using namespace peer_frames;

// A first frame as text: [2,"test",1,2,8,…].
std::string layout(const base::SharedBytes& frame) {
  std::ostringstream text;
  text << msgpack::unpack(reinterpret_cast<const char*>(frame.data()), frame.size()).get();
  std::string layout = text.str();
  for (auto at = layout.find("\\/"); at != std::string::npos; at = layout.find("\\/")) {
    layout.erase(at, 1);
  }
  return layout;
}

}  // namespace

TEST_CASE("peer_message_returns_as_it_was_sent") {
  for (const auto& message : samples::messages()) {
    CAPTURE(raft::message_name(message));
    const Frames frames = samples::encoded(message);
    auto result = decode(frames);
    REQUIRE(std::holds_alternative<PeerMessage>(result));
    const auto& back = std::get<PeerMessage>(result);
    REQUIRE(back.from == raft::Peer{kSender.node, kSender.identity});
    REQUIRE(back.addressed == kReceiver.identity);
    REQUIRE(back.message.index() == message.index());
    REQUIRE(samples::encoded(back.message) == frames);
  }
}

TEST_CASE("peer_layout_is_the_documented_one") {
  const auto envelope = [](int kind) {
    return R"([2,"test",1,2,)" + std::to_string(kind) + ",1001,1002,";
  };
  const std::vector<std::string> expected = {
      envelope(1) + R"(7,8,20,6])",
      envelope(1) + R"(0,1,0,0])",
      envelope(2) + R"(7,8,true])",
      envelope(3) + R"(8,20,6,false])",
      envelope(3) + R"(8,20,6,true])",
      envelope(4) + R"(8,false])",
      envelope(5) + R"(8,20,6,19])",
      envelope(5) + R"(9,0,0,3])",
      envelope(5) + R"(9,20,5,3])",
      envelope(6) + R"(8,26])",
      envelope(7) + R"(8,20,15,4])",
      envelope(8) + R"(8,19,300])",
      envelope(9) + R"(8,300,26])",
      envelope(10) + R"(8,[1001,3,1002,0,1003,1]])",
      envelope(10) + R"(8,[1099511627776,5]])",
      envelope(10) + R"(8,[]])",
      envelope(11) + R"(8,[1001,27,1003,28],[1004,1005],[1006]])",
      envelope(11) + R"(8,[],[],[]])",
      envelope(12) + R"(8,12])",
      envelope(13) + R"(8,12,26])",
      envelope(13) + R"(8,13,null])",
      envelope(14) + R"(8])",
      envelope(15) + R"(8,40,7,18369618753251835629,12345,1000,99,3,100])",
      envelope(15) + R"(8,40,7,18369618753251835629,12345,1000,99,3,0])",
      envelope(16) + R"(8,40,106,894,70])",
      envelope(17) + R"(8,77,[3],[1,2]])",
      envelope(17) + R"(8,78,[],[1]])",
      envelope(18) + R"(8,77,41,0,""])",
      envelope(18) + R"(8,77,null,3,"No."])",
      envelope(19) + R"(8,79,3])",
      envelope(19) + R"(8,80,null])",
      envelope(20) + R"(8,79,1,"Later."])",
      envelope(21) +
          R"(0,7,"tcp://127.0.0.1:3111","tcp://127.0.0.1:4111","tcp://127.0.0.1:5111",true,true])",
      envelope(21) +
          R"(8,7,"tcp://127.0.0.1:3111","tcp://127.0.0.1:4111","tcp://127.0.0.1:5111",false,false])",
      envelope(22) + R"(8,1152921504606846976,20])",
      envelope(23) + R"(8,1152921504606846976,26])",
      envelope(24) + "8,2]",
      envelope(25) + R"(8,4,"No room.",[1004,1005]])",
      envelope(26) + "8,19]",
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
  const Frames frames = samples::encoded(messages[13]);
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
  const auto with = [](const List& list) { return message(10, 8, list); };
  REQUIRE(std::holds_alternative<PeerMessage>(decode({with({5, 1, 6, 3}), body})));

  REQUIRE(refused({with({5, 1, 6, 4}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 1, 6, 2}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 1, 6}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 2, 6, ~std::uint64_t{0}}), body}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 4})}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({with({5, 2, 6, 2}), body, body}).reason == PeerRefusal::kMalformed);
}
