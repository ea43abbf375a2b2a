#include "raft/log.h"

#include <catch2/catch.hpp>

#include "cluster.h"
#include "raft/durability.h"
#include "raft/election.h"

using raft::Log;
using raft::log_of;
using raft::restored_from;
using raft::Term;

TEST_CASE("entry_survives_encoding_and_every_flipped_bit_is_noticed") {
  const auto entries = log_of({1, 1, 2});
  std::string block;
  for (const auto& entry : entries) block += entry.record.view();
  const auto decoded = raft::decode_entries(raft::bytes(block));
  REQUIRE(decoded);
  REQUIRE(decoded->size() == 3);
  REQUIRE(decoded->at(2).payload().view() == "3/2");
  for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
    std::string flipped = block;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    REQUIRE_FALSE(raft::decode_entries(raft::bytes(flipped)).ok());
  }
}

TEST_CASE("entry_every_truncation_is_noticed") {
  const std::string record(log_of({1}).front().record.view());
  for (std::size_t size = 0; size < record.size(); ++size) {
    REQUIRE_FALSE(raft::decode_entry(raft::bytes(record.substr(0, size))).ok());
  }
}

TEST_CASE("entry_run_with_a_gap_is_refused (A21)") {
  const auto entries = log_of({1, 1, 1});
  std::string block(entries[0].record.view());
  block += entries[2].record.view();
  REQUIRE_FALSE(raft::decode_entries(raft::bytes(block)).ok());
}

TEST_CASE("log_compacted_and_missing_terms_match_nothing (A20)") {
  auto restored = restored_from(log_of({1, 1, 2, 2, 3}), {3, {}});
  restored.base = raft::position_of(restored.recent[1]);
  restored.term_runs = {{3, 2}, {5, 3}};
  restored.recent.erase(restored.recent.begin(), restored.recent.begin() + 2);
  const Log log(restored);
  REQUIRE(log.term_at(2) == Term{1});  // the base is known
  REQUIRE_FALSE(log.term_at(1));
  REQUIRE_FALSE(log.term_at(0));
  REQUIRE_FALSE(log.matches(1, 0));
  REQUIRE(log.term_at(4) == Term{2});
  REQUIRE(log.term_at(5) == Term{3});
  REQUIRE_FALSE(log.term_at(6));
}

TEST_CASE("log_last_index_within_skips_whole_terms") {
  const Log log(restored_from(log_of({1, 1, 1, 4, 4, 6}), {6, {}}));
  REQUIRE(log.last_index_within(6, 6) == 6);
  REQUIRE(log.last_index_within(100, 5) == 5);
  REQUIRE(log.last_index_within(5, 3) == 3);
  REQUIRE(log.last_index_within(2, 9) == 2);
  REQUIRE(log.last_index_within(6, 0) == 0);
}

TEST_CASE("log_eviction_keeps_terms_and_the_last_entry") {
  Log log(restored_from(log_of({1, 1, 2, 2}), {2, {}}));
  log.evict(4, 0);
  REQUIRE_FALSE(log.in_memory(3));
  REQUIRE(log.in_memory(4));
  REQUIRE(log.term_at(1) == Term{1});
  REQUIRE(log.memory_bytes() == log.at(4).record.size());
}

TEST_CASE("log_up_to_date_compares_terms_first_then_length (5.4.1, A9)") {
  // Exhaustive: all pairs of small logs, against the rule as the paper words it.
  const std::vector<std::vector<Term>> logs = {
      {}, {1}, {1, 1}, {1, 2}, {2}, {2, 2}, {1, 1, 1}, {1, 1, 2}, {1, 2, 2}, {1, 2, 3}, {3}};
  for (const auto& mine : logs) {
    const Log log(restored_from(log_of(mine), {3, {}}));
    for (const auto& theirs : logs) {
      const Term their_term = theirs.empty() ? 0 : theirs.back();
      const Term my_term = mine.empty() ? 0 : mine.back();
      const bool expected =
          their_term > my_term || (their_term == my_term && theirs.size() >= mine.size());
      REQUIRE(raft::is_up_to_date(log, theirs.size(), their_term) == expected);
    }
  }
}

TEST_CASE("durability_a_late_sync_credits_nothing_that_was_replaced (A14)") {
  raft::Durability durability(0);
  const auto first = durability.order(10, false, 0);
  durability.truncate_from(5);
  const auto second = durability.order(8, false, 0);
  REQUIRE(durability.on_persisted(first));
  REQUIRE(durability.durable_index() == 4);
  REQUIRE(durability.on_persisted(second));
  REQUIRE(durability.durable_index() == 8);
  REQUIRE_FALSE(durability.on_persisted(second));
}

TEST_CASE("durability_the_same_entries_written_again_count_from_their_second_sync (A14)") {
  // 5 is written, replaced, and written again as it was: between the two it is not on disk.
  raft::Durability durability(4);
  const auto first = durability.order(5, false, 0);
  durability.truncate_from(5);
  const auto second = durability.order(5, false, 0);
  durability.truncate_from(5);
  const auto third = durability.order(5, false, 0);
  REQUIRE(durability.on_persisted(first));
  REQUIRE(durability.on_persisted(second));
  REQUIRE(durability.durable_index() == 4);
  REQUIRE(durability.on_persisted(third));
  REQUIRE(durability.durable_index() == 5);
}
