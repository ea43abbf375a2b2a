// Bytes that no honest sender makes. What is held: neither parser crashes, throws or allocates
// more than the frames justify, and what a parser accepts is whole (B19).
#include "hostile_bytes.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "codec/client_codec.h"
#include "samples.h"

namespace {

std::size_t largest_allocation = 0;

}  // namespace

void* operator new(std::size_t size) {
  if (size > largest_allocation) largest_allocation = size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using codec::Frames;
using codec::PeerMessage;
using codec::Refusal;
using hostile::flipped;
using hostile::mutated;
using hostile::replaced;
using hostile::requests;

using namespace std::string_literals;

constexpr codec::ClientLimits kLimits{.max_request_bytes = 4096, .max_key_bytes = 240};
// Of one allocation while a frame of at most a few hundred bytes is read.
constexpr std::size_t kModestBytes = 64 << 10;

std::variant<PeerMessage, Refusal> decode(const Frames& frames) {
  return codec::decode_peer_message(samples::kReceiver, {}, frames);
}

bool accepted(const Frames& frames) {
  largest_allocation = 0;
  const bool taken = std::holds_alternative<PeerMessage>(decode(frames));
  REQUIRE(largest_allocation < kModestBytes);
  return taken;
}

bool accepted(const std::string& request) {
  largest_allocation = 0;
  const auto result = codec::parse_request(request, kLimits);
  REQUIRE(largest_allocation < kModestBytes);
  return std::holds_alternative<codec::Request>(result);
}

}  // namespace

TEST_CASE("hostile_truncated_first_frame_is_refused") {
  for (const auto& message : samples::messages()) {
    const Frames frames = samples::encoded(message);
    CAPTURE(raft::message_name(message));
    for (std::size_t size = 0; size < frames[0].size(); ++size) {
      REQUIRE_FALSE(accepted(replaced(frames, 0, std::string(frames[0].view().substr(0, size)))));
    }
  }
}

TEST_CASE("hostile_truncated_entries_are_a_shorter_message_or_refused") {
  const Frames frames = samples::encoded(samples::append(samples::blocks(1, 1, 3, 4)));
  const std::size_t record = frames[1].size() / 3;
  for (std::size_t size = 0; size < frames[1].size(); ++size) {
    const bool whole_records = size > 0 && size % record == 0;
    REQUIRE(accepted(replaced(frames, 1, std::string(frames[1].view().substr(0, size)))) ==
            whole_records);
  }
}

TEST_CASE("hostile_truncated_configuration_or_member_is_refused") {
  const std::vector<raft::Message> messages = {
      raft::InstallSnapshot{8, samples::snapshot_head(), 0, base::SharedBytes::copy_of("part")},
      raft::ForwardChange{8, 77, {{samples::member(4)}, {samples::member(6)}, {}, {}}}};
  for (const auto& message : messages) {
    const Frames frames = samples::encoded(message);
    CAPTURE(raft::message_name(message));
    REQUIRE(accepted(frames));
    for (std::size_t size = 0; size < frames[1].size(); ++size) {
      REQUIRE_FALSE(accepted(replaced(frames, 1, std::string(frames[1].view().substr(0, size)))));
    }
    for (std::size_t bit = 0; bit < frames[1].size() * 8; ++bit) {
      (void)accepted(replaced(frames, 1, flipped(std::string(frames[1].view()), bit)));
    }
  }
}

TEST_CASE("hostile_bit_flip_in_an_entry_is_refused") {
  const Frames frames = samples::encoded(samples::append(samples::blocks(1, 1, 3, 4)));
  for (std::size_t bit = 0; bit < frames[1].size() * 8; ++bit) {
    REQUIRE_FALSE(accepted(replaced(frames, 1, flipped(std::string(frames[1].view()), bit))));
  }
}

TEST_CASE("hostile_bit_flip_in_an_envelope_is_never_taken_as_it_was") {
  for (const auto& message : samples::messages()) {
    const Frames frames = samples::encoded(message);
    CAPTURE(raft::message_name(message));
    for (std::size_t bit = 0; bit < frames[0].size() * 8; ++bit) {
      const Frames changed = replaced(frames, 0, flipped(std::string(frames[0].view()), bit));
      if (!accepted(changed)) continue;
      // A number may have become another: whatever is taken is not what was sent.
      const auto result = decode(changed);
      const auto& back = std::get<PeerMessage>(result);
      const bool same_envelope =
          back.from == raft::Peer{samples::kSender.node, samples::kSender.identity} &&
          back.addressed == samples::kReceiver.identity;
      REQUIRE_FALSE((same_envelope && samples::encoded(back.message) == frames));
    }
  }
}

TEST_CASE("hostile_truncated_request_is_refused") {
  for (const auto& request : requests()) {
    REQUIRE(accepted(request));
    for (std::size_t size = 0; size < request.size(); ++size) {
      REQUIRE_FALSE(accepted(request.substr(0, size)));
    }
  }
}

