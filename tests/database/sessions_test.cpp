#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "database/database.h"
#include "database/memory_store.h"
#include "database/snapshot_format.h"
#include "support.h"

namespace database {
namespace {

using test::apply_in_batches;
using test::in_memory;
using test::Log;
using test::on_each_store;
using test::random_session_log;
using test::snapshot_of;

const SetCommand kBlue = {"colour", "blue"};

bool is_expired(const Outcome& outcome) { return std::holds_alternative<SessionExpired>(outcome); }
bool is_too_old(const Outcome& outcome) { return std::holds_alternative<SeqTooOld>(outcome); }
bool is_full(const Outcome& outcome) { return std::holds_alternative<SessionsFull>(outcome); }

TEST_CASE("session_is_named_by_the_index_that_opened_it") {
  Database database("sessions", in_memory());
  Log log;
  log.no_operation().open_session(100, 10).open_session(100, 10);
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.outcomes[1] == Outcome(SessionOpened{2}));
  REQUIRE(applied.outcomes[2] == Outcome(SessionOpened{3}));
  REQUIRE(applied.broadcasts.empty());
  REQUIRE(database.session_count() == 2);
}

// A25: the second entry of a request has the first one's outcome and index, and no effect.
TEST_CASE("session_repeat_has_the_first_outcome_and_no_effect") {
  on_each_store([](const auto& directory, const Options& options) {
    Database database(directory, options);
    Log log;
    log.open_session(100, 10).in_session(1, 1, kBlue).set("colour", "red");
    log.in_session(1, 2, DeleteCommand{"colour"}).in_session(1, 3, PublishCommand{"news", "x"});
    const auto first = database.apply(log.entries());
    REQUIRE(first.effect_indices == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
    REQUIRE(first.broadcasts.size() == 4);
    Log again(5);
    again.in_session(1, 3, PublishCommand{"news", "x"}).in_session(1, 2, DeleteCommand{"colour"});
    again.in_session(1, 1, kBlue).in_session(1, 1, kBlue);
    const auto second = database.apply(again.entries());
    REQUIRE(second.outcomes == std::vector<Outcome>{PublishOutcome{1}, DeleteOutcome{true},
                                                    SetOutcome{1}, SetOutcome{1}});
    REQUIRE(second.effect_indices == std::vector<std::uint64_t>{5, 4, 2, 2});
    REQUIRE(second.broadcasts.empty());
    REQUIRE_FALSE(database.get("colour"));
  });
}

TEST_CASE("session_repeat_within_one_batch_has_no_effect") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 10).in_session(1, 1, kBlue).in_session(1, 1, kBlue).set("colour", "red");
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.outcomes[2] == Outcome(SetOutcome{1}));
  REQUIRE(applied.outcomes[3] == Outcome(SetOutcome{2}));
  REQUIRE(applied.effect_indices[2] == 2);
  REQUIRE(applied.broadcasts.size() == 2);
}

TEST_CASE("session_broadcast_shares_the_buffer_of_its_entry") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 10).in_session(1, 1, kBlue);
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.broadcasts.at(0).payload.owner() == log.entries()[1].command->owner());
  REQUIRE(applied.broadcasts.at(0).payload.view() == "blue");
}

TEST_CASE("session_unknown_or_closed_has_no_effect") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 10).in_session(7, 1, kBlue).close_session(1).in_session(1, 1, kBlue);
  log.close_session(1).close_session(0);
  const auto applied = database.apply(log.entries());
  REQUIRE(is_expired(applied.outcomes[1]));
  REQUIRE(applied.outcomes[2] == Outcome(SessionClosed{true}));
  REQUIRE(is_expired(applied.outcomes[3]));
  REQUIRE(applied.outcomes[4] == Outcome(SessionClosed{false}));
  REQUIRE(applied.outcomes[5] == Outcome(SessionClosed{false}));
  REQUIRE(applied.broadcasts.empty());
  REQUIRE_FALSE(database.get("colour"));
  REQUIRE(database.session_count() == 0);
}

