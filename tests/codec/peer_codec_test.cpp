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

template <typename... Fields>
base::SharedBytes header(const Fields&... fields) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, std::make_tuple(fields...));
  return base::SharedBytes::copy_of({buffer.data(), buffer.size()});
}

base::SharedBytes bytes_of(std::string_view text) { return base::SharedBytes::copy_of(text); }

constexpr int kHeartbeat = 8;

// From node 1 to node 2, as their identities are.
template <typename... Fields>
base::SharedBytes message(int kind, const Fields&... fields) {
  return header(2, "test", 1, 2, kind, kSender.identity, kReceiver.identity, fields...);
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
      envelope(11) + R"(8,[1001,27,1003,28],[1004,1005]])",
      envelope(11) + R"(8,[],[]])",
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
          R"(0,7,"tcp://127.0.0.1:3111","tcp://127.0.0.1:4111","tcp://127.0.0.1:5111",true])",
      envelope(21) +
          R"(8,7,"tcp://127.0.0.1:3111","tcp://127.0.0.1:4111","tcp://127.0.0.1:5111",false])",
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

TEST_CASE("peer_refusal_is_named_after_its_cause_A29_B14") {
  SECTION("another protocol, whatever follows") {
    REQUIRE(refused({header(1)}).reason == PeerRefusal::kOtherProtocol);
    REQUIRE(refused({header(-1, "test")}).reason == PeerRefusal::kOtherProtocol);
    REQUIRE(refused({header(1, "other", 2, 2)}).reason == PeerRefusal::kOtherProtocol);
    REQUIRE(refused({header(1, 1.5, std::map<int, int>{})}).reason == PeerRefusal::kOtherProtocol);
    const auto cut = base::SharedBytes::copy_of("\x95\x01\xa4te");
    REQUIRE(refused({cut}).reason == PeerRefusal::kOtherProtocol);
  }
  SECTION("another cluster, whatever follows") {
    REQUIRE(refused({header(2, "other", 1, 2, kHeartbeat, 8, 19, 300)}).reason ==
            PeerRefusal::kOtherCluster);
    REQUIRE(refused({header(2, "", 2, 2)}).reason == PeerRefusal::kOtherCluster);
    REQUIRE(refused({header(2, "tes", 1.5)}).reason == PeerRefusal::kOtherCluster);
  }
  SECTION("another receiver, then the own message") {
    REQUIRE(refused({header(2, "test", 1, 3, kHeartbeat, 8, 19, 300)}).reason ==
            PeerRefusal::kOtherReceiver);
    REQUIRE(refused({header(2, "test", 2, 3)}).reason == PeerRefusal::kOtherReceiver);
    REQUIRE(refused({header(2, "test", 2, 2, kHeartbeat, 8, 19, 300)}).reason ==
            PeerRefusal::kOwnMessage);
  }
  SECTION("what is no envelope at all") {
    REQUIRE(refused({}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({{}}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header()}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header("1", "test", 1, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, 7, 1, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, "test", 0, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, "test", 1, 0)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, "test", 1, 2)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, "test", 1, 2, "8", 1001, 1002, 8)}).reason ==
            PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, "test", 1, 2, kHeartbeat)}).reason == PeerRefusal::kMalformed);
    REQUIRE(refused({header(2, "test", 1, 2, kHeartbeat, "1001", 1002, 8, 19, 300)}).reason ==
            PeerRefusal::kMalformed);
  }
  SECTION("a name from outside is made printable") {
    const auto refusal = refused({header(2, std::string("a\x1b[31m\n") + std::string(999, 'z'))});
    REQUIRE(refusal.detail.find("a?[31m?zzz") != std::string::npos);
    REQUIRE(refusal.detail.size() < 200);
  }
}

