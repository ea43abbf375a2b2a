#include "raft/log.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/random.h"
#include "cluster.h"
#include "raft/durability.h"
#include "raft/election.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

// Every entry that ever counted, and where the log begins.
struct Model {
  LogPosition base;
  std::vector<Entry> entries;  // from base.index + 1 on

  [[nodiscard]] Index last_index() const { return base.index + entries.size(); }
  [[nodiscard]] std::optional<Term> term_at(Index index) const {
    if (index == base.index) return base.term;
    if (index < base.index || index > last_index()) return std::nullopt;
    return entries[index - base.index - 1].term;
  }
  [[nodiscard]] Term last_term() const { return entries.empty() ? base.term : entries.back().term; }
};

// The log and the simplest thing that could be one, through the same history.
struct Pair {
  Log log{Restored{}};
  Model model;
  // Where the checksum of the last entry is forgotten until the next append.
  bool checksum_known = true;
  base::Random random;

  explicit Pair(std::uint64_t seed) : random(seed) {}

  void append() {
    const std::uint64_t previous =
        model.entries.empty() ? model.base.checksum : model.entries.back().checksum();
    const Milliseconds time =
        model.entries.empty() ? model.base.time_ms : model.entries.back().time_ms();
    EntryBlockBuilder block(previous, std::max(time, log.last_time_ms()) + random.between(0, 3));
    const Term term = std::max<Term>(model.last_term(), 1) + random.between(0, 1);
    const Index first = model.last_index() + 1;
    for (Index index = first; index <= first + random.between(0, 3); ++index) {
      block.add(index, term, EntryKind::kCommand, bytes("some command"));
    }
    const auto entries = block.finish();
    REQUIRE(log.chains_with(entries.front(), log.last_index()));
    log.append(entries);
    model.entries.insert(model.entries.end(), entries.begin(), entries.end());
    checksum_known = true;
  }

  void truncate() {
    if (model.entries.empty()) return;
    const Index index = random.between(model.base.index + 1, model.last_index());
    checksum_known = log.in_memory(index - 1) || index - 1 == model.base.index;
    log.truncate_from(index);
    model.entries.resize(index - model.base.index - 1);
  }

  void compact() {
    const Index index = random.between(model.base.index, model.last_index());
    if (index == model.base.index) return;
    const auto kept = static_cast<std::ptrdiff_t>(index - model.base.index);
    log.compact(index);
    model.base = position_of(model.entries[static_cast<std::size_t>(kept) - 1]);
    model.entries.erase(model.entries.begin(), model.entries.begin() + kept);
    if (log.base().checksum == 0) {
      // It was on disk alone: what is not known any more is known as such.
      model.base.checksum = 0;
      model.base.time_ms = log.base().time_ms;
    }
  }

  void reset() {
    const Index index = model.last_index() + random.between(1, 9);
    model = {{index, model.last_term() + 1, random.next() | 1, log.last_time_ms() + 5}, {}};
    log.reset(model.base);
    checksum_known = true;
  }

  void evict() { log.evict(random.between(0, model.last_index()), random.between(0, 400)); }

  void compare() const {
    REQUIRE(log.base() == model.base);
    REQUIRE(log.first_index() == model.base.index + 1);
    REQUIRE(log.last_index() == model.last_index());
    REQUIRE(log.last_term() == model.last_term());
    for (Index index = 0; index <= model.last_index() + 2; ++index) {
      REQUIRE(log.term_at(index) == model.term_at(index));
    }
    std::size_t memory = 0;
    for (const Entry& entry : model.entries) {
      if (!log.in_memory(entry.index)) continue;
      REQUIRE(log.at(entry.index).checksum() == entry.checksum());
      memory += entry.record.size();
    }
    REQUIRE(log.memory_bytes() == memory);
    REQUIRE_FALSE(log.in_memory(model.base.index));
    if (!checksum_known || model.entries.empty()) return;
    REQUIRE(log.last_checksum() == model.entries.back().checksum());
    REQUIRE(log.last_time_ms() >= model.entries.back().time_ms());
  }

  // The definition, word by word.
  void compare_within() {
    const Index index = random.between(model.base.index, model.last_index() + 3);
    const Term term = random.between(model.base.term, model.last_term() + 1);
    Index expected = std::min(index, model.last_index());
    while (expected > model.base.index && *model.term_at(expected) > term) --expected;
    REQUIRE(log.last_index_within(index, term) == expected);
  }
};

}  // namespace

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

TEST_CASE("log_slice_holds_at_least_one_entry_and_no_more_bytes_than_asked_for") {
  const Log log(restored_from(log_of({1, 1, 2, 2}), {2, {}}));
  const std::size_t size = log.at(1).record.size();
  REQUIRE(log.at(4).record.size() == size);
  const auto indices = [&](Index first, Index last, std::size_t max_bytes) {
    std::vector<Index> found;
    for (const Entry& entry : log.slice(first, last, max_bytes)) found.push_back(entry.index);
    return found;
  };
  REQUIRE(indices(3, 3, 0) == std::vector<Index>{3});
  REQUIRE(indices(1, 4, size - 1) == std::vector<Index>{1});
  REQUIRE(indices(2, 4, 2 * size) == std::vector<Index>{2, 3});
  REQUIRE(indices(2, 4, 3 * size - 1) == std::vector<Index>{2, 3});
  REQUIRE(indices(1, 4, ~std::size_t{0}) == std::vector<Index>{1, 2, 3, 4});
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

TEST_CASE("log_is_what_a_list_of_entries_would_be_through_random_histories (A20)") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Pair pair(seed);
    for (int step = 0; step < 100; ++step) {
      const auto choice = pair.random.between(0, 9);
      if (choice < 5) pair.append();
      if (choice == 5) pair.truncate();
      if (choice == 6) pair.compact();
      if (choice == 7) pair.evict();
      if (choice == 8) pair.truncate();
      if (choice == 9 && step % 7 == 0) pair.reset();
      pair.compare();
      pair.compare_within();
    }
  }
}

TEST_CASE("log_starts_from_any_tail_of_what_is_stored") {
  const auto entries = log_of({1, 1, 2, 2, 3, 5, 5});
  for (Index base = 0; base <= 6; ++base) {
    for (Index first = base + 1; first <= 7; ++first) {
      Restored restored;
      if (base > 0) restored.base = position_of(entries[base - 1]);
      restored.last_index = 7;
      for (Index index = base + 1; index <= 7; ++index) {
        const Term term = entries[index - 1].term;
        if (restored.term_runs.empty() || restored.term_runs.back().term != term) {
          restored.term_runs.push_back({index, term});
        }
        if (index >= first) restored.recent.push_back(entries[index - 1]);
      }
      const Log log(restored);
      REQUIRE(log.last_term() == 5);
      REQUIRE(log.last_checksum() == entries.back().checksum());
      for (Index index = base + 1; index <= 7; ++index) {
        REQUIRE(log.term_at(index) == entries[index - 1].term);
        REQUIRE(log.in_memory(index) == (index >= first));
      }
    }
  }
}