TEST_CASE("session_expires_when_the_log_is_later_than_its_timeout") {
  on_each_store([](const auto& directory, const Options& options) {
    Database database(directory, options);
    Log log;
    log.at_ms(1000).open_session(100, 10).open_session(101, 10).at_ms(1100).no_operation();
    (void)database.apply(log.entries());
    REQUIRE(database.session_count() == 2);
    (void)database.apply(Log(3, 1101).no_operation().entries());
    REQUIRE(database.session_count() == 1);
    Log late(4, 1101);
    late.in_session(1, 1, kBlue).in_session(2, 1, kBlue);
    const auto applied = database.apply(late.entries());
    REQUIRE(is_expired(applied.outcomes[0]));
    REQUIRE(applied.outcomes[1] == Outcome(SetOutcome{1}));
    REQUIRE(applied.broadcasts.size() == 1);
    REQUIRE(database.log_time_ms() == 1101);
  });
}

TEST_CASE("session_command_at_a_late_time_finds_it_expired") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 10).at_ms(101).in_session(1, 1, kBlue);
  REQUIRE(is_expired(database.apply(log.entries()).outcomes[1]));
}

TEST_CASE("session_is_renewed_by_every_command_under_it") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 10);
  log.at_ms(100).in_session(1, 2000, kBlue);
  log.at_ms(200).in_session(1, 2000, kBlue);  // a repeat
  log.at_ms(300).in_session(1, 1, kBlue);     // too old
  log.at_ms(400).in_session(1, 2001, kBlue).at_ms(501).in_session(1, 2001, kBlue);
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.outcomes[2] == Outcome(SetOutcome{1}));
  REQUIRE(is_too_old(applied.outcomes[3]));
  REQUIRE(applied.outcomes[4] == Outcome(SetOutcome{2}));
  REQUIRE(is_expired(applied.outcomes[5]));
}

TEST_CASE("session_of_the_longest_timeout_never_expires") {
  Database database("sessions", in_memory());
  constexpr std::uint64_t kEnd = ~std::uint64_t{0};
  Log log;
  log.at_ms(5).open_session(kEnd, 10).at_ms(kEnd).in_session(1, kEnd, kBlue);
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.outcomes[1] == Outcome(SetOutcome{1}));
  REQUIRE(database.session_count() == 1);
}

TEST_CASE("session_beyond_the_bound_is_refused_and_no_live_one_ends") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 2).at_ms(10).open_session(100, 2).open_session(100, 2);
  log.open_session(100, 3).open_session(100, 0);
  const auto applied = database.apply(log.entries());
  REQUIRE(is_full(applied.outcomes[2]));
  REQUIRE(applied.outcomes[3] == Outcome(SessionOpened{4}));
  REQUIRE(is_full(applied.outcomes[4]));
  REQUIRE(database.session_count() == 3);
  Log later(5, 10);
  later.close_session(4).open_session(100, 3).open_session(100, 3);
  later.at_ms(101).open_session(100, 3);  // the first one has expired
  const auto after = database.apply(later.entries());
  REQUIRE(after.outcomes[1] == Outcome(SessionOpened{7}));
  REQUIRE(is_full(after.outcomes[2]));
  REQUIRE(after.outcomes[3] == Outcome(SessionOpened{9}));
}

TEST_CASE("session_count_is_bounded_whatever_a_command_allows") {
  Database database("sessions", in_memory());
  Log log;
  for (std::uint64_t i = 0; i < kMaxSessions + 1; ++i) log.open_session(100, ~std::uint64_t{0});
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.outcomes[kMaxSessions - 1] == Outcome(SessionOpened{kMaxSessions}));
  REQUIRE(is_full(applied.outcomes[kMaxSessions]));
}

TEST_CASE("session_requests_may_come_out_of_order") {
  Database database("sessions", in_memory());
  Log log;
  log.open_session(100, 10).in_session(1, 5, kBlue).in_session(1, 3, kBlue);
  log.in_session(1, 4, kBlue).in_session(1, 3, kBlue).in_session(1, 5, kBlue);
  const auto applied = database.apply(log.entries());
  REQUIRE(applied.effect_indices == std::vector<std::uint64_t>{1, 2, 3, 4, 3, 2});
  REQUIRE(applied.outcomes[4] == Outcome(SetOutcome{2}));
  REQUIRE(database.get("colour")->version == 3);
}

