// What is refused of what peers send, and by which name.
#include "codec/peer_codec.h"
#include "peer_frames.h"

using namespace peer_frames;

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

  REQUIRE(taken(21, 0, UINT32_MAX, "", "", std::string(256, 'x'), true, false));
  REQUIRE_FALSE(taken(21, last, 0, "", "", "", true, false));
  REQUIRE_FALSE(taken(21, 8, std::uint64_t{1} << 32, "", "", "", true, false));
  REQUIRE_FALSE(taken(21, 8, 0, std::string(257, 'x'), "", "", true, false));
  REQUIRE_FALSE(taken(21, 8, 0, "", std::string(257, 'x'), "", true, false));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", std::string(257, 'x'), true, false));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", "", 1, false));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", "", true, 1));
  REQUIRE_FALSE(taken(21, 8, 0, "", "", "", true));
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