TEST_CASE("peer_field_of_wrong_number_type_or_range_is_refused") {
  const auto last = ~std::uint64_t{0};
  const auto heartbeat = [](const auto&... fields) {
    return decode({message(kHeartbeat, fields...)}).index() == 0;
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

  REQUIRE(refused({message(0, 8)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({message(24, 8)}).reason == PeerRefusal::kMalformed);
  // 256 + 8: a kind is not cut to a byte.
  REQUIRE(refused({message(264, 8, 19, 300)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({message(3, 8, 0, 6, false)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({message(3, 8, 6, 0, false)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({message(4, 8, 1)}).reason == PeerRefusal::kMalformed);
  REQUIRE(refused({message(13, 8, 12, false)}).reason == PeerRefusal::kMalformed);
}

TEST_CASE("peer_message_for_another_data_directory_is_refused_but_a_hello_A28") {
  const raft::Peer lost{kReceiver.node, 999};
  for (const auto& each : samples::messages()) {
    CAPTURE(raft::message_name(each));
    const auto result = decode(codec::encode_peer_message(kSender, lost, each));
    if (std::holds_alternative<raft::Hello>(each)) {
      REQUIRE(std::get<PeerMessage>(result).addressed == 999);
    } else {
      REQUIRE(std::get<Refusal>(result).reason == PeerRefusal::kOtherIdentity);
    }
  }
}

TEST_CASE("peer_hello_is_about_its_sender") {
  const auto hello =
      std::get<raft::Hello>(decoded(samples::encoded(raft::Hello{8, samples::member(7)})));
  REQUIRE(hello.self.id == kSender.node);
  REQUIRE(hello.self.identity == kSender.identity);
  REQUIRE(hello.self.peer == samples::member(7).peer);
}

TEST_CASE("install_snapshot_agrees_with_itself_A23_A24") {
  raft::InstallSnapshot part{8, samples::snapshot_head(), 1066, bytes_of("a part")};
  Frames frames = samples::encoded(part);
  const auto back = std::get<raft::InstallSnapshot>(decoded(frames));
  REQUIRE(back.head == part.head);
  REQUIRE(back.offset == 1066);
  REQUIRE(back.bytes.data() == frames[2].data());

  SECTION("no term") { part.term = 0; }
  SECTION("no index") { part.head.last.index = 0; }
  SECTION("no term of the last entry") { part.head.last.term = 0; }
  SECTION("a later term than the message's") { part.head.last.term = 9; }
  SECTION("a part beyond the size") { part.offset = 1067; }
  SECTION("an offset beyond the size") {
    part.offset = 1073;
    part.bytes = {};
  }
  SECTION("fewer blocks than its size needs") { part.head.blocks = 0; }
  SECTION("a block without a byte") { part.head.blocks = 1001; }
  SECTION("a table that is large beside its content") {
    part.head.size = 1 << 30;
    part.head.blocks = 1 << 20;
  }
  SECTION("a size beyond every position") { part.head.size = ~std::uint64_t{0}; }
  SECTION("a time beyond every position") { part.head.last.time_ms = ~std::uint64_t{0}; }
  REQUIRE(refused(samples::encoded(part)).reason == PeerRefusal::kMalformed);
}

TEST_CASE("install_snapshot_has_a_configuration_and_one_part_A24") {
  Frames frames = samples::encoded(raft::InstallSnapshot{8, samples::snapshot_head(), 0, {}});
  REQUIRE(frames.size() == 3);
  SECTION("no part") { frames.pop_back(); }
  SECTION("two parts") { frames.push_back({}); }
  SECTION("no configuration") { frames[1] = {}; }
  SECTION("a configuration with a byte more") {
    frames[1] = bytes_of(std::string(frames[1].view()) + '\0');
  }
  SECTION("a configuration that names a voter who is no member") {
    std::string bytes(frames[1].view());
    // Behind the members: one voter, of whom this is the first byte.
    const auto voters = raft::encode_members(samples::snapshot_head().configuration.members).size();
    bytes[voters + 2] = 9;
    frames[1] = bytes_of(bytes);
  }
  REQUIRE(refused(frames).reason == PeerRefusal::kMalformed);
}

TEST_CASE("forward_change_with_a_defect_is_refused") {
  const raft::ForwardChange change{8, 77, {{samples::member(4)}, {samples::member(6)}, {3}, {1}}};
  Frames frames = samples::encoded(change);
  REQUIRE(std::get<raft::ForwardChange>(decoded(frames)).change == change.change);
  using List = std::vector<std::uint64_t>;
  const auto with = [&](const auto&... fields) {
    return Frames{message(17, fields...), frames[1], frames[2]};
  };
  REQUIRE(decode(with(8, 77, List{3}, List{1})).index() == 0);

  SECTION("no term") { frames = with(0, 77, List{3}, List{1}); }
  SECTION("no list") { frames = with(8, 77, List{3}); }
  SECTION("a number for a list") { frames = with(8, 77, 3, List{1}); }
  SECTION("more nodes than members can be") { frames = with(8, 77, List(65, 3), List{1}); }
  SECTION("more nodes to go than members can be") { frames = with(8, 77, List{3}, List(65, 3)); }
  SECTION("a frame less") { frames.pop_back(); }
  SECTION("a frame more") { frames.push_back(frames[2]); }
  SECTION("members cut off") {
    frames[1] = bytes_of(frames[1].view().substr(0, frames[1].size() - 1));
  }
  SECTION("a member with id 0") {
    frames[2] = raft::encode_members(std::vector{samples::member(0)});
  }
  REQUIRE(refused(frames).reason == PeerRefusal::kMalformed);
}

TEST_CASE("peer_field_of_a_new_kind_of_wrong_number_type_or_range_is_refused") {
  const auto taken = [](int kind, const auto&... fields) {
    return decode({message(kind, fields...)}).index() == 0;
  };
  const auto last = ~std::uint64_t{0};
  const auto nil = msgpack::type::nil_t();
  REQUIRE(taken(14, 8));
  REQUIRE_FALSE(taken(14));
  REQUIRE_FALSE(taken(14, 0));
  REQUIRE_FALSE(taken(14, 8, 1));

  REQUIRE(taken(16, 8, 40, 0, 0, 0));
  REQUIRE_FALSE(taken(16, 0, 40, 0, 0, 0));
  REQUIRE_FALSE(taken(16, 8, 0, 0, 0, 0));
  REQUIRE_FALSE(taken(16, 8, 40, last, 0, 0));
  REQUIRE_FALSE(taken(16, 8, 40, 0, last, 0));
  REQUIRE_FALSE(taken(16, 8, 40, 0, 0, last));
  REQUIRE_FALSE(taken(16, 8, 40, 0, 0));

  REQUIRE(taken(18, 8, last, 41, 3, "No."));
  REQUIRE(taken(18, 8, 77, nil, 3, std::string(1024, 'x')));
  REQUIRE_FALSE(taken(18, 0, 77, 41, 3, "No."));
  REQUIRE_FALSE(taken(18, 8, 77, false, 3, "No."));
  REQUIRE_FALSE(taken(18, 8, 77, last, 3, "No."));
  REQUIRE(taken(18, 8, 77, 41, 4, "No."));
  REQUIRE_FALSE(taken(18, 8, 77, 41, 5, "No."));
  REQUIRE_FALSE(taken(18, 8, 77, 41, 256, "No."));
  REQUIRE_FALSE(taken(18, 8, 77, 41, nil, "No."));
  REQUIRE_FALSE(taken(18, 8, 77, 41, 3, 7));
  REQUIRE_FALSE(taken(18, 8, 77, 41, 3, std::string(1025, 'x')));
  REQUIRE_FALSE(taken(18, 8, 77, 41, 3));

  REQUIRE(taken(19, 8, 79, nil));
  REQUIRE_FALSE(taken(19, 0, 79, 3));
  REQUIRE_FALSE(taken(19, 8, 79));
  REQUIRE_FALSE(taken(19, 8, 79, "3"));

  REQUIRE(taken(20, 8, 79, 0, ""));
  REQUIRE_FALSE(taken(20, 0, 79, 0, ""));
  REQUIRE_FALSE(taken(20, 8, 79, 5, ""));
  REQUIRE_FALSE(taken(20, 8, 79, 0, std::string(1025, 'x')));

  REQUIRE(taken(21, 0, UINT32_MAX, "", "", std::string(256, 'x'), true));
  REQUIRE_FALSE(taken(21, last, 0, "", "", "", true));
  REQUIRE_FALSE(taken(21, 8, std::uint64_t{1} << 32, "", "", "", true));
  REQUIRE_FALSE(taken(21, 8, 0, std::string(257, 'x'), "", "", true));
  REQUIRE_FALSE(taken(21, 8, 0, "", std::string(257, 'x'), "", true));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", std::string(257, 'x'), true));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", "", 1));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", ""));

  REQUIRE(taken(24, 8, 0));
  REQUIRE(taken(24, 8, 2));
  REQUIRE_FALSE(taken(24, 0, 2));
  REQUIRE_FALSE(taken(24, 8, 3));
  REQUIRE_FALSE(taken(24, 8));

  const std::vector<std::uint64_t> requests{77, last};
  REQUIRE(taken(25, 8, 4, "No room.", requests));
  REQUIRE(taken(25, 8, 0, "", std::vector<std::uint64_t>()));
  REQUIRE_FALSE(taken(25, 0, 4, "No room.", requests));
  REQUIRE_FALSE(taken(25, 8, 5, "No room.", requests));
  REQUIRE_FALSE(taken(25, 8, 4, std::string(1025, 'x'), requests));
  REQUIRE_FALSE(taken(25, 8, 4, "No room.", 77));
  REQUIRE_FALSE(taken(25, 8, 4, "No room."));

  REQUIRE_FALSE(taken(3, 8, 20, 6));
  REQUIRE_FALSE(taken(3, 8, 20, 6, 1));
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

  std::string list = "\x9a\x02\xa4test\x01\x02\x0a\xcd\x03\xe9\xcd\x03\xea\x08";
  list += std::string("\xdd\x00\x50\x00\x00", 5) + std::string(0x500000, '\0');
  const auto refusal = refused({base::SharedBytes::take(list), {}});
  REQUIRE(refusal.detail.find("first frame") != std::string::npos);
}

TEST_CASE("peer_refusals_have_distinct_names") {
  REQUIRE(codec::refusal_name(PeerRefusal::kMalformed) == "malformed");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherProtocol) == "other_protocol");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherCluster) == "other_cluster");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherReceiver) == "other_receiver");
  REQUIRE(codec::refusal_name(PeerRefusal::kOtherIdentity) == "other_identity");
  REQUIRE(codec::refusal_name(PeerRefusal::kOwnMessage) == "own_message");
}
