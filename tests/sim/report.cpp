#include "report.h"

#include <algorithm>
#include <span>

#include "base/checksum.h"

namespace sim {
namespace {

constexpr std::size_t kNotesOfANode = 60;

}  // namespace

Statistics& Statistics::operator+=(const Statistics& other) {
  steps += other.steps;
  elections_won += other.elections_won;
  crashes += other.crashes;
  orders_lost += other.orders_lost;
  pauses += other.pauses;
  partitions += other.partitions;
  messages += other.messages;
  messages_lost += other.messages_lost;
  messages_doubled += other.messages_doubled;
  truncations += other.truncations;
  fetches += other.fetches;
  committed += other.committed;
  writes_acknowledged += other.writes_acknowledged;
  reads_served += other.reads_served;
  refused_no_leader += other.refused_no_leader;
  refused_busy += other.refused_busy;
  unknown_outcomes += other.unknown_outcomes;
  return *this;
}

std::string describe(const Statistics& s) {
  return fmt::format(
      "{} steps, {} elections won, {} crashes ({} orders lost), {} pauses, {} partitions, "
      "{} messages ({} lost, {} doubled), {} truncations, {} fetches, {} entries committed, "
      "{} writes acknowledged, {} reads served, refused: {} no leader, {} busy, {} unknown",
      s.steps, s.elections_won, s.crashes, s.orders_lost, s.pauses, s.partitions, s.messages,
      s.messages_lost, s.messages_doubled, s.truncations, s.fetches, s.committed,
      s.writes_acknowledged, s.reads_served, s.refused_no_leader, s.refused_busy,
      s.unknown_outcomes);
}

void Report::mix(raft::NodeId node, std::string_view text,
                 const std::array<std::uint64_t, 3>& numbers) {
  const std::array<std::uint64_t, 7> words{
      hash_,      schedule_.now(), node,      base::checksum(std::as_bytes(std::span(text))),
      numbers[0], numbers[1],      numbers[2]};
  hash_ = base::checksum(std::as_bytes(std::span(words)));
}

Report::Note& Report::next_note(raft::NodeId node) {
  if (notes_.size() <= node) notes_.resize(node + 1);
  Notes& notes = notes_[node];
  if (notes.ring.empty()) notes.ring.resize(kNotesOfANode);
  Note& note = notes.ring[notes.count++ % kNotesOfANode];
  note.at = schedule_.now();
  return note;
}

void Report::note(raft::NodeId node, const char* what, std::uint64_t a, std::uint64_t b,
                  std::uint64_t c) {
  mix(node, what, {a, b, c});
  Note& note = next_note(node);
  note.what = what;
  note.numbers = {a, b, c};
}

void Report::say(raft::NodeId node, const std::string& text) {
  mix(node, text, {});
  Note& note = next_note(node);
  note.what = nullptr;
  note.text = text;
}

std::string Report::last_events() const {
  std::string text;
  for (std::size_t node = 0; node < notes_.size(); ++node) {
    const Notes& notes = notes_[node];
    text += node == 0 ? "the world, last events:\n" : fmt::format("node {}, last events:\n", node);
    const std::uint64_t kept = std::min<std::uint64_t>(notes.count, kNotesOfANode);
    for (std::uint64_t number = notes.count - kept; number < notes.count; ++number) {
      const Note& note = notes.ring[number % kNotesOfANode];
      text += fmt::format("  {:>10.3f} ms  ", static_cast<double>(note.at) / 1000);
      text += note.what == nullptr ? note.text
                                   : fmt::format("{} {} {} {}", note.what, note.numbers[0],
                                                 note.numbers[1], note.numbers[2]);
      text += '\n';
    }
  }
  return text;
}

}  // namespace sim