TEST_CASE("hostile_bit_flip_in_a_request_is_survived") {
  for (const auto& request : requests()) {
    for (std::size_t bit = 0; bit < request.size() * 8; ++bit) accepted(flipped(request, bit));
  }
}

TEST_CASE("hostile_declared_sizes_allocate_nothing_B19") {
  const std::vector<std::string> giants = {
      "\xdd\xff\xff\xff\xff"s,
      "\xdf\xff\xff\xff\xff"s,
      "\xdb\xff\xff\xff\xff"s,
      "\xc6\xff\xff\xff\xff"s,
      "\xc9\xff\xff\xff\xff\x01"s,
      "\xc9\xff\xff\xff\xfe\x01"s,
      "\xdc\xff\xff"s,
      "\xde\xff\xff"s,
      "\xda\xff\xff"s,
      "\xc5\xff\xff"s,
      "\xc8\xff\xff\x01"s,
  };
  for (const auto& giant : giants) {
    CAPTURE(giant);
    REQUIRE_FALSE(accepted(giant));
    REQUIRE_FALSE(accepted("\x81\xa2op" + giant));
    REQUIRE_FALSE(accepted("\x82\xa2id" + giant));
    REQUIRE_FALSE(accepted("\x82\xa2op\xa6replay\xa6topics" + giant));
    REQUIRE_FALSE(
        accepted("\x82\xa2op\xa6"
                 "change\xa3"
                 "add" +
                 giant));
    REQUIRE_FALSE(
        accepted("\x82\xa2op\xa6"
                 "change\xa3"
                 "add\x91" +
                 giant));
    REQUIRE_FALSE(
        accepted("\x82\xa2op\xa6"
                 "change\xa6remove" +
                 giant));
    REQUIRE_FALSE(accepted("\x82" + giant));
    for (const auto& prefix : {""s, "\x9a"s, "\x9a\x02"s, "\x9a\x02\xa4test\x01\x02"s,
                               "\x9a\x02\xa4test\x01\x02\x0a\xcd\x03\xe9\xcd\x03\xea\x08"s}) {
      const auto frame = base::SharedBytes::copy_of(prefix + giant);
      REQUIRE_FALSE(accepted(Frames{frame, {}}));
    }
  }
}

TEST_CASE("hostile_nesting_is_refused_before_it_costs_anything") {
  for (const std::size_t levels : {16U, 100U, 4000U}) {
    for (const char open : {'\x91', '\x81'}) {
      const std::string deep(levels, open);
      REQUIRE_FALSE(accepted(deep));
      REQUIRE_FALSE(accepted("\x82\xa2id" + deep + "\xc0\xa2op\xa6status"));
      REQUIRE_FALSE(accepted(Frames{base::SharedBytes::copy_of(deep)}));
      REQUIRE_FALSE(
          accepted(Frames{base::SharedBytes::copy_of("\x9a\x02\xa4test\x01\x02" + deep)}));
    }
  }
}

TEST_CASE("hostile_members_without_end_are_refused_within_bounds") {
  // One byte each, so that the frame declares 800 times what is kept of it.
  REQUIRE_FALSE(
      accepted("\x82\xa2op\xa6"
               "change\xa3"
               "add\xdc\x0f\x00"s +
               std::string(0xf00, '\x80')));
  REQUIRE_FALSE(
      accepted("\x82\xa2op\xa6"
               "change\xa6remove\xdc\x0f\x00"s +
               std::string(0xf00, '\x05')));
}

TEST_CASE("hostile_random_frames_are_refused") {
  base::Random random(19);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random.between(0, 64), '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random.next());
    REQUIRE_FALSE(accepted(bytes));
    REQUIRE_FALSE(accepted(Frames{base::SharedBytes::take(bytes)}));
  }
}

TEST_CASE("hostile_mutations_are_refused_or_whole") {
  base::Random random(20);
  std::vector<Frames> originals;
  for (const auto& message : samples::messages()) originals.push_back(samples::encoded(message));
  const auto valid_requests = requests();
  std::size_t taken = 0;
  for (int i = 0; i < 30'000; ++i) {
    const Frames& original = originals[random.between(0, originals.size() - 1)];
    const std::size_t position = random.between(0, original.size() - 1);
    const Frames frames =
        replaced(original, position, mutated(random, std::string(original[position].view())));
    if (accepted(frames)) {
      // What was taken is a message in full: it can be sent on and is taken again.
      const auto result = decode(frames);
      REQUIRE(accepted(samples::encoded(std::get<PeerMessage>(result).message)));
      ++taken;
    }
    accepted(mutated(random, valid_requests[random.between(0, valid_requests.size() - 1)]));
  }
  REQUIRE(taken > 0);  // some mutations only change a number: both ways are walked
}