TEST_CASE("session_window_ends_behind_the_newest_seqs") {
  on_each_store([](const auto& directory, const Options& options) {
    Database database(directory, options);
    Log log;
    log.open_session(100, 10).in_session(1, 1, kBlue).in_session(1, 2, kBlue);
    log.in_session(1, kSessionWindow, kBlue).in_session(1, 1, kBlue);
    REQUIRE(database.apply(log.entries()).effect_indices[4] == 2);
    Log more(5);
    more.in_session(1, kSessionWindow + 1, kBlue).in_session(1, 1, kBlue).in_session(1, 2, kBlue);
    const auto applied = database.apply(more.entries());
    REQUIRE(is_too_old(applied.outcomes[1]));
    REQUIRE(applied.outcomes[2] == Outcome(SetOutcome{2}));
    // A seq left out takes the place of one that left the window.
    Log jump(8);
    jump.in_session(1, kSessionWindow + 10, kBlue).in_session(1, kSessionWindow + 2, kBlue);
    jump.in_session(1, kSessionWindow + 2, kBlue).in_session(1, 2, kBlue);
    const auto after = database.apply(jump.entries());
    REQUIRE(after.effect_indices == std::vector<std::uint64_t>{9, 10, 10, 12});
    REQUIRE(is_too_old(after.outcomes[3]));
  });
}

std::size_t records_on_disk(const Options& options) {
  return options.memory_image->content.tables[position(Family::kSessions)]->size();
}

// Many may end at once: what they leave goes bit by bit, also after a restart, and never shows.
TEST_CASE("session_that_ended_leaves_nothing_behind_in_time") {
  Options options = in_memory();
  options.memory_image = make_memory_image();
  Log log;
  log.open_session(100, 10).open_session(300, 10);
  for (std::uint64_t seq = 1; seq <= 500; ++seq) {
    log.in_session(1, seq, kBlue).in_session(2, seq, kBlue);
  }
  std::string snapshot;
  {
    Database database("sessions", options);
    (void)database.apply(log.entries());
    (void)database.apply(Log(1002, 101).no_operation().entries());
    snapshot = snapshot_of(database);
    (void)database.apply(Log(1003, 101).no_operation().no_operation().entries());
    database.flush();
    REQUIRE(database.session_count() == 1);
    REQUIRE(records_on_disk(options) > 600);
  }
  Database database("sessions", options);
  const auto now = snapshot_of(database);
  const auto records = snapshot.size() - kSnapshotHeaderSize - sizeof(std::uint64_t);
  REQUIRE(now.size() == snapshot.size());
  REQUIRE(now.substr(kSnapshotHeaderSize, records) ==
          snapshot.substr(kSnapshotHeaderSize, records));
  for (std::uint64_t index = 1005; index < 1205; ++index) {
    (void)database.apply(Log(index, 101).no_operation().entries());
  }
  database.flush();
  REQUIRE(records_on_disk(options) == 501);
  const auto applied = database.apply(Log(1205, 101).in_session(2, 500, kBlue).entries());
  REQUIRE(applied.effect_indices.at(0) == 1002);
  (void)database.apply(Log(1206, 1000).no_operation().entries());
  Log idle(1207, 1000);
  for (int i = 0; i < 200; ++i) idle.no_operation();
  (void)database.apply(idle.entries());
  database.flush();
  REQUIRE(records_on_disk(options) == 0);
}

// The rules of sessions once more, as plainly as they can be written.
struct Model {
  struct Session {
    std::uint64_t timeout_ms, used_ms, newest = 0;
    std::map<std::uint64_t, std::pair<Outcome, std::uint64_t>> outcomes = {};
  };
  std::map<std::uint64_t, Session> sessions = {};
  std::map<std::string, std::uint64_t> versions = {}, seqs = {};

  Outcome write(const Write& write) {
    if (const auto* set = std::get_if<SetCommand>(&write)) {
      return SetOutcome{++versions[std::string(set->key)]};
    }
    if (const auto* erase = std::get_if<DeleteCommand>(&write)) {
      return DeleteOutcome{versions.erase(std::string(erase->key)) == 1};
    }
    return PublishOutcome{++seqs[std::string(std::get<PublishCommand>(write).channel)]};
  }

  std::pair<Outcome, std::uint64_t> in_session(const SessionCommand& command,
                                               const Committed& entry) {
    const auto found = sessions.find(command.session);
    if (found == sessions.end()) return {SessionExpired{}, entry.index};
    auto& session = found->second;
    session.used_ms = entry.time_ms;
    if (command.seq + kSessionWindow <= session.newest) return {SeqTooOld{}, entry.index};
    session.newest = std::max(session.newest, command.seq);
    const auto known = session.outcomes.find(command.seq);
    if (known != session.outcomes.end()) return known->second;
    return session.outcomes[command.seq] = {write(command.write), entry.index};
  }

