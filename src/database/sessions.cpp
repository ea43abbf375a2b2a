#include "database/sessions.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "database/integers.h"

namespace database {
namespace {

constexpr std::size_t kSessionKeySize = 8;
constexpr std::size_t kOutcomeKeySize = 10;
constexpr std::size_t kSessionRecordSize = 24;
constexpr std::size_t kOutcomeRecordSize = 25;

// Of outcomes of ended sessions.
constexpr std::size_t kRemovedAnEntry = 4;

enum class WriteKind : unsigned char { kSet = 1, kDelete = 2, kPublish = 3 };

std::array<char, kOutcomeKeySize> outcome_key(std::uint64_t session, std::uint64_t seq) {
  std::array<char, kOutcomeKeySize> key;
  const auto prefix = big_endian(session);
  std::copy(prefix.begin(), prefix.end(), key.begin());
  const std::uint64_t slot = seq % kSessionWindow;
  key[8] = static_cast<char>(slot >> 8);
  key[9] = static_cast<char>(slot);
  return key;
}

std::string_view view_of(const std::array<char, kOutcomeKeySize>& key) {
  return {key.data(), key.size()};
}

std::pair<WriteKind, std::uint64_t> kind_and_number(const Outcome& outcome) {
  if (const auto* set = std::get_if<SetOutcome>(&outcome)) return {WriteKind::kSet, set->version};
  if (const auto* erase = std::get_if<DeleteOutcome>(&outcome)) {
    return {WriteKind::kDelete, erase->found ? 1 : 0};
  }
  const auto* publish = std::get_if<PublishOutcome>(&outcome);
  CHECK(publish != nullptr, "an outcome of kind {} is not that of a write", outcome.index());
  return {WriteKind::kPublish, publish->seq};
}

std::optional<Outcome> to_outcome(char kind, std::uint64_t number) {
  switch (static_cast<WriteKind>(kind)) {
    case WriteKind::kSet:
      if (number == 0) return std::nullopt;
      return SetOutcome{number};
    case WriteKind::kDelete:
      if (number > 1) return std::nullopt;
      return DeleteOutcome{number == 1};
    case WriteKind::kPublish:
      if (number == 0) return std::nullopt;
      return PublishOutcome{number};
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t SessionRecord::expiry_ms() const {
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  return timeout_ms > kNever - used_ms ? kNever : used_ms + timeout_ms;
}

bool SessionRecord::in_window(std::uint64_t seq) const {
  return newest_seq < kSessionWindow || seq > newest_seq - kSessionWindow;
}

std::optional<SessionKey> read_session_key(std::string_view bytes) {
  if (bytes.size() != kSessionKeySize && bytes.size() != kOutcomeKeySize) return std::nullopt;
  const std::uint64_t session = *read_big_endian(bytes.substr(0, kSessionKeySize));
  if (bytes.size() == kSessionKeySize) return SessionKey{session, std::nullopt};
  const std::uint64_t slot =
      static_cast<unsigned char>(bytes[8]) << 8 | static_cast<unsigned char>(bytes[9]);
  if (slot >= kSessionWindow) return std::nullopt;
  return SessionKey{session, slot};
}

std::optional<SessionRecord> read_session_record(std::string_view bytes) {
  if (bytes.size() != kSessionRecordSize) return std::nullopt;
  return SessionRecord{little_endian_at(bytes.data()), little_endian_at(bytes.data() + 8),
                       little_endian_at(bytes.data() + 16)};
}

std::optional<OutcomeRecord> read_outcome_record(std::string_view bytes) {
  if (bytes.size() != kOutcomeRecordSize) return std::nullopt;
  const auto outcome = to_outcome(bytes[16], little_endian_at(bytes.data() + 17));
  if (!outcome) return std::nullopt;
  return OutcomeRecord{little_endian_at(bytes.data()),
                       {*outcome, little_endian_at(bytes.data() + 8)}};
}

Sessions::Sessions(BufferedStore& store) : store_(store) {
  const auto cursor = store_.iterate(Family::kSessions);
  std::uint64_t from = 0;
  for (cursor->seek(view_of(big_endian(from))); cursor->valid();
       cursor->seek(view_of(big_endian(from)))) {
    const auto key = read_session_key(cursor->key());
    if (!key) store_.damaged("the record of a session");
    if (key->slot) {
      ended_.push_back(key->session);
    } else {
      const auto record = read_session_record(cursor->value());
      if (!record) store_.damaged("the record of a session");
      sessions_.emplace(key->session, *record);
      expiries_.emplace(record->expiry_ms(), key->session);
    }
    from = key->session + 1;  // over its outcomes
    if (from == 0) break;
  }
}

void Sessions::advance_to(std::uint64_t time_ms) {
  time_ms_ = time_ms;
  while (!expiries_.empty() && expiries_.begin()->first < time_ms) {
    end(sessions_.find(expiries_.begin()->second));
  }
}

Outcome Sessions::open(const OpenSessionCommand& command, std::uint64_t index) {
  if (sessions_.size() >= std::min(command.max_sessions, kMaxSessions)) return SessionsFull{};
  const SessionRecord record = {command.timeout_ms, time_ms_, 0};
  sessions_.emplace(index, record);
  expiries_.emplace(record.expiry_ms(), index);
  changed_.insert(index);
  return SessionOpened{index};
}

SessionClosed Sessions::close(std::uint64_t session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return {false};
  end(found);
  return {true};
}

void Sessions::end(std::map<std::uint64_t, SessionRecord>::iterator session) {
  const std::uint64_t number = session->first;
  expiries_.erase({session->second.expiry_ms(), number});
  sessions_.erase(session);
  changed_.erase(number);
  store_.erase(Family::kSessions, view_of(big_endian(number)));
  ended_.push_back(number);
}

std::optional<Effect> Sessions::use(const SessionCommand& command, std::uint64_t index) {
  const auto found = sessions_.find(command.session);
  if (found == sessions_.end()) return Effect{SessionExpired{}, index};
  SessionRecord& session = found->second;
  if (session.used_ms != time_ms_) {
    expiries_.erase({session.expiry_ms(), command.session});
    session.used_ms = time_ms_;
    expiries_.emplace(session.expiry_ms(), command.session);
    changed_.insert(command.session);
  }
  if (command.seq > session.newest_seq) return std::nullopt;
  if (!session.in_window(command.seq)) return Effect{SeqTooOld{}, index};
  return kept(command.session, command.seq);
}

std::optional<Effect> Sessions::kept(std::uint64_t session, std::uint64_t seq) const {
  std::string memory;
  const auto bytes = store_.find(Family::kSessions, view_of(outcome_key(session, seq)), memory);
  if (!bytes) return std::nullopt;
  const auto record = read_outcome_record(*bytes);
  if (!record) store_.damaged("the outcome of a request");
  if (record->seq != seq) return std::nullopt;
  return record->effect;
}

void Sessions::keep(const SessionCommand& command, const Effect& effect) {
  SessionRecord& session = sessions_.at(command.session);
  session.newest_seq = std::max(session.newest_seq, command.seq);
  changed_.insert(command.session);
  const auto [kind, number] = kind_and_number(effect.outcome);
  const char kind_byte = static_cast<char>(kind);
  const auto seq = little_endian(command.seq);
  const auto index = little_endian(effect.index);
  const auto number_bytes = little_endian(number);
  store_.put(
      Family::kSessions, view_of(outcome_key(command.session, command.seq)),
      {view_of(seq), view_of(index), std::string_view(&kind_byte, 1), view_of(number_bytes)});
}

void Sessions::remove_outcomes(std::size_t budget) {
  if (ended_.empty()) return;
  std::vector<std::string> keys;
  const auto cursor = store_.iterate(Family::kSessions);
  while (!ended_.empty() && keys.size() < budget) {
    for (cursor->seek(view_of(big_endian(ended_.front()))); cursor->valid(); cursor->next()) {
      const auto key = read_session_key(cursor->key());
      if (!key) store_.damaged("the record of a session");
      if (key->session != ended_.front() || keys.size() == budget) break;
      keys.emplace_back(cursor->key());
    }
    if (keys.size() < budget) ended_.pop_front();
  }
  for (const std::string& key : keys) store_.erase(Family::kSessions, key);
}

void Sessions::finish(std::size_t entries) {
  // An entry adds one session or one outcome, so this gains on them.
  remove_outcomes(kRemovedAnEntry * entries);
  for (const std::uint64_t number : changed_) {
    const SessionRecord& session = sessions_.at(number);
    const auto timeout_ms = little_endian(session.timeout_ms);
    const auto used_ms = little_endian(session.used_ms);
    const auto newest_seq = little_endian(session.newest_seq);
    store_.put(Family::kSessions, view_of(big_endian(number)),
               {view_of(timeout_ms), view_of(used_ms), view_of(newest_seq)});
  }
  changed_.clear();
}

}  // namespace database