  std::pair<Outcome, std::uint64_t> execute(const Committed& entry) {
    std::erase_if(sessions, [&](const auto& each) {
      return entry.time_ms > each.second.used_ms + each.second.timeout_ms;
    });
    if (!entry.command) return {NoOutcome{}, entry.index};
    const auto command = decode_command(entry.command->view());
    if (const auto* in = std::get_if<SessionCommand>(&*command)) return in_session(*in, entry);
    if (const auto* open = std::get_if<OpenSessionCommand>(&*command)) {
      if (sessions.size() >= open->max_sessions) return {SessionsFull{}, entry.index};
      sessions[entry.index] = {open->timeout_ms, entry.time_ms};
      return {SessionOpened{entry.index}, entry.index};
    }
    if (const auto* close = std::get_if<CloseSessionCommand>(&*command)) {
      return {SessionClosed{sessions.erase(close->session) == 1}, entry.index};
    }
    return {write(std::get<SetCommand>(*command)), entry.index};
  }
};

void require_as_model(const Applied& applied, std::span<const Committed> entries) {
  Model model;
  std::array<std::size_t, std::variant_size_v<Outcome>> seen = {};
  std::size_t repeated = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    INFO("index " << i + 1);
    const auto [outcome, index] = model.execute(entries[i]);
    REQUIRE(applied.outcomes[i] == outcome);
    REQUIRE(applied.effect_indices[i] == index);
    ++seen[outcome.index()];
    if (index != entries[i].index) ++repeated;
  }
  std::string kinds;
  for (const auto& count : seen) kinds += fmt::format(" {}", count);
  INFO("outcomes seen by kind:" << kinds);
  for (const auto count : seen) REQUIRE(count > 0);  // else the log is too tame
  REQUIRE(repeated > 100);
}

TEST_CASE("session_rules_hold_under_random_commands_in_any_batches") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    INFO("seed " << seed);
    base::Random random(seed);
    const auto log = random_session_log(random, 4000);
    Database whole("whole", in_memory());
    const auto expected = whole.apply(log.entries());
    require_as_model(expected, log.entries());
    for (const std::size_t most : {1u, 3u, 100u}) {
      Database split("split", in_memory());
      const auto applied = apply_in_batches(split, log.entries(), random, most);
      REQUIRE(applied.outcomes == expected.outcomes);
      REQUIRE(applied.effect_indices == expected.effect_indices);
      REQUIRE(applied.broadcasts == expected.broadcasts);
      REQUIRE(split.state_hash() == whole.state_hash());
      REQUIRE(split.session_count() == whole.session_count());
      REQUIRE(snapshot_of(split) == snapshot_of(whole));
    }
  }
}

// A24, A25: restarts that lose what was not flushed, and snapshots that move the state to another
// place, change no outcome.
TEST_CASE("session_rules_hold_across_restarts_and_snapshots") {
  on_each_store([](const auto& directory, const Options& options) {
    base::Random random(9);
    const auto log = random_session_log(random, 4000);
    const auto entries = log.entries();
    Applied all;
    all.outcomes.resize(entries.size());
    all.effect_indices.resize(entries.size());
    int places = 0;
    auto place = directory / "0";
    Options here = options;
    auto database = std::make_unique<Database>(place, here);
    while (database->applied_index() < entries.size()) {
      const std::uint64_t from = database->applied_index();
      const auto rest = entries.subspan(from);
      const auto part = rest.first(std::min<std::size_t>(rest.size(), random.between(1, 400)));
      const auto applied = apply_in_batches(*database, part, random, 20);
      std::ranges::copy(applied.outcomes, all.outcomes.begin() + static_cast<long>(from));
      std::ranges::copy(applied.effect_indices,
                        all.effect_indices.begin() + static_cast<long>(from));
      const auto next = random.between(1, 3);
      if (next == 1) database->flush();
      if (next == 2) {
        database.reset();
        database = std::make_unique<Database>(place, here);
      }
      if (next == 3) {
        const auto snapshot = snapshot_of(*database, 1000);
        place = directory / std::to_string(++places);
        if (here.in_memory) here.memory_image = make_memory_image();
        database = std::make_unique<Database>(place, here);
        REQUIRE(test::load(*database, snapshot, 777).value() == from + part.size());
        REQUIRE(snapshot_of(*database) == snapshot);
      }
    }
    require_as_model(all, entries);
    Database reference("reference", in_memory());
    (void)reference.apply(entries);
    REQUIRE(database->state_hash() == reference.state_hash());
  });
}

}  // namespace
}  // namespace database
